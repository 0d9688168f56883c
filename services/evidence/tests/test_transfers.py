"""Artefacts over a real socket: interrupted and resumed, refused and leaving nothing, downloaded as they were, on the record."""

import asyncio
import contextlib
import hashlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from eventkernel.blobs.memory import MemoryBlobs
from eventkernel.client import CallFailed, Client
from eventkernel.due import Attempt
from eventkernel.issuer import LocalIssuer
from eventkernel.messages import DueRow
from eventkernel.node import Node
from eventkernel.settings import Settings
from eventkernel.store.memory import MemoryStore
from eventkernel.testing.scenario import NOON
from evidence.domain.standard import KIND_OF_LETTER
from evidence.service import build
from evidence.transfers.places import place_of
from mentoring.common.v1.common_pb2 import CommandReply
from mentoring.evidence.v1.artefact_events_pb2 import (
    UPLOAD_ENDING_EXPIRED,
    UPLOAD_ENDING_WRONG_HASH,
    UPLOAD_ENDING_WRONG_MEDIA_TYPE,
    UPLOAD_ENDING_WRONG_SIZE,
)
from mentoring.evidence.v1.artefacts_pb2 import (
    BeginUploadRequest,
    DownloadArtefactRequest,
    DownloadArtefactResponse,
    ExpireUploadRequest,
    GetUploadRequest,
    GetUploadResponse,
    UploadArtefactRequest,
    UploadArtefactResponse,
)
from mentoring.evidence.v1.events_pb2 import EVIDENCE_KIND_WORK_PRODUCT, Ksb
from mentoring.evidence.v1.evidence_pb2 import (
    GetEvidenceRequest,
    GetEvidenceResponse,
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


@pytest.fixture
def free_port() -> Callable[[], int]:
    def find() -> int:
        with contextlib.closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return find


@pytest.fixture
async def api(tmp_path: Path, free_port: Callable[[], int], request: pytest.FixtureRequest) -> AsyncIterator[Api]:
    issuer = LocalIssuer(tmp_path, "local", issuer="mentorstream", audience="mentorstream")
    address = f"127.0.0.1:{free_port()}"
    settings: dict[str, Any] = {
        "kafka_bootstrap": "127.0.0.1:1", "mongodb_uri": "unused", "key_file": tmp_path / "key", "jwks_file": tmp_path / "jwks.json",
        "roles": "api", "grpc_address": address, "health_address": f"127.0.0.1:{free_port()}", "transfers_at_once_each": 2,
        "transfer_idle_seconds": 20.0, "shutdown_seconds": 3.0,
    }  # fmt: skip
    store, blobs, clock = MemoryStore(), MemoryBlobs(), Hand()
    node = Node(build(), Settings(**(settings | getattr(request, "param", {}))), store, clock, blobs)
    await node.start()
    async with grpc.aio.insecure_channel(address) as channel:
        api = Api(node, store, blobs, clock, channel, issuer)
        ksbs = [Ksb(code="K1", kind=KIND_OF_LETTER["K"], statement="What is known")]
        manager = api.by("manager-1", "provider_manager")
        await manager.call(
            ImportStandardRequest(standard=ST0148, title="Learning Mentor", level=3, ksbs=ksbs), CommandReply
        )
        piece = SubmitEvidenceRequest(
            evidence_id="evidence-1", learner_id="learner-1", standard=ST0148, kind=EVIDENCE_KIND_WORK_PRODUCT, ksb_codes=["K1"],
            title="A report", produced_at=BEFORE,
        )  # fmt: skip
        await api.by().call(piece, CommandReply)
        yield api
    await node.stop()


async def refused(work: Any) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        await work
    return caught.value


async def test_what_is_uploaded_is_attached_and_downloaded_byte_for_byte(api: Api) -> None:
    await api.begin()
    assert await api.send(parts()) == UploadArtefactResponse(offset=len(REPORT), attached=True)
    told, content = await api.download()
    assert content == REPORT
    assert (told.artefact.file_name, told.artefact.media_type, told.artefact.size) == (
        "report.pdf",
        "application/pdf",
        len(REPORT),
    )
    assert told.artefact.sha256 == hashlib.sha256(REPORT).digest()
    asked = GetEvidenceRequest(evidence_id="evidence-1", learner_id="learner-1")
    (shown,) = (await api.by().call(asked, GetEvidenceResponse)).attempts[0].artefacts
    assert (shown.artefact_id, shown.file_name, shown.size) == ("artefact-1", "report.pdf", len(REPORT))


async def test_what_is_stored_says_nothing(api: Api) -> None:
    await api.begin()
    await api.send(parts())
    assert len(api.blobs.kept) == 3
    assert not any(b"CONFIDENTIAL" in content or b"%PDF" in content for content in api.blobs.kept.values())
    await api.node.blobs._keys.destroy("provider-1", "learner-1")
    assert (await refused(api.download())).reason == "PERSON_ERASED"


async def test_an_upload_that_breaks_off_goes_on_from_where_the_server_tells(api: Api) -> None:
    await api.begin()
    broken = asyncio.Event()

    async def breaking() -> AsyncIterator[UploadArtefactRequest]:
        async for part in parts(end=2 * MIB + 100_000):
            yield part
        await broken.wait()

    sending = asyncio.create_task(api.send(breaking()))
    async with asyncio.timeout(10):
        while (await api.how_far()).offset < 2 * MIB:  # noqa: ASYNC110 - what is waited for is another's
            await asyncio.sleep(0.01)
    sending.cancel()
    with contextlib.suppress(asyncio.CancelledError, CallFailed):
        await sending
    told = await api.how_far()
    assert (told.offset, told.size, told.attached) == (2 * MIB, len(REPORT), False)
    assert (await api.send(parts(start=told.offset))).attached
    assert (await api.download())[1] == REPORT
    assert (await api.how_far()).attached


async def test_an_upload_in_several_calls_ends_with_the_last_byte(api: Api) -> None:
    await api.begin()
    assert await api.send(parts(end=MIB + 5)) == UploadArtefactResponse(offset=MIB)
    assert await api.send(parts(start=MIB, end=MIB + 9)) == UploadArtefactResponse(offset=MIB), (
        "half a part is not kept"
    )
    assert (await api.send(parts(start=MIB, size=MIB))).attached
    assert (await api.send(parts(end=1))).attached, "who repeats the end is told that it is done"


async def test_where_the_answer_to_the_last_byte_was_lost_the_upload_is_finished_without_more(api: Api) -> None:
    await api.begin()
    place = "provider-1/evidence-1/artefact-1"
    await api.send(parts(end=2 * MIB))
    # The last part is stored, and the process dies before it is attached.
    await api.node.blobs.put(place_of("provider-1", "learner-1", "evidence-1", "artefact-1"), 2, REPORT[2 * MIB :])
    told = await api.how_far()
    assert (told.offset, told.attached) == (len(REPORT), False)
    last = UploadArtefactRequest(**NAMED, offset=told.offset)

    async def nothing_more() -> AsyncIterator[UploadArtefactRequest]:
        yield last

    assert (await api.send(nothing_more())).attached
    assert len([name for name in api.blobs.kept if name.startswith(place)]) == 3


async def test_a_wrong_hash_leaves_nothing(api: Api) -> None:
    await api.begin(sha256=hashlib.sha256(b"another").digest())
    assert (await refused(api.send(parts()))).reason == "HASH_MISMATCH"
    assert api.blobs.kept == {}
    assert (await api.how_far()).ended == UPLOAD_ENDING_WRONG_HASH
    assert (await refused(api.download())).reason == "ARTEFACT_UNKNOWN"
    assert (await refused(api.send(parts()))).reason == "UPLOAD_ENDED"


async def test_more_bytes_than_announced_leave_nothing(api: Api) -> None:
    await api.begin(REPORT[:-1])
    assert (await refused(api.send(parts()))).reason == "SIZE_MISMATCH"
    assert (api.blobs.kept, (await api.how_far()).ended) == ({}, UPLOAD_ENDING_WRONG_SIZE)


async def test_a_disguise_leaves_nothing(api: Api) -> None:
    program = b"MZ" + b"\0" * 2000
    await api.begin(program)
    assert (await refused(api.send(parts(program)))).reason == "MEDIA_TYPE_MISMATCH"
    assert (api.blobs.kept, (await api.how_far()).ended) == ({}, UPLOAD_ENDING_WRONG_MEDIA_TYPE)


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"size": 300_000_000}, "ARTEFACT_TOO_LARGE", "size"),
        ({"size": 0}, "REQUEST_INVALID", "size"),
        ({"media_type": "application/x-msdownload"}, "MEDIA_TYPE_NOT_TAKEN", "media_type"),
        ({"file_name": "../../etc/passwd"}, "FILE_NAME_INVALID", "file_name"),
        ({"file_name": "x" * 201}, "REQUEST_INVALID", "file_name"),
        ({"artefact_id": "../up"}, "REQUEST_INVALID", "artefact_id"),
        ({"sha256": b"short"}, "REQUEST_INVALID", "sha256"),
    ],
)
async def test_what_is_not_taken_is_refused_before_a_byte_is_sent(
    api: Api, changes: dict[str, Any], reason: str, field: str
) -> None:
    failed = await refused(api.begin(**changes))
    assert failed.reason == reason
    assert field in failed.fields
    assert (await refused(api.how_far())).reason == "UPLOAD_UNKNOWN"


async def test_bytes_that_do_not_follow_are_refused_and_nothing_is_lost(api: Api) -> None:
    await api.begin()
    await api.send(parts(end=MIB))
    for start in (0, MIB - 1, MIB + 1):
        assert (await refused(api.send(parts(start=start)))).reason == "OFFSET_WRONG"
    assert (await api.how_far()).offset == MIB
    too_much = UploadArtefactRequest(**NAMED, offset=MIB, content=b"x" * (MIB + 1))

    async def later() -> AsyncIterator[UploadArtefactRequest]:
        yield UploadArtefactRequest(**NAMED, offset=MIB)
        yield too_much

    assert (await refused(api.send(later()))).reason == "REQUEST_INVALID"
    assert (await refused(api.send(mixed()))).reason == "ARTEFACT_CHANGED"


async def mixed() -> AsyncIterator[UploadArtefactRequest]:
    yield UploadArtefactRequest(**NAMED, offset=MIB, content=b"x")
    yield UploadArtefactRequest(**{**NAMED, "artefact_id": "artefact-2"}, offset=MIB + 1, content=b"x")


async def test_who_has_no_right_learns_nothing(api: Api) -> None:
    await api.begin()
    await api.send(parts())
    for who in (
        api.by("learner-2"),
        api.by("mentor-9", "mentor"),
        api.by("assessor-9", "assessor"),
        api.by("learner-1", "guardian"),
    ):
        assert (await refused(api.download(who))).reason == "NOT_ALLOWED"
        assert (await refused(api.send(parts(), who))).reason == "NOT_ALLOWED"
    elsewhere = api.by(tenant="provider-2")
    assert (await refused(api.download(elsewhere))).reason == "ARTEFACT_UNKNOWN"
    assert (await refused(api.send(parts(), elsewhere))).reason == "UPLOAD_UNKNOWN"
    nobody = Client(api.channel, SERVICE.contract, "")
    assert (await refused(api.send(parts(), nobody))).reason == "TOKEN_MISSING"
    others = [await refused(api.download(evidence_id="none")), await refused(api.download(artefact_id="none"))]
    assert {one.reason for one in others} == {"ARTEFACT_UNKNOWN"}


async def test_who_reads_it_is_in_the_access_log_before_a_byte(api: Api) -> None:
    await api.begin()
    await api.send(parts())
    await api.download()
    entries = await api.store.access_log.about("provider-1", "learner-1")
    assert [(one.actor, one.field) for one in entries] == [("learner-1", "title"), ("learner-1", "content")]


@pytest.mark.parametrize("offset", [0, 1, MIB - 1, MIB, MIB + 1, len(REPORT) - 1, len(REPORT)])
async def test_a_download_begins_anywhere(api: Api, offset: int) -> None:
    await api.begin()
    await api.send(parts(size=MIB))
    assert (await api.download(offset=offset))[1] == REPORT[offset:]
    assert (await refused(api.download(offset=len(REPORT) + 1))).reason == "OFFSET_WRONG"


@pytest.mark.parametrize("offset", [0, 2 * MIB])
async def test_bytes_that_were_altered_are_told(api: Api, offset: int) -> None:
    await api.begin()
    await api.send(parts())
    name = next(iter(api.blobs.kept))
    api.blobs.kept[name] = api.blobs.kept[name][:-1] + b"x"
    assert (await refused(api.download(offset=offset))).reason == "CONTENT_DAMAGED"
    del api.blobs.kept[name]
    assert (await refused(api.download(offset=offset))).reason == "CONTENT_DAMAGED"


async def test_of_two_uploads_of_one_artefact_at_once_only_one_gets_on(api: Api) -> None:
    await api.begin()
    outcomes = await asyncio.gather(api.send(parts()), api.send(parts()), return_exceptions=True)
    reasons = {getattr(one, "reason", "attached") for one in outcomes}
    assert "attached" in reasons
    assert reasons <= {"attached", "UPLOAD_BUSY", "OFFSET_WRONG"}
    assert (await api.download())[1] == REPORT


async def test_nothing_that_was_checked_is_changed_by_an_upload_that_lingered(api: Api) -> None:
    await api.begin()
    other, lingering = b"%PDF-1.7\n" + b"x" * (len(REPORT) - 9), asyncio.Event()

    async def late() -> AsyncIterator[UploadArtefactRequest]:
        async for part in parts(other):
            yield part
            await lingering.wait()

    sending = asyncio.create_task(api.send(late()))
    await asyncio.sleep(0.2)
    assert (await api.send(parts())).attached
    lingering.set()
    assert (await refused(sending)).reason == "UPLOAD_BUSY"
    assert (await api.download())[1] == REPORT


async def test_different_artefacts_are_uploaded_side_by_side(api: Api) -> None:
    contents = {f"artefact-{number}": REPORT + bytes([number]) * 1000 for number in range(2)}
    for artefact_id, content in contents.items():
        await api.begin(content, artefact_id=artefact_id)
    await asyncio.gather(*(api.send(parts(content, artefact_id=one)) for one, content in contents.items()))
    for artefact_id, content in contents.items():
        assert (await api.download(artefact_id=artefact_id))[1] == content


async def silent() -> AsyncIterator[UploadArtefactRequest]:
    yield UploadArtefactRequest(**NAMED, offset=0, content=REPORT[:10])
    await asyncio.Event().wait()


@pytest.mark.parametrize("api", [{"transfer_idle_seconds": 1.0}], indirect=True)
async def test_who_falls_silent_is_let_go(api: Api) -> None:
    await api.begin()
    assert (await refused(api.send(silent()))).reason == "TRANSFER_STALLED"
    assert (await api.send(parts())).attached


@pytest.mark.parametrize("api", [{"transfer_seconds": 1.0, "transfer_idle_seconds": 30.0}], indirect=True)
async def test_none_lasts_for_ever(api: Api) -> None:
    await api.begin()
    assert (await refused(api.send(silent()))).reason == "TRANSFER_STALLED"


async def test_an_upload_without_a_part_is_told_so(api: Api) -> None:
    assert (await refused(api.send(parts(b"")))).reason == "TRANSFER_EMPTY"


@pytest.mark.parametrize("api", [{"transfer_idle_seconds": 30.0}], indirect=True)
async def test_one_person_has_so_many_transfers_at_once_and_other_calls_go_on(api: Api) -> None:
    await api.begin()
    tasks = [asyncio.create_task(api.send(silent())) for _ in range(3)]
    (one_too_many,), _ = await asyncio.wait(tasks, timeout=10, return_when=asyncio.FIRST_COMPLETED)
    assert (await refused(one_too_many)).reason == "TOO_MANY_TRANSFERS"
    asked = GetEvidenceRequest(evidence_id="evidence-1", learner_id="learner-1")
    assert (await api.by().call(asked, GetEvidenceResponse)).evidence_id == "evidence-1"
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(CallFailed):
                if (await api.send(parts())).attached:
                    break
            await asyncio.sleep(0.05)


async def test_an_upload_whose_time_is_over_takes_no_more_and_leaves_nothing(api: Api) -> None:
    await api.begin()
    await api.send(parts(end=MIB))
    assert api.blobs.kept
    api.clock.now += timedelta(days=1, minutes=2)
    assert (await refused(api.send(parts(start=MIB)))).reason == "UPLOAD_EXPIRED"
    await expire(api)
    assert (api.blobs.kept, (await api.how_far()).ended) == ({}, UPLOAD_ENDING_EXPIRED)


async def test_what_is_attached_never_expires(api: Api) -> None:
    await api.begin()
    await api.send(parts())
    api.clock.now += timedelta(days=1, minutes=2)
    await expire(api)
    assert (await api.download())[1] == REPORT


async def expire(api: Api) -> None:
    """As the due row does."""
    request = ExpireUploadRequest(**NAMED)
    row = DueRow(
        "row-1", "provider-1", api.clock.now, request.DESCRIPTOR.full_name, request.SerializeToString(), attempts=1
    )
    doing = Attempt(row, api.node.commands, api.node.reader, api.clock.now, api.node.blobs)
    await SERVICE.effects[ExpireUploadRequest](request, doing)
