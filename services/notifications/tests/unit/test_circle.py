"""Circles: who surrounds a learner, as the sessions service published it."""

import pytest
from eventkernel.testing.scenario import assert_folds_in_pieces, given
from mentoring.common.v1.common_pb2 import Party, PartyRelationship
from mentoring.notifications.v1.events_pb2 import Because, CircleRecorded
from mentoring.notifications.v1.notifications_pb2 import RecordCircleRequest
from notifications.domain.circle import Circle, circle
from pydantic import TypeAdapter

BOSS = Party(person_id="boss", relationship=PartyRelationship.PARTY_RELATIONSHIP_EMPLOYER_CONTACT)
JUDGE = Party(person_id="judge", relationship=PartyRelationship.PARTY_RELATIONSHIP_ASSESSOR)
COACH = Party(person_id="coach", relationship=PartyRelationship.PARTY_RELATIONSHIP_COACH)

STARTED = CircleRecorded(learner_id="ada", mentorship_id="m-1", mentor_id="mia", parties=[BOSS, JUDGE])
ENDED = CircleRecorded(learner_id="ada", mentorship_id="m-1", ended=True)
ANOTHER = CircleRecorded(learner_id="ada", mentorship_id="m-2", mentor_id="max")


def record(
    mentorship_id: str = "m-1", mentor_id: str = "mia", *parties: Party, ended: bool = False
) -> RecordCircleRequest:
    return RecordCircleRequest(
        learner_id="ada", mentorship_id=mentorship_id, mentor_id=mentor_id, parties=parties, ended=ended
    )


def test_a_started_mentorship_surrounds_the_learner() -> None:
    given(circle).when(record("m-1", "mia", BOSS, JUDGE)).then(STARTED)


def test_recording_the_same_people_again_changes_nothing_in_whatever_order_they_are_listed() -> None:
    given(circle, STARTED).when(record("m-1", "mia", BOSS, JUDGE)).then_nothing()
    given(circle, STARTED).when(record("m-1", "mia", JUDGE, BOSS, JUDGE)).then_nothing()


@pytest.mark.parametrize(
    "changed", [record("m-1", "max", BOSS, JUDGE), record("m-1", "mia", BOSS), record("m-2", "mia", BOSS, JUDGE)]
)
def test_other_people_are_recorded(changed: RecordCircleRequest) -> None:
    story = given(circle, STARTED).when(changed)
    assert len(story.events) == 1
    story.after().when(changed).then_nothing()


def test_an_ended_mentorship_keeps_nobody() -> None:
    after = given(circle, STARTED).when(record("m-1", "mia", BOSS, ended=True)).then(ENDED)
    assert list(after.state.members("")) == []
    assert after.state.knows("m-1")
    after.when(record("m-1", "", ended=True)).then_nothing()


def test_an_ended_mentorship_never_revives_even_when_its_start_is_heard_late() -> None:
    given(circle).when(record("m-1", "", ended=True)).then(ENDED).when(record("m-1", "mia", BOSS)).then_nothing()


def test_the_end_of_one_mentorship_leaves_the_others() -> None:
    state = given(circle, STARTED, ANOTHER, ENDED).state
    assert list(state.members("")) == [("max", Because.BECAUSE_MENTOR)]
    assert list(state.members("m-1")) == []


def test_a_mentorship_that_goes_on_without_a_mentor_is_refused() -> None:
    refusal = given(circle).when(record("m-1", "")).then_refused("MENTOR_MISSING")
    assert refusal.field == "mentor_id"


def test_members_are_those_of_the_mentorship_asked_for() -> None:
    state = given(circle, STARTED, ANOTHER).state
    assert list(state.members("m-1")) == [
        ("mia", Because.BECAUSE_MENTOR),
        ("boss", Because.BECAUSE_EMPLOYER_CONTACT),
        ("judge", Because.BECAUSE_ASSESSOR),
    ]
    assert [person for person, _ in state.members("")] == ["mia", "boss", "judge", "max"]


def test_a_relationship_without_a_legitimate_need_is_no_reason_to_be_told() -> None:
    with_coach = CircleRecorded(learner_id="ada", mentorship_id="m-1", mentor_id="mia", parties=[COACH])
    assert [person for person, _ in given(circle, with_coach).state.members("")] == ["mia"]


def test_nothing_is_known_of_a_learner_not_heard_of() -> None:
    assert not Circle().knows("")
    assert not given(circle, STARTED).state.knows("m-2")


def test_a_circle_folds_in_pieces_and_survives_its_snapshot() -> None:
    assert_folds_in_pieces(circle, [STARTED, ANOTHER, ENDED])
    state = given(circle, STARTED, ANOTHER, ENDED).state
    adapter = TypeAdapter(Circle)
    assert adapter.validate_json(adapter.dump_json(state)) == state
