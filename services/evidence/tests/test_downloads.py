"""Artefacts over a real socket: downloaded as they were, from any place on, on the record, by whom they are for."""

import hashlib

import pytest
from eventkernel.client import Client
from mentoring.evidence.v1.artefacts_pb2 import (
    UploadArtefactResponse,
)
from mentoring.evidence.v1.evidence_pb2 import (
    GetEvidenceRequest,
    GetEvidenceResponse,
)

from .uploading import MIB, REPORT, SERVICE, Api, parts, refused


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
    assert not any(b"CONFIDENTIAL" in content or REPORT[:8] in content for content in api.blobs.kept.values())
    await api.node.blobs._keys.destroy("provider-1", "learner-1")
    assert (await refused(api.download())).reason == "PERSON_ERASED"


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
