"""A safeguarding service with one concern in it, over a real socket, and callers of it."""

import contextlib
import hashlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from eventkernel.blobs.memory import MemoryBlobs
from eventkernel.client import CallFailed, Client
from eventkernel.due import Attempt
from eventkernel.issuer import LocalIssuer
from eventkernel.node import Node
from eventkernel.settings import Settings
from eventkernel.store.memory import MemoryStore
from eventkernel.testing.scenario import NOON
from mentoring.common.v1.common_pb2 import CommandReply, Page
from mentoring.safeguarding.v1 import attachments_pb2 as attachments
from mentoring.safeguarding.v1 import safeguarding_pb2 as calls
from safeguarding.service import build

from ..unit.stories import DEPUTY, DSL, LEAD, MENTOR, SECOND_DEPUTY, a_concern

MIB = 1 << 20
SERVICE = build()
PHOTO = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 6_000 + b"CONFIDENTIAL the end"
NAMED: dict[str, Any] = {"concern_id": "concern-1", "upload_id": "upload-1"}


@dataclass
class Hand:
    """A clock held in the hand."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Api:
    """A running safeguarding service with one concern in it, and callers of it."""

    node: Node
    store: MemoryStore
    blobs: MemoryBlobs
    clock: Hand
    channel: grpc.aio.Channel
    issuer: LocalIssuer

    def by(self, person_id: str = MENTOR, *roles: str, tenant: str = "provider-1") -> Client:
        return Client(self.channel, SERVICE.contract, self.issuer.token(person_id, tenant, roles or ("mentor",)))

    @property
    def dsl(self) -> Client:
        return self.by(DSL, "dsl")

    async def begin(self, content: bytes = PHOTO, by: Client | None = None, **changes: Any) -> None:
        asking: dict[str, Any] = {
            **NAMED, "file_name": "photo.png", "media_type": "image/png", "size": len(content),
            "sha256": hashlib.sha256(content).digest(),
        }  # fmt: skip
        await (by or self.by()).call(attachments.BeginAttachmentRequest(**{**asking, **changes}), CommandReply)

    async def send(
        self, parts: AsyncIterator[attachments.UploadAttachmentRequest], by: Client | None = None
    ) -> attachments.UploadAttachmentResponse:
        kinds = (attachments.UploadAttachmentRequest, attachments.UploadAttachmentResponse)
        return await (by or self.by()).upload(parts, *kinds, seconds=30)

    async def how_far(self, by: Client | None = None) -> attachments.GetAttachmentUploadResponse:
        request = attachments.GetAttachmentUploadRequest(**NAMED)
        return await (by or self.by()).call(request, attachments.GetAttachmentUploadResponse)

    async def listed(self, by: Client, size: int = 0) -> list[attachments.Attachment]:
        found, page = list[attachments.Attachment](), Page(size=size)
        while True:
            request = attachments.ListAttachmentsRequest(concern_id="concern-1", page=page)
            told = await by.call(request, attachments.ListAttachmentsResponse)
            found += told.attachments
            page.cursor = told.next_cursor
            if not page.cursor:
                return found

    async def download(
        self, by: Client, attachment_id: str, offset: int = 0
    ) -> tuple[attachments.DownloadAttachmentResponse, bytes]:
        told, content = attachments.DownloadAttachmentResponse(), b""
        request = attachments.DownloadAttachmentRequest(
            concern_id="concern-1", attachment_id=attachment_id, offset=offset
        )
        async for part in by.stream(request, attachments.DownloadAttachmentResponse):
            if part.HasField("attachment"):
                told = part
            content += part.content
        return told, content

    async def alarm(self) -> None:
        """The due row of the upload is done, as it is once its time has come."""
        row = await self.store.due.claim(self.clock.now, timedelta(seconds=30))
        assert row is not None
        request = attachments.ExpireAttachmentRequest.FromString(row.request)
        doing = Attempt(row, self.node.commands, self.node.reader, self.clock.now, self.node.blobs)
        await SERVICE.effects[attachments.ExpireAttachmentRequest](request, doing)


async def parts(
    content: bytes = PHOTO, start: int = 0, end: int | None = None, **changes: Any
) -> AsyncIterator[attachments.UploadAttachmentRequest]:
    """The bytes from start to end, some hundred thousand a message."""
    end = len(content) if end is None else end
    for at in range(start, end, 300_000):
        piece = content[at : min(at + 300_000, end)]
        yield attachments.UploadAttachmentRequest(**{**NAMED, "offset": at, "content": piece, **changes})


def free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    issuer = LocalIssuer(tmp_path, "local", issuer="mentorstream", audience="mentorstream")
    address = f"127.0.0.1:{free_port()}"
    settings = Settings(
        kafka_bootstrap="127.0.0.1:1", mongodb_uri="unused", key_file=tmp_path / "key", jwks_file=tmp_path / "jwks.json", roles="api",
        grpc_address=address, health_address=f"127.0.0.1:{free_port()}", shutdown_seconds=3.0,
    )  # fmt: skip
    store, blobs, clock = MemoryStore(), MemoryBlobs(), Hand()
    node = Node(build(), settings, store, clock, blobs)
    await node.start()
    async with grpc.aio.insecure_channel(address) as channel:
        api = Api(node, store, blobs, clock, channel, issuer)
        rota = calls.SetRotaRequest(
            site_id="site-1", dsl_id=DSL, deputy_ids=[DEPUTY, SECOND_DEPUTY], senior_lead_id=LEAD
        )
        await api.by(LEAD, "senior_lead").call(rota, CommandReply)
        await api.by().call(a_concern(naming=[DEPUTY]), CommandReply)
        yield api
    await node.stop()


async def refused(work: Any) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        await work
    return caught.value
