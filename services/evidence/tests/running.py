"""The service on a store in memory: its commands, its reactions and read models on the records that relays would send, its due rows by a clock
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
from eventkernel.messages import Commit, Principal, StoredEvent, event_id
from eventkernel.node import Node
from eventkernel.placement import SLOTS
from eventkernel.projector import Projector
from eventkernel.reactor import Reactor
from eventkernel.reading import Ask
from eventkernel.settings import Settings
from eventkernel.store.memory import MemoryStore
from evidence.service import build
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import CommandReply

_TENANT = "provider-1"


class Running:
    """One process of the service, and the next after it."""

    def __init__(self, folder: Path, now: datetime) -> None:
        self.settings = Settings(
            kafka_bootstrap="-", mongodb_uri="-", key_file=folder / "key", jwks_file=folder / "jwks"
        )
        self.store = MemoryStore()
        self.now = now
        self.told: list[Message] = []
        self._keys = itertools.count()
        self._heard = itertools.count(1)
        self.restart()

    def restart(self) -> None:
        """The process ends, with all that it had in memory, and another begins on the same store."""
        self.service = build()
        self.node = Node(self.service, self.settings, self.store, clock=lambda: self.now)
        self._offsets = itertools.count()

    async def give(self, command: Message, by: Principal) -> CommandReply:
        """Gives a command under a new key, and lets what follows happen."""
        reply = await self.node.commands.give(Order(command, by, f"key-{next(self._keys)}"))
        await self._carry()
        return reply

    async def ask(self, query: Message, by: Principal) -> Message:
        """What the query answers, where the caller stands to it as it needs; Raises PermissionError where not."""
        call = self.service.contract.queries[type(query)]
        read = self.node.reader(by)
        if call.needs and not await self.service.relations[call.needs](Ask(by, query, read)):
            raise PermissionError(call.method)
        return await self.service.answers[type(query)](query, read)

    async def hear(self, stream: str, event: Message) -> None:
        """The next event of a stream of the sessions service."""
        version = next(self._heard)
        known = self.service.contract.of(event)
        commit_id = f"{_TENANT}/heard-{version}"
        stored = StoredEvent(event_id(commit_id, 1), known.type, version, event.SerializeToString(), True)
        commit = Commit(commit_id, _TENANT, stream, (stored,), stream, self.now, "manager-1", version)
        await self._deliver("sessions", [commit])
        await self._carry()

    async def fall_due(self, now: datetime) -> None:
        """It is so late now: what is due is done, and what follows from it."""
        self.now = now
        runner = DueRunner(
            self.service.name, store=self.store, commands=self.node.commands, readers=self.node.reader, effects=self.service.effects,
            requests={request.DESCRIPTOR.full_name: request for request in self.service.contract.commands},
            clock=lambda: self.now, scheduled=asyncio.Event(),
        )  # fmt: skip
        await runner._claim_all()
        await asyncio.gather(*runner._running)
        await self._carry()

    def told_of(self, kind: type[Message]) -> list[Message]:
        """What was published of this type."""
        return [event for event in self.told if isinstance(event, kind)]

    async def parked(self) -> list[str]:
        """Why something was set aside, anywhere."""
        names = ["evidence.due", *(f"evidence.{one.name}.v{one.version}" for one in self.service.reactions)]
        names += [one.subscription("evidence") for one in self.service.projections]
        return [record.reason for name in names for record in await self.store.parked.list(name)]

    async def _carry(self) -> None:
        while pending := await self.store.commits.pending(range(SLOTS), 1000):
            await self._deliver("evidence", pending)
            await self.store.commits.clear([commit.id for commit in pending])

    async def _deliver(self, source: str, commits: Sequence[Commit]) -> None:
        service, contract, topic = self.service, self.service.contract, f"mentoring.{source}.v1"
        events = [(commit, event) for commit in commits for event in commit.events if event.published]
        self.told += [contract.parse(event.type, event.data) for _, event in events]
        records = [self._record(topic, commit, event) for commit, event in events]
        for reaction in service.reactions:
            reactor = Reactor(
                reaction, service=service.name, contract=contract, commands=self.node.commands, due=self.store.due,
                parked=self.store.parked, clock=lambda: self.now, scheduled=asyncio.Event(),
            )  # fmt: skip
            await reactor.take(topic, 0, records)
        for projection in service.projections:
            projector = Projector(
                projection, service=service.name, contract=contract, documents=self.store.documents, parked=self.store.parked,
                clock=lambda: self.now,
            )  # fmt: skip
            await projector.take(topic, 0, records)

    def _record(self, topic: str, commit: Commit, event: StoredEvent) -> "ConsumerRecord[bytes, bytes]":
        key, value, headers = encode(commit, event, f"/{topic}")
        return ConsumerRecord(topic, 0, next(self._offsets), 0, 0, key, value, 0, len(key), len(value), tuple(headers))
