"""Attachments over a real socket: taken, resumed, refused and leaving nothing; read by handlers alone, and on the record."""

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
from eventkernel.blobs.sealed import Place
from eventkernel.client import CallFailed, Client
from eventkernel.due import Attempt
from eventkernel.issuer import LocalIssuer
from eventkernel.keys import KeyDestroyed
from eventkernel.node import Node
from eventkernel.settings import Settings
from eventkernel.store.memory import MemoryStore
from eventkernel.testing.scenario import NOON
from mentoring.common.v1.common_pb2 import CommandReply, Page
from mentoring.safeguarding.v1 import attachment_events_pb2 as attachment_events
from mentoring.safeguarding.v1 import attachments_pb2 as attachments
from mentoring.safeguarding.v1 import oversight_pb2 as oversight
from mentoring.safeguarding.v1 import safeguarding_pb2 as calls
from safeguarding.service import build

from ..unit.stories import DEPUTY, DSL, LEAD, LEARNER, MENTOR, SECOND_DEPUTY, a_concern, an_addition

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


async def test_what_the_raiser_sends_is_read_by_a_handler_byte_for_byte_and_on_the_record(api: Api) -> None:
    await api.begin()
    assert (await api.send(parts())).attached
    (one,) = await api.listed(api.dsl)
    assert (one.file_name, one.author_id, one.size, one.concern_id) == ("photo.png", MENTOR, len(PHOTO), "concern-1")
    told, content = await api.download(api.dsl, one.attachment_id)
    assert (content, told.attachment) == (PHOTO, one)
    assert (await api.download(api.dsl, one.attachment_id, MIB + 7))[1] == PHOTO[MIB + 7 :]
    entries = await api.store.access_log.about("provider-1", LEARNER)
    assert [(entry.actor, entry.field) for entry in entries] == [
        (DSL, "file_name"), (DSL, "file_name"), (DSL, "content"), (DSL, "file_name"), (DSL, "content"),
    ]  # fmt: skip
    request = oversight.ListConcernReadsRequest(concern_id="concern-1")
    reads = (await api.dsl.call(request, oversight.ListConcernReadsResponse)).reads
    assert {(read.reader_id, read.field) for read in reads} == {(DSL, "file_name"), (DSL, "content")}


async def test_what_is_stored_says_nothing_and_goes_with_the_key_of_the_person_at_risk(api: Api) -> None:
    await api.begin()
    await api.send(parts())
    assert len(api.blobs.kept) == 2
    assert not any(b"CONFIDENTIAL" in content or PHOTO[:8] in content for content in api.blobs.kept.values())
    commits = await api.store.commits.read("provider-1", "concern-concern-1")
    assert not any(b"photo.png" in event.data for commit in commits for event in commit.events)
    (one,) = await api.listed(api.dsl)
    place = Place("provider-1", LEARNER, f"concern-1/{one.attachment_id}")
    assert await api.node.blobs.get(place, 0) == PHOTO[:MIB]
    await api.node.blobs._keys.destroy("provider-1", LEARNER)
    with pytest.raises(KeyDestroyed):
        await api.node.blobs.get(place, 0)
    assert (await refused(api.download(api.dsl, one.attachment_id))).reason == "PERSON_ERASED"


async def test_who_handles_it_not_gets_the_same_answers_whether_or_not_there_is_one(api: Api) -> None:
    async def asked(concern_id: str, who: Client) -> set[tuple[str, str]]:
        named = {**NAMED, "concern_id": concern_id}
        download = attachments.DownloadAttachmentRequest(concern_id=concern_id, attachment_id="any")
        tries = (
            api.begin(by=who, concern_id=concern_id),
            who.call(attachments.GetAttachmentUploadRequest(**named), attachments.GetAttachmentUploadResponse),
            api.send(parts(**named), who),
            who.call(attachments.ListAttachmentsRequest(concern_id=concern_id), attachments.ListAttachmentsResponse),
            anext(aiter(who.stream(download, attachments.DownloadAttachmentResponse))),
        )
        return {(failed.reason, str(failed)) for failed in [await refused(one) for one in tries]}

    await api.begin()
    await api.send(parts())
    for who in (api.by(DEPUTY, "deputy_dsl"), api.by(LEARNER, "dsl"), api.by("stranger", "dsl", "senior_lead")):
        answers = await asked("concern-1", who)
        assert answers == await asked("concern-9", who)
        assert {reason for reason, _ in answers} == {"NOT_ALLOWED"}
    elsewhere = api.by(DSL, "dsl", tenant="provider-2")
    assert {reason for reason, _ in await asked("concern-1", elsewhere)} == {"NOT_ALLOWED"}


async def test_the_raiser_cannot_list_or_read_back_what_they_sent(api: Api) -> None:
    await api.begin()
    await api.send(parts())
    (one,) = await api.listed(api.dsl)
    for roles in (("mentor",), ("dsl",)):
        raiser = api.by(MENTOR, *roles)
        assert (await refused(api.listed(raiser))).reason == "NOT_ALLOWED"
        assert (await refused(api.download(raiser, one.attachment_id))).reason == "NOT_ALLOWED"
    assert (await api.how_far()).attached


async def test_neither_the_raiser_nor_a_handler_meets_the_others_upload(api: Api) -> None:
    await api.begin(by=api.dsl)
    await api.send(parts(), api.dsl)
    assert (await refused(api.how_far())).reason == "UPLOAD_UNKNOWN"
    assert (await refused(api.send(parts()))).reason == "UPLOAD_UNKNOWN"
    text = b"%PDF-1.7\n" + b"x" * 100
    await api.begin(text, media_type="application/pdf")
    assert (await api.send(parts(text))).attached
    assert [one.author_id for one in await api.listed(api.dsl, size=1)] == [DSL, MENTOR]


async def test_who_is_named_later_reads_no_more(api: Api) -> None:
    await api.begin()
    await api.send(parts())
    (one,) = await api.listed(api.dsl)
    await api.by().call(an_addition(DSL), CommandReply)
    assert (await refused(api.listed(api.dsl))).reason == "NOT_ALLOWED"
    assert (await refused(api.download(api.dsl, one.attachment_id))).reason == "NOT_ALLOWED"


async def test_an_upload_that_broke_off_goes_on_from_where_the_server_tells(api: Api) -> None:
    await api.begin()
    await api.send(parts(end=MIB + 5))
    told = await api.how_far()
    assert (told.offset, told.size, told.attached) == (MIB, len(PHOTO), False)
    assert await api.listed(api.dsl) == []
    assert (await refused(api.send(parts(start=0)))).reason == "OFFSET_WRONG"
    assert (await api.send(parts(start=told.offset))).attached
    assert (await api.send(parts(end=1))).attached, "who repeats the end is told that it is done"


@pytest.mark.parametrize(
    ("content", "changes", "reason", "ending"),
    [
        (PHOTO, {"sha256": b"\0" * 32}, "HASH_MISMATCH", attachment_events.ATTACHMENT_ENDING_WRONG_HASH),
        (PHOTO, {"size": len(PHOTO) - 1}, "SIZE_MISMATCH", attachment_events.ATTACHMENT_ENDING_WRONG_SIZE),
        (b"MZ" + b"\0" * 99, {}, "MEDIA_TYPE_MISMATCH", attachment_events.ATTACHMENT_ENDING_WRONG_MEDIA_TYPE),
    ],
)
async def test_what_is_not_as_it_was_announced_leaves_nothing(
    api: Api,
    content: bytes,
    changes: dict[str, Any],
    reason: str,
    ending: attachment_events.AttachmentEnding.ValueType,
) -> None:
    await api.begin(content, **changes)
    assert (await refused(api.send(parts(content)))).reason == reason
    assert (api.blobs.kept, (await api.how_far()).ended) == ({}, ending)
    assert await api.listed(api.dsl) == []
    assert (await refused(api.send(parts(content)))).reason == "UPLOAD_ENDED"


async def test_an_upload_that_is_never_done_is_removed_by_the_alarm_that_it_set_itself(api: Api) -> None:
    await api.begin()
    await api.send(parts(end=MIB))
    await api.send(parts(start=MIB, end=MIB + 9))
    assert api.blobs.kept
    assert await api.store.due.claim(api.clock.now + timedelta(days=1), timedelta(seconds=30)) is None
    api.clock.now += timedelta(days=1, minutes=2)
    assert (await api.how_far()).ended == attachment_events.ATTACHMENT_ENDING_EXPIRED
    assert (await refused(api.send(parts(start=MIB)))).reason == "UPLOAD_EXPIRED"
    await api.alarm()
    assert (api.blobs.kept, (await api.how_far()).ended) == ({}, attachment_events.ATTACHMENT_ENDING_EXPIRED)
    assert await api.store.due.claim(api.clock.now, timedelta(seconds=30)) is None, "two calls set one alarm"


async def test_what_is_attached_never_expires(api: Api) -> None:
    await api.begin()
    await api.send(parts())
    api.clock.now += timedelta(days=1, minutes=2)
    await api.alarm()
    (one,) = await api.listed(api.dsl)
    assert (await api.download(api.dsl, one.attachment_id))[1] == PHOTO


async def test_who_turned_out_to_be_in_it_while_they_sent_it_leaves_nothing(api: Api) -> None:
    await api.begin(by=api.dsl)
    await api.send(parts(end=MIB), api.dsl)

    async def named_meanwhile() -> AsyncIterator[attachments.UploadAttachmentRequest]:
        async for part in parts(start=MIB):
            yield part
            await api.by().call(an_addition(DSL), CommandReply)

    assert (await refused(api.send(named_meanwhile(), api.dsl))).reason == "CONCERN_NOT_YOURS"
    assert api.blobs.kept == {}
