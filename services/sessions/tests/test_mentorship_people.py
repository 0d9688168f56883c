"""A mentorship goes on with another mentor, another employer, other parties, other boundaries; and ends for a reason."""

from typing import Any

import pytest
from eventkernel.aggregate import AlreadyDone, Context
from eventkernel.testing.scenario import NOON, Given, assert_folds_in_pieces, person
from google.protobuf.message import Message
from hypothesis import given as having
from hypothesis import settings
from hypothesis import strategies as st
from mentoring.common.v1.common_pb2 import (
    PARTY_RELATIONSHIP_ASSESSOR,
    PARTY_RELATIONSHIP_COACH,
    PARTY_RELATIONSHIP_EMPLOYER_CONTACT,
    Party,
    Sealed,
    StandardVersion,
)
from mentoring.sessions.v1.events_pb2 import (
    CANCEL_REASON_HEALTH,
    CANCEL_REASON_LEARNER_WITHDREW,
    CANCEL_REASON_REDUNDANCY,
    BoundariesAgreed,
    MentorshipCancelled,
)
from mentoring.sessions.v1.mentorship_events_pb2 import (
    EmployerChanged,
    MentorChanged,
    PartyAttached,
    PartyDetached,
    WithdrawalExplained,
)
from mentoring.sessions.v1.mentorship_pb2 import (
    AgreeBoundariesRequest,
    AttachPartyRequest,
    ChangeEmployerRequest,
    ChangeMentorRequest,
    DetachPartyRequest,
)
from mentoring.sessions.v1.sessions_pb2 import CancelMentorshipRequest
from pydantic import TypeAdapter
from sessions.domain.mentorship import mentorships
from sessions.domain.mentorship_state import Mentorship, Mentorships

from .test_mentorship import agreed, cancelled, complete, completed, past, start, started

NAMES: dict[str, Any] = {"learner_id": "learner-1", "mentorship_id": "mentorship-1"}
STANDARD = StandardVersion(reference="ST0148", version="1.0")
ASSESSOR = Party(person_id="assessor-1", relationship=PARTY_RELATIONSHIP_ASSESSOR)
CONTACT = Party(person_id="contact-1", relationship=PARTY_RELATIONSHIP_EMPLOYER_CONTACT)
COACH = Party(person_id="coach-1", relationship=PARTY_RELATIONSHIP_COACH)
MENTOR, ANOTHER_MENTOR = person("mentor-1", "mentor"), person("mentor-2", "mentor")


def take_over(mentor_id: str = "mentor-2", **changed: Any) -> ChangeMentorRequest:
    return ChangeMentorRequest(**NAMES | changed, mentor_id=mentor_id)


def taken_over(mentor_id: str = "mentor-2", former: str = "mentor-1") -> MentorChanged:
    return MentorChanged(
        **NAMES, mentor_id=mentor_id, former_mentor_id=former, standard=STANDARD, parties=[ASSESSOR, CONTACT]
    )


def employ(employer_id: str = "employer-2", site_id: str = "site-2", *contacts: str) -> ChangeEmployerRequest:
    return ChangeEmployerRequest(**NAMES, employer_id=employer_id, site_id=site_id, employer_contact_ids=contacts)


def attach(party: Party = COACH, **changed: Any) -> AttachPartyRequest:
    return AttachPartyRequest(**NAMES | changed, party=party)


def attached(party: Party = COACH, parties: tuple[Party, ...] = (ASSESSOR, COACH, CONTACT)) -> PartyAttached:
    return PartyAttached(**NAMES, mentor_id="mentor-1", standard=STANDARD, party=party, parties=parties)


def detach(party: Party = CONTACT, **changed: Any) -> DetachPartyRequest:
    return DetachPartyRequest(**NAMES | changed, party=party)


def detached(party: Party = CONTACT, parties: tuple[Party, ...] = (ASSESSOR,)) -> PartyDetached:
    return PartyDetached(**NAMES, mentor_id="mentor-1", standard=STANDARD, party=party, parties=parties)


def agree(*boundaries: str, on: str = "2026-03-02", **changed: Any) -> AgreeBoundariesRequest:
    return AgreeBoundariesRequest(**NAMES | changed, boundaries=boundaries or ["No calls after four"], agreed_on=on)


def only(story: Given[Mentorships]) -> Mentorship:
    (one,) = story.state.all
    return one


def test_another_mentor_takes_over_and_the_former_one_is_a_stranger() -> None:
    state = past(started(), agreed()).when(take_over()).then(taken_over()).state
    assert state.is_mentored_by("mentor-2")
    assert not state.is_mentored_by("mentor-1")
    assert not state.was_mentored_to_the_end_by("mentor-1")
    ended = past(started(), taken_over(), completed()).state
    assert ended.was_mentored_to_the_end_by("mentor-2")
    assert not ended.was_mentored_to_the_end_by("mentor-1")


def test_a_mentor_comes_back() -> None:
    state = past(started(), taken_over()).when(take_over("mentor-1")).then(taken_over("mentor-1", "mentor-2")).state
    assert state.is_mentored_by("mentor-1")


def test_a_late_repeat_of_the_start_is_known_whatever_changed_since() -> None:
    past(started(), taken_over(), detached()).when(start()).then_nothing()
    past(started(), taken_over()).when(start(mentor_id="mentor-2")).then_refused("DUPLICATE_MENTORSHIP")


def test_another_employer_leaves_the_former_ones_contacts_behind() -> None:
    new = Party(person_id="contact-2", relationship=PARTY_RELATIONSHIP_EMPLOYER_CONTACT)
    story = past(started()).when(employ("employer-2", "site-2", "contact-2"))
    after = story.then(
        EmployerChanged(
            **NAMES, mentor_id="mentor-1", standard=STANDARD, employer_id="employer-2", site_id="site-2",
            former_employer_id="employer-1", former_site_id="site-1", parties=[ASSESSOR, new],
        )
    )  # fmt: skip
    people = only(after).people
    assert (people.employer_id, people.site_id) == ("employer-2", "site-2")
    assert [one.person_id for one in people.parties] == ["assessor-1", "contact-2"]
    after.when(employ("employer-2", "site-2", "contact-2")).then_nothing()
    after.when(employ("employer-2", "site-2")).then_nothing()


def test_another_site_of_the_same_employer_keeps_the_contacts() -> None:
    (event,) = past(started()).when(employ("employer-1", "site-2")).events
    assert isinstance(event, EmployerChanged)
    assert list(event.parties) == [ASSESSOR, CONTACT]


def test_a_party_is_attached_beside_the_others() -> None:
    after = past(started()).when(attach()).then(attached())
    after.when(attach()).then_nothing()
    second = Party(person_id="contact-1", relationship=PARTY_RELATIONSHIP_COACH)
    (event,) = past(started()).when(attach(second)).events
    assert isinstance(event, PartyAttached)
    assert list(event.parties) == [ASSESSOR, CONTACT, second]


def test_a_party_is_detached_from_one_relationship() -> None:
    after = past(started()).when(detach()).then(detached())
    after.when(detach()).then_nothing()
    assert CONTACT.person_id not in {one.person_id for one in only(after).people.parties}
    (event,) = after.when(attach(CONTACT)).events
    assert isinstance(event, PartyAttached)


def test_whoever_was_never_attached_is_not_detached_in_silence() -> None:
    for other in (COACH, Party(person_id="contact-1", relationship=PARTY_RELATIONSHIP_COACH)):
        assert past(started()).when(detach(other)).then_refused("PARTY_UNKNOWN").field == "party"


LEARNER = Party(person_id="learner-1", relationship=PARTY_RELATIONSHIP_COACH)


@pytest.mark.parametrize(
    ("command", "code", "field"),
    [
        (take_over("learner-1"), "MENTOR_IS_LEARNER", "mentor_id"),
        (employ("employer-2", "site-2", "contact-2", "learner-1"), "LEARNER_AMONG_PARTIES", "employer_contact_ids[1]"),
        (attach(LEARNER), "LEARNER_AMONG_PARTIES", "party.person_id"),
        (take_over(mentorship_id="another"), "MENTORSHIP_UNKNOWN", "mentorship_id"),
        (attach(mentorship_id="another"), "MENTORSHIP_UNKNOWN", "mentorship_id"),
        (detach(mentorship_id="another"), "MENTORSHIP_UNKNOWN", "mentorship_id"),
        (agree(mentorship_id="another"), "MENTORSHIP_UNKNOWN", "mentorship_id"),
        (agree(on="2026-02-30"), "NO_SUCH_DAY", "agreed_on"),
        (agree(on="2026-03-04"), "NOT_DONE_YET", "agreed_on"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_its_field(command: Message, code: str, field: str) -> None:
    assert past(started()).when(command, by=MENTOR).then_refused(code).field == field


@pytest.mark.parametrize("ended", [cancelled(), completed()])
@pytest.mark.parametrize("command", [take_over(), employ(), attach(), detach(), agree()])
def test_nothing_changes_in_what_has_ended(command: Message, ended: Message) -> None:
    past(started(), ended).when(command, by=MENTOR).then_refused("MENTORSHIP_NOT_ACTIVE")


@pytest.mark.parametrize("ended", [cancelled(), completed()])
def test_what_was_done_before_the_end_is_a_repeat_afterwards(ended: Message) -> None:
    past(started(), taken_over(), ended).when(take_over()).then_nothing()
    past(started(), attached(), ended).when(attach()).then_nothing()
    past(started(), detached(), ended).when(detach()).then_nothing()


def test_fifty_parties_and_no_more() -> None:
    many = [Party(person_id=f"coach-{number}", relationship=PARTY_RELATIONSHIP_COACH) for number in range(50)]
    full = past(started(parties=many))
    assert full.when(attach(ASSESSOR)).then_refused("TOO_MANY_PARTIES").field == "party"
    assert full.when(employ("e", "s", "contact-9")).then_refused("TOO_MANY_PARTIES").field == "employer_contact_ids"


def test_boundaries_are_agreed_anew_by_the_mentor_and_the_same_words_on_another_day_count_as_looked_at() -> None:
    outcome = past(started(), agreed()).when(agree(), by=MENTOR)
    (event,) = outcome.events
    assert isinstance(event, BoundariesAgreed)
    assert (event.boundaries, event.agreed_on) == (Sealed(to_be_sealed="No calls after four"), "2026-03-02")
    assert event.content_digest
    outcome.after().when(agree(), by=MENTOR).then_nothing()
    assert len(outcome.after().when(agree(on="2026-03-03"), by=MENTOR).events) == 1
    assert len(outcome.after().when(agree("No calls"), by=MENTOR).events) == 1
    refusal = outcome.after().when(agree(on="2026-03-01"), by=MENTOR).then_refused("BOUNDARIES_AGREED_SINCE")
    assert refusal.field == "agreed_on"


def test_boundaries_agreed_anew_are_known_again_by_all_their_words() -> None:
    """Otherwise the kernel would have to refuse the repeat, since it cannot compare sealed text."""
    story = past(started()).when(agree(), by=MENTOR).after()
    context = Context(principal=MENTOR, now=NOON, command_id="command-2")
    decided = mentorships.decisions[AgreeBoundariesRequest](story.state, agree(), context)
    assert isinstance(decided, AlreadyDone)


def test_to_another_mentor_of_the_learner_the_mentorship_is_unknown() -> None:
    there = past(started()).when(agree(), by=ANOTHER_MENTOR).then_refused("MENTORSHIP_UNKNOWN")
    nowhere = past().when(agree(), by=ANOTHER_MENTOR).then_refused("MENTORSHIP_UNKNOWN")
    assert (there.text, there.field) == (nowhere.text, nowhere.field)
    former = past(started(), taken_over()).when(agree(), by=MENTOR).then_refused("MENTORSHIP_UNKNOWN")
    assert former.text == nowhere.text


def withdraw(reason: Any = CANCEL_REASON_REDUNDANCY, detail: str = "") -> CancelMentorshipRequest:
    return CancelMentorshipRequest(**NAMES, reason=reason, detail=detail)


def test_a_reason_that_a_provider_reports_is_published() -> None:
    after = past(started()).when(withdraw()).then(MentorshipCancelled(**NAMES, reason=CANCEL_REASON_REDUNDANCY))
    after.when(withdraw()).then_nothing()


def test_that_it_was_for_health_is_only_kept_sealed() -> None:
    first, second = past(started()).when(withdraw(CANCEL_REASON_HEALTH)).events
    assert first == MentorshipCancelled(**NAMES, reason=CANCEL_REASON_LEARNER_WITHDREW)
    assert isinstance(second, WithdrawalExplained)
    assert second.reason == Sealed(to_be_sealed="CANCEL_REASON_HEALTH")
    assert not second.HasField("detail")


def test_what_was_said_in_confidence_is_sealed_and_known_again() -> None:
    told = withdraw(CANCEL_REASON_HEALTH, "An operation")
    after = past(started()).when(told).after()
    (_, explained) = after.past[1:]
    assert isinstance(explained, WithdrawalExplained)
    assert explained.detail == Sealed(to_be_sealed="An operation")
    after.when(told).then_nothing()
    for other in (
        withdraw(CANCEL_REASON_HEALTH, "Something else"),
        withdraw(CANCEL_REASON_HEALTH),
        withdraw(CANCEL_REASON_LEARNER_WITHDREW),
        withdraw(CANCEL_REASON_LEARNER_WITHDREW, "An operation"),
    ):
        after.when(other).then_refused("MENTORSHIP_NOT_ACTIVE")


def test_the_state_keeps_no_word_of_it() -> None:
    told = withdraw(CANCEL_REASON_HEALTH, "An operation")
    kept = TypeAdapter(Mentorships).dump_json(past(started()).when(agree(), by=MENTOR).after().when(told).after().state)
    assert not any(word in kept for word in (b"operation", b"HEALTH", b"calls"))


PEOPLE = st.sampled_from(["mentor-1", "mentor-2", "p-1", "p-2"])
PARTIES = st.builds(
    lambda person_id, relationship: Party(person_id=person_id, relationship=relationship),
    PEOPLE,
    st.sampled_from([PARTY_RELATIONSHIP_COACH, PARTY_RELATIONSHIP_EMPLOYER_CONTACT]),
)
COMMANDS = st.lists(
    st.one_of(
        st.builds(take_over, PEOPLE),
        st.builds(employ, st.sampled_from(["e-1", "e-2"]), st.sampled_from(["s-1", "s-2"]), PEOPLE),
        st.builds(attach, PARTIES),
        st.builds(detach, PARTIES),
        st.builds(start),
        st.builds(withdraw),
        st.builds(complete),
    ),
    max_size=15,
)


@having(COMMANDS)
@settings(max_examples=300)
def test_whatever_is_asked_the_newest_event_tells_of_all_who_are_there_and_no_repeat_counts(
    commands: list[Message],
) -> None:
    story = past(started())
    there = (
        "mentor-1",
        {("assessor-1", PARTY_RELATIONSHIP_ASSESSOR), ("contact-1", PARTY_RELATIONSHIP_EMPLOYER_CONTACT)},
    )
    for command in commands:
        outcome = story.when(command)
        if outcome.refusal is not None:
            continue
        for event in outcome.events:
            if isinstance(event, MentorChanged | EmployerChanged | PartyAttached | PartyDetached):
                there = (event.mentor_id, {(one.person_id, one.relationship) for one in event.parties})
        story = outcome.after()
        story.when(command).then_nothing()
        found = only(story)
        assert (found.mentor_id, {(one.person_id, one.relationship) for one in found.people.parties}) == there
        assert not set(found.people.parties) & set(found.people.detached)
    assert_folds_in_pieces(mentorships, story.past)
    adapter = TypeAdapter(Mentorships)
    assert adapter.validate_json(adapter.dump_json(story.state)) == story.state
