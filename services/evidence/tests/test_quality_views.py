"""What is read of quality assurance: samples, and whether all are done."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.documents import document_id
from eventkernel.messages import Checkpoint, DocumentWrite, Metadata
from eventkernel.node import Node
from eventkernel.paging import CursorInvalid
from eventkernel.projection import Projection
from eventkernel.settings import Settings
from eventkernel.store.memory import MemoryStore
from eventkernel.testing.reading import LaidDown
from eventkernel.testing.scenario import NOON, person
from evidence.projections.sample_record import get_sample
from evidence.projections.samples import list_learner_compliance, list_my_samples, list_samples, samples
from evidence.service import build
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import (
    Page,
    Sealed,
    StandardVersion,
)
from mentoring.evidence.v1 import quality_views_pb2 as views
from mentoring.evidence.v1.events_pb2 import (
    DECISION_ACCEPT,
    EVIDENCE_KIND_OBSERVATION,
    EvidenceAccepted,
    EvidenceSubmitted,
)
from mentoring.evidence.v1.quality_events_pb2 import (
    AGREEMENT_AGREE,
    AGREEMENT_DISAGREE,
    SAMPLE_STATUS_ACTION_REQUIRED,
    SAMPLE_STATUS_AWAITING,
    SAMPLE_STATUS_CONFIRMED,
    SAMPLE_STATUS_NOT_CONFIRMED,
    SAMPLING_STAGE_INTERIM,
    CriteriaAgreement,
    SampleActionAnswered,
    SampleActionClosed,
    SampleActionOverdue,
    SampleActionRequired,
    SampleConfirmed,
    SampleOpened,
)
from pydantic import BaseModel

IQA, EQA = person("iqa-1", "iqa"), person("eqa-1", "eqa")
ASSESSOR, ANOTHER = person("assessor-1", "assessor"), person("assessor-2", "assessor")
ST0148 = StandardVersion(reference="ST0148", version="1.0")
AGREED = CriteriaAgreement(validity=AGREEMENT_AGREE, currency=AGREEMENT_DISAGREE)


def meta(at: datetime = NOON) -> Metadata:
    return Metadata("event-1", "type", "provider-1", "stream", 1, at)


def folded(projection: Projection[Any], *events: Message | tuple[Message, datetime]) -> Any:
    """The document that all these events go to, as it comes back from a store."""
    pairs = [event if isinstance(event, tuple) else (event, NOON) for event in events]
    document = projection.new(getattr(pairs[0][0], projection.key))
    for event, at in pairs:
        projection.folds[type(event)](document, event, meta(at))
    return projection.document.model_validate_json(document.model_dump_json())


NAMED: dict[str, Any] = {
    "sample_id": "sample-1",
    "learner_id": "learner-1",
    "evidence_id": "evidence-1",
    "assessor_id": "assessor-1",
    "plan_id": "plan-1",
}
OPENED = SampleOpened(
    **NAMED,
    standard=ST0148,
    kind=EVIDENCE_KIND_OBSERVATION,
    ksb_codes=["K1"],
    decision=DECISION_ACCEPT,
    draw_id="draw-1",
    stage=SAMPLING_STAGE_INTERIM,
    iqa_id="iqa-1",
)


def text(said: str) -> Sealed:
    return Sealed(to_be_sealed=said)


REQUIRED = SampleActionRequired(
    **NAMED, iqa_id="iqa-2", agreement=AGREED, feedback=text("too old"), action=text("ask anew"), due_on="2026-03-09"
)
ANSWERED = SampleActionAnswered(**NAMED, answer=text("asked"))
CLOSED = SampleActionClosed(
    **NAMED, iqa_id="iqa-2", status=SAMPLE_STATUS_CONFIRMED, agreement=AGREED, feedback=text("now fine")
)
CONFIRMED = SampleConfirmed(**NAMED, iqa_id="iqa-2", agreement=AGREED, feedback=text("now fine"))


def test_a_sample_stands_as_the_newest_event_says() -> None:
    def stands(*events: Message) -> tuple[Any, ...]:
        one = folded(samples, OPENED, *events)
        return one.status, one.iqa_id, one.due_on, one.answered, one.overdue

    overdue = SampleActionOverdue(**NAMED, due_on="2026-03-09")
    assert stands() == (SAMPLE_STATUS_AWAITING, "iqa-1", "", False, False)
    assert stands(REQUIRED) == (SAMPLE_STATUS_ACTION_REQUIRED, "iqa-2", "2026-03-09", False, False)
    assert stands(REQUIRED, overdue, ANSWERED) == (SAMPLE_STATUS_ACTION_REQUIRED, "iqa-2", "2026-03-09", True, True)
    assert stands(REQUIRED, overdue, ANSWERED, REQUIRED)[3:] == (False, False), "asked for anew"
    ended = (SAMPLE_STATUS_CONFIRMED, "iqa-2", "", False, False)
    assert stands(REQUIRED, overdue, ANSWERED, CLOSED, CONFIRMED) == ended


def sampled(**changes: Any) -> BaseModel:
    document: BaseModel = folded(samples, OPENED)
    return document.model_copy(update=changes)


async def test_samples_are_listed_by_what_is_asked_and_in_pages(reader: Callable[..., Any]) -> None:
    documents = [
        sampled(),
        sampled(sample_id="sample-2", assessor_id="assessor-2", learner_id="learner-2", plan_id="plan-2"),
        sampled(sample_id="sample-3", status=SAMPLE_STATUS_CONFIRMED, iqa_id="iqa-2", standard_reference="ST0070"),
        sampled(sample_id="sample-4", draw_id="draw-2", opened_ms=1),
    ]
    read = reader(EQA, documents=documents)

    async def names(**asked: Any) -> list[str]:
        return [one.sample_id for one in (await list_samples(views.ListSamplesRequest(**asked), read)).samples]

    assert await names() == ["sample-3", "sample-2", "sample-1", "sample-4"]
    assert await names(plan_id="plan-2") == ["sample-2"]
    assert await names(assessor_id="assessor-2") == ["sample-2"]
    assert await names(learner_id="learner-2") == ["sample-2"]
    assert await names(iqa_id="iqa-2") == ["sample-3"]
    assert await names(standard_reference="ST0070") == ["sample-3"]
    assert await names(status=SAMPLE_STATUS_CONFIRMED) == ["sample-3"]
    assert await names(draw_id="draw-2") == ["sample-4"]
    assert await names(first_day="2026-03-02", assessor_id="assessor-1") == ["sample-3", "sample-1"]
    assert await names(last_day="2026-03-01") == ["sample-4"]
    first = await list_samples(views.ListSamplesRequest(page=Page(size=3)), read)
    rest = await list_samples(views.ListSamplesRequest(page=Page(size=3, cursor=first.next_cursor)), read)
    assert [one.sample_id for one in rest.samples] == ["sample-4"]
    shown = first.samples[2]
    assert (shown.standard, shown.kind, list(shown.ksb_codes)) == (ST0148, EVIDENCE_KIND_OBSERVATION, ["K1"])
    assert shown.opened_at.ToDatetime(tzinfo=UTC) == NOON


async def test_assessors_list_the_samples_of_their_own_work(reader: Callable[..., Any]) -> None:
    documents = [sampled(), sampled(sample_id="sample-2", assessor_id="assessor-2")]
    for caller, expected in ((ASSESSOR, "sample-1"), (ANOTHER, "sample-2")):
        read = reader(caller, documents=documents)
        found = await list_my_samples(views.ListMySamplesRequest(), read)
        assert [one.sample_id for one in found.samples] == [expected]
        done = await list_my_samples(views.ListMySamplesRequest(status=SAMPLE_STATUS_CONFIRMED), read)
        assert list(done.samples) == []


PIECE: dict[str, Any] = {"evidence_id": "evidence-1", "learner_id": "learner-1", "ksb_codes": ["K1"]}
RECORD = {
    "sample-sample-1": [OPENED, REQUIRED, ANSWERED, CLOSED, CONFIRMED],
    "evidence-evidence-1": [
        EvidenceSubmitted(**PIECE, author_id="learner-1", title=text("My first month")),
        EvidenceAccepted(**PIECE, feedback=text("Well done")),
    ],
}
GETS = views.GetSampleRequest(sample_id="sample-1")


async def test_iqa_and_eqa_read_a_sample_whole_with_its_piece(reader: Callable[..., Any]) -> None:
    for caller in (IQA, EQA):
        read: LaidDown = reader(caller, streams=RECORD)
        found = await get_sample(GETS, read)
        assert [(one.person_id, one.status, one.feedback, one.action, one.answer) for one in found.entries] == [
            ("iqa-2", SAMPLE_STATUS_ACTION_REQUIRED, "too old", "ask anew", ""),
            ("assessor-1", SAMPLE_STATUS_ACTION_REQUIRED, "", "", "asked"),
            ("iqa-2", SAMPLE_STATUS_CONFIRMED, "now fine", "", ""),
        ]
        assert found.entries[0].agreement == AGREED
        assert found.entries[0].due_on == "2026-03-09"
        assert (found.evidence.title, found.evidence.feedback) == ("My first month", "Well done")
        assert found.sample.status == SAMPLE_STATUS_CONFIRMED
        assert read.opened == ["feedback", "action", "answer", "feedback", "title", "feedback"]


async def test_a_sample_that_was_confirmed_at_once_says_so(reader: Callable[..., Any]) -> None:
    read = reader(IQA, streams={**RECORD, "sample-sample-1": [OPENED, CONFIRMED]})
    assert [one.feedback for one in (await get_sample(GETS, read)).entries] == ["now fine"]


async def test_an_assessor_reads_the_feedback_on_their_own_work_and_nothing_of_anothers(
    reader: Callable[..., Any],
) -> None:
    read: LaidDown = reader(ASSESSOR, streams=RECORD)
    found = await get_sample(GETS, read)
    assert [one.feedback for one in found.entries] == ["too old", "", "now fine"]
    assert not found.HasField("evidence")
    texts = set()
    for streams in (RECORD, {}):
        read = reader(ANOTHER, streams=streams)
        with pytest.raises(Refusal) as caught:
            await get_sample(GETS, read)
        assert caught.value.code == "SAMPLE_UNKNOWN"
        assert read.opened == []
        texts.add(caught.value.text)
    assert len(texts) == 1, "another's sample and none are told alike"
    with pytest.raises(Refusal):
        await get_sample(GETS, reader(EQA))


async def test_a_learner_is_compliant_once_all_their_samples_are_done(reader: Callable[..., Any]) -> None:
    documents = [
        sampled(sample_id="sample-1", status=SAMPLE_STATUS_CONFIRMED),
        sampled(sample_id="sample-2", status=SAMPLE_STATUS_NOT_CONFIRMED),
        sampled(sample_id="sample-3", learner_id="learner-2", status=SAMPLE_STATUS_CONFIRMED),
        sampled(sample_id="sample-4", learner_id="learner-2"),
        sampled(sample_id="sample-5", learner_id="learner-3", status=SAMPLE_STATUS_ACTION_REQUIRED),
        sampled(sample_id="sample-6", plan_id="plan-2"),
    ]
    read = reader(EQA, documents=documents)
    found = await list_learner_compliance(views.ListLearnerComplianceRequest(plan_id="plan-1"), read)
    assert [(one.learner_id, one.compliant, one.drawn, one.awaiting) for one in found.learners] == [
        ("learner-1", True, 2, 0),
        ("learner-2", False, 2, 1),
        ("learner-3", False, 1, 0),
    ]
    assert found.learners[2].action_required == 1
    first = await list_learner_compliance(views.ListLearnerComplianceRequest(plan_id="plan-1", page=Page(size=2)), read)
    rest = await list_learner_compliance(
        views.ListLearnerComplianceRequest(plan_id="plan-1", page=Page(cursor=first.next_cursor)), read
    )
    assert [one.learner_id for one in rest.learners] == ["learner-3"]
    other = views.ListLearnerComplianceRequest(plan_id="plan-2", page=Page(cursor=first.next_cursor))
    with pytest.raises(CursorInvalid):
        await list_learner_compliance(other, read)


async def test_compliance_is_listed_however_many_samples_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventkernel.reading._MOST", 3)
    monkeypatch.setattr("evidence.projections.samples._AT_ONCE", 2)
    store = MemoryStore()
    laid = [
        sampled(sample_id=f"sample-{number}", learner_id=f"learner-{'abc'[number % 3]}", status=SAMPLE_STATUS_CONFIRMED)
        for number in range(7)
    ]
    writes = [
        DocumentWrite(document_id("provider-1", f"sample-{number}"), 0, {**one.model_dump(), "tenant": "provider-1"})
        for number, one in enumerate(laid)
    ]
    await store.documents.write(samples.collection, writes, [Checkpoint("s", "t", 0, 1)])
    settings = Settings(kafka_bootstrap="-", mongodb_uri="-", key_file=tmp_path / "key", jwks_file=tmp_path / "jwks")
    read, found, cursor = Node(build(), settings, store).reader(EQA), list[Any](), ""
    while not found or cursor:
        asked = views.ListLearnerComplianceRequest(plan_id="plan-1", page=Page(size=2, cursor=cursor))
        answer = await list_learner_compliance(asked, read)
        found.append([(one.learner_id[-1], one.drawn) for one in answer.learners])
        cursor = answer.next_cursor
    assert found == [[("a", 3), ("b", 2)], [("c", 2)]]
