"""The service through nights and restarts: due rows are claimed by the real runner, by a clock that goes from one row to the next."""

import asyncio
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

from eventkernel.aggregate import Aggregate
from eventkernel.commands import Order
from eventkernel.due import DueRunner
from eventkernel.messages import DueRow, Metadata, Principal, derived_id
from eventkernel.node import Node
from eventkernel.reaction import Doing, Effect, Later, Reaction
from eventkernel.settings import Settings
from eventkernel.store.memory import MemoryStore
from eventkernel.testing.scenario import person
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import CommandReply, InformationKind
from mentoring.notifications.v1.events_pb2 import Because, Detail, NoticeRequested, NoticeSettled, Occasion, Outcome
from mentoring.notifications.v1.notifications_pb2 import RecordCircleRequest, RegisterContactRequest, TellCircleRequest
from mentoring.notifications.v1.preferences_events_pb2 import Preferences
from mentoring.notifications.v1.preferences_pb2 import SetMyPreferencesRequest
from notifications.effects.mailer import NotTaken, Unsure
from notifications.reactions.sending import sending
from notifications.service import build

TENANT = "provider-1"
SYSTEM = Principal.system(TENANT)
State = TypeVar("State")


class Died(BaseException):
    """The process ended here."""


class Mailbox:
    """Takes mail, after so many that it refuses for a time. `silent`: nobody knows whether it takes any."""

    def __init__(self, house: "House") -> None:
        self._house = house
        self.taken: list[EmailMessage] = []
        self.tried: list[datetime] = []
        self.refuses = 0
        self.silent = False

    async def send(self, message: EmailMessage) -> None:
        self._house.step()
        self.tried.append(self._house.now)
        if self.refuses:
            self.refuses -= 1
            raise NotTaken("SMTP_451", passing=True)
        if self.silent:
            raise Unsure("SMTP_NO_ANSWER")
        self.taken.append(message)
        self._house.step()


class House:
    """The service over a store in memory that outlives its processes."""

    def __init__(self, folder: Path, now: datetime) -> None:
        self.now = now
        self.store = MemoryStore()
        self.mailer = Mailbox(self)
        self._settings = Settings(
            kafka_bootstrap="unused:9092", mongodb_uri="unused", key_file=folder / "key", jwks_file=folder / "jwks"
        )
        self._given = 0
        # A process ends at this step of an effect; 0: at none.
        self.steps, self.dies_at = 0, 0
        self.restart()

    def restart(self) -> None:
        """A new process, which knows nothing."""
        self.service = build(mailer=self.mailer)
        self.node = Node(self.service, self._settings, self.store, clock=lambda: self.now)

    async def give(self, request: Message, principal: Principal) -> CommandReply:
        self._given += 1
        return await self.node.commands.give(Order(request, principal, f"given-{self._given}"))

    async def register(self, *people: str) -> None:
        for one in people:
            contact = RegisterContactRequest(person_id=one, name=f"Name of {one}", email=f"{one}@example.org")
            await self.give(contact, person("paula", "provider_manager"))

    async def wish(
        self, person_id: str, said: Preferences | None = None, *unsubscribed: InformationKind.ValueType
    ) -> None:
        request = SetMyPreferencesRequest(person_id=person_id, preferences=said, unsubscribed=unsubscribed)
        await self.give(request, person(person_id))

    async def ask(
        self,
        notice_id: str,
        recipient_id: str,
        occasion: Occasion.ValueType = Occasion.OCCASION_SESSION_PLANNED,
        because: Because.ValueType = Because.BECAUSE_LEARNER,
        at: datetime | None = None,
    ) -> None:
        """A notice of no circle is asked for, and put on its way as the reactor does it."""
        event = NoticeRequested(
            telling_id=f"t-{notice_id}",
            notice_id=notice_id,
            recipient_id=recipient_id,
            occasion=occasion,
            because=because,
            detail=Detail.DETAIL_FULL,
            about_id="s-1",
        )
        await self._keep(event, Metadata(notice_id, "", TENANT, "", 1, at or self.now))

    async def tell_circle(self, telling_id: str, learner_id: str, **changes: Any) -> None:
        """Something happened in the learner's mentorship."""
        circle = RecordCircleRequest(learner_id=learner_id, mentorship_id="m-1", mentor_id="mia")
        await self.give(circle, SYSTEM)
        request = TellCircleRequest(
            telling_id=telling_id,
            learner_id=learner_id,
            kind=InformationKind.INFORMATION_KIND_SESSION,
            occasion=Occasion.OCCASION_SESSION_PLANNED,
            about_id="s-1",
            mentorship_id="m-1",
            actor_id="mia",
        )
        request.MergeFrom(TellCircleRequest(**changes))
        await self.give(request, SYSTEM)

    async def put_on_their_way(self, *tellings: str) -> list[str]:
        """What the reactor does with the notices of these tellings; their ids."""
        found = []
        for telling_id in tellings:
            for item in await self.node.reader(SYSTEM).history(f"telling-{telling_id}"):
                if isinstance(item.event, NoticeRequested):
                    await self._keep(item.event, item.meta)
                    found.append(item.event.notice_id)
        return found

    async def _keep(self, event: NoticeRequested, meta: Metadata) -> None:
        await self.hear(sending, event, meta)

    async def hear(self, reaction: Reaction, event: Message, meta: Metadata) -> None:
        """What the reactor does with an event: what follows is given at once, or kept as a due row."""
        for index, reply in enumerate(reaction.policies[type(event)](event, meta)):
            key = derived_id(reaction.name, meta.event_id, str(index))
            if isinstance(reply, Later):
                name, request = reply.request.DESCRIPTOR.full_name, reply.request.SerializeToString()
                await self.store.due.schedule([DueRow(key, TENANT, reply.at, name, request, urgent=reply.urgent)])
            else:
                await self.node.commands.give(Order(reply, SYSTEM, key))

    async def hear_all(self, reaction: Reaction, stream: str) -> None:
        """A reaction hears all of a stream, from its beginning each time."""
        for item in await self.node.reader(SYSTEM).history(stream):
            if type(item.event) in reaction.policies:
                await self.hear(reaction, item.event, item.meta)

    async def until(self, end: datetime) -> None:
        """Does whatever falls due up to then, each at its time; what a dead process had, when its lease is over."""
        while True:
            await self._work()
            due = self._next()
            if due is None or due > end:
                self.now = max(self.now, end)
                return
            self.now = max(self.now, due)

    async def _work(self) -> None:
        runner = DueRunner(
            "notifications", store=self.store, commands=self.node.commands, readers=self.node.reader,
            effects={kind: self._watched(effect) for kind, effect in self.service.effects.items()},
            requests={str(request.DESCRIPTOR.full_name): request for request in self.service.contract.commands},
            clock=lambda: self.now, scheduled=asyncio.Event(),
        )  # fmt: skip
        await runner._claim_all()
        await asyncio.gather(*runner._running, return_exceptions=True)

    def _watched(self, effect: Effect) -> Effect:
        async def watched(request: Any, doing: Doing) -> None:
            await effect(request, Watched(doing, self))

        return watched

    def _next(self) -> datetime | None:
        rows = [kept for kept in self.store.due._rows.values() if not kept.done]
        return min((max(kept.row.due, kept.leased_until or kept.row.due) for kept in rows), default=None)

    def mails(self) -> list[str]:
        """The notices that went out, in order."""
        return [str(mail["X-Notice-Id"]) for mail in self.mailer.taken]

    async def story(self, notice_id: str) -> list[Message]:
        """What happened to a notice."""
        return [item.event for item in await self.node.reader(SYSTEM).history(f"notice-{notice_id}")]

    async def outcomes(self, notice_id: str) -> list[str]:
        """How its attempts ended."""
        story = await self.story(notice_id)
        names = (Outcome.Name(event.outcome) for event in story if isinstance(event, NoticeSettled))
        return [name.removeprefix("OUTCOME_") for name in names]

    def step(self) -> None:
        """Something is about to be done, or was: the process may end here."""
        self.steps += 1
        if self.steps == self.dies_at:
            raise Died


class Watched:
    """What an effect may use, with a process that may end before and after each thing it does."""

    def __init__(self, doing: Doing, house: House) -> None:
        self._doing, self._house = doing, house

    async def command(self, request: Message) -> CommandReply:
        self._house.step()
        reply = await self._doing.command(request)
        self._house.step()
        return reply

    async def state(self, aggregate: Aggregate[State], stream: str) -> State:
        self._house.step()
        return await self._doing.state(aggregate, stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._doing, name)
