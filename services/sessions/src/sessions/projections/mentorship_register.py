"""A provider's mentorships, one document a mentorship, for its managers; and one mentorship as it stands, with how it came to be so.

No text is in a document: what was agreed and what was said of a withdrawal is opened from the learner's own stream, on the record.
"""

from collections.abc import Sequence

from eventkernel.messages import Metadata, Recorded
from eventkernel.projection import Projection
from eventkernel.reading import Reader
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import Party, StandardVersion
from mentoring.sessions.v1.events_pb2 import (
    BoundariesAgreed,
    BreakInLearningEnded,
    BreakInLearningStarted,
    CancelReason,
    MentorshipCancelled,
    MentorshipCompleted,
    MentorshipStarted,
)
from mentoring.sessions.v1.mentorship_events_pb2 import (
    EmployerChanged,
    MentorChanged,
    StandardChanged,
    WithdrawalExplained,
)
from mentoring.sessions.v1.mentorship_pb2 import (
    MENTORSHIP_STATUS_ACTIVE,
    MENTORSHIP_STATUS_CANCELLED,
    MENTORSHIP_STATUS_COMPLETED,
    MENTORSHIP_STATUS_UNSPECIFIED,
    AgreedBoundaries,
    EmployerTerm,
    GetMentorshipRequest,
    GetMentorshipResponse,
    LearningBreak,
    ListMentorshipsRequest,
    ListMentorshipsResponse,
    MentorshipStatus,
    MentorshipSummary,
    MentorTerm,
)
from pydantic import BaseModel

from sessions.domain.mentorship import mentorships
from sessions.domain.mentorship_state import unknown
from sessions.projections.times import milliseconds


class RegisteredMentorship(BaseModel):
    """One mentorship as it stands; times in milliseconds since 1970 in UTC, 0 for none.

    `place` is its learner and its id together: whoever starts a mentorship gives it an id, and two learners may have the same.
    """

    place: str
    mentorship_id: str = ""
    learner_id: str = ""
    mentor_id: str = ""
    standard_reference: str = ""
    standard_version: str = ""
    employer_id: str = ""
    site_id: str = ""
    status: MentorshipStatus.ValueType = MENTORSHIP_STATUS_UNSPECIFIED
    started_ms: int = 0
    ended_ms: int = 0
    cancel_reason: CancelReason.ValueType = CancelReason.CANCEL_REASON_UNSPECIFIED
    on_break_since: str = ""


# Version 2: documents of version 1 had a mentorship's id for their key, and of two learners with the same id the first.
mentorship_register = Projection(
    "mentorship_register",
    version=2,
    document=RegisteredMentorship,
    key="place",
    key_fields=("learner_id", "mentorship_id"),
    indexes=("mentor_id", "employer_id", "standard_reference", "status"),
)


@mentorship_register.on
def started(document: RegisteredMentorship, event: MentorshipStarted, meta: Metadata) -> None:
    """One more."""
    document.mentorship_id = event.mentorship_id
    document.learner_id = event.learner_id
    document.mentor_id = event.mentor_id
    document.standard_reference = event.standard.reference
    document.standard_version = event.standard.version
    document.employer_id = event.employer_id
    document.site_id = event.site_id
    document.status = MENTORSHIP_STATUS_ACTIVE
    document.started_ms = milliseconds(meta.at)


@mentorship_register.on
def mentor_changed(document: RegisteredMentorship, event: MentorChanged, _meta: Metadata) -> None:
    """Another mentor."""
    document.mentor_id = event.mentor_id


@mentorship_register.on
def employer_changed(document: RegisteredMentorship, event: EmployerChanged, _meta: Metadata) -> None:
    """Another employer or site."""
    document.employer_id = event.employer_id
    document.site_id = event.site_id


@mentorship_register.on
def standard_changed(document: RegisteredMentorship, event: StandardChanged, _meta: Metadata) -> None:
    """Another version, or another standard."""
    document.standard_reference = event.standard.reference
    document.standard_version = event.standard.version


@mentorship_register.on
def break_started(document: RegisteredMentorship, event: BreakInLearningStarted, _meta: Metadata) -> None:
    """They are away."""
    document.on_break_since = event.first_day


@mentorship_register.on
def break_ended(document: RegisteredMentorship, _event: BreakInLearningEnded, _meta: Metadata) -> None:
    """They are back."""
    document.on_break_since = ""


@mentorship_register.on
def cancelled(document: RegisteredMentorship, event: MentorshipCancelled, meta: Metadata) -> None:
    """It ended before its goal."""
    document.status = MENTORSHIP_STATUS_CANCELLED
    document.cancel_reason = event.reason
    document.ended_ms = milliseconds(meta.at)


@mentorship_register.on
def completed(document: RegisteredMentorship, _event: MentorshipCompleted, meta: Metadata) -> None:
    """It reached its goal."""
    document.status = MENTORSHIP_STATUS_COMPLETED
    document.ended_ms = milliseconds(meta.at)


async def list_mentorships(request: ListMentorshipsRequest, read: Reader) -> ListMentorshipsResponse:
    """The provider's mentorships, the latest start first."""
    filters = {
        name: value
        for name, value in (
            ("mentor_id", request.mentor_id),
            ("employer_id", request.employer_id),
            ("standard_reference", request.standard_reference),
            ("status", request.status),
        )
        if value
    }
    found, cursor = await read.page(mentorship_register, request.page, order="started_ms", descending=True, **filters)
    return ListMentorshipsResponse(mentorships=[_summary(document) for document in found], next_cursor=cursor)


async def get_mentorship(request: GetMentorshipRequest, read: Reader) -> GetMentorshipResponse:
    """One mentorship, from the learner's stream.

    Raises Refusal MENTORSHIP_UNKNOWN where the learner has none of this id, and to a mentor who does not mentor in it now: that
    it is there is not told.
    """
    caller, stream = read.principal, f"mentorships-{request.learner_id}"
    is_learner, is_manager = caller.person_id == request.learner_id, "provider_manager" in caller.roles
    state = await read.state(mentorships, stream)
    found, active = state.find(request.mentorship_id), state.find_active(request.mentorship_id)
    is_mentor = active is not None and active.mentor_id == caller.person_id
    if found is None or not (is_learner or is_manager or is_mentor):
        raise unknown(request.mentorship_id)
    history = [
        item for item in await read.history(stream) if getattr(item.event, "mentorship_id", "") == request.mentorship_id
    ]
    document = mentorship_register.new(f"{request.learner_id}.{request.mentorship_id}")
    for item in history:
        fold = mentorship_register.folds.get(type(item.event))
        if fold is not None:
            fold(document, item.event, item.meta)
    answer = GetMentorshipResponse(
        mentorship=_summary(document),
        parties=[Party(person_id=one.person_id, relationship=one.relationship) for one in found.people.parties],  # type: ignore[arg-type]
        mentors=_mentors(history, document),
        employers=_employers(history, document),
        breaks=_breaks(history),
        boundaries=await _boundaries(history, read) if is_learner or is_mentor else [],
    )
    # Once it has ended no mentor gets here, so this is for the learner and managers.
    await _explain(answer, history, read)
    return answer


def _mentors(history: Sequence[Recorded], document: RegisteredMentorship) -> list[MentorTerm]:
    terms: list[MentorTerm] = []
    for item in history:
        if isinstance(item.event, MentorshipStarted | MentorChanged):
            if terms:
                terms[-1].until.FromMilliseconds(milliseconds(item.meta.at))
            terms.append(MentorTerm(mentor_id=item.event.mentor_id, since=_at(milliseconds(item.meta.at))))
    if document.ended_ms:
        terms[-1].until.FromMilliseconds(document.ended_ms)
    return terms


def _employers(history: Sequence[Recorded], document: RegisteredMentorship) -> list[EmployerTerm]:
    terms: list[EmployerTerm] = []
    for item in history:
        if isinstance(item.event, MentorshipStarted | EmployerChanged):
            if terms and (terms[-1].employer_id, terms[-1].site_id) == (item.event.employer_id, item.event.site_id):
                # Only its contacts changed.
                continue
            if terms:
                terms[-1].until.FromMilliseconds(milliseconds(item.meta.at))
            terms.append(
                EmployerTerm(
                    employer_id=item.event.employer_id,
                    site_id=item.event.site_id,
                    since=_at(milliseconds(item.meta.at)),
                )
            )
    if document.ended_ms:
        terms[-1].until.FromMilliseconds(document.ended_ms)
    return terms


def _breaks(history: Sequence[Recorded]) -> list[LearningBreak]:
    breaks: list[LearningBreak] = []
    for item in history:
        if isinstance(item.event, BreakInLearningStarted):
            breaks.append(LearningBreak(first_day=item.event.first_day, expected_return=item.event.expected_return))
        elif isinstance(item.event, BreakInLearningEnded):
            breaks[-1].returned_on = item.event.returned_on
    return breaks


async def _boundaries(history: Sequence[Recorded], read: Reader) -> list[AgreedBoundaries]:
    found, mentor_id = list[tuple[Recorded, AgreedBoundaries]](), ""
    for item in history:
        if isinstance(item.event, MentorshipStarted | MentorChanged):
            mentor_id = item.event.mentor_id
        elif isinstance(item.event, BoundariesAgreed):
            agreed = AgreedBoundaries(
                recorded_at=_at(milliseconds(item.meta.at)), mentor_id=mentor_id, agreed_on=item.event.agreed_on
            )
            found.append((item, agreed))
    texts = await read.open([(item, "boundaries") for item, _ in found])
    for (_, agreed), text in zip(found, texts, strict=True):
        agreed.boundaries.extend(text.split("\n"))
    return [agreed for _, agreed in reversed(found)]


async def _explain(answer: GetMentorshipResponse, history: Sequence[Recorded], read: Reader) -> None:
    answer.withdrawal_reason = answer.mentorship.cancel_reason
    for item in history:
        if isinstance(item.event, WithdrawalExplained):
            fields = [name for name in ("reason", "detail") if item.event.HasField(name)]
            texts = dict(zip(fields, await read.open([(item, name) for name in fields]), strict=True))
            answer.withdrawal_reason = CancelReason.Value(texts["reason"])
            answer.withdrawal_detail = texts.get("detail", "")


def _summary(document: RegisteredMentorship) -> MentorshipSummary:
    return MentorshipSummary(
        learner_id=document.learner_id,
        mentorship_id=document.mentorship_id,
        mentor_id=document.mentor_id,
        standard=StandardVersion(reference=document.standard_reference, version=document.standard_version),
        employer_id=document.employer_id,
        site_id=document.site_id,
        status=document.status,
        started_at=_at(document.started_ms),
        ended_at=_at(document.ended_ms) if document.ended_ms else None,
        cancel_reason=document.cancel_reason,
        on_break_since=document.on_break_since,
    )


def _at(milliseconds: int) -> Timestamp:
    found = Timestamp()
    found.FromMilliseconds(milliseconds)
    return found
