"""A running evidence service with one piece in it, and callers that move artefacts over a real socket."""

import contextlib
import hashlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from eventkernel.blobs.memory import MemoryBlobs
from eventkernel.client import CallFailed, Client
from eventkernel.issuer import LocalIssuer
from eventkernel.node import Node
from eventkernel.settings import Settings
from eventkernel.store.memory import MemoryStore
from eventkernel.testing.scenario import NOON
from evidence.domain.standard import KIND_OF_LETTER
from evidence.service import build
from mentoring.common.v1.common_pb2 import CommandReply
from mentoring.evidence.v1.artefacts_pb2 import (
    BeginUploadRequest,
    DownloadArtefactRequest,
    DownloadArtefactResponse,
    GetUploadRequest,
    GetUploadResponse,
    UploadArtefactRequest,
    UploadArtefactResponse,
)
from mentoring.evidence.v1.events_pb2 import EVIDENCE_KIND_WORK_PRODUCT, Ksb
from mentoring.evidence.v1.evidence_pb2 import (
    ImportStandardRequest,
    SubmitEvidenceRequest,
)

from .pieces import BEFORE, ST0148

MIB = 1 << 20
SERVICE = build()
NAMED: dict[str, Any] = {"evidence_id": "evidence-1", "learner_id": "learner-1", "artefact_id": "artefact-1"}
REPORT = b"%PDF-1.7\n" + bytes(range(256)) * 12_000 + b"CONFIDENTIAL the end"


class Hand:
    """A clock held in the hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> Any:
        return self.now


@dataclass
class Api:
    """A running evidence service with one piece in it, and callers of it."""

    node: Node
    store: MemoryStore
    blobs: MemoryBlobs
    clock: Hand
    channel: grpc.aio.Channel
    issuer: LocalIssuer

    def by(self, person_id: str = "learner-1", *roles: str, tenant: str = "provider-1") -> Client:
        token = self.issuer.token(person_id, tenant, roles or ("learner",))
        return Client(self.channel, SERVICE.contract, token)

    async def begin(self, content: bytes = REPORT, **changes: Any) -> None:
        asking: dict[str, Any] = {
            **NAMED, "file_name": "report.pdf", "media_type": "application/pdf", "size": len(content),
            "sha256": hashlib.sha256(content).digest(),
        }  # fmt: skip
        await self.by().call(BeginUploadRequest(**{**asking, **changes}), CommandReply)

    async def send(
        self, parts: AsyncIterator[UploadArtefactRequest], by: Client | None = None
    ) -> UploadArtefactResponse:
        return await (by or self.by()).upload(parts, UploadArtefactRequest, UploadArtefactResponse, seconds=30)

    async def how_far(self, **changes: Any) -> GetUploadResponse:
        return await self.by().call(GetUploadRequest(**{**NAMED, **changes}), GetUploadResponse)

    async def download(self, by: Client | None = None, **changes: Any) -> tuple[DownloadArtefactResponse, bytes]:
        told, content = DownloadArtefactResponse(), b""
        async for part in (by or self.by()).stream(
            DownloadArtefactRequest(**{**NAMED, **changes}), DownloadArtefactResponse
        ):
            if part.HasField("artefact"):
                told = part
            content += part.content
        return told, content


async def parts(
    content: bytes = REPORT, start: int = 0, end: int | None = None, size: int = 300_000, **changes: Any
) -> AsyncIterator[UploadArtefactRequest]:
    """The bytes from start to end, so many a message."""
    end = len(content) if end is None else end
    for at in range(start, end, size):
        yield UploadArtefactRequest(**{**NAMED, "offset": at, "content": content[at : min(at + size, end)], **changes})


@contextlib.asynccontextmanager
async def serving(folder: Path, **changes: Any) -> AsyncIterator[Api]:
    """The service with these settings changed, until whoever has it is done."""
    issuer = LocalIssuer(folder, "local", issuer="mentorstream", audience="mentorstream")
    address = f"127.0.0.1:{_free_port()}"
    settings: dict[str, Any] = {
        "kafka_bootstrap": "127.0.0.1:1", "mongodb_uri": "unused", "key_file": folder / "key", "jwks_file": folder / "jwks.json",
        "roles": "api", "grpc_address": address, "health_address": f"127.0.0.1:{_free_port()}", "transfers_at_once_each": 2,
        "transfer_idle_seconds": 20.0, "shutdown_seconds": 3.0,
    }  # fmt: skip
    store, blobs, clock = MemoryStore(), MemoryBlobs(), Hand()
    node = Node(build(), Settings(**(settings | changes)), store, clock, blobs)
    await node.start()
    async with grpc.aio.insecure_channel(address) as channel:
        found = Api(node, store, blobs, clock, channel, issuer)
        ksbs = [Ksb(code="K1", kind=KIND_OF_LETTER["K"], statement="What is known")]
        manager = found.by("manager-1", "provider_manager")
        await manager.call(
            ImportStandardRequest(standard=ST0148, title="Learning Mentor", level=3, ksbs=ksbs), CommandReply
        )
        piece = SubmitEvidenceRequest(
            evidence_id="evidence-1", learner_id="learner-1", standard=ST0148, kind=EVIDENCE_KIND_WORK_PRODUCT, ksb_codes=["K1"],
            title="A report", produced_at=BEFORE,
        )  # fmt: skip
        await found.by().call(piece, CommandReply)
        yield found
    await node.stop()


async def refused(work: Any) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        await work
    return caught.value


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
