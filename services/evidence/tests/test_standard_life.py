"""What a standard asks of evidence, when it retires, and what takes its place."""

from datetime import UTC, datetime

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.testing.reading import LaidDown
from eventkernel.testing.scenario import assert_folds_in_pieces, given, person
from evidence.domain.evidence import evidence
from evidence.domain.required_evidence import months_before
from evidence.domain.standard import Standard
from evidence.domain.standards import standard
from evidence.projections.case_package import export_standard
from evidence.projections.standards import StandardsKnown, get_standard, list_standards, standards
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import Page, StandardVersion
from mentoring.evidence.v1 import events_pb2 as events
from mentoring.evidence.v1.evidence_pb2 import ImportStandardRequest
from mentoring.evidence.v1.standard_events_pb2 import KsbMapping, StandardMapped, StandardRetired
from mentoring.evidence.v1.standard_pb2 import (
    ExportStandardRequest,
    GetStandardRequest,
    ListStandardsRequest,
    MapStandardRequest,
    RetireStandardRequest,
)

from .progress_stories import story
from .test_evidence import submit

OLD = StandardVersion(reference="ST0148", version="1.0")
NEW = StandardVersion(reference="ST0148", version="2.0")
OTHER = StandardVersion(reference="ST9001", version="1.0")
DAY = datetime(2026, 3, 2, tzinfo=UTC)


def imported(version: StandardVersion, *codes: str, **changes: object) -> events.StandardImported:
    ksbs = [events.Ksb(code=code, kind=events.KSB_KIND_KNOWLEDGE, statement=f"What {code} says") for code in codes]
    return events.StandardImported(standard=version, title="A title", level=4, ksbs=ksbs, **changes)  # type: ignore[arg-type]


def mapping(**codes: str) -> list[KsbMapping]:
    """`K1="K2 K3"`: what K1 becomes."""
    return [KsbMapping(code=code, to_codes=to.split()) for code, to in codes.items()]


def maps(codes: list[KsbMapping], *, to: StandardVersion = NEW, succeeds: bool = False) -> MapStandardRequest:
    return MapStandardRequest(standard=OLD, to=to, mapping=codes, succeeds=succeeds)


BOTH = (imported(OLD, "K1", "K2"), imported(NEW, "K1", "K2", "K3"))
WHOLE = mapping(K1="K1", K2="K2 K3")


def state(*past: Message) -> Standard:
    return standard.fold(standard.initial, past)


class TestRetirement:
    def test_a_version_retires_from_a_day_on_and_a_repeat_changes_nothing(self) -> None:
        command = RetireStandardRequest(standard=OLD, from_day="2026-09-01")
        past = given(standard, *BOTH).when(command).then(StandardRetired(standard=OLD, from_day="2026-09-01"))
        past.when(command).then_nothing()
        assert [one.retired_from for one in past.state.versions] == ["2026-09-01", ""]

    def test_importing_it_again_still_changes_nothing(self) -> None:
        past = given(standard, imported(OLD, "K1"), StandardRetired(standard=OLD, from_day="2026-09-01"))
        again = imported(OLD, "K1")
        past.when(
            ImportStandardRequest(standard=OLD, title=again.title, level=again.level, ksbs=again.ksbs)
        ).then_nothing()

    @pytest.mark.parametrize(
        ("version", "day", "code"),
        [
            (StandardVersion(reference="ST0148", version="3.0"), "2026-09-01", "STANDARD_UNKNOWN"),
            (OLD, "2026-02-30", "NO_SUCH_DAY"),
        ],
    )
    def test_what_cannot_be_retired_is_refused(self, version: StandardVersion, day: str, code: str) -> None:
        given(standard, *BOTH).when(RetireStandardRequest(standard=version, from_day=day)).then_refused(code)


class TestMapping:
    def test_a_whole_mapping_is_set_and_the_next_one_has_the_next_number(self) -> None:
        past = (
            given(standard, *BOTH)
            .beside(state(*BOTH))
            .when(maps(WHOLE))
            .then(StandardMapped(standard=OLD, to=NEW, mapping=WHOLE, number=1))
        )
        past.when(maps(WHOLE)).then_nothing()
        other = mapping(K1="", K2="K2")
        past = past.when(maps(other, succeeds=True)).then(
            StandardMapped(standard=OLD, to=NEW, mapping=other, succeeds=True, number=2)
        )
        found = past.state.versions[0].mapping_to("ST0148", "2.0")
        assert found is not None
        assert (found.number, past.state.versions[0].successor) == (2, found)
        assert_folds_in_pieces(standard, past.past)

    def test_all_that_is_wrong_with_it_is_told_at_once(self) -> None:
        wrong = [*mapping(K1="K9"), *mapping(K1="K1"), *mapping(K7="K1")]
        refusal = given(standard, *BOTH).beside(state(*BOTH)).when(maps(wrong)).then_refused("MAPPING_NOT_WHOLE")
        for fault in ("K1 is mapped twice", "K2 is not mapped", "K7 is no KSB", "K1 becomes K9"):
            assert fault in refusal.text

    def test_it_may_lead_to_another_standard_but_not_to_itself_or_nowhere(self) -> None:
        beside = given(standard, *BOTH).beside(state(imported(OTHER, "K1", "K2", "K3")))
        beside.when(maps(WHOLE, to=OTHER)).then(StandardMapped(standard=OLD, to=OTHER, mapping=WHOLE, number=1))
        given(standard, *BOTH).beside(state(*BOTH)).when(maps(WHOLE, to=OLD)).then_refused("SAME_STANDARD")
        given(standard, *BOTH).beside(Standard()).when(maps(WHOLE, to=OTHER)).then_refused("STANDARD_UNKNOWN")


class TestAsked:
    """What is asked of evidence when it is submitted."""

    def submitted(self, done: datetime, **asked: object) -> Refusal | None:
        ksb = events.Ksb(code="K1", kind=events.KSB_KIND_KNOWLEDGE, statement="x", **asked)  # type: ignore[arg-type]
        version = events.StandardImported(standard=OLD, ksbs=[ksb])
        command = submit(ksb_codes=["K1"], standard=OLD)
        command.produced_at.FromDatetime(done)
        outcome = given(evidence).beside(state(version)).when(command, by=person("learner-1", "learner"), at=DAY)
        return outcome.refusal

    def test_work_of_the_last_two_years_is_taken_and_older_work_is_not(self) -> None:
        assert self.submitted(datetime(2024, 3, 2, tzinfo=UTC)) is None
        refusal = self.submitted(datetime(2024, 3, 1, 23, 59, tzinfo=UTC))
        assert refusal is not None
        assert (refusal.code, refusal.field) == ("EVIDENCE_NOT_CURRENT", "produced_at")
        assert "24 months" in refusal.text

    def test_a_ksb_may_ask_for_newer_work(self) -> None:
        assert self.submitted(datetime(2025, 12, 2, tzinfo=UTC), currency_months=3) is None
        assert self.submitted(datetime(2025, 12, 1, tzinfo=UTC), currency_months=3) is not None

    def test_a_kind_that_the_ksb_does_not_take_is_refused_naming_those_it_does(self) -> None:
        assert self.submitted(DAY, methods=[events.EVIDENCE_KIND_WORK_PRODUCT]) is None
        refusal = self.submitted(DAY, methods=[events.EVIDENCE_KIND_OBSERVATION])
        assert refusal is not None
        assert refusal.code == "METHOD_NOT_ALLOWED"
        assert "EVIDENCE_KIND_OBSERVATION" in refusal.text


@pytest.mark.parametrize(
    ("at", "months", "expected"),
    [("2026-03-31", 1, "2026-02-28"), ("2024-02-29", 24, "2022-02-28"), ("2026-01-15", 1, "2025-12-15")],
)
def test_months_are_calendar_months(at: str, months: int, expected: str) -> None:
    assert months_before(datetime.fromisoformat(at), months) == datetime.fromisoformat(expected)


class TestReading:
    def reader(self) -> LaidDown:
        past: list[Message] = [
            *BOTH, StandardRetired(standard=OLD, from_day="2026-09-01"),
            StandardMapped(standard=OLD, to=NEW, mapping=WHOLE, succeeds=True, number=1),
        ]  # fmt: skip
        documents = [self.document("standard-ST0148", *past), self.document("standard-ST9001", imported(OTHER, "K1"))]
        return LaidDown(person("ada", "learner"), {"standard-ST0148": past}, documents)

    @staticmethod
    def document(stream: str, *past: Message) -> StandardsKnown:
        document = standards.new(stream)
        for known in story(stream, *((event, DAY) for event in past)):
            standards.folds[type(known.event)](document, known.event, known.meta)
        return document

    async def test_all_are_listed_with_what_became_of_them(self) -> None:
        found = await list_standards(ListStandardsRequest(), self.reader())
        shown = [
            (one.standard.reference, one.standard.version, one.ksbs, one.retired_from, one.successor.version)
            for one in found.standards
        ]
        assert shown == [
            ("ST0148", "1.0", 2, "2026-09-01", "2.0"),
            ("ST0148", "2.0", 3, "", ""),
            ("ST9001", "1.0", 1, "", ""),
        ]

    async def test_a_page_has_whole_standards(self) -> None:
        first = await list_standards(ListStandardsRequest(page=Page(size=1)), self.reader())
        rest = await list_standards(ListStandardsRequest(page=Page(size=1, cursor=first.next_cursor)), self.reader())
        assert [len(first.standards), len(rest.standards), rest.next_cursor] == [2, 1, ""]

    async def test_one_is_shown_with_what_holds_where_it_says_nothing(self) -> None:
        found = await get_standard(GetStandardRequest(standard=OLD), self.reader())
        assert [(ksb.required_evidence, ksb.currency_months) for ksb in found.ksbs] == [(1, 24), (1, 24)]
        assert [(one.to, list(one.mapping), one.number) for one in found.mappings] == [(NEW, WHOLE, 1)]

    async def test_one_that_was_never_imported_is_refused(self) -> None:
        for query, request in (
            (get_standard, GetStandardRequest(standard=OTHER)),
            (export_standard, ExportStandardRequest(standard=OTHER)),
        ):
            with pytest.raises(Refusal) as refused:
                await query(request, LaidDown(person("ada", "learner")))  # type: ignore[arg-type]
            assert refused.value.code == "STANDARD_UNKNOWN"
