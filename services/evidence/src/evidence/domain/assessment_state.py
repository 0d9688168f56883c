"""A request for an assessment, as it stands."""

from dataclasses import dataclass
from datetime import datetime

from eventkernel.aggregate import Context, Refusal
from mentoring.common.v1.common_pb2 import (
    PARTY_RELATIONSHIP_ASSESSOR,
    PARTY_RELATIONSHIP_COACH,
    PARTY_RELATIONSHIP_TEACHER,
)
from mentoring.evidence.v1.assessment_events_pb2 import (
    ASSESSMENT_PURPOSE_SUMMATIVE,
    LATE_ASSESSMENT_PART_ANSWER,
    LATE_ASSESSMENT_PART_APPOINTMENT,
    LATE_ASSESSMENT_PART_DECISION,
    AssessmentPurpose,
)
from mentoring.evidence.v1.assessment_pb2 import (
    ASSESSMENT_STATUS_ACCEPTED,
    ASSESSMENT_STATUS_DECIDED,
    ASSESSMENT_STATUS_LAPSED,
    ASSESSMENT_STATUS_REQUESTED,
    ASSESSMENT_STATUS_SCHEDULED,
    ASSESSMENT_STATUS_WITHDRAWN,
    AssessmentStatus,
)

from evidence.domain.conflicts import Conflicts
from evidence.domain.review_state import Mentored, Reviews, active_mentorship

MAY_BE_ASKED = frozenset({PARTY_RELATIONSHIP_ASSESSOR, PARTY_RELATIONSHIP_COACH, PARTY_RELATIONSHIP_TEACHER})
# What is waited for in each state in which the asked person has something to do.
WAITED_FOR = {
    ASSESSMENT_STATUS_REQUESTED: LATE_ASSESSMENT_PART_ANSWER,
    ASSESSMENT_STATUS_ACCEPTED: LATE_ASSESSMENT_PART_APPOINTMENT,
    ASSESSMENT_STATUS_SCHEDULED: LATE_ASSESSMENT_PART_DECISION,
}
SETTLED = frozenset({ASSESSMENT_STATUS_DECIDED, ASSESSMENT_STATUS_WITHDRAWN, ASSESSMENT_STATUS_LAPSED})


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for, but for the note."""

    learner_id: str
    mentorship_id: str
    reference: str
    version: str
    purpose: AssessmentPurpose.ValueType
    ksb_codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Assessment:
    """One request. `starts_at` and `duration`, in seconds, are of the appointment; `outcomes` are codes with an AssessmentOutcome.

    `wait` counts the waits, `late_at` is when this one is over, `chased` how often the asked person was reminded in it, and `chase_at` when they
    are the next time.
    """

    assessment_id: str = ""
    asked: Asked | None = None
    asked_id: str = ""
    wished_by: str = ""
    status: AssessmentStatus.ValueType = ASSESSMENT_STATUS_REQUESTED
    starts_at: datetime | None = None
    duration: int = 0
    outcomes: tuple[tuple[str, int], ...] = ()
    wait: int = 0
    late_at: datetime | None = None
    chased: int = 0
    chase_at: datetime | None = None


def asked_of(state: Assessment, learner_id: str, mentorship_id: str) -> Asked:
    """What this learner's request asks for. Raises Refusal ASSESSMENT_UNKNOWN, also for another learner's or mentorship's."""
    asked = state.asked
    if asked is None or (asked.learner_id, asked.mentorship_id) != (learner_id, mentorship_id):
        raise unknown()
    return asked


def asked_of_caller(state: Assessment, learner_id: str, mentorship_id: str, context: Context) -> Asked:
    """The same, where the caller is the one who is asked now. To everybody else it is unknown."""
    asked = asked_of(state, learner_id, mentorship_id)
    if state.asked_id != context.principal.person_id:
        raise unknown()
    active_mentorship(context.state(Reviews), mentorship_id)
    return asked


def mentored_by_caller(mentorship_id: str, context: Context) -> Mentored:
    """The mentorship, where it is active and the caller's. Raises Refusal NOT_YOUR_MENTORSHIP."""
    mentored = active_mentorship(context.state(Reviews), mentorship_id)
    if context.principal.person_id != mentored.mentor_id:
        raise Refusal(
            "NOT_YOUR_MENTORSHIP",
            "assessments are asked for by the mentorship's own mentor; leave it to them",
            field="mentorship_id",
        )
    return mentored


def refuse_who_cannot_assess(
    mentored: Mentored, person_id: str, purpose: AssessmentPurpose.ValueType, context: Context, field: str = ""
) -> None:
    """Raises Refusal for the learner and the mentor themselves, for who is no party, or has a conflict of interest; and for a summative one by
    who is no assessor.
    """
    if person_id.casefold() in {mentored.learner_id.casefold(), mentored.mentor_id.casefold()}:
        raise Refusal(
            "OWN_ASSESSMENT",
            "nobody assesses themselves, or the learner whom they mentor; ask another assessor, coach or teacher",
            field=field,
        )
    if not mentored.is_party(person_id, MAY_BE_ASKED):
        raise Refusal(
            "NOT_A_PARTY",
            f"{person_id} is no assessor, coach or teacher of this mentorship; name one who is",
            field=field,
        )
    if person_id in context.state(Conflicts).assessor_ids:
        raise Refusal(
            "CONFLICT_OF_INTEREST",
            f"a conflict of interest was declared between {person_id} and this learner; ask somebody else",
            field=field,
        )
    if purpose == ASSESSMENT_PURPOSE_SUMMATIVE and not mentored.is_party(person_id, {PARTY_RELATIONSHIP_ASSESSOR}):
        raise Refusal(
            "SUMMATIVE_BY_ASSESSOR",
            f"{person_id} is no assessor of this mentorship, and a summative assessment is an assessor's alone; "
            "ask an assessor, or ask for a formative one",
            field=field,
        )


def refuse_settled(state: Assessment) -> None:
    """Raises Refusal where it was decided, withdrawn, or lapsed."""
    if state.status in SETTLED:
        how = AssessmentStatus.Name(state.status).removeprefix("ASSESSMENT_STATUS_").lower()
        raise Refusal(
            "ASSESSMENT_SETTLED",
            f"this request is {how}, and that stays; ask for another assessment under a new id",
            field="assessment_id",
        )


def unknown() -> Refusal:
    """The same for one that is not there and one that is somebody else's."""
    return Refusal("ASSESSMENT_UNKNOWN", "there is no such request for you; check the ids", field="assessment_id")
