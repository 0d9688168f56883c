"""What may happen to a learner's mentorships."""

from typing import Any

from eventkernel.testing.scenario import Given, assert_folds_in_pieces, given
from google.protobuf.message import Message
from hypothesis import given as having
from hypothesis import settings
from hypothesis import strategies as st
from mentoring.common.v1.common_pb2 import (
    PARTY_RELATIONSHIP_ASSESSOR,
    PARTY_RELATIONSHIP_EMPLOYER_CONTACT,
    Party,
    Sealed,
    StandardVersion,
)
from mentoring.sessions.v1.events_pb2 import (
    CANCEL_REASON_LEARNER_WITHDREW,
    CANCEL_REASON_TRANSFERRED,
    BoundariesAgreed,
    MentorshipCancelled,
    MentorshipCompleted,
    MentorshipStarted,
)
from mentoring.sessions.v1.sessions_pb2 import (
    CancelMentorshipRequest,
    CompleteMentorshipRequest,
    StartMentorshipRequest,
)
from pydantic import TypeAdapter
from sessions.domain.mentorship import mentorships
from sessions.domain.mentorship_state import Mentorships
from sessions.domain.standard import Standard, Version

KNOWN = Standard((Version("1.0", ("K1", "K2", "S1")), Version("1.1", ("K1",))))


def start(mentorship_id: str = "mentorship-1", **changes: Any) -> StartMentorshipRequest:
    terms: dict[str, Any] = {
        "learner_id": "learner-1",
        "mentorship_id": mentorship_id,
        "mentor_id": "mentor-1",
        "standard": StandardVersion(reference="ST0148", version="1.0"),
        "employer_id": "employer-1",
        "site_id": "site-1",
        "parties": [
            Party(person_id="contact-1", relationship=PARTY_RELATIONSHIP_EMPLOYER_CONTACT),
            Party(person_id="assessor-1", relationship=PARTY_RELATIONSHIP_ASSESSOR),
        ],
        "boundaries": ["What is said stays here", "No calls after six"],
    }
    return StartMentorshipRequest(**{**terms, **changes})


def started(mentorship_id: str = "mentorship-1", **changes: Any) -> MentorshipStarted:
    command = start(mentorship_id, **changes)
    return MentorshipStarted(
        learner_id=command.learner_id,
        mentorship_id=command.mentorship_id,
        mentor_id=command.mentor_id,
        standard=command.standard,
        employer_id=command.employer_id,
        site_id=command.site_id,
        parties=command.parties,
        ksb_codes=KNOWN.codes_of(command.standard.version),
    )


def agreed(mentorship_id: str = "mentorship-1") -> BoundariesAgreed:
    return BoundariesAgreed(
        learner_id="learner-1",
        mentorship_id=mentorship_id,
        boundaries=Sealed(to_be_sealed="What is said stays here\nNo calls after six"),
    )


def cancel(
    mentorship_id: str = "mentorship-1", reason: Any = CANCEL_REASON_LEARNER_WITHDREW
) -> CancelMentorshipRequest:
    return CancelMentorshipRequest(learner_id="learner-1", mentorship_id=mentorship_id, reason=reason)


def cancelled(mentorship_id: str = "mentorship-1", reason: Any = CANCEL_REASON_LEARNER_WITHDREW) -> MentorshipCancelled:
    return MentorshipCancelled(learner_id="learner-1", mentorship_id=mentorship_id, reason=reason)


def complete(mentorship_id: str = "mentorship-1") -> CompleteMentorshipRequest:
    return CompleteMentorshipRequest(learner_id="learner-1", mentorship_id=mentorship_id)


def completed(mentorship_id: str = "mentorship-1") -> MentorshipCompleted:
    return MentorshipCompleted(learner_id="learner-1", mentorship_id=mentorship_id)


def past(*events: Message) -> Given[Mentorships]:
    return given(mentorships, *events).beside(KNOWN)


def test_a_mentorship_starts_with_the_codes_of_its_standard_and_its_boundaries_sealed() -> None:
    past().when(start()).then(started(), agreed())


def test_starting_it_again_on_the_same_terms_changes_nothing() -> None:
    past(started(), agreed()).when(start()).then_nothing()


def test_the_order_of_the_parties_makes_no_other_terms() -> None:
    again = start(parties=list(reversed(start().parties)))
    past(started(), agreed()).when(again).then_nothing()


def test_a_late_repeat_of_the_start_does_not_bring_an_ended_mentorship_back() -> None:
    story = past(started(), agreed(), cancelled()).when(start()).then_nothing()
    assert not story.state.active


def test_the_same_id_on_other_terms_is_refused() -> None:
    refusal = past(started(), agreed()).when(start(mentor_id="mentor-2")).then_refused("DUPLICATE_MENTORSHIP")
    assert refusal.field == "mentorship_id"


def test_a_second_active_mentorship_of_the_standard_is_refused_in_any_version() -> None:
    other = start("mentorship-2", standard=StandardVersion(reference="ST0148", version="1.1"))
    refusal = past(started(), agreed()).when(other).then_refused("DUPLICATE_MENTORSHIP")
    assert refusal.field == "standard"
    assert "mentorship-1" in refusal.text


def test_a_mentorship_of_another_standard_may_run_beside() -> None:
    other = StandardVersion(reference="ST1379", version="1.0")
    story = past(started(), agreed()).when(start("mentorship-2", standard=other, mentor_id="mentor-2")).after()
    assert len(story.state.active) == 2
    assert story.state.is_mentored_by("mentor-1")
    assert story.state.is_mentored_by("mentor-2")


def test_a_learner_moves_to_another_version_when_the_first_mentorship_has_ended() -> None:
    moved = start("mentorship-2", standard=StandardVersion(reference="ST0148", version="1.1"))
    story = (
        past(started(), agreed())
        .when(cancel(reason=CANCEL_REASON_TRANSFERRED))
        .then(cancelled(reason=CANCEL_REASON_TRANSFERRED))
        .when(moved)
        .after()
    )
    assert [one.ksb_codes for one in story.state.active] == [("K1",)]
    ended = story.state.find("mentorship-1")
    assert ended is not None
    assert (ended.terms.version, ended.ksb_codes) == ("1.0", ("K1", "K2", "S1"))


def test_a_version_that_was_not_heard_of_is_refused_with_what_to_do() -> None:
    unheard = start(standard=StandardVersion(reference="ST0148", version="2.0"))
    refusal = past().when(unheard).then_refused("STANDARD_UNKNOWN")
    assert refusal.field == "standard"
    assert "`mentorstream standard import`" in refusal.text


def test_nobody_is_their_own_mentor() -> None:
    refusal = past().when(start(mentor_id="learner-1")).then_refused("MENTOR_IS_LEARNER")
    assert refusal.field == "mentor_id"


def test_the_learner_is_no_party_to_their_own_mentorship() -> None:
    parties = [*start().parties, Party(person_id="learner-1", relationship=PARTY_RELATIONSHIP_ASSESSOR)]
    refusal = past().when(start(parties=parties)).then_refused("LEARNER_AMONG_PARTIES")
    assert refusal.field == "parties[2].person_id"


def test_an_active_mentorship_is_cancelled_with_a_reason() -> None:
    story = past(started(), agreed()).when(cancel()).then(cancelled())
    assert not story.state.is_mentored_by("mentor-1")


def test_cancelling_again_for_the_same_reason_changes_nothing() -> None:
    past(started(), agreed(), cancelled()).when(cancel()).then_nothing()


def test_the_reason_of_a_cancellation_is_not_changed() -> None:
    past(started(), cancelled()).when(cancel(reason=CANCEL_REASON_TRANSFERRED)).then_refused("MENTORSHIP_NOT_ACTIVE")


def test_an_active_mentorship_is_completed() -> None:
    past(started(), agreed()).when(complete()).then(completed())


def test_completing_again_changes_nothing() -> None:
    past(started(), agreed(), completed()).when(complete()).then_nothing()


def test_a_cancelled_mentorship_is_not_completed() -> None:
    refusal = past(started(), cancelled()).when(complete()).then_refused("MENTORSHIP_NOT_ACTIVE")
    assert "cancelled already" in refusal.text


def test_a_completed_mentorship_is_not_cancelled() -> None:
    refusal = past(started(), completed()).when(cancel()).then_refused("MENTORSHIP_NOT_ACTIVE")
    assert "completed already" in refusal.text


def test_a_mentorship_that_never_started_is_neither_cancelled_nor_completed() -> None:
    assert past().when(cancel()).then_refused("MENTORSHIP_UNKNOWN").field == "mentorship_id"
    assert past().when(complete("mentorship-2")).then_refused("MENTORSHIP_UNKNOWN").field == "mentorship_id"


IDS = st.sampled_from(["mentorship-1", "mentorship-2", "mentorship-3"])
STARTS = st.builds(
    lambda mentorship_id, mentor_id, reference, version: start(
        mentorship_id, mentor_id=mentor_id, standard=StandardVersion(reference=reference, version=version)
    ),
    IDS,
    st.sampled_from(["mentor-1", "mentor-2", "learner-1"]),
    st.sampled_from(["ST0148", "ST1379"]),
    st.sampled_from(["1.0", "1.1", "2.0"]),
)
CANCELS = st.builds(cancel, IDS, st.sampled_from([CANCEL_REASON_LEARNER_WITHDREW, CANCEL_REASON_TRANSFERRED]))
HISTORIES = st.lists(st.one_of(STARTS, CANCELS, st.builds(complete, IDS)), max_size=12)
ADAPTER = TypeAdapter(Mentorships)


@having(HISTORIES)
@settings(max_examples=300)
def test_whatever_is_asked_no_standard_is_mentored_twice_and_no_repeat_counts(commands: list[Message]) -> None:
    story = past()
    for command in commands:
        outcome = story.when(command)
        if outcome.refusal is None:
            story = outcome.after()
            story.when(command).then_nothing()
        assert_every_standard_mentored_once(story.past)
        kept = ADAPTER.dump_json(story.state)
        assert ADAPTER.validate_json(kept) == story.state
        assert b"What is said" not in kept
    assert_folds_in_pieces(mentorships, story.past)


def assert_every_standard_mentored_once(events: tuple[Message, ...]) -> None:
    """Counts on the events themselves, so that a wrong fold cannot hide a wrong decision."""
    running: dict[str, str] = {}
    ended: set[str] = set()
    for event in events:
        if isinstance(event, MentorshipStarted):
            assert event.mentorship_id not in running, "started twice"
            assert event.mentorship_id not in ended, "started again after it ended"
            assert event.mentor_id != event.learner_id
            assert event.standard.reference not in running.values(), "two active mentorships of one standard"
            running[event.mentorship_id] = event.standard.reference
        elif isinstance(event, MentorshipCancelled | MentorshipCompleted):
            del running[event.mentorship_id]
            ended.add(event.mentorship_id)


def test_the_state_says_who_is_active_and_nothing_of_what_was_agreed() -> None:
    state = past(started(), agreed(), started("mentorship-2"), cancelled("mentorship-2")).state
    assert [one.mentorship_id for one in state.active] == ["mentorship-1"]
    assert state.find_active("mentorship-2") is None
