"""The demo's provider and what its people will do: data alone, so that what must come of it can be told beforehand."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice

from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.evidence.v1.events_pb2 import DECISION_ACCEPT, DECISION_REFER, Decision
from mentoring.sessions.v1.events_pb2 import (
    MISS_REASON_LEARNER_ILL,
    MISS_REASON_WORK_PRESSURE,
    TECHNIQUE_ACTIVE_LISTENING,
    TECHNIQUE_GROW,
    TECHNIQUE_OPEN_QUESTIONS,
    TECHNIQUE_OSKAR,
    MissReason,
    Technique,
)

PROVIDER = "northfield"
STANDARD = StandardVersion(reference="ST0148", version="1.0")
SITES = ("riverside", "hilltop")
MANAGER = "manager-1"
MENTORS = ("mentor-1", "mentor-2", "mentor-3")
ASSESSORS = ("assessor-1", "assessor-2", "assessor-3")
EMPLOYERS = ("foundry", "bakery", "nursery", "garage")
DSL, DEPUTIES, SENIOR_LEAD = "dsl-1", ("deputy-1", "deputy-2"), "senior-lead-1"
LEARNERS = tuple(f"learner-{number:02}" for number in range(1, 25))
CODES = tuple([f"K{n}" for n in range(1, 12)] + [f"S{n}" for n in range(1, 12)] + [f"B{n}" for n in range(1, 6)])
# When the work was done that evidence shows.
PRODUCED = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
# Words that stand in confidential texts alone: they may be in no mail, no log and on no topic.
MARK = "zephyrine"


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """One session as it will go: held where it has minutes, missed where it has a reason, else still ahead."""

    id: str
    ksb_codes: tuple[str, ...]
    minutes: int = 0
    techniques: tuple[Technique.ValueType, ...] = ()
    missed: MissReason.ValueType | None = None

    @property
    def held(self) -> bool:
        """Whether it will take place."""
        return self.minutes > 0


@dataclass(frozen=True, slots=True)
class Judging:
    """What an assessor says at one time: which KSBs are accepted, and which referred back."""

    accepted: tuple[str, ...] = ()
    referred: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EvidencePlan:
    """One piece of evidence and what its assessor will say in the end; None: it stays unjudged.

    `judgings`: where it is judged more than once, each time in its turn.
    """

    id: str
    ksb_codes: tuple[str, ...]
    decision: Decision.ValueType | None
    judgings: tuple[Judging, ...] = ()

    @property
    def judged(self) -> tuple[Judging, ...]:
        """Each time that it is judged."""
        if self.judgings or self.decision is None:
            return self.judgings
        codes = self.ksb_codes
        return (Judging(accepted=codes) if self.decision == DECISION_ACCEPT else Judging(referred=codes),)

    @property
    def accepted(self) -> frozenset[str]:
        """The KSBs that are accepted in the end."""
        found: frozenset[str] = frozenset()
        for judging in self.judged:
            found = (found - {*judging.referred}) | {*judging.accepted}
        return found


@dataclass(frozen=True, slots=True)
class ActivityPlan:
    """One activity of a learning plan, and the one report of hours done on it."""

    id: str
    ksb_codes: tuple[str, ...]
    off_the_job: bool
    planned_minutes: int
    reported_minutes: int
    reported_by_mentor: bool = False


@dataclass(frozen=True, slots=True)
class LearnerPlan:
    """One learner, the people around them, and what they will do."""

    learner_id: str
    mentor_id: str
    assessor_id: str
    employer: str
    site: str
    guardian_id: str
    sessions: tuple[SessionPlan, ...]
    evidence: tuple[EvidencePlan, ...]
    activities: tuple[ActivityPlan, ...] = ()

    @property
    def mentorship_id(self) -> str:
        """The learner's one mentorship."""
        return f"mentorship-{self.learner_id}"

    @property
    def contact_id(self) -> str:
        """The person at the learner's employer."""
        return f"{self.employer}-contact"


@dataclass(frozen=True, slots=True)
class ConcernPlan:
    """One concern: who raises it, whom it names, and who will acknowledge it."""

    id: str
    site: str
    raiser_id: str
    raiser_role: str
    person_at_risk_id: str
    named: tuple[str, ...]
    asked: tuple[str, ...]
    narrative: str

    @property
    def ladder(self) -> tuple[str, ...]:
        """Everybody who may be asked, in order."""
        return tuple(person for person in (DSL, *DEPUTIES, SENIOR_LEAD) if person not in self.named)


# Short, so that the demo shows a missed deadline; a provider's own policy says minutes and hours.
ACKNOWLEDGE_WITHIN = timedelta(seconds=4)
UNANSWERED = ConcernPlan(
    "concern-unanswered", "riverside", "mentor-1", "mentor", "learner-05", (), (DSL, DEPUTIES[0]),
    f"She told me that she is afraid to go home. {MARK}",
)  # fmt: skip
NAMING_THE_DSL = ConcernPlan(
    "concern-naming-the-dsl", "riverside", "learner-09", "learner", "learner-09", (DSL,), (DEPUTIES[0],),
    f"The safeguarding lead shouted at me in front of everyone. {MARK}",
)  # fmt: skip
CONCERNS = (UNANSWERED, NAMING_THE_DSL)


def cohort() -> tuple[LearnerPlan, ...]:
    """The 24 learners. The first does most, so that their table has something of everything."""
    return tuple(_learner(number) for number in range(len(LEARNERS)))


def people(learners: tuple[LearnerPlan, ...]) -> Iterator[tuple[str, str]]:
    """Everyone with an address: id and name."""
    guardians = tuple(plan.guardian_id for plan in learners if plan.guardian_id)
    contacts = tuple(f"{employer}-contact" for employer in EMPLOYERS)
    everyone = (MANAGER, *MENTORS, *ASSESSORS, *contacts, DSL, *DEPUTIES, SENIOR_LEAD, *LEARNERS, *guardians)
    for person_id, given, family in zip(everyone, cycle(_GIVEN), islice(cycle(_FAMILY), 5, None), strict=False):
        yield person_id, f"{given} {family}"


def _learner(number: int) -> LearnerPlan:
    learner_id = LEARNERS[number]
    return LearnerPlan(
        learner_id=learner_id,
        mentor_id=MENTORS[number % len(MENTORS)],
        assessor_id=ASSESSORS[number % len(ASSESSORS)],
        employer=EMPLOYERS[number % len(EMPLOYERS)],
        site=SITES[number % len(SITES)],
        guardian_id=f"guardian-{number + 1:02}" if number in (4, 11) else "",
        sessions=_sessions(number, learner_id),
        evidence=_evidence(number, learner_id),
    )


def _sessions(number: int, learner_id: str) -> tuple[SessionPlan, ...]:
    first = SessionPlan(
        f"{learner_id}-session-1", _codes(number, 4), 40 + number, (TECHNIQUE_GROW, TECHNIQUE_ACTIVE_LISTENING)
    )
    reason = MISS_REASON_LEARNER_ILL if number % 8 == 3 else MISS_REASON_WORK_PRESSURE
    second = SessionPlan(f"{learner_id}-session-2", _codes(number + 4, 3), missed=reason if number % 4 == 3 else None)
    if number:
        return first, second
    more = SessionPlan(f"{learner_id}-session-3", CODES[:9], 60, (TECHNIQUE_OSKAR, TECHNIQUE_OPEN_QUESTIONS))
    return first, second, more, SessionPlan(f"{learner_id}-session-4", ("S1", "S2", "B1"), 30, (TECHNIQUE_GROW,))


def _evidence(number: int, learner_id: str) -> tuple[EvidencePlan, ...]:
    decision = None if number % 6 == 5 else DECISION_REFER if number % 5 == 4 else DECISION_ACCEPT
    first = EvidencePlan(f"{learner_id}-evidence-1", _codes(number, 2), decision)
    if number:
        return (first,)
    return (
        first,
        EvidencePlan(f"{learner_id}-evidence-2", ("K1", "S1", "B1"), DECISION_ACCEPT),
        EvidencePlan(f"{learner_id}-evidence-3", ("S2", "S3"), DECISION_REFER),
        EvidencePlan(f"{learner_id}-evidence-4", ("K9",), None),
    )


def _codes(start: int, count: int) -> tuple[str, ...]:
    return tuple(islice(cycle(CODES), start % len(CODES), start % len(CODES) + count))


_GIVEN = (
    "Amina", "Ben", "Chloe", "Dev", "Elif", "Femi", "Grace", "Hassan", "Isla", "Jakub", "Keira", "Leo", "Maya", "Noah",
    "Olga", "Priya", "Quinn", "Rosa", "Sam", "Tariq", "Uma", "Victor", "Wren",
)  # fmt: skip
_FAMILY = (
    "Ahmed",
    "Brown",
    "Clarke",
    "Davies",
    "Evans",
    "Fraser",
    "Green",
    "Hughes",
    "Iqbal",
    "Jones",
    "Khan",
    "Lewis",
)
