"""What is noted of a mentorship in its reviews: who surrounds the learner, breaks, its end, and what is due after each; and what is late."""

from dataclasses import replace
from datetime import UTC, date

from eventkernel.aggregate import Context, NotYet
from eventkernel.timestamps import timestamp
from mentoring.common.v1.common_pb2 import Party, PartyRelationship, StandardVersion
from mentoring.evidence.v1.review_events_pb2 import (
    LearningBreak,
    ReviewDueSet,
    ReviewedMentorshipNoted,
    ReviewLate,
    SignaturesLate,
)
from mentoring.evidence.v1.review_pb2 import (
    MarkReviewLateRequest,
    MarkSignaturesLateRequest,
    NoteLearningBreakRequest,
    NoteMentorshipEndRequest,
    NoteReviewedMentorshipRequest,
)
from mentoring.evidence.v1.review_views_pb2 import REVIEW_STATUS_HELD

from evidence.domain.days import day_there
from evidence.domain.review_due import Break, due, ended, to_event
from evidence.domain.review_state import Attached, Mentored, Reviews, known_mentorship
from evidence.domain.support_policy import SupportPolicy


def note_mentorship(
    state: Reviews, command: NoteReviewedMentorshipRequest, context: Context
) -> list[ReviewedMentorshipNoted | ReviewDueSet]:
    """Its start, with all of it; or who surrounds the learner from now on, and by which standard where that changed, where no start is given."""
    parties = tuple(sorted(Attached(party.person_id, party.relationship) for party in command.parties))
    if not command.HasField("started_at"):
        known = known_mentorship(state, command.mentorship_id)
        now = replace(known, mentor_id=command.mentor_id, parties=parties)
        if command.ksb_codes:
            standard = command.standard
            now = replace(
                now, reference=standard.reference, version=standard.version, ksb_codes=tuple(command.ksb_codes)
            )
        return _noted(state, now, context)
    if state.mentored is not None:
        return []
    zone = context.state(SupportPolicy).zone
    mentored = Mentored(
        learner_id=command.learner_id,
        mentorship_id=command.mentorship_id,
        mentor_id=command.mentor_id,
        reference=command.standard.reference,
        version=command.standard.version,
        parties=parties,
        ksb_codes=tuple(command.ksb_codes),
        started_on=day_there(command.started_at.ToDatetime(tzinfo=UTC), zone),
    )
    return _noted(state, mentored, context)


def note_break(
    state: Reviews, command: NoteLearningBreakRequest, context: Context
) -> list[ReviewedMentorshipNoted | ReviewDueSet]:
    """A break begins, or the one that the learner is on ends. Both move what is due."""
    known = known_mentorship(state, command.mentorship_id)
    if command.first_day:
        begun = Break(date.fromisoformat(command.first_day))
        breaks = (
            known.breaks if any(one.first_day == begun.first_day for one in known.breaks) else (*known.breaks, begun)
        )
    else:
        returned_on = date.fromisoformat(command.returned_on)
        breaks = tuple(one if one.returned_on else replace(one, returned_on=returned_on) for one in known.breaks)
    return _noted(state, replace(known, breaks=breaks), context)


def note_end(
    state: Reviews, command: NoteMentorshipEndRequest, context: Context
) -> list[ReviewedMentorshipNoted | ReviewDueSet]:
    """Nothing is due any more, and nothing late."""
    return _noted(state, replace(known_mentorship(state, command.mentorship_id), ended=True), context)


def due_changed(state: Reviews, mentored: Mentored, last_held_on: date | None, context: Context) -> list[ReviewDueSet]:
    """What is due now, where that is another than before."""
    now_due = (
        ended(mentored.mentor_id)
        if mentored.ended
        else due(
            mentor_id=mentored.mentor_id,
            started_on=mentored.started_on,
            last_held_on=last_held_on,
            breaks=mentored.breaks,
            policy=context.state(SupportPolicy),
        )
    )
    return [] if now_due == state.due else [to_event(now_due, mentored.learner_id, mentored.mentorship_id)]


def mark_late(state: Reviews, command: MarkReviewLateRequest, context: Context) -> list[ReviewLate]:
    """Says so once of a day, where this is still the last day and it is over."""
    last_day, found = date.fromisoformat(command.due_on), state.due
    if found is None or found.late_at is None or found.due_on != last_day or state.late_told == last_day:
        return []
    if context.now < found.late_at:
        raise NotYet("DEADLINE_AHEAD", f"{command.due_on} is not over", field="due_on")
    return [
        ReviewLate(
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            mentor_id=found.mentor_id,
            due_on=command.due_on,
        )
    ]


def mark_signatures_late(state: Reviews, command: MarkSignaturesLateRequest, context: Context) -> list[SignaturesLate]:
    """Says so once of a content, where it is still the one that waits to be signed."""
    review = state.find(command.review_id)
    if state.mentored is None or state.mentored.ended or review is None or review.sign_by is None:
        return []
    if review.status != REVIEW_STATUS_HELD or review.content_hash != command.content_hash:
        return []
    if review.late_hash == review.content_hash:
        return []
    if context.now < review.sign_by:
        raise NotYet("DEADLINE_AHEAD", f"it may be signed until {review.sign_by.isoformat()}", field="content_hash")
    return [
        SignaturesLate(
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            mentor_id=state.mentored.mentor_id,
            review_id=review.review_id,
            content_hash=review.content_hash,
            sign_by=timestamp(review.sign_by),
            missing=review.missing,
        )
    ]


def _noted(state: Reviews, mentored: Mentored, context: Context) -> list[ReviewedMentorshipNoted | ReviewDueSet]:
    if mentored == state.mentored:
        return []
    noted = ReviewedMentorshipNoted(
        learner_id=mentored.learner_id,
        mentorship_id=mentored.mentorship_id,
        mentor_id=mentored.mentor_id,
        standard=StandardVersion(reference=mentored.reference, version=mentored.version),
        parties=[
            Party(person_id=one.person_id, relationship=PartyRelationship.ValueType(one.relationship))
            for one in mentored.parties
        ],
        ksb_codes=mentored.ksb_codes,
        started_on=mentored.started_on.isoformat(),
        breaks=[
            LearningBreak(
                first_day=one.first_day.isoformat(),
                returned_on="" if one.returned_on is None else one.returned_on.isoformat(),
            )
            for one in mentored.breaks
        ],
        ended=mentored.ended,
    )
    return [noted, *due_changed(state, mentored, state.last_held_on, context)]
