"""Artefacts over a real socket: interrupted and resumed, side by side, refused and leaving nothing."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from eventkernel.client import CallFailed
from eventkernel.due import Attempt
from eventkernel.messages import DueRow
from evidence.transfers.places import place_of
from mentoring.evidence.v1.artefact_events_pb2 import (
    UPLOAD_ENDING_EXPIRED,
    UPLOAD_ENDING_WRONG_HASH,
    UPLOAD_ENDING_WRONG_MEDIA_TYPE,
    UPLOAD_ENDING_WRONG_SIZE,
)
from mentoring.evidence.v1.artefacts_pb2 import (
    ExpireUploadRequest,
    UploadArtefactRequest,
    UploadArtefactResponse,
)
from mentoring.evidence.v1.evidence_pb2 import (
    GetEvidenceRequest,
    GetEvidenceResponse,
)

from .uploading import MIB, NAMED, REPORT, SERVICE, Api, parts, refused


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
