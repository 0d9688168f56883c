"""A mail server, and rows that send to it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP
from mentoring.notifications.v1.channel_pb2 import Channel
from mentoring.notifications.v1.events_pb2 import Because, Detail, Occasion
from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest
from notifications.effects.outlets import ByMail
from notifications.effects.patience import Patience
from notifications.effects.sending import SendNotice
from notifications.effects.smtp import SmtpMailer

from .flowing import Platform
from .mail_parts import AT, MailServer, MakeRow, Row


@pytest.fixture
async def server() -> AsyncIterator[tuple[MailServer, int]]:
    found = MailServer()
    listening = await asyncio.get_running_loop().create_server(
        lambda: SMTP(found, hostname="mail.example", loop=asyncio.get_running_loop()), "127.0.0.1", 0
    )
    yield found, listening.sockets[0].getsockname()[1]
    listening.close()


@pytest.fixture
def mailbox(server: tuple[MailServer, int]) -> MailServer:
    return server[0]


@pytest.fixture
def row(server: tuple[MailServer, int]) -> MakeRow:
    def make(
        *, safeguarding: bool = False, port: int | None = None, seconds: float = 20, answer_seconds: float = 20
    ) -> Row:
        mailer = SmtpMailer("127.0.0.1", port or server[1], seconds=seconds, answer_seconds=answer_seconds)
        effect = SendNotice(
            outlets={Channel.CHANNEL_EMAIL: ByMail(mailer, "mentor@stream.example", "https://m.example", lambda: AT)},
            lines={},
            patience=Patience(attempts=4, chance=lambda: 1.0),
        )
        request = StartNoticeRequest(
            notice_id="n-1",
            attempt=1,
            recipient_id="mia",
            safeguarding=safeguarding,
            telling_id="t-1",
            occasion=Occasion.OCCASION_CONCERN_ASSIGNED if safeguarding else Occasion.OCCASION_SESSION_PLANNED,
            because=Because.BECAUSE_DSL_ON_DUTY if safeguarding else Because.BECAUSE_MENTOR,
            detail=Detail.DETAIL_FULL,
            about_id="a-1",
            raiser_role="mentor" if safeguarding else "",
            category="physical" if safeguarding else "",
        )
        return Row(effect, request)

    return make


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    return Platform(tmp_path)
