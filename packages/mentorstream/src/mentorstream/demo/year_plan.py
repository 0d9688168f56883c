"""What one learner and one small group do beyond the cohort's plans: data alone, so that what must come of it can be told beforehand."""

from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256

from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.evidence.v1.events_pb2 import DECISION_ACCEPT
from mentoring.sessions.v1.events_pb2 import MISS_REASON_LEARNER_ILL, TECHNIQUE_GROW

from mentorstream.demo.cohort import CODES, ActivityPlan, EvidencePlan, Judging, LearnerPlan, SessionPlan

IQA = "iqa-1"
ACTIVITIES = (
    ActivityPlan("activity-course", ("K8",), off_the_job=True, planned_minutes=1200, reported_minutes=360, reported_by_mentor=True),
    ActivityPlan("activity-workshop", ("K11", "S11"), off_the_job=False, planned_minutes=600, reported_minutes=240),
)  # fmt: skip
# A session by a guide, with agenda, advice, agreed actions and the learner's own view.
GUIDED = SessionPlan("learner-01-session-5", ("K10", "S4"), 50, (TECHNIQUE_GROW,))
GUIDE, GUIDE_STEPS = "grow", ("goal", "options")
# Referred in part, resubmitted, and accepted.
IN_PART = EvidencePlan(
    "learner-01-evidence-5", ("K10", "S9"), DECISION_ACCEPT,
    (Judging(accepted=("K10",), referred=("S9",)), Judging(accepted=("S9",))),
)  # fmt: skip
# Referred back, which another decision supersedes.
SUPERSEDED = EvidencePlan(
    "learner-01-evidence-6", ("B2",), DECISION_ACCEPT, (Judging(referred=("B2",)), Judging(accepted=("B2",)))
)
ARTEFACT, ARTEFACT_BYTES = "artefact-1", b"What I did in the workshop, day by day.\n" * 4000
# Of the assessment that the mentor asks for: what is met, and what is not yet.
ASSESSMENT, MET, NOT_YET = "learner-01-assessment-1", ("S9",), ("S11",)
REVIEW = "learner-01-review-1"
GROUP, GROUP_CODES, GROUP_MINUTES = "group-1", ("K11", "S5"), 45
# As many as a heat map tells of.
THERE, AWAY = ("learner-01", "learner-04", "learner-07", "learner-10", "learner-13"), ("learner-16",)
# The standard's next version as it might be: one KSB gone, another part of its neighbour.
NEXT_VERSION = StandardVersion(reference="ST0148", version="1.1")
BECOMES = {code: (code,) for code in CODES} | {"K11": ("K10",), "B5": ()}
SAMPLING_PLAN, SEED, PERCENTAGE = "sampling-1", "seed-8", 25


def lived(plans: Iterable[LearnerPlan]) -> tuple[LearnerPlan, ...]:
    """The cohort's plans with these."""
    return tuple(_lived(plan) for plan in plans)


def place_of(learner_id: str) -> str:
    """What the group's session of one learner is called here; its id is the platform's own."""
    return f"{GROUP} for {learner_id}"


def drawn(plans: Iterable[LearnerPlan], assessor_id: str) -> tuple[str, ...]:
    """The pieces that the IQA is to look at: so many percent of what the assessor decided on, rounded up, in the order of the seed."""
    decided = [piece.id for plan in plans if plan.assessor_id == assessor_id for piece in plan.evidence if piece.judged]
    ordered = sorted(decided, key=lambda one: sha256(f"{SEED}\n{one}".encode()).hexdigest())
    return tuple(ordered[: -(-PERCENTAGE * len(ordered) // 100)])


def _lived(plan: LearnerPlan) -> LearnerPlan:
    if plan.learner_id in AWAY:
        missed = SessionPlan(place_of(plan.learner_id), GROUP_CODES, missed=MISS_REASON_LEARNER_ILL)
        return replace(plan, sessions=(*plan.sessions, missed))
    if plan.learner_id in THERE:
        held = SessionPlan(place_of(plan.learner_id), GROUP_CODES, GROUP_MINUTES, (TECHNIQUE_GROW,))
        plan = replace(plan, sessions=(*plan.sessions, held))
    if plan.learner_id != THERE[0]:
        return plan
    return replace(
        plan,
        sessions=(*plan.sessions, GUIDED),
        evidence=(*plan.evidence, IN_PART, SUPERSEDED),
        activities=ACTIVITIES,
    )
