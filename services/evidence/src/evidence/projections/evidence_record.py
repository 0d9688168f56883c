"""One piece of evidence with all its attempts and decisions, opened from its own stream each time, on the record."""

from collections.abc import Iterable, Sequence

from eventkernel.aggregate import Refusal
from eventkernel.messages import Recorded
from eventkernel.reading import Reader
from eventkernel.timestamps import timestamp
from google.protobuf.message import Message
from mentoring.evidence.v1.artefact_events_pb2 import ArtefactAttached, ArtefactUploadBegun
from mentoring.evidence.v1.events_pb2 import (
    DECISION_ACCEPT,
    DECISION_REFER,
    DECISION_UNSPECIFIED,
    Decision,
    EvidenceAccepted,
    EvidenceReferred,
    EvidenceSubmitted,
)
from mentoring.evidence.v1.evidence_pb2 import GetEvidenceRequest, GetEvidenceResponse
from mentoring.evidence.v1.judging_events_pb2 import (
    EvidenceClaimsChanged,
    EvidenceDecisionSuperseded,
    EvidenceResubmitted,
    EvidenceWithdrawn,
    TestimonyConfirmed,
)
from mentoring.evidence.v1.judging_pb2 import (
    EVIDENCE_STATUS_ACCEPTED,
    EVIDENCE_STATUS_AWAITING_JUDGEMENT,
    EVIDENCE_STATUS_REFERRED,
    EVIDENCE_STATUS_WITHDRAWN,
    ClaimStanding,
    EvidenceAttempt,
    EvidenceDecision,
    EvidenceStatus,
    GetTestimonyRequest,
    GetTestimonyResponse,
)

from evidence.domain.evidence import CRITERIA, Evidence, evidence

# Where a text goes once it is opened: a message and its field.
_Place = tuple[Message, str]


async def get_evidence(request: GetEvidenceRequest, read: Reader) -> GetEvidenceResponse:
    """The piece with everything that was submitted and decided, in order.

    Raises Refusal EVIDENCE_UNKNOWN where the learner has no such piece: that another learner has it is not told.
    """
    stream = f"evidence-{request.evidence_id}"
    history = await read.history(stream)
    state = evidence.fold(evidence.initial, [item.event for item in history])
    if not state.author_id or state.learner_id != request.learner_id:
        raise Refusal(
            "EVIDENCE_UNKNOWN",
            f"the learner has no evidence {request.evidence_id}; check both ids",
            field="evidence_id",
        )
    record = _Record(state)
    for item in history:
        record.add(item)
    texts = await read.open([sealed for sealed, _ in record.sealed])
    for (_, places), text in zip(record.sealed, texts, strict=True):
        for message, field in places:
            setattr(message, field, text)
    return record.told()


async def get_testimony(request: GetTestimonyRequest, read: Reader) -> GetTestimonyResponse:
    """The newest statement that names the caller as its witness.

    Raises Refusal TESTIMONY_UNKNOWN where there is none: to anybody else it does not exist.
    """
    found: tuple[int, Recorded] | None = None
    confirmed = 0
    for item in await read.history(f"evidence-{request.evidence_id}"):
        event = item.event
        if isinstance(event, EvidenceSubmitted | EvidenceResubmitted):
            number = event.attempt if isinstance(event, EvidenceResubmitted) else 1
            found = (number, item) if event.testimony.witness_id == read.principal.person_id else None
            confirmed = number if event.author_id == event.testimony.witness_id else confirmed
        elif isinstance(event, TestimonyConfirmed):
            confirmed = event.attempt
    if found is None:
        raise Refusal(
            "TESTIMONY_UNKNOWN",
            f"no testimony {request.evidence_id} names you as its witness; check the id",
            field="evidence_id",
        )
    number, item = found
    event = item.event
    assert isinstance(event, EvidenceSubmitted | EvidenceResubmitted)  # noqa: S101 - as it was found above
    (statement,) = await read.open([(item, "statement")])
    return GetTestimonyResponse(
        evidence_id=event.evidence_id,
        learner_id=event.learner_id,
        attempt=number,
        relationship=event.testimony.relationship,
        statement=statement,
        confirmed=confirmed == number,
    )


def status_of(state: Evidence) -> EvidenceStatus.ValueType:
    """How the piece stands as a whole."""
    if state.withdrawn:
        return EVIDENCE_STATUS_WITHDRAWN
    if state.waiting:
        return EVIDENCE_STATUS_AWAITING_JUDGEMENT
    return EVIDENCE_STATUS_REFERRED if state.referred else EVIDENCE_STATUS_ACCEPTED


class _Record:
    """The answer as it grows, and the sealed texts that belong in it, each with the places that it goes to."""

    def __init__(self, state: Evidence) -> None:
        self._state = state
        self._attempts: list[EvidenceAttempt] = []
        self._decisions: list[EvidenceDecision] = []
        self._whole = GetEvidenceResponse()
        self._superseding: Recorded | None = None
        self._announced: dict[str, Recorded] = {}
        self.sealed: list[tuple[tuple[Recorded, str], Sequence[_Place]]] = []

    def add(self, item: Recorded) -> None:
        """One event more."""
        event = item.event
        if isinstance(event, EvidenceSubmitted | EvidenceResubmitted):
            self._attempt(item, event)
        elif isinstance(event, EvidenceClaimsChanged):
            self._attempts[-1].ksb_codes[:] = event.ksb_codes
        elif isinstance(event, EvidenceAccepted | EvidenceReferred):
            self._decided(item, event)
        elif isinstance(event, EvidenceDecisionSuperseded):
            self._superseding = item
        elif isinstance(event, ArtefactUploadBegun):
            self._announced[event.artefact_id] = item
        elif isinstance(event, ArtefactAttached):
            self._attached(item, event)
        elif isinstance(event, EvidenceWithdrawn):
            self._seal(item, "reason", (self._whole, "withdrawal_reason"))

    def told(self) -> GetEvidenceResponse:
        """The whole answer."""
        state, whole, newest = self._state, self._whole, self._attempts[-1]
        whole.evidence_id, whole.learner_id, whole.author_id = state.evidence_id, state.learner_id, state.author_id
        whole.kind, whole.title = state.kind, newest.title  # type: ignore[assignment]
        whole.ksb_codes.extend(_in_order(claim.code for claim in state.claims) or list(newest.ksb_codes))
        whole.standard.CopyFrom(state.standard)
        whole.status = status_of(state)
        whole.attempts.extend(self._attempts)
        whole.decisions.extend(self._decisions)
        for claim in sorted(state.claims, key=lambda one: _place(one.code)):
            outcome = DECISION_ACCEPT if claim.accepted else DECISION_REFER
            whole.claims.append(
                ClaimStanding(
                    ksb_code=claim.code,
                    decision=outcome if claim.decision else DECISION_UNSPECIFIED,
                    decided_by_decision=claim.decision,
                )
            )
        if self._decisions and not state.waiting:
            # What is referred in part is referred, and comes last.
            last = self._decisions[-1].judgements[-1]
            whole.decision, whole.feedback = last.decision, last.feedback
            whole.criteria.CopyFrom(last.criteria)
        return whole

    def _attempt(self, item: Recorded, event: EvidenceSubmitted | EvidenceResubmitted) -> None:
        number = event.attempt if isinstance(event, EvidenceResubmitted) else 1
        known = self._state.attempts[number - 1]
        shown = EvidenceAttempt(
            attempt=number,
            submitted_at=timestamp(item.meta.at),
            produced_at=event.produced_at,
            ksb_codes=event.ksb_codes,
            testimony=event.testimony if event.HasField("testimony") else None,
            testimony_confirmed=known.testimony_confirmed,
            observation=event.observation if event.HasField("observation") else None,
            discussion=event.discussion if event.HasField("discussion") else None,
        )
        self._attempts.append(shown)
        self._seal(item, "title", (shown, "title"))
        for field in ("changes", "statement", "account"):
            self._seal(item, field, (shown, field))

    def _attached(self, item: Recorded, event: ArtefactAttached) -> None:
        shown = self._attempts[event.attempt - 1].artefacts.add()
        shown.artefact_id, shown.media_type = event.artefact_id, event.media_type
        shown.size, shown.sha256 = event.size, event.sha256
        shown.attached_at.CopyFrom(timestamp(item.meta.at))
        self._seal(self._announced[event.artefact_id], "title", (shown, "file_name"))

    def _decided(self, item: Recorded, event: EvidenceAccepted | EvidenceReferred) -> None:
        number = event.decision or 1
        if not self._decisions or self._decisions[-1].decision != number:
            self._decisions.append(
                EvidenceDecision(
                    decision=number,
                    attempt=event.attempt or 1,
                    assessor_id=event.assessor_id,
                    decided_at=timestamp(item.meta.at),
                )
            )
            self._supersede(number)
        judgement = self._decisions[-1].judgements.add()
        judgement.ksb_codes.extend(event.ksb_codes)
        judgement.decision = _decision(event)
        judgement.criteria.CopyFrom(event.criteria)
        self._seal(item, "feedback", (judgement, "feedback"))
        for name in CRITERIA:
            if event.HasField(f"{name}_feedback"):  # type: ignore[arg-type]
                self._seal(item, f"{name}_feedback", (judgement.criteria_feedback, name))

    def _supersede(self, number: int) -> None:
        if self._superseding is None:
            return
        event = self._superseding.event
        assert isinstance(event, EvidenceDecisionSuperseded)  # noqa: S101 - nothing else is kept there
        for one in self._decisions:
            if one.decision == event.decision:
                one.superseded_by = number
                self._seal(self._superseding, "reason", (one, "superseding_reason"))
        self._superseding = None

    def _seal(self, item: Recorded, field: str, *places: _Place) -> None:
        if field in item.event.DESCRIPTOR.fields_by_name and item.event.HasField(field):
            self.sealed.append(((item, field), places))


def _decision(event: EvidenceAccepted | EvidenceReferred) -> Decision.ValueType:
    return DECISION_ACCEPT if isinstance(event, EvidenceAccepted) else DECISION_REFER


def _in_order(codes: Iterable[str]) -> list[str]:
    return sorted(codes, key=_place)


def _place(code: str) -> tuple[str, int]:
    return code[:1], int(code[1:])
