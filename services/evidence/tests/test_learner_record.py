"""A learner's record as a document: what it says in both formats, and that its hash is of the facts it was made of."""

import io
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.printing.content import Content, Section
from eventkernel.printing.pdf import pdf
from eventkernel.testing.scenario import person
from evidence.documents.html import html
from evidence.projections.learner_record import get_learner_record
from google.protobuf.message import Message
from mentoring.evidence.v1.learner_record_pb2 import (
    RECORD_FORMAT_HTML,
    RECORD_FORMAT_PDF,
    GetLearnerRecordRequest,
    GetLearnerRecordResponse,
    RecordFormat,
)
from pypdf import PdfReader

from .progress_stories import (
    BEGAN,
    LEARNER,
    ST0148,
    STREAMS,
    Known,
    accepted,
    facts,
    held,
    known,
    planned,
    referred,
    sampled,
    submitted,
)

END = BEGAN + timedelta(days=90)
BOTH = (RECORD_FORMAT_HTML, RECORD_FORMAT_PDF)
HISTORY: tuple[Message, ...] = (
    submitted("piece-1", "K1", "K2"),
    accepted("piece-1", "K1", "K2", by="assessor-7"),
    sampled("piece-1", "K1", "K2"),
    submitted("piece-2", "K3"),
    referred("piece-2", "K3"),
    submitted("piece-3", "K4"),
    planned("s1", "K1"),
    held("s1", "K1", minutes=75),
)


def recorded(events: Sequence[Message] = HISTORY) -> list[Known]:
    return [known(f"stream-{place}", 1, event, BEGAN + timedelta(days=place)) for place, event in enumerate(events)]


async def record(
    reader: Callable[..., Any], form: RecordFormat.ValueType, *, days: int | None = None, history: list[Known] | None = None
) -> GetLearnerRecordResponse:  # fmt: skip
    request = GetLearnerRecordRequest(learner_id=LEARNER, standard=ST0148, format=form)
    if days is not None:
        request.as_known_at.FromDatetime(BEGAN + timedelta(days=days))
    read = reader(person(LEARNER, "learner"), streams=STREAMS, documents=facts(history or recorded()), now=END)
    return await get_learner_record(request, read)


def text_of(found: GetLearnerRecordResponse) -> str:
    """What a person reads, without the breaks of lines."""
    if found.content_type == "application/pdf":
        return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(found.content)).pages).split())
    assert found.content_type == "text/html; charset=utf-8"
    return found.content.decode()


@pytest.mark.parametrize("form", BOTH)
async def test_both_formats_say_progress_evidence_and_decisions(
    reader: Callable[..., Any], form: RecordFormat.ValueType
) -> None:
    found = await record(reader, form)
    shown = text_of(found)
    for told in (
        "Record of learner learner-1",
        "What K1 says",
        "1 h 15 min",
        "piece-1",
        "assessor-7",
        "piece-2",
        "refer",
        "piece-3",
    ):
        assert told in shown, told
    assert "2026-01-06 09:00" in shown
    assert found.facts_hash in shown.replace(" ", "")
    assert found.facts == len(HISTORY)


async def test_the_hash_is_of_the_facts_and_of_nothing_else(reader: Callable[..., Any]) -> None:
    one = await record(reader, RECORD_FORMAT_HTML)
    assert len(one.facts_hash) == 64
    assert (await record(reader, RECORD_FORMAT_PDF, history=recorded()[::-1])).facts_hash == one.facts_hash
    for changed in ((*HISTORY[:-1], held("s1", "K1", minutes=76)), HISTORY[:-1]):
        assert (await record(reader, RECORD_FORMAT_HTML, history=recorded(changed))).facts_hash != one.facts_hash
    later = [Known(one.event, one.meta._replace(at=one.meta.at + timedelta(seconds=1))) for one in recorded()]
    assert (await record(reader, RECORD_FORMAT_HTML, history=later)).facts_hash != one.facts_hash


async def test_a_record_of_the_past_holds_what_was_known_then(reader: Callable[..., Any]) -> None:
    found = await record(reader, RECORD_FORMAT_HTML, days=0)
    assert (found.facts, "assessor-7" in text_of(found), "piece-1" in text_of(found)) == (1, False, True)
    assert "As known at 2026-01-05 09:00 UTC, made at 2026-04-05 09:00 UTC." in text_of(found)


@pytest.mark.parametrize("form", BOTH)
async def test_where_nothing_was_known_it_says_so_in_place_of_figures(
    reader: Callable[..., Any], form: RecordFormat.ValueType
) -> None:
    found = await record(reader, form, days=-1)
    shown = text_of(found)
    assert (found.facts, "Nothing was known of this learner." in shown, "signed off" in shown) == (0, True, False)


async def test_the_same_record_made_at_the_same_time_is_the_same_to_the_byte(reader: Callable[..., Any]) -> None:
    for form in BOTH:
        assert (await record(reader, form)).content == (await record(reader, form)).content


async def test_what_will_be_known_is_refused(reader: Callable[..., Any]) -> None:
    with pytest.raises(Refusal) as caught:
        await record(reader, RECORD_FORMAT_PDF, days=91)
    assert caught.value.code == "NOT_KNOWN_YET"


WILD = '<script>alert("x")</script> & <b>'


def test_whatever_a_text_holds_is_shown_and_never_markup() -> None:
    content = Content(WILD, [WILD], [Section(WILD, [WILD], [1], [[WILD]])], [WILD])
    page = html(content).decode()
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 7
    assert WILD in " ".join(PdfReader(io.BytesIO(pdf(content, END))).pages[0].extract_text().split())


def test_letters_beyond_english_are_in_the_pdf_and_long_tables_go_over_pages() -> None:
    rows = [[f"row {number}", "Dŵr, ŷd; naïve “quotes” Ελλάδα, Ярослав"] for number in range(300)]
    pages = PdfReader(io.BytesIO(pdf(Content("T", [], [Section("H", ["A", "B"], [1, 3], rows)], []), END))).pages
    text = "".join(page.extract_text() for page in pages)
    assert len(pages) > 3
    assert "row 299" in text
    assert text.count("Dŵr, ŷd; naïve “quotes” Ελλάδα, Ярослав") == 300


def test_a_table_without_rows_says_so() -> None:
    content = Content("T", [], [Section("H", ["A", "B"], [1, 1], [])], [])
    assert "None." in html(content).decode()
    assert "None." in PdfReader(io.BytesIO(pdf(content, END))).pages[0].extract_text()
