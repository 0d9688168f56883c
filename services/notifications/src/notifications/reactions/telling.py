"""What is told, of which kind of information, and to whom it goes: a circle by the matrix, a concern by the part a person has in it,
a contact to whom it belonged.

Nobody is told of their own act: whose it was stands in the event, since a record carries no actor. The start of a mentorship is told as
PROGRESS: it is where a learner's progress on a standard begins, and everyone who works towards that (assessor, employer, provider)
needs to know, which the SESSION row would not tell them.

What happened in one mentorship is told to nobody of another: they may be at another employer. Evidence belongs to a standard, and a
learner has one mentorship at a time on it.
"""

from collections.abc import Iterator

from eventkernel.messages import Metadata, derived_id
from eventkernel.reaction import Reaction
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.evidence.v1.events_pb2 import EvidenceAccepted, EvidenceReferred
from mentoring.notifications.v1.events_pb2 import Because, ContactReplaced, Occasion
from mentoring.notifications.v1.notifications_pb2 import TellCircleRequest, TellPersonRequest
from mentoring.safeguarding.v1.duty_events_pb2 import DutyGapFound
from mentoring.safeguarding.v1.events_pb2 import (
    AssigneeRole,
    ConcernAssigned,
    ConcernCategory,
    ConcernReceived,
    Severity,
)
from mentoring.safeguarding.v1.handling_events_pb2 import ConcernAcknowledgementLapsed, ConcernChased
from mentoring.sessions.v1.events_pb2 import (
    MentorshipStarted,
    SessionCancelled,
    SessionHeld,
    SessionMissed,
    SessionMoved,
    SessionPlanned,
)
from mentoring.sessions.v1.mentorship_events_pb2 import MentorChanged

telling = Reaction("telling")

_ASSIGNED_BECAUSE = {
    AssigneeRole.ASSIGNEE_ROLE_DSL_ON_DUTY: Because.BECAUSE_DSL_ON_DUTY,
    AssigneeRole.ASSIGNEE_ROLE_DEPUTY_DSL: Because.BECAUSE_DEPUTY_DSL_NEXT_ON_THE_LADDER,
    AssigneeRole.ASSIGNEE_ROLE_SENIOR_LEAD: Because.BECAUSE_SENIOR_LEAD_LAST_RESORT,
    AssigneeRole.ASSIGNEE_ROLE_HANDLER: Because.BECAUSE_HANDLES_THE_CONCERN,
}


@telling.on
def mentorship_started(event: MentorshipStarted, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told to all who work towards the learner's progress."""
    yield TellCircleRequest(
        telling_id=_telling_id(meta),
        learner_id=event.learner_id,
        kind=InformationKind.INFORMATION_KIND_PROGRESS,
        occasion=Occasion.OCCASION_MENTORSHIP_STARTED,
        about_id=event.mentorship_id,
        mentorship_id=event.mentorship_id,
    )


@telling.on
def mentor_changed(event: MentorChanged, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told to all who work towards the learner's progress, the new mentor among them; not to the former one."""
    yield TellCircleRequest(
        telling_id=_telling_id(meta),
        learner_id=event.learner_id,
        kind=InformationKind.INFORMATION_KIND_PROGRESS,
        occasion=Occasion.OCCASION_MENTOR_CHANGED,
        about_id=event.mentorship_id,
        mentorship_id=event.mentorship_id,
        mentor_id=event.mentor_id,
    )


@telling.on
def session_planned(event: SessionPlanned, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told within the session's own mentorship."""
    yield _about_session(event, Occasion.OCCASION_SESSION_PLANNED, meta)


@telling.on
def session_moved(event: SessionMoved, meta: Metadata) -> Iterator[TellCircleRequest]:
    """That it was moved is told; to when, the link shows to whoever may see it, and why is not told."""
    yield _about_session(event, Occasion.OCCASION_SESSION_MOVED, meta)


@telling.on
def session_missed(event: SessionMissed, meta: Metadata) -> Iterator[TellCircleRequest]:
    """That it was missed is told; why is not."""
    yield _about_session(event, Occasion.OCCASION_SESSION_MISSED, meta)


@telling.on
def session_cancelled(event: SessionCancelled, meta: Metadata) -> Iterator[TellCircleRequest]:
    """That it was cancelled is told; why and whose the reason was is not."""
    yield _about_session(event, Occasion.OCCASION_SESSION_CANCELLED, meta)


@telling.on
def session_held(event: SessionHeld, meta: Metadata) -> Iterator[TellCircleRequest]:
    """That there is a shared record is told, not a word of it."""
    yield _about_session(
        event,
        Occasion.OCCASION_SESSION_RECORD_SHARED,
        meta,
        kind=InformationKind.INFORMATION_KIND_SESSION_RECORD,
    )


@telling.on
def evidence_accepted(event: EvidenceAccepted, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told without the feedback."""
    yield _judged(event, Occasion.OCCASION_EVIDENCE_ACCEPTED, meta)


@telling.on
def evidence_referred(event: EvidenceReferred, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told without the feedback."""
    yield _judged(event, Occasion.OCCASION_EVIDENCE_REFERRED, meta)


@telling.on
def concern_received(event: ConcernReceived, meta: Metadata) -> Iterator[TellPersonRequest]:
    """Told to the raiser, unless the raiser is to stay unknown. In immediate danger the message says what to do now."""
    if not event.raiser_id:
        return
    danger = event.severity == Severity.SEVERITY_IMMEDIATE_DANGER
    yield TellPersonRequest(
        telling_id=_telling_id(meta),
        person_id=event.raiser_id,
        occasion=(
            Occasion.OCCASION_CONCERN_RECEIVED_IMMEDIATE_DANGER if danger else Occasion.OCCASION_CONCERN_RECEIVED
        ),
        about_id=event.concern_id,
        because=Because.BECAUSE_RAISED_THE_CONCERN,
    )


@telling.on
def concern_assigned(event: ConcernAssigned, meta: Metadata) -> Iterator[TellPersonRequest]:
    """Told to the assignee, with the raiser's role and the category and nothing else; also that it was added to, and not by whom."""
    if not event.assignee_id:
        return
    added_to = event.assignee_role == AssigneeRole.ASSIGNEE_ROLE_HANDLER
    yield TellPersonRequest(
        telling_id=_telling_id(meta),
        person_id=event.assignee_id,
        occasion=Occasion.OCCASION_CONCERN_ADDED_TO if added_to else Occasion.OCCASION_CONCERN_ASSIGNED,
        about_id=event.concern_id,
        # A role that this version does not know is still asked to act: the last rung is the one that always holds.
        because=_ASSIGNED_BECAUSE.get(event.assignee_role, Because.BECAUSE_SENIOR_LEAD_LAST_RESORT),
        raiser_role=event.raiser_role,
        category=_category(event.category),
    )


@telling.on
def concern_chased(event: ConcernChased, meta: Metadata) -> Iterator[TellPersonRequest]:
    """Told to whoever has it, and not what is overdue."""
    yield from _to_handler(event.handler_id, event.concern_id, Occasion.OCCASION_CONCERN_CHASED, meta)


@telling.on
def concern_lapsed(event: ConcernAcknowledgementLapsed, meta: Metadata) -> Iterator[TellPersonRequest]:
    """Told to who had it until now."""
    yield from _to_handler(event.handler_id, event.concern_id, Occasion.OCCASION_CONCERN_LAPSED, meta)


@telling.on
def duty_gap_found(event: DutyGapFound, meta: Metadata) -> Iterator[TellPersonRequest]:
    """Told to the senior lead of the site, where its rota names one."""
    if event.senior_lead_id:
        yield TellPersonRequest(
            telling_id=_telling_id(meta),
            person_id=event.senior_lead_id,
            occasion=Occasion.OCCASION_DUTY_GAP,
            about_id=event.site_id,
            because=Because.BECAUSE_SENIOR_LEAD_OF_THE_SITE,
        )


@telling.on
def contact_replaced(event: ContactReplaced, meta: Metadata) -> Iterator[TellPersonRequest]:
    """Told to the address before: who did not do it themself has to hear of it there."""
    yield TellPersonRequest(
        telling_id=_telling_id(meta),
        person_id=event.person_id,
        occasion=Occasion.OCCASION_CONTACT_REPLACED,
        about_id=event.person_id,
        because=Because.BECAUSE_OWN_CONTACT,
        registration=event.replaced,
    )


def _to_handler(
    handler_id: str, concern_id: str, occasion: Occasion.ValueType, meta: Metadata
) -> Iterator[TellPersonRequest]:
    if handler_id:
        yield TellPersonRequest(
            telling_id=_telling_id(meta),
            person_id=handler_id,
            occasion=occasion,
            about_id=concern_id,
            because=Because.BECAUSE_HANDLES_THE_CONCERN,
        )


def _about_session(
    event: SessionPlanned | SessionMoved | SessionMissed | SessionCancelled | SessionHeld,
    occasion: Occasion.ValueType,
    meta: Metadata,
    kind: InformationKind.ValueType = InformationKind.INFORMATION_KIND_SESSION,
) -> TellCircleRequest:
    return TellCircleRequest(
        telling_id=_telling_id(meta),
        learner_id=event.learner_id,
        kind=kind,
        occasion=occasion,
        about_id=event.session_id,
        actor_id=event.mentor_id,
        mentorship_id=event.mentorship_id,
        # Old events that name no mentorship wait for nothing.
        mentor_id=event.mentor_id if event.mentorship_id else "",
    )


def _judged(
    event: EvidenceAccepted | EvidenceReferred, occasion: Occasion.ValueType, meta: Metadata
) -> TellCircleRequest:
    return TellCircleRequest(
        telling_id=_telling_id(meta),
        learner_id=event.learner_id,
        kind=InformationKind.INFORMATION_KIND_EVIDENCE_JUDGED,
        occasion=occasion,
        about_id=event.evidence_id,
        actor_id=event.assessor_id,
        standard_reference=event.standard.reference,
    )


def _telling_id(meta: Metadata) -> str:
    return derived_id("telling", meta.event_id)


def _category(category: ConcernCategory.ValueType) -> str:
    if not category or category not in ConcernCategory.values():
        return ""
    return ConcernCategory.Name(category).removeprefix("CONCERN_CATEGORY_").lower()
