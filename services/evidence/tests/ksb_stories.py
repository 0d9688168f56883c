"""What happens to one learner, as tests of their progress tell of it, and what is read of it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from eventkernel.messages import Metadata
from eventkernel.testing.scenario import person
from evidence.projections.ksb_progress import ksb_progress
from evidence.projections.learner_progress import get_ksb_progress
from evidence.projections.progress_document import LearnerProgress
from evidence.projections.progress_figures import Figures, figures_on
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.evidence.v1.events_pb2 import (
    KSB_KIND_KNOWLEDGE,
    KSB_KIND_SKILL,
    EvidenceAccepted,
    EvidenceReferred,
    EvidenceSubmitted,
    Ksb,
    StandardImported,
)
from mentoring.evidence.v1.evidence_pb2 import (
    GetKsbProgressRequest,
    GetKsbProgressResponse,
    KsbProgress,
)
from mentoring.evidence.v1.judging_events_pb2 import (
    EvidenceClaimsChanged,
    EvidenceDecisionSuperseded,
    EvidenceResubmitted,
    EvidenceWithdrawn,
)
from mentoring.sessions.v1.events_pb2 import (
    MentorshipStarted,
    SessionCancelled,
    SessionHeld,
    SessionMissed,
    SessionPlanned,
)

ST0148 = StandardVersion(reference="ST0148", version="1.0")
LATER_VERSION = StandardVersion(reference="ST0148", version="1.1")
STREAM = {
    "standard-ST0148": [
        StandardImported(
            standard=version,
            ksbs=[
                Ksb(code="K1", kind=KSB_KIND_KNOWLEDGE, statement="What is known"),
                Ksb(code="K2", kind=KSB_KIND_KNOWLEDGE, statement="What else is known"),
                Ksb(code="S1", kind=KSB_KIND_SKILL, statement="What is done"),
            ],
        )
        for version in (ST0148, LATER_VERSION)
    ]
}


def on_day(day: int) -> Metadata:
    return Metadata("event", "type", "provider-1", "stream", 1, datetime(2026, 3, day, 9, tzinfo=UTC))


def started(standard: StandardVersion = ST0148) -> MentorshipStarted:
    return MentorshipStarted(learner_id="learner-1", mentorship_id="mentorship-1", standard=standard)


def planned(*codes: str, session_id: str = "session-1", standard: StandardVersion = ST0148) -> SessionPlanned:
    return SessionPlanned(session_id=session_id, learner_id="learner-1", ksb_codes=codes, standard=standard)


def held(
    *codes: str, session_id: str = "session-1", minutes: float = 45, standard: StandardVersion = ST0148
) -> SessionHeld:
    return SessionHeld(
        session_id=session_id,
        learner_id="learner-1",
        ksb_codes=codes,
        duration=Duration(seconds=int(minutes * 60)),
        standard=standard,
    )


def missed(session_id: str = "session-1") -> SessionMissed:
    return SessionMissed(session_id=session_id, learner_id="learner-1")


def cancelled(session_id: str = "session-1") -> SessionCancelled:
    return SessionCancelled(session_id=session_id, learner_id="learner-1")


def submitted(*codes: str, piece: str = "evidence-1", standard: StandardVersion = ST0148) -> EvidenceSubmitted:
    return EvidenceSubmitted(evidence_id=piece, learner_id="learner-1", ksb_codes=codes, standard=standard)


def accepted(*codes: str, piece: str = "evidence-1", assessor_id: str = "assessor-1") -> EvidenceAccepted:
    return EvidenceAccepted(
        evidence_id=piece, learner_id="learner-1", ksb_codes=codes, assessor_id=assessor_id, standard=ST0148
    )


def referred(*codes: str, piece: str = "evidence-1") -> EvidenceReferred:
    return EvidenceReferred(
        evidence_id=piece, learner_id="learner-1", ksb_codes=codes, assessor_id="assessor-1", standard=ST0148
    )


def resubmitted(*codes: str, withdrawing: tuple[str, ...] = ()) -> EvidenceResubmitted:
    return EvidenceResubmitted(
        evidence_id="evidence-1",
        learner_id="learner-1",
        ksb_codes=codes,
        withdrawn_ksb_codes=withdrawing,
        standard=ST0148,
    )


def claims_changed(*codes: str, withdrawing: tuple[str, ...] = ()) -> EvidenceClaimsChanged:
    return EvidenceClaimsChanged(
        evidence_id="evidence-1",
        learner_id="learner-1",
        ksb_codes=codes,
        withdrawn_ksb_codes=withdrawing,
        standard=ST0148,
    )


def withdrawn(*codes: str) -> EvidenceWithdrawn:
    return EvidenceWithdrawn(evidence_id="evidence-1", learner_id="learner-1", ksb_codes=codes, standard=ST0148)


def superseded(*codes: str) -> EvidenceDecisionSuperseded:
    return EvidenceDecisionSuperseded(
        evidence_id="evidence-1", learner_id="learner-1", decision=1, ksb_codes=codes, standard=ST0148
    )


def after(*events: Message | tuple[Message, int]) -> LearnerProgress:
    """The document after these events, each on the day given, else on its place in the row; kept and loaded in between."""
    document = ksb_progress.new("learner-1")
    for place, item in enumerate(events):
        event, day = item if isinstance(item, tuple) else (item, place + 1)
        if type(event) not in ksb_progress.folds:
            continue
        ksb_progress.folds[type(event)](document, event, on_day(day))
        document = LearnerProgress.model_validate_json(document.model_dump_json())
    return document


def figures(*events: Message | tuple[Message, int]) -> Figures:
    return figures_on(after(*events), "ST0148", "1.0")


async def shown(reader: Callable[..., Any], *events: Message | tuple[Message, int]) -> GetKsbProgressResponse:
    read = reader(person("learner-1", "learner"), streams=STREAM, documents=[after(*events)] if events else [])
    return await get_ksb_progress(GetKsbProgressRequest(learner_id="learner-1", standard=ST0148), read)


async def ksb(reader: Callable[..., Any], code: str, *events: Message | tuple[Message, int]) -> KsbProgress:
    response = await shown(reader, *events)
    return next(one for one in response.ksbs if one.code == code)
