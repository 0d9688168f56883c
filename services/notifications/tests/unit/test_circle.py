"""Circles: who surrounds a learner, as the sessions service published it."""

from collections.abc import Iterable

import pytest
from eventkernel.testing.scenario import assert_folds_in_pieces, given
from mentoring.common.v1.common_pb2 import Party, PartyRelationship
from mentoring.notifications.v1.events_pb2 import Because, CircleRecorded
from mentoring.notifications.v1.notifications_pb2 import RecordCircleRequest
from notifications.domain.circle import Circle, Member, circle
from pydantic import TypeAdapter

BOSS = Party(person_id="boss", relationship=PartyRelationship.PARTY_RELATIONSHIP_EMPLOYER_CONTACT)
JUDGE = Party(person_id="judge", relationship=PartyRelationship.PARTY_RELATIONSHIP_ASSESSOR)
COACH = Party(person_id="coach", relationship=PartyRelationship.PARTY_RELATIONSHIP_COACH)

STARTED = CircleRecorded(
    learner_id="ada", mentorship_id="m-1", mentor_id="mia", parties=[BOSS, JUDGE], standard_reference="ST0148"
)
ENDED = CircleRecorded(learner_id="ada", mentorship_id="m-1", ended=True)
ANOTHER = CircleRecorded(learner_id="ada", mentorship_id="m-2", mentor_id="max", standard_reference="ST0001")
# As it was recorded before the standard was kept.
WITHOUT_STANDARD = CircleRecorded(learner_id="ada", mentorship_id="m-1", mentor_id="mia", parties=[BOSS, JUDGE])


def record(
    mentorship_id: str = "m-1", mentor_id: str = "mia", *parties: Party, ended: bool = False
) -> RecordCircleRequest:
    return RecordCircleRequest(
        learner_id="ada", mentorship_id=mentorship_id, mentor_id=mentor_id, parties=parties, ended=ended,
        standard_reference="" if ended else "ST0148",
    )  # fmt: skip


def people(members: Iterable[Member] | None) -> list[str]:
    assert members is not None
    return [person for person, _ in members]


def test_a_started_mentorship_surrounds_the_learner() -> None:
    given(circle).when(record("m-1", "mia", BOSS, JUDGE)).then(STARTED)


def test_recording_the_same_people_again_changes_nothing_in_whatever_order_they_are_listed() -> None:
    given(circle, STARTED).when(record("m-1", "mia", BOSS, JUDGE)).then_nothing()
    given(circle, STARTED).when(record("m-1", "mia", JUDGE, BOSS, JUDGE)).then_nothing()


def test_the_standard_that_was_not_recorded_before_is_recorded_when_it_is_heard() -> None:
    given(circle, WITHOUT_STANDARD).when(record("m-1", "mia", BOSS, JUDGE)).then(STARTED)


@pytest.mark.parametrize(
    "changed", [record("m-1", "max", BOSS, JUDGE), record("m-1", "mia", BOSS), record("m-2", "mia", BOSS, JUDGE)]
)
def test_other_people_are_recorded(changed: RecordCircleRequest) -> None:
    story = given(circle, STARTED).when(changed)
    assert len(story.events) == 1
    story.after().when(changed).then_nothing()


def test_an_ended_mentorship_keeps_nobody() -> None:
    after = given(circle, STARTED).when(record("m-1", "mia", BOSS, ended=True)).then(ENDED)
    assert people(after.state.members_of("m-1")) == []
    after.when(record("m-1", "", ended=True)).then_nothing()


def test_who_belonged_to_a_mentorship_that_has_ended_is_remembered_by_id_and_belongs_to_it_no_more() -> None:
    state = given(circle, STARTED, ENDED).state
    ended = state.of("m-1")
    assert ended is not None
    assert ended.former_ids == ("boss", "judge", "mia")
    assert not any(state.is_attached(one, "m-1") for one in ended.former_ids)


def test_whoever_goes_on_in_another_relationship_has_not_left() -> None:
    mia = Party(person_id="mia", relationship=PartyRelationship.PARTY_RELATIONSHIP_COACH)
    taken_over = CircleRecorded(learner_id="ada", mentorship_id="m-1", mentor_id="max", parties=[mia, BOSS])
    now = given(circle, STARTED, taken_over).state.of("m-1")
    assert now is not None
    assert now.former_ids == ("judge",)


def test_an_ended_mentorship_never_revives_even_when_its_start_is_heard_late() -> None:
    given(circle).when(record("m-1", "", ended=True)).then(ENDED).when(record("m-1", "mia", BOSS)).then_nothing()


def test_the_end_of_one_mentorship_leaves_the_others() -> None:
    state = given(circle, STARTED, ANOTHER, ENDED).state
    assert people(state.members_of("m-2")) == ["max"]
    assert people(state.members_of("m-1")) == []


def test_a_mentorship_that_goes_on_without_a_mentor_is_refused() -> None:
    refusal = given(circle).when(record("m-1", "")).then_refused("MENTOR_MISSING")
    assert refusal.field == "mentor_id"


def test_members_are_those_of_the_mentorship_asked_for() -> None:
    found = given(circle, STARTED, ANOTHER).state.members_of("m-1")
    assert found is not None
    assert list(found) == [
        ("mia", Because.BECAUSE_MENTOR),
        ("boss", Because.BECAUSE_EMPLOYER_CONTACT),
        ("judge", Because.BECAUSE_ASSESSOR),
    ]


def test_members_on_a_standard_are_those_of_the_mentorship_on_it_that_goes_on() -> None:
    state = given(circle, STARTED, ANOTHER).state
    assert people(state.members_on("ST0148")) == ["mia", "boss", "judge"]
    assert people(state.members_on("ST0001")) == ["max"]
    assert people(state.members_on("ST0002")) == []
    assert people(given(circle, STARTED, ANOTHER, ENDED).state.members_on("ST0148")) == []


def test_members_on_a_standard_are_not_known_while_a_mentorships_standard_is_not() -> None:
    assert Circle().members_on("ST0148") is None
    assert given(circle, WITHOUT_STANDARD, ANOTHER).state.members_on("ST0001") is None
    ended = given(circle, WITHOUT_STANDARD, ENDED, ANOTHER).state
    assert people(ended.members_on("ST0001")) == ["max"]


def test_where_only_the_mentor_is_known_those_are_members_who_belong_to_each_that_may_be_meant() -> None:
    both = given(circle, STARTED, ANOTHER).state
    assert people(both.members_of_each("mia")) == ["mia", "boss", "judge"]
    assert people(both.members_of_each("max")) == ["max"]
    assert people(both.members_of_each("nobody")) == []
    same_mentor = CircleRecorded(
        learner_id="ada", mentorship_id="m-3", mentor_id="mia", parties=[JUDGE], standard_reference="ST0002"
    )
    assert people(given(circle, STARTED, same_mentor).state.members_of_each("mia")) == ["mia", "judge"]


def test_where_an_ended_mentorship_may_be_meant_nobody_is_a_member() -> None:
    ended = CircleRecorded(learner_id="ada", mentorship_id="m-2", ended=True)
    assert people(given(circle, STARTED, ended).state.members_of_each("mia")) == []


def test_a_relationship_without_a_legitimate_need_is_no_reason_to_be_told() -> None:
    with_coach = CircleRecorded(learner_id="ada", mentorship_id="m-1", mentor_id="mia", parties=[COACH])
    assert people(given(circle, with_coach).state.members_of("m-1")) == ["mia"]


def test_nothing_is_known_of_a_learner_not_heard_of() -> None:
    assert Circle().members_of_each("mia") is None
    assert given(circle, STARTED).state.members_of("m-2") is None


def test_a_circle_folds_in_pieces_and_survives_its_snapshot() -> None:
    assert_folds_in_pieces(circle, [STARTED, ANOTHER, ENDED])
    state = given(circle, STARTED, ANOTHER, ENDED).state
    adapter = TypeAdapter(Circle)
    assert adapter.validate_json(adapter.dump_json(state)) == state


def test_who_was_detached_is_known_and_belongs_no_more() -> None:
    left = CircleRecorded(
        learner_id="ada", mentorship_id="m-1", mentor_id="max", parties=[JUDGE], standard_reference="ST0148"
    )
    before, after = given(circle, STARTED).state, given(circle, STARTED, left).state
    assert [before.is_attached(one, "m-1") for one in ("mia", "boss", "judge", "max")] == [True, True, True, None]
    assert [after.is_attached(one, "m-1") for one in ("mia", "boss", "judge", "max")] == [False, False, True, True]
    again = given(circle, STARTED, left, STARTED).state
    assert [again.is_attached(one, "m-1") for one in ("boss", "max")] == [True, False]
    given(circle, STARTED, left).when(record("m-1", "max", JUDGE)).then_nothing()


def test_who_belongs_is_asked_of_the_mentorship_or_standard_that_is_meant() -> None:
    state = given(circle, STARTED, ANOTHER).state
    assert state.is_attached("judge", "m-2") is None
    assert state.is_attached("judge", "m-3") is None
    assert [state.is_attached("judge", "", one) for one in ("ST0148", "ST0001")] == [True, False]
    assert [state.is_attached(one) for one in ("judge", "max", "nobody")] == [True, True, None]
    ended = given(circle, STARTED, ANOTHER, ENDED).state
    assert [ended.is_attached("judge", *meant) for meant in (("m-1",), ("", "ST0148"), ())] == [False, False, False]
    assert Circle().is_attached("judge") is None
