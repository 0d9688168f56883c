"""The load of a run: a provider of its own, whose people do what the seed says, through gRPC, and repeat what was not answered.

Every attempt goes into the history. What was refused for good ends an operation; whatever leaves it open is tried again under
the same key, up to `patience`.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import grpc
from eventkernel.client import CallFailed
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2
from mentoring.common.v1.common_pb2 import (
    PARTY_RELATIONSHIP_ASSESSOR,
    PARTY_RELATIONSHIP_EMPLOYER_CONTACT,
    CommandReply,
    Party,
    StandardVersion,
)
from mentoring.evidence.v1.events_pb2 import DECISION_ACCEPT, DECISION_REFER, EVIDENCE_KIND_WORK_PRODUCT, Criteria
from mentoring.evidence.v1.evidence_pb2 import JudgeEvidenceRequest, SubmitEvidenceRequest
from mentoring.notifications.v1.notifications_pb2 import RegisterContactRequest
from mentoring.safeguarding.v1.events_pb2 import CONCERN_CATEGORY_EMOTIONAL, SEVERITY_OTHER
from mentoring.safeguarding.v1.safeguarding_pb2 import (
    AcknowledgeConcernRequest,
    AddToConcernRequest,
    RaiseConcernRequest,
    SetRotaRequest,
    SetRoutingPolicyRequest,
)
from mentoring.sessions.v1.events_pb2 import MISS_REASON_LEARNER_ILL, SESSION_KIND_VOCATIONAL, TECHNIQUE_GROW
from mentoring.sessions.v1.sessions_pb2 import (
    HoldSessionRequest,
    MissSessionRequest,
    PlanSessionRequest,
    StartMentorshipRequest,
)
from mentorstream.standards import ST0148, load_standard

from tests.fault.history import History
from tests.fault.world import Process, World

STANDARD = StandardVersion(reference="ST0148", version="1.0")
CODES = tuple(f"K{number}" for number in range(1, 12))
SITE, MANAGER, CONTACT = "riverside", "manager", "foundry-contact"
DSL, DEPUTY, LEAD = "dsl", "deputy", "lead"
MENTORS, ASSESSORS = ("mentor-1", "mentor-2"), ("assessor-1", "assessor-2")
# Short, so that a run sees deadlines missed; a provider's own policy says minutes and hours.
ACKNOWLEDGE_WITHIN = 3
_CALL_SECONDS = 6.0
_AGAIN_AFTER = 0.15
_STARTS = datetime(2026, 9, 7, 9, tzinfo=UTC)

# Whether it was done is not known, or it was not and may be soon.
_UNKNOWN = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.INTERNAL,
    }
)
_NOT_YET = frozenset({"STANDARD_UNKNOWN", "NOT_ALLOWED", "CONCERN_NOT_YOURS", "CONTENDED", "OVERLOADED"})


class GivenUp(Exception):
    """An operation that did not come to an end in time."""


class Gate:
    """How far the load has come, and how far it may go before the fault is over."""

    def __init__(self, total: int, hold_at: float) -> None:
        self.begun = 0
        self._total = total
        self._hold_at = int(total * hold_at)
        self._healed = asyncio.Event()
        self._moved = asyncio.Condition()

    async def enter(self) -> None:
        """Before each operation: waits where the rest is for after the fault."""
        if self.begun >= self._hold_at:
            await self._healed.wait()
        self.begun += 1
        async with self._moved:
            self._moved.notify_all()

    async def reached(self, share: float, within: float = 60.0) -> None:
        """Waits until this share of the operations was begun."""
        async with asyncio.timeout(within), self._moved:
            await self._moved.wait_for(lambda: self.begun >= self._total * share)

    def open(self) -> None:
        """The fault is over."""
        self._healed.set()


@dataclass
class Load:
    """One provider's load on a world.

    Args:
        patience: seconds until an operation that does not end is given up.
    """

    world: World
    history: History
    tenant: str
    seed: str
    learners: int = 6
    concerns: int = 4
    patience: float = 120.0
    closing: float = 90.0
    given_up: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Which API process is asked is chance of its own: what the stories say depends on the seed alone.
        self._random = random.Random(f"{self.seed}/which")
        self._numbers = iter(range(1_000_000))
        # Five a learner, four a concern, and the repeats.
        self.gate = Gate(5 * self.learners + 4 * self.concerns, 0.7)

    async def prepare(self) -> None:
        """What has to be there before anything else: the standard, people, the rota and the policy, mentorships."""
        standard = load_standard(ST0148)
        within = Duration(seconds=ACKNOWLEDGE_WITHIN)
        policy = SetRoutingPolicyRequest(immediate_danger=within, serious=within, other=within, last_resort_id=LEAD)
        rota = SetRotaRequest(site_id=SITE, dsl_id=DSL, deputy_ids=[DEPUTY], senior_lead_id=LEAD)
        people = (MANAGER, CONTACT, DSL, DEPUTY, LEAD, *MENTORS, *ASSESSORS, *map(_learner, range(self.learners)))
        contacts = [
            RegisterContactRequest(person_id=person, name=person, email=f"{person}@{self.tenant}.example")
            for person in people
        ]
        await asyncio.gather(
            self.give("evidence", MANAGER, "provider_manager", standard),
            *(self.give("safeguarding", LEAD, "senior_lead", request) for request in (policy, rota)),
            *(self.give("notifications", MANAGER, "provider_manager", contact) for contact in contacts),
        )
        await asyncio.gather(
            *(self.give("sessions", MANAGER, "provider_manager", _mentorship(n)) for n in range(self.learners))
        )

    async def run(self) -> None:
        """All stories side by side; what is given up is noted, and the others go on."""
        stories: list[Awaitable[None]] = [self._story(self._learner_steps(number)) for number in range(self.learners)]
        stories += [self._story(self._concern_steps(number)) for number in range(self.concerns)]
        await asyncio.gather(*stories)

    async def give(
        self, service: str, person: str, role: str, request: Message, *, key: str = "", patience: float = 0
    ) -> CommandReply | None:
        """Gives one command until it is answered for good; None where it was refused. Raises GivenUp."""
        key = key or f"{self.tenant}.{next(self._numbers)}"
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (patience or self.patience)
        named = {"tenant": self.tenant, "key": key}
        while True:
            process = self._random.choice(self._apis(service))
            self.history.write("invoked", **named, service=service, command=type(request).__name__, by=process.name)
            try:
                client = self.world.client(process, person, [role], self.tenant)
                reply = await client.call(request, CommandReply, key=key, seconds=_CALL_SECONDS)
            except CallFailed as failed:
                if failed.status in _UNKNOWN:
                    self.history.write("unknown", **named, reason=f"{failed.status.name} {failed.reason}")
                else:
                    self.history.write("refused", **named, reason=failed.reason, hint=_retry_hint(failed))
                    if failed.reason not in _NOT_YET:
                        return None
                if loop.time() > deadline:
                    raise GivenUp(f"{type(request).__name__} {key}: {failed}") from failed
                # Who is told to come again later does, and not all at the same time.
                overloaded = failed.status is grpc.StatusCode.RESOURCE_EXHAUSTED
                await asyncio.sleep(self._random.uniform(1.0, 3.0) if overloaded else _AGAIN_AFTER)
            else:
                self.history.write(
                    "acknowledged", **named, stream=reply.stream, version=reply.version, types=list(reply.event_types)
                )
                return reply

    def _apis(self, service: str) -> Sequence[Process]:
        # Dead ones too: a caller does not know.
        return [
            one for one in self.world.processes.values() if one.service == service and "api" in one.roles.split(",")
        ]

    async def _story(self, steps: Iterator[Callable[[], Awaitable[object]]]) -> None:
        try:
            for step in steps:
                await self.gate.enter()
                await step()
        except GivenUp as over:
            self.given_up.append(str(over))

    def _learner_steps(self, number: int) -> Iterator[Callable[[], Awaitable[object]]]:
        """A session planned, and held or missed; a second planned; evidence submitted and judged. Some is repeated."""
        learner, mentor = _learner(number), MENTORS[number % 2]
        choose = random.Random(f"{self.seed}/{learner}")
        first, second = f"{learner}-s1", f"{learner}-s2"
        yield lambda: self.give("sessions", mentor, "mentor", _plan(first, learner, choose))
        if choose.random() < 0.7:
            held: Message = _hold(first, learner, choose)
        else:
            held = MissSessionRequest(session_id=first, learner_id=learner, reason=MISS_REASON_LEARNER_ILL)
        yield lambda: self._twice("sessions", mentor, "mentor", held, again=choose.random() < 0.5)
        yield lambda: self.give("sessions", mentor, "mentor", _plan(second, learner, choose))
        yield lambda: self.give("evidence", learner, "learner", _evidence(learner, choose))
        judged = _judgement(learner, choose)
        yield lambda: self._twice("evidence", ASSESSORS[number % 2], "assessor", judged, again=choose.random() < 0.5)

    def _concern_steps(self, number: int) -> Iterator[Callable[[], Awaitable[object]]]:
        """Raised, and added to twice; acknowledged at once by the DSL, or left until the deputy was asked."""
        concern_id, raiser = f"concern-{number}", MENTORS[number % 2]
        raised = RaiseConcernRequest(
            concern_id=concern_id, site_id=SITE, category=CONCERN_CATEGORY_EMOTIONAL, severity=SEVERITY_OTHER,
            person_at_risk_id=_learner(number % self.learners), narrative="She told me that she is afraid to go home.",
        )  # fmt: skip
        yield lambda: self._twice("safeguarding", raiser, "mentor", raised, again=number % 3 == 0)
        first = AddToConcernRequest(concern_id=concern_id, text="She called again.")
        # Of all commands this one would do most harm if it were done twice: nothing but its key tells a repeat.
        yield lambda: self._twice("safeguarding", raiser, "mentor", first, again=True)
        second = AddToConcernRequest(concern_id=concern_id, text="She is with her aunt.")
        yield lambda: self._twice("safeguarding", raiser, "mentor", second, again=False)
        who, role = (DSL, "dsl") if number % 2 else (DEPUTY, "deputy_dsl")
        taken = AcknowledgeConcernRequest(concern_id=concern_id)
        yield lambda: self.give("safeguarding", who, role, taken, patience=self.closing)

    async def _twice(self, service: str, person: str, role: str, request: Message, *, again: bool) -> None:
        """Gives a command, and perhaps again under the same key, as a caller does who heard no answer."""
        key = f"{self.tenant}.{next(self._numbers)}"
        await self.give(service, person, role, request, key=key)
        if again:
            await self.give(service, person, role, request, key=key)


def _learner(number: int) -> str:
    return f"learner-{number}"


def _mentorship(number: int) -> StartMentorshipRequest:
    return StartMentorshipRequest(
        learner_id=_learner(number), mentorship_id=f"mentorship-{number}", mentor_id=MENTORS[number % 2], standard=STANDARD,
        employer_id="foundry", site_id=SITE, boundaries=["What is said stays here, unless somebody is at risk."],
        parties=[
            Party(person_id=ASSESSORS[number % 2], relationship=PARTY_RELATIONSHIP_ASSESSOR),
            Party(person_id=CONTACT, relationship=PARTY_RELATIONSHIP_EMPLOYER_CONTACT),
        ],
    )  # fmt: skip


def _plan(session_id: str, learner_id: str, choose: random.Random) -> PlanSessionRequest:
    starts = Timestamp()
    starts.FromDatetime(_STARTS + timedelta(days=choose.randrange(90)))
    return PlanSessionRequest(
        session_id=session_id, learner_id=learner_id, mentorship_id=f"mentorship-{learner_id.rpartition('-')[2]}",
        kind=SESSION_KIND_VOCATIONAL, starts_at=starts, duration=Duration(seconds=3600), ksb_codes=_codes(choose),
    )  # fmt: skip


def _hold(session_id: str, learner_id: str, choose: random.Random) -> HoldSessionRequest:
    return HoldSessionRequest(
        session_id=session_id, learner_id=learner_id, duration=Duration(seconds=60 * choose.randrange(20, 90)),
        ksb_codes=_codes(choose), techniques=[TECHNIQUE_GROW], shared_record="We agreed two goals for the month.",
        private_preparation="Ask again about sleep.",
    )  # fmt: skip


def _evidence(learner_id: str, choose: random.Random) -> SubmitEvidenceRequest:
    produced = Timestamp()
    produced.FromDatetime(_STARTS - timedelta(days=30))
    return SubmitEvidenceRequest(
        evidence_id=f"{learner_id}-e1", learner_id=learner_id, standard=STANDARD, kind=EVIDENCE_KIND_WORK_PRODUCT,
        ksb_codes=_codes(choose), title="A piece of work", produced_at=produced,
    )  # fmt: skip


def _judgement(learner_id: str, choose: random.Random) -> JudgeEvidenceRequest:
    accepted = choose.random() < 0.7
    criteria = Criteria(validity=True, authenticity=True, currency=True, sufficiency=accepted, reliability=True)
    return JudgeEvidenceRequest(
        evidence_id=f"{learner_id}-e1", learner_id=learner_id, decision=DECISION_ACCEPT if accepted else DECISION_REFER,
        criteria=criteria, feedback="Look at the second part again.",
    )  # fmt: skip


def _codes(choose: random.Random) -> list[str]:
    return choose.sample(CODES, choose.randrange(1, 5))


def _retry_hint(failed: CallFailed) -> bool:
    """Whether google.rpc's details say when to come again."""
    cause = failed.__cause__
    if not isinstance(cause, grpc.aio.AioRpcError):
        return False
    for name, value in cause.trailing_metadata() or ():
        if name == "grpc-status-details-bin" and isinstance(value, bytes):
            details = status_pb2.Status.FromString(value).details
            return any(detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR) for detail in details)
    return False
