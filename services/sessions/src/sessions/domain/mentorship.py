"""A learner's mentorships: each one mentor, one standard, one employer, its parties and its boundaries.

Never two active mentorships of one standard, and none in which the learner is the mentor or a party.
"""

from dataclasses import replace

from eventkernel.aggregate import Aggregate, AlreadyDone, Context, Refusal
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.events_pb2 import (
    CANCEL_REASON_HEALTH,
    CANCEL_REASON_LEARNER_WITHDREW,
    BoundariesAgreed,
    BreakInLearningEnded,
    BreakInLearningStarted,
    CancelReason,
    MentorshipCancelled,
    MentorshipCompleted,
    MentorshipStarted,
)
from mentoring.sessions.v1.mentorship_events_pb2 import WithdrawalExplained
from mentoring.sessions.v1.sessions_pb2 import (
    CancelMentorshipRequest,
    CompleteMentorshipRequest,
    EndBreakInLearningRequest,
    StartBreakInLearningRequest,
    StartMentorshipRequest,
)

from sessions.domain import mentorship_people, mentorship_standard
from sessions.domain.days import day
from sessions.domain.mentorship_state import (
    Break,
    Mentorship,
    Mentorships,
    MentorshipStatus,
    Party,
    People,
    Terms,
    changed,
    known,
    parties_of,
    refuse_ended,
)
from sessions.domain.standard import Standard

# Shape 2: who is in a mentorship now is told apart from what it was started with.
mentorships = Aggregate("mentorships", initial=Mentorships(), shape=3)
mentorships.decide(mentorship_people.change_mentor)
mentorships.decide(mentorship_people.change_employer)
mentorships.decide(mentorship_people.attach_party)
mentorships.decide(mentorship_people.detach_party)
mentorships.decide(mentorship_people.agree_boundaries)
mentorships.decide(mentorship_standard.follow_migration)
mentorships.evolve(mentorship_standard.standard_changed)
mentorships.evolve(mentorship_people.mentor_changed)
mentorships.evolve(mentorship_people.employer_changed)
mentorships.evolve(mentorship_people.party_attached)
mentorships.evolve(mentorship_people.party_detached)
mentorships.evolve(mentorship_people.boundaries_agreed)


@mentorships.decide
def start(
    state: Mentorships, command: StartMentorshipRequest, context: Context
) -> list[MentorshipStarted | BoundariesAgreed]:
    """Starts a mentorship on a version of a standard that is known here, with the boundaries agreed (B2)."""
    terms = _terms(command)
    existing = state.find(command.mentorship_id)
    if existing is not None and existing.terms == terms:
        return []
    if existing is not None:
        raise Refusal(
            "DUPLICATE_MENTORSHIP",
            f"mentorship {command.mentorship_id} was started on other terms; start this one under a new id",
            field="mentorship_id",
        )
    _refuse_learner_in_another_part(command)
    same = next((one for one in state.active if one.reference == terms.reference), None)
    if same is not None:
        raise Refusal(
            "DUPLICATE_MENTORSHIP",
            f"the learner is being mentored on {terms.reference} already, in mentorship {same.mentorship_id}; "
            "complete or cancel that one first",
            field="standard",
        )
    retired_from = context.state(Standard).retired_from(terms.version)
    if retired_from and retired_from <= context.now.date().isoformat():
        raise Refusal(
            "STANDARD_RETIRED",
            f"no mentorship starts on {terms.reference} {terms.version} since {retired_from}; start it on what took its place",
            field="standard",
        )
    codes = context.state(Standard).codes_of(terms.version)
    if codes is None:
        raise Refusal(
            "STANDARD_UNKNOWN",
            f"{terms.reference} {terms.version} is not known here; import it first, with `mentorstream standard import` or the evidence "
            "service's ImportStandard: it is heard of within moments",
            field="standard",
        )
    return [
        MentorshipStarted(
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            mentor_id=command.mentor_id,
            standard=command.standard,
            employer_id=command.employer_id,
            site_id=command.site_id,
            parties=command.parties,
            ksb_codes=codes,
        ),
        BoundariesAgreed(
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            boundaries=Sealed(to_be_sealed="\n".join(command.boundaries)),
        ),
    ]


@mentorships.decide
def cancel(
    state: Mentorships, command: CancelMentorshipRequest, context: Context
) -> list[MentorshipCancelled | WithdrawalExplained]:
    """Ends a mentorship before its goal, with a reason. Moving to another standard is one.

    That it is for health is special-category data: it is sealed, and what is published says that the learner withdrew.
    """
    found = known(state, command.mentorship_id)
    in_confidence = bool(command.detail) or command.reason == CANCEL_REASON_HEALTH
    reason = CANCEL_REASON_LEARNER_WITHDREW if command.reason == CANCEL_REASON_HEALTH else command.reason
    digest = context.digest(command.SerializeToString(deterministic=True)) if in_confidence else ""
    if found.status is MentorshipStatus.CANCELLED and (found.cancel_reason, found.explained) == (reason, digest):
        return AlreadyDone()
    refuse_ended(found)
    events: list[MentorshipCancelled | WithdrawalExplained] = [
        MentorshipCancelled(learner_id=command.learner_id, mentorship_id=command.mentorship_id, reason=reason)
    ]
    if in_confidence:
        events.append(
            WithdrawalExplained(
                learner_id=command.learner_id,
                mentorship_id=command.mentorship_id,
                reason=Sealed(to_be_sealed=CancelReason.Name(command.reason)),
                detail=Sealed(to_be_sealed=command.detail) if command.detail else None,
                content_digest=digest,
            )
        )
    return events


@mentorships.decide
def complete(state: Mentorships, command: CompleteMentorshipRequest, _context: Context) -> list[MentorshipCompleted]:
    """Ends a mentorship that reached its goal."""
    found = known(state, command.mentorship_id)
    if found.status is MentorshipStatus.COMPLETED:
        return []
    refuse_ended(found)
    return [MentorshipCompleted(learner_id=command.learner_id, mentorship_id=command.mentorship_id)]


@mentorships.decide
def start_break(
    state: Mentorships, command: StartBreakInLearningRequest, _context: Context
) -> list[BreakInLearningStarted]:
    """The learner does not learn for a while. One break at a time, and none that begins before the last one ended."""
    found = known(state, command.mentorship_id)
    first, last, current = day(command.first_day, "first_day"), found.newest_break, found.current_break
    if command.expected_return and day(command.expected_return, "expected_return") <= first:
        raise _before_it_begins("expected_return", command.expected_return, command.first_day)
    if current == Break(command.first_day, command.expected_return):
        return []
    refuse_ended(found)
    if current is not None:
        raise Refusal(
            "ALREADY_ON_BREAK",
            f"the learner has been on a break since {current.first_day}; end that one first",
            field="mentorship_id",
        )
    if last is not None and command.first_day < last.returned_on:
        raise Refusal(
            "BREAKS_OVERLAP",
            f"the learner was back on {last.returned_on}; give a first day from then on",
            field="first_day",
        )
    return [
        BreakInLearningStarted(
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            first_day=command.first_day,
            expected_return=command.expected_return,
            reason=Sealed(to_be_sealed=command.reason),
        )
    ]


@mentorships.decide
def end_break(state: Mentorships, command: EndBreakInLearningRequest, _context: Context) -> list[BreakInLearningEnded]:
    """The learner is back."""
    found = known(state, command.mentorship_id)
    day(command.returned_on, "returned_on")
    last, current = found.newest_break, found.current_break
    if last is not None and last.returned_on == command.returned_on:
        return []
    refuse_ended(found)
    if current is None:
        raise Refusal("NOT_ON_BREAK", "the learner is not on a break; start one first", field="mentorship_id")
    if command.returned_on <= current.first_day:
        raise _before_it_begins("returned_on", command.returned_on, current.first_day)
    return [
        BreakInLearningEnded(
            learner_id=command.learner_id, mentorship_id=command.mentorship_id, returned_on=command.returned_on
        )
    ]


@mentorships.evolve
def started(state: Mentorships, event: MentorshipStarted) -> Mentorships:
    """One mentorship more."""
    people = People(event.mentor_id, event.employer_id, event.site_id, parties_of(event.parties))
    return Mentorships((*state.all, Mentorship(event.mentorship_id, _terms(event), tuple(event.ksb_codes), people)))


@mentorships.evolve
def cancelled(state: Mentorships, event: MentorshipCancelled) -> Mentorships:
    """It has ended, with this reason."""
    return changed(state, event.mentorship_id, status=MentorshipStatus.CANCELLED, cancel_reason=event.reason)


@mentorships.evolve
def withdrawal_explained(state: Mentorships, event: WithdrawalExplained) -> Mentorships:
    """What was said stays sealed."""
    return changed(state, event.mentorship_id, explained=event.content_digest)


@mentorships.evolve
def completed(state: Mentorships, event: MentorshipCompleted) -> Mentorships:
    """It has ended well."""
    return changed(state, event.mentorship_id, status=MentorshipStatus.COMPLETED)


@mentorships.evolve
def break_started(state: Mentorships, event: BreakInLearningStarted) -> Mentorships:
    """They are away."""
    return changed(state, event.mentorship_id, newest_break=Break(event.first_day, event.expected_return))


@mentorships.evolve
def break_ended(state: Mentorships, event: BreakInLearningEnded) -> Mentorships:
    """They are back."""
    found = state.find(event.mentorship_id)
    if found is None or found.newest_break is None:
        return state
    return changed(state, event.mentorship_id, newest_break=replace(found.newest_break, returned_on=event.returned_on))


def _terms(of: StartMentorshipRequest | MentorshipStarted) -> Terms:
    return Terms(
        mentor_id=of.mentor_id,
        reference=of.standard.reference,
        version=of.standard.version,
        employer_id=of.employer_id,
        site_id=of.site_id,
        parties=tuple(sorted(Party(one.person_id, one.relationship) for one in of.parties)),
    )


def _refuse_learner_in_another_part(command: StartMentorshipRequest) -> None:
    if command.mentor_id == command.learner_id:
        raise Refusal(
            "MENTOR_IS_LEARNER", "a learner cannot be their own mentor; name somebody else", field="mentor_id"
        )
    for index, party in enumerate(command.parties):
        if party.person_id == command.learner_id:
            raise Refusal(
                "LEARNER_AMONG_PARTIES",
                "the learner cannot be a party to their own mentorship; leave them out of the parties",
                field=f"parties[{index}].person_id",
            )


def _before_it_begins(field: str, given: str, first_day: str) -> Refusal:
    return Refusal(
        "ENDS_BEFORE_IT_BEGINS",
        f"{field} {given} is not after the break's first day {first_day}; give a later day",
        field=field,
    )
