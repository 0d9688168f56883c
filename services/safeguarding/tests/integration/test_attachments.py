"""Attachments over a real socket: taken, resumed, refused and leaving nothing; read by handlers alone, and on the record."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from eventkernel.blobs.sealed import Place
from eventkernel.client import Client
from eventkernel.keys import KeyDestroyed
from mentoring.common.v1.common_pb2 import CommandReply
from mentoring.safeguarding.v1 import attachment_events_pb2 as attachment_events
from mentoring.safeguarding.v1 import attachments_pb2 as attachments
from mentoring.safeguarding.v1 import oversight_pb2 as oversight

from ..unit.stories import DEPUTY, DSL, LEARNER, MENTOR, an_addition
from .running import MIB, NAMED, PHOTO, Api, parts, refused


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
