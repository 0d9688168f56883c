"""Plays the cohort's plans through the services' APIs, as the people whose acts they are, and waits until all has settled."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import TypeVar

from eventkernel.client import CallFailed, Client
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import (
    PARTY_RELATIONSHIP_ASSESSOR,
    PARTY_RELATIONSHIP_EMPLOYER_CONTACT,
    PARTY_RELATIONSHIP_GUARDIAN,
    CommandReply,
    Page,
    Party,
)
from mentoring.evidence.v1.events_pb2 import DECISION_ACCEPT, EVIDENCE_KIND_WORK_PRODUCT, Criteria
from mentoring.evidence.v1.evidence_pb2 import ImportStandardRequest, JudgeEvidenceRequest, SubmitEvidenceRequest
from mentoring.notifications.v1.need_to_know_pb2 import SetLearnerComesOfAgeRequest
from mentoring.notifications.v1.notifications_pb2 import (
    ListMyNoticesRequest,
    ListMyNoticesResponse,
    ListNoticesRequest,
    ListNoticesResponse,
    NoticeSummary,
    RegisterContactRequest,
)
from mentoring.safeguarding.v1.events_pb2 import CONCERN_CATEGORY_EMOTIONAL, SEVERITY_SERIOUS
from mentoring.safeguarding.v1.safeguarding_pb2 import (
    AcknowledgeConcernRequest,
    ConcernSummary,
    ListMyConcernsRequest,
    ListMyConcernsResponse,
    RaiseConcernRequest,
    SetRotaRequest,
    SetRoutingPolicyRequest,
)
from mentoring.sessions.v1.events_pb2 import SESSION_KIND_VOCATIONAL
from mentoring.sessions.v1.sessions_pb2 import (
    HoldSessionRequest,
    MissSessionRequest,
    PlanSessionRequest,
    StartMentorshipRequest,
)

from mentorstream.demo import cohort, handling, year_plan
from mentorstream.demo.cohort import MARK, PROVIDER, STANDARD, ConcernPlan, LearnerPlan, SessionPlan
from mentorstream.demo.expected import told
from mentorstream.demo.settling import AGAIN, LOOK_AGAIN, PATIENCE, NotInTime, stamp, until
from mentorstream.demo.year import Year
from mentorstream.platform import Platform

__all__ = ["Journey", "NotInTime", "address_of", "hash_of", "until"]
Result = TypeVar("Result")
_SIDE_BY_SIDE = 32
_NOT_HEARD_YET = frozenset({"STANDARD_UNKNOWN", "MENTORSHIP_UNKNOWN"})
# Seconds for all notices. A busy machine needs many; where nothing moves any more it is found out long before.
_SETTLING = 400.0
# More notices than are sent in a second.
_A_SECOND = 60


@dataclass
class Journey:
    """The cohort on a running platform.

    `traced` is the session whose event is followed step by step; `traceparent` the trace that it is given in. `board` is what the handler
    of a concern had on their board before they closed it.
    """

    platform: Platform
    standard: ImportStandardRequest
    learners: tuple[LearnerPlan, ...] = field(default_factory=cohort.cohort)
    traceparent: str = ""
    today: date = field(default_factory=lambda: datetime.now(UTC).date())
    year_begun: bool = False
    board: list[ConcernSummary] = field(default_factory=list)

    @property
    def as_lived(self) -> tuple[LearnerPlan, ...]:
        """What the learners will have done: with the year of one of them, once it has begun."""
        return year_plan.lived(self.learners) if self.year_begun else self.learners

    @property
    def traced(self) -> str:
        """The session of the first learner that was held first."""
        return self.learners[0].sessions[0].id

    @property
    def steps(self) -> tuple[tuple[str, Callable[[], Awaitable[None]]], ...]:
        """The journey's steps in their order, each with what to call it."""
        return (
            ("The standard ST0148 is imported", self.import_standard),
            ("People and addresses are registered, sealed", self.register_people),
            ("The rota and the routing policy are set", self.set_rota),
            ("Mentorships start", self.start_mentorships),
            ("Sessions are planned, held and missed", self.mentor),
            ("Evidence is submitted and judged", self.judge_evidence),
            ("A year of one learner, meanwhile two concerns", self.live_a_year),
            ("Everyone with a legitimate need is told", self.settle),
        )

    async def play(self) -> None:
        """All of it."""
        for _, step in self.steps:
            await step()

    async def prepare(self) -> None:
        """Everything before the first session."""
        for _, step in self.steps[:4]:
            await step()

    async def import_standard(self) -> None:
        """The standard becomes data of the evidence service, and sessions hears of it."""
        await self.give("evidence", cohort.MANAGER, ["provider_manager"], self.standard)

    async def register_people(self) -> None:
        """Names and addresses go to the notifications service alone."""
        await self.side_by_side(
            self.give(
                "notifications", cohort.MANAGER, ["provider_manager"],
                RegisterContactRequest(person_id=person_id, name=name, email=address_of(person_id)),
            )
            for person_id, name in cohort.people(self.learners)
        )  # fmt: skip
        # Whoever has a guardian in the demo is under 18, or their guardian would be told nothing.
        comes_of_age_on = date(self.today.year + 2, 1, 1).isoformat()
        await self.side_by_side(
            self.give(
                "notifications", cohort.MANAGER, ["provider_manager"],
                SetLearnerComesOfAgeRequest(learner_id=plan.learner_id, comes_of_age_on=comes_of_age_on),
            )
            for plan in self.learners
            if plan.guardian_id
        )  # fmt: skip

    async def set_rota(self) -> None:
        """Who is on duty at each site, and how long they have."""
        within = Duration(seconds=int(cohort.ACKNOWLEDGE_WITHIN.total_seconds()))
        policy = SetRoutingPolicyRequest(
            immediate_danger=within, serious=within, other=within, last_resort_id=cohort.SENIOR_LEAD
        )
        rotas = [
            SetRotaRequest(
                site_id=site, dsl_id=cohort.DSL, deputy_ids=cohort.DEPUTIES, senior_lead_id=cohort.SENIOR_LEAD
            )
            for site in cohort.SITES
        ]
        await self.side_by_side(
            self.give("safeguarding", cohort.SENIOR_LEAD, ["senior_lead"], request) for request in (policy, *rotas)
        )

    async def start_mentorships(self) -> None:
        """Each learner gets a mentor, an assessor, a contact at work, and boundaries."""
        await self.side_by_side(
            self.give("sessions", cohort.MANAGER, ["provider_manager"], _mentorship(plan)) for plan in self.learners
        )

    async def mentor(self) -> None:
        """Sessions are planned, held and missed, each in its turn, learners side by side."""
        await self.side_by_side(self._mentor(plan) for plan in self.learners)

    async def judge_evidence(self) -> None:
        """Learners submit; assessors accept, or refer back."""
        await self.side_by_side(self._evidence(plan) for plan in self.learners)

    async def raise_concerns(self) -> None:
        """Two concerns at the same time: one that the DSL leaves unanswered, one that names the DSL. The first is handled to its close."""
        await self.side_by_side(self._concern(plan) for plan in cohort.CONCERNS)
        await self._give_each(handling.before_the_board(self.today))
        if not self.board:
            await until(self._board, "the handler's board")
        await self._give_each(handling.until_the_close())

    async def _give_each(self, acts: Iterable[tuple[str, Message]]) -> None:
        for person_id, request in acts:
            await self.give("safeguarding", person_id, ["deputy_dsl"], request)

    async def _board(self) -> bool:
        self.board = await handling.board(self.platform)
        return bool(self.board)

    async def live_a_year(self) -> None:
        """One learner and a small group go on, while two concerns wait to be answered."""
        self.year_begun = True
        await self.side_by_side([Year(self).live(), self.raise_concerns()])

    async def settle(self, quiet_for: float = 8.0) -> None:
        """Waits until every notice that must be sent is settled, or for so many seconds nothing came: then the checks say what is missing."""
        expected = told(self.as_lived).total()
        loop = asyncio.get_running_loop()
        settled, since = 0, loop.time()

        async def quiet() -> bool:
            nonlocal settled, since
            notices = await self.notices()
            now = sum(bool(notice.outcome) for notice in notices)
            if now != settled:
                settled, since = now, loop.time()
            if settled == len(notices) >= expected or loop.time() - since > quiet_for:
                return True
            # Each look reads every notice: the more are still to be sent, the longer the time that looking would take from them.
            await asyncio.sleep(min(max(expected - settled, 0) / _A_SECOND, quiet_for / 4))
            return False

        await until(quiet, f"{expected} settled notices", patience=_SETTLING, look_again=0.5)

    async def notices(self) -> list[NoticeSummary]:
        """Every notice there is: the manager's list, and about concerns what each whom they concern was told."""

        def client(person_id: str, role: str) -> Client:
            return self.platform.client("notifications", person_id, [role], provider=PROVIDER)

        manager = client(cohort.MANAGER, "provider_manager")
        listed = await manager.call(ListNoticesRequest(limit=1000), ListNoticesResponse)
        people = {cohort.DSL, *cohort.DEPUTIES, cohort.SENIOR_LEAD, *(concern.raiser_id for concern in cohort.CONCERNS)}
        own = await asyncio.gather(
            *(
                client(person, "learner").call(ListMyNoticesRequest(page=Page(size=500)), ListMyNoticesResponse)
                for person in people
            )
        )
        about = {concern.id for concern in cohort.CONCERNS}
        return [*listed.notices, *(notice for mine in own for notice in mine.notices if notice.about_id in about)]

    async def give(
        self, service: str, person_id: str, roles: list[str], request: Message, traceparent: str = ""
    ) -> CommandReply:
        """Gives a command as a person, again under the same idempotency key while the platform is not ready for it."""
        key = f"{type(request).__name__}:{hash_of(request)}:{person_id}"
        client = self.platform.client(service, person_id, roles, provider=PROVIDER)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        while True:
            try:
                return await client.call(request, CommandReply, key=key, traceparent=traceparent)
            except CallFailed as failed:
                if loop.time() > deadline or not (failed.status in AGAIN or failed.reason in _NOT_HEARD_YET):
                    raise
                await asyncio.sleep(LOOK_AGAIN)

    @staticmethod
    async def side_by_side(acts: Iterable[Awaitable[object]]) -> None:
        """Does many at the same time, no more than a few dozen."""
        places = asyncio.Semaphore(_SIDE_BY_SIDE)

        async def one(act: Awaitable[object]) -> None:
            async with places:
                await act

        async with asyncio.TaskGroup() as group:
            for act in acts:
                group.create_task(one(act))

    async def _mentor(self, plan: LearnerPlan) -> None:
        for number, session in enumerate(plan.sessions):
            await self.give("sessions", plan.mentor_id, ["mentor"], _planned(plan, session, number))
            traceparent = self.traceparent if session.id == self.traced else ""
            if session.held:
                await self.give("sessions", plan.mentor_id, ["mentor"], _held(plan, session), traceparent)
            elif session.missed is not None:
                missed = MissSessionRequest(session_id=session.id, learner_id=plan.learner_id, reason=session.missed)
                await self.give("sessions", plan.mentor_id, ["mentor"], missed)

    async def _evidence(self, plan: LearnerPlan) -> None:
        for piece in plan.evidence:
            submitted = SubmitEvidenceRequest(
                evidence_id=piece.id, learner_id=plan.learner_id, standard=STANDARD, kind=EVIDENCE_KIND_WORK_PRODUCT,
                ksb_codes=piece.ksb_codes, title=f"A piece of work {MARK}", produced_at=stamp(cohort.PRODUCED),
            )  # fmt: skip
            await self._related(plan.learner_id, ["learner"], submitted)
            if piece.decision is None:
                continue
            accepted = piece.decision == DECISION_ACCEPT
            criteria = Criteria(validity=True, authenticity=True, currency=True, sufficiency=accepted, reliability=True)
            judged = JudgeEvidenceRequest(
                evidence_id=piece.id,
                learner_id=plan.learner_id,
                decision=piece.decision,
                criteria=criteria,
                feedback=f"Look again {MARK}",
            )
            await self._related(plan.assessor_id, ["assessor"], judged)

    async def _related(self, person_id: str, roles: list[str], request: Message) -> None:
        """Gives a command to evidence, which hears of the mentorship within moments and until then knows nobody."""

        async def allowed() -> bool:
            try:
                await self.give("evidence", person_id, roles, request)
            except CallFailed as failed:
                if failed.reason != "NOT_ALLOWED":
                    raise
                return False
            return True

        await until(allowed, f"leave for {person_id} in the evidence service")

    async def _concern(self, plan: ConcernPlan) -> None:
        raised = RaiseConcernRequest(
            concern_id=plan.id, site_id=plan.site, category=CONCERN_CATEGORY_EMOTIONAL, severity=SEVERITY_SERIOUS,
            person_at_risk_id=plan.person_at_risk_id, named_person_ids=plan.named, narrative=plan.narrative,
        )  # fmt: skip
        await self.give("safeguarding", plan.raiser_id, [plan.raiser_role], raised)
        who = plan.asked[-1]
        deputy = self.platform.client("safeguarding", who, ["deputy_dsl"], provider=PROVIDER)

        async def asked() -> bool:
            mine = await deputy.call(ListMyConcernsRequest(), ListMyConcernsResponse)
            return any(concern.concern_id == plan.id for concern in mine.concerns)

        await until(asked, f"{plan.id} with {who}")
        await self.give("safeguarding", who, ["deputy_dsl"], AcknowledgeConcernRequest(concern_id=plan.id))


def address_of(person_id: str) -> str:
    """A person's e-mail address in the demo."""
    return f"{person_id}@northfield.example"


def hash_of(request: Message) -> str:
    """A short name for a request's content: the same act has the same idempotency key."""
    return sha256(request.SerializeToString(deterministic=True)).hexdigest()[:16]


def _mentorship(plan: LearnerPlan) -> StartMentorshipRequest:
    parties = [
        Party(person_id=plan.assessor_id, relationship=PARTY_RELATIONSHIP_ASSESSOR),
        Party(person_id=plan.contact_id, relationship=PARTY_RELATIONSHIP_EMPLOYER_CONTACT),
    ]
    if plan.guardian_id:
        parties.append(Party(person_id=plan.guardian_id, relationship=PARTY_RELATIONSHIP_GUARDIAN))
    return StartMentorshipRequest(
        learner_id=plan.learner_id, mentorship_id=plan.mentorship_id, mentor_id=plan.mentor_id, standard=STANDARD,
        employer_id=plan.employer, site_id=plan.site, parties=parties,
        boundaries=["What is said stays here, unless somebody is at risk.", "We write on working days."],
    )  # fmt: skip


def _planned(plan: LearnerPlan, session: SessionPlan, number: int) -> PlanSessionRequest:
    starts = datetime(2026, 9, 7, 9, 0, tzinfo=UTC) + timedelta(weeks=number)
    return PlanSessionRequest(
        session_id=session.id, learner_id=plan.learner_id, mentorship_id=plan.mentorship_id, kind=SESSION_KIND_VOCATIONAL,
        starts_at=stamp(starts), duration=Duration(seconds=3600), ksb_codes=session.ksb_codes,
    )  # fmt: skip


def _held(plan: LearnerPlan, session: SessionPlan) -> HoldSessionRequest:
    return HoldSessionRequest(
        session_id=session.id, learner_id=plan.learner_id, duration=Duration(seconds=60 * session.minutes),
        ksb_codes=session.ksb_codes, techniques=session.techniques, shared_record=f"We agreed two goals for the month. {MARK}",
        private_preparation=f"Ask again about sleep. {MARK}",
    )  # fmt: skip
