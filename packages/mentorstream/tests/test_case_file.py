"""A CASE package is imported like the platform's own form, and what is wrong with it is said where it is in the package."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import protovalidate
import pytest
from eventkernel.testing.scenario import given
from evidence.domain.standards import standard
from evidence.projections.case_package import package
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.evidence.v1.events_pb2 import (
    EVIDENCE_KIND_OBSERVATION,
    EVIDENCE_KIND_WORK_PRODUCT,
    KSB_KIND_KNOWLEDGE,
    KSB_KIND_SKILL,
    EvidenceKind,
    Ksb,
)
from mentoring.evidence.v1.evidence_pb2 import ImportStandardRequest
from mentorstream.standards import ST0148, StandardFault, load_standard, read_standard
from mentorstream.standards.requirements import CURRENCY, METHODS, REQUIRED

DOCUMENT, GROUP = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


def link(identifier: str) -> dict[str, str]:
    return {"title": "x", "identifier": identifier, "uri": f"https://case.example/{identifier}"}


def item(identifier: str, statement: str, code: str = "", **more: Any) -> dict[str, Any]:
    coded = {"humanCodingScheme": code} if code else {}
    uri = f"https://case.example/{identifier}"
    return {"identifier": identifier, "uri": uri, "fullStatement": statement, **coded, **more}


def case(**changes: Any) -> dict[str, Any]:
    """A package as another system writes it: without what is asked of evidence."""
    return {
        "CFDocument": {
            "identifier": DOCUMENT, "uri": f"https://case.example/{DOCUMENT}", "creator": "Somebody", "title": "A standard",
            "version": "2", "lastChangeDateTime": "2026-03-02T12:00:00Z",
        },
        "CFItems": [
            item(GROUP, "Knowing the trade"),
            item("k1", "What is known", "K1"),
            item("s1", "What is done", "S1"),
        ],
        "CFAssociations": [
            {"associationType": "isChildOf", "originNodeURI": link("k1"), "destinationNodeURI": link(GROUP)},
            {"associationType": "isRelatedTo", "originNodeURI": link("s1"), "destinationNodeURI": link(GROUP)},
            {"associationType": "isChildOf", "originNodeURI": link(GROUP), "destinationNodeURI": link(DOCUMENT)},
        ],
    } | changes  # fmt: skip


def read(content: object, reference: str = "ST9001", level: int = 4) -> ImportStandardRequest:
    return read_standard(json.dumps(content), "package.json", reference=reference, level=level)


def problems(content: object, reference: str = "ST9001", level: int = 4) -> dict[str, str]:
    with pytest.raises(StandardFault) as caught:
        read(content, reference, level)
    return {problem.place: problem.text for problem in caught.value.problems}


def test_a_package_of_another_system_is_read_with_its_groups_as_units() -> None:
    request = read(case())
    protovalidate.validate(request)
    assert request.standard == StandardVersion(reference="ST9001", version="2.0")
    assert (request.title, request.level, request.case_identifier) == ("A standard", 4, DOCUMENT)
    assert [(ksb.code, ksb.kind, ksb.statement, ksb.unit, ksb.case_identifier) for ksb in request.ksbs] == [
        ("K1", KSB_KIND_KNOWLEDGE, "What is known", "Knowing the trade", "k1"),
        ("S1", KSB_KIND_SKILL, "What is done", "", "s1"),
    ]


def test_everything_that_is_wrong_is_told_where_it_is_in_the_package() -> None:
    items = [
        item(GROUP, "Knowing the trade"),
        item("k1", "", "K1"),
        item("k1b", "Twice", "K1"),
        item("s2", "What is done", "S2", extensions={"requiredEvidence": "two"}),
        "no item",
    ]
    found = problems(case(CFItems=items, CFDocument={"title": "A standard", "version": "draft"}), "", 0)
    assert set(found) == {
        "CFDocument.extensions.reference", "CFDocument.extensions.level", "CFDocument.version",
        "CFItems[1].humanCodingScheme", "CFItems[2].humanCodingScheme", "CFItems[1] (K1).fullStatement",
        "CFItems[3] (S2).extensions.requiredEvidence", "CFItems[4].humanCodingScheme", "CFItems[4].CFItemType",
        "CFItems[4].fullStatement", "CFItems",
    }  # fmt: skip


def test_a_package_without_any_ksb_is_refused() -> None:
    assert set(problems(case(CFItems=[item(GROUP, "A group")]))) == {"CFItems"}
    assert set(problems({"CFDocument": {"title": "x", "version": "1.0"}})) == {"CFItems"}


def exported(request: ImportStandardRequest) -> dict[str, Any]:
    """As the evidence service exports what it imported."""
    (version,) = given(standard).when(request).after().state.versions
    return package(request.standard.reference, version, datetime(2026, 3, 2, 12, tzinfo=UTC))


def asked() -> ImportStandardRequest:
    """A standard that asks for all that can be asked."""
    return ImportStandardRequest(
        standard=StandardVersion(reference="ST9001", version="1.0"), title="All of it", level=5, currency_months=12,
        ksbs=[
            Ksb(
                code="K1", kind=KSB_KIND_KNOWLEDGE, statement="Known", required_evidence=2, currency_months=6, unit="Unit one",
                methods=[EVIDENCE_KIND_WORK_PRODUCT, EVIDENCE_KIND_OBSERVATION], case_identifier="k1", case_uri="https://case.example/k1",
            ),
            Ksb(code="S1", kind=KSB_KIND_SKILL, statement="Done"),
        ],
    )  # fmt: skip


@pytest.mark.parametrize("request_", [asked(), load_standard(ST0148)], ids=["all that can be asked", "ST0148"])
def test_what_is_exported_is_imported_as_the_same_standard(request_: ImportStandardRequest) -> None:
    once = read(exported(request_), "", 0)
    for field in ("standard", "title", "level", "currency_months"):
        assert getattr(once, field) == getattr(request_, field)
    for before, after in zip(request_.ksbs, once.ksbs, strict=True):
        for field in ("code", "kind", "statement", "required_evidence", "methods", "currency_months", "unit"):
            assert getattr(after, field) == getattr(before, field)
    again = exported(once)
    assert {one["identifier"] for one in again["CFItems"]} == {
        one["identifier"] for one in exported(request_)["CFItems"]
    }
    assert again["CFDocument"]["identifier"] == exported(request_)["CFDocument"]["identifier"]


def test_an_export_has_what_the_model_asks_of_each_part() -> None:
    made = exported(asked())
    assert {"identifier", "uri", "creator", "title", "lastChangeDateTime", "CFPackageURI"} <= set(made["CFDocument"])
    identifiers = {made["CFDocument"]["identifier"]}
    for one in made["CFItems"]:
        assert {"identifier", "uri", "fullStatement", "CFDocumentURI", "lastChangeDateTime"} <= set(one)
        identifiers.add(one["identifier"])
    for one in made["CFAssociations"]:
        assert {
            "identifier",
            "uri",
            "associationType",
            "originNodeURI",
            "destinationNodeURI",
            "lastChangeDateTime",
        } <= set(one)
        assert {one["originNodeURI"]["identifier"], one["destinationNodeURI"]["identifier"]} <= identifiers
    assert len(identifiers) == 1 + 1 + 2


class TestOwnForm:
    def small(self, **ksb: Any) -> dict[str, Any]:
        known = {"code": "K1", "kind": "knowledge", "statement": "What is known"}
        return {"reference": "ST9001", "version": "1.0", "title": "Small", "level": 3, "ksbs": [known | ksb]}

    def test_what_it_asks_of_evidence_is_read(self) -> None:
        content = self.small(required_evidence=3, methods=["observation"], currency_months=6, unit="Unit one")
        request = read(content | {"currency_months": 36})
        (ksb,) = request.ksbs
        assert (ksb.required_evidence, list(ksb.methods), ksb.currency_months, ksb.unit) == (
            3, [EVIDENCE_KIND_OBSERVATION], 6, "Unit one"
        )  # fmt: skip
        assert request.currency_months == 36

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("required_evidence", 0), ("required_evidence", 21), ("required_evidence", True), ("currency_months", "12"),
            ("methods", []), ("methods", ["photograph"]), ("methods", ["observation", "observation"]), ("unit", ""), ("unit", "x" * 101),
        ],
    )  # fmt: skip
    def test_what_is_wrong_with_it_is_told(self, key: str, value: object) -> None:
        assert set(problems(self.small(**{key: value}))) == {f"ksbs[0] (K1).{key}"}

    def test_the_bounds_are_the_contracts(self) -> None:
        for bounds in (REQUIRED, CURRENCY):
            for value, valid in ((bounds.most, True), (bounds.most + 1, False)):
                ksb = Ksb(code="K1", kind=KSB_KIND_KNOWLEDGE, statement="x", **{bounds.key: value})  # type: ignore[arg-type]
                if valid:
                    protovalidate.validate(ksb)
                else:
                    with pytest.raises(protovalidate.ValidationError):
                        protovalidate.validate(ksb)
        assert set(METHODS.values()) == set(EvidenceKind.values()) - {0}


def test_a_file_of_a_package_is_loaded(tmp_path: Path) -> None:
    file = tmp_path / "package.json"
    file.write_text(json.dumps(case()))
    assert load_standard(file, reference="ST9001", level=4) == read(case())
