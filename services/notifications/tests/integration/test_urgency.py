"""Ordinary mail that waits for a slow mail server holds up no alert about a concern."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

from eventkernel.commands import Order
from eventkernel.due import DueRunner
from eventkernel.messages import DueRow, Metadata
from eventkernel.node import Node
from eventkernel.reaction import Later
from eventkernel.settings import Settings
from eventkernel.store.memory import MemoryStore
from eventkernel.testing.scenario import person
from mentoring.notifications.v1.events_pb2 import Because, Detail, NoticeRequested, Occasion
from mentoring.notifications.v1.notifications_pb2 import RegisterContactRequest
from notifications.reactions.sending import sending
from notifications.service import build

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PLACES = 16


class HangingMailer:
    """A mail server that answers nobody until it is let go."""

    def __init__(self) -> None:
        self.begun = asyncio.Queue[str]()
        self.go_on = asyncio.Event()

    async def send(self, message: EmailMessage) -> None:
        self.begun.put_nowait(str(message["X-Notice-Id"]))
        await self.go_on.wait()


def kept(notice_id: str, occasion: Occasion.ValueType, because: Because.ValueType, at: datetime) -> DueRow:
    """The row that is kept for a notice, as the reactor keeps it."""
    event = NoticeRequested(
        telling_id=f"t-{notice_id}", notice_id=notice_id, recipient_id="dora", occasion=occasion, because=because,
        detail=Detail.DETAIL_FULL, about_id="x",
    )  # fmt: skip
    (later,) = sending.policies[NoticeRequested](event, Metadata(notice_id, "", "provider-1", "", 1, at))
    assert isinstance(later, Later)
    name, request = later.request.DESCRIPTOR.full_name, later.request.SerializeToString()
    return DueRow(notice_id, "provider-1", later.at, name, request, urgent=later.urgent)


async def test_an_alert_is_sent_while_every_place_is_taken_by_ordinary_mail_that_was_due_before_it(
    tmp_path: Path,
) -> None:
    mailer, store = HangingMailer(), MemoryStore()
    service = build(mailer=mailer)
    settings = Settings(
        kafka_bootstrap="unused:9092", mongodb_uri="unused", key_file=tmp_path / "key", jwks_file=tmp_path / "jwks"
    )
    node = Node(service, settings, store, clock=lambda: AT)
    contact = RegisterContactRequest(person_id="dora", name="Dora", email="dora@example.org")
    await node.commands.give(Order(contact, person("paula", "provider_manager"), "k"))
    runner = DueRunner(
        "notifications", store=store, commands=node.commands, readers=node.reader, effects=service.effects,
        requests={str(request.DESCRIPTOR.full_name): request for request in service.contract.commands},
        clock=lambda: AT, scheduled=(scheduled := asyncio.Event()), side_by_side=PLACES,
    )  # fmt: skip
    planned, learner = Occasion.OCCASION_SESSION_PLANNED, Because.BECAUSE_LEARNER
    earlier = AT - timedelta(hours=1)
    await store.due.schedule([kept(f"ordinary-{number}", planned, learner, earlier) for number in range(100)])
    running = asyncio.create_task(runner.run())
    first = [await mailer.begun.get() for _ in range(PLACES)]
    assert "alert" not in first
    alert = kept("alert", Occasion.OCCASION_CONCERN_ASSIGNED, Because.BECAUSE_DSL_ON_DUTY, AT)
    await store.due.schedule([alert])
    scheduled.set()
    assert await mailer.begun.get() == "alert"
    mailer.go_on.set()
    others = {await mailer.begun.get() for _ in range(100 - PLACES)}
    assert others == {f"ordinary-{number}" for number in range(100)} - set(first)
    await runner.stop()
    await running
