"""The service on a store in memory: its commands, its reactions and read models on the records a relay would send, its due rows by a clock
held in the hand. It can be started anew on the same store.
"""

import asyncio
import itertools
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from aiokafka import ConsumerRecord
from eventkernel.cloudevents import encode
from eventkernel.commands import Order
from eventkernel.due import DueRunner
from eventkernel.messages import Commit, Principal, StoredEvent
from eventkernel.node import Node
from eventkernel.placement import SLOTS
from eventkernel.projector import Projector
from eventkernel.reactor import Reactor
from eventkernel.settings import Settings
from eventkernel.store.memory import MemoryStore
from eventkernel.testing.scenario import NOON, person
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import CommandReply, Party, StandardVersion
from mentoring.sessions.v1.sessions_pb2 import LearnStandardRequest, StartMentorshipRequest
from sessions.service import build

MANAGER = person("paula", "provider_manager")
_STANDARD = StandardVersion(reference="ST0148", version="1.0")
_TOPIC = "mentoring.sessions.v1"


class Running:
    """One process of the service, and the next after it."""

    def __init__(self, folder: Path, now: datetime = NOON) -> None:
        self.settings = Settings(
            kafka_bootstrap="-", mongodb_uri="-", key_file=folder / "key", jwks_file=folder / "jwks"
        )
        self.store = MemoryStore()
        self.now = now
        self.told: list[Message] = []
        self._keys = itertools.count()
        self.restart()

    def restart(self) -> None:
        """The process ends, with all that it had in memory, and another begins on the same store."""
        self.service = build()
        self.node = Node(self.service, self.settings, self.store, clock=self.clock)
        self._offsets = itertools.count()

    def clock(self) -> datetime:
        """The time that it is held to be."""
        return self.now

    async def begin(self, *parties: Party, learner_id: str = "learner-1", mentorship_id: str = "mentorship-1") -> None:
        """Starts a mentorship of mentor-1."""
        learn = LearnStandardRequest(standard=_STANDARD, ksb_codes=["K1", "K2", "S1"])
        await self.give(learn, Principal.system(MANAGER.tenant))
        start = StartMentorshipRequest(
            learner_id=learner_id, mentorship_id=mentorship_id, mentor_id="mentor-1", standard=_STANDARD, employer_id="employer-1",
            site_id="site-1", parties=parties, boundaries=["no calls after six"],
        )  # fmt: skip
        await self.give(start, MANAGER)

    async def give(self, command: Message, by: Principal) -> CommandReply:
        """Gives a command under a new key."""
        return await self.node.commands.give(Order(command, by, f"key-{next(self._keys)}"))

    async def carry(self) -> None:
        """Publishes what is pending, and lets reactions and read models have it, until nothing more follows."""
        while pending := await self.store.commits.pending(range(SLOTS), 1000):
            await self.deliver(pending)
            await self.store.commits.clear([commit.id for commit in pending])

    async def deliver(self, commits: Sequence[Commit]) -> None:
        """The records of these commits, to whoever takes them."""
        service, contract = self.service, self.service.contract
        events = [(commit, event) for commit in commits for event in commit.events if event.published]
        self.told += [contract.parse(event.type, event.data) for _, event in events]
        records = [self._record(commit, event) for commit, event in events]
        for reaction in service.reactions:
            reactor = Reactor(
                reaction, service=service.name, contract=contract, commands=self.node.commands, due=self.store.due,
                parked=self.store.parked, clock=self.clock, scheduled=asyncio.Event(),
            )  # fmt: skip
            await reactor.take(_TOPIC, 0, records)
        for projection in service.projections:
            projector = Projector(
                projection, service=service.name, contract=contract, documents=self.store.documents, parked=self.store.parked,
                clock=self.clock,
            )  # fmt: skip
            await projector.take(_TOPIC, 0, records)

    async def fall_due(self, now: datetime) -> None:
        """It is so late now: what is due is done, and what follows from it."""
        self.now = now
        service = self.service
        runner = DueRunner(
            service.name, store=self.store, commands=self.node.commands, readers=self.node.reader, effects=self.service.effects,
            requests={request.DESCRIPTOR.full_name: request for request in service.contract.commands}, clock=self.clock,
            scheduled=asyncio.Event(),
        )  # fmt: skip
        await runner._claim_all()
        await asyncio.gather(*runner._running)
        await self.carry()

    async def parked(self) -> list[str]:
        """Why something was set aside, anywhere."""
        names = ["sessions.due"]
        names += [f"sessions.{one.name}.v{one.version}" for one in self.service.reactions]
        names += [one.subscription("sessions") for one in self.service.projections]
        return [record.reason for name in names for record in await self.store.parked.list(name)]

    def _record(self, commit: Commit, event: StoredEvent) -> "ConsumerRecord[bytes, bytes]":
        key, value, headers = encode(commit, event, "/mentoring/sessions")
        return ConsumerRecord(_TOPIC, 0, next(self._offsets), 0, 0, key, value, 0, len(key), len(value), tuple(headers))
