"""A CASE package is imported like the platform's own form, and what is wrong with it is said where it is in the package."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import protovalidate
import pytest
from eventkernel.testing.scenario import given
from evidence.domain.standards import standard
from evidence.projections.case_package import package
from hypothesis import given as having
from hypothesis import strategies as st
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
K1, K2 = "33333333-3333-4333-8333-333333333333", "44444444-4444-4444-8444-444444444444"
S1, S2 = "55555555-5555-4555-8555-555555555555", "66666666-6666-4666-8666-666666666666"


ANYTHING: st.SearchStrategy[Any] = st.sampled_from(
    [None, 7, "", "x", [], {}, "K1", "K2", "S1", "B100", "Skill", "Unit", K1, K2, GROUP, DOCUMENT, [K1]]
)
LINK = st.one_of(ANYTHING, st.fixed_dictionaries({"identifier": ANYTHING}))
ITEM = st.one_of(
    ANYTHING,
    st.fixed_dictionaries(
        {}, optional={
            "identifier": ANYTHING, "uri": st.sampled_from(["urn:uuid:x", "no", 5]), "fullStatement": st.sampled_from(["Text", "", 7]),
            "humanCodingScheme": ANYTHING, "CFItemType": ANYTHING,
            "extensions": st.one_of(ANYTHING, st.fixed_dictionaries({"evidenceMethods": st.lists(ANYTHING), "requiredEvidence": ANYTHING})),
        },
    ),
)  # fmt: skip
PARTS = st.fixed_dictionaries(
    {
        "CFDocument": st.sampled_from(
            [{"identifier": DOCUMENT, "uri": "urn:x:y", "creator": "Z", "title": "T", "version": "1"}, 7, {"title": 5, "creator": [], "version": []}]
        ),
        "CFItems": st.one_of(ANYTHING, st.lists(ITEM, max_size=4)),
        "CFAssociations": st.one_of(
            ANYTHING,
            st.lists(st.one_of(ANYTHING, st.fixed_dictionaries(
                {"associationType": st.sampled_from(["isChildOf", 7]), "originNodeURI": LINK, "destinationNodeURI": LINK}
            )), max_size=3),
        ),
    }
)  # fmt: skip


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
            item(K1, "What is known", "K1"),
            item(S1, "What is done", "S1"),
        ],
        "CFAssociations": [
            {"associationType": "isChildOf", "originNodeURI": link(K1), "destinationNodeURI": link(GROUP)},
            {"associationType": "isRelatedTo", "originNodeURI": link(S1), "destinationNodeURI": link(GROUP)},
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
        ("K1", KSB_KIND_KNOWLEDGE, "What is known", "Knowing the trade", K1),
        ("S1", KSB_KIND_SKILL, "What is done", "", S1),
    ]


def test_everything_that_is_wrong_is_told_where_it_is_in_the_package() -> None:
    items = [
        item(GROUP, "Knowing the trade"),
        item(K1, "", "K1"),
        item(K2, "Twice", "K1"),
        item(S2, "What is done", "S2", extensions={"requiredEvidence": "two"}),
        "no item",
    ]
    found = problems(case(CFItems=items, CFDocument={"title": "A standard", "version": "draft"}), "", 0)
    assert set(found) == {
        "CFDocument.extensions.reference", "CFDocument.extensions.level", "CFDocument.version", "CFDocument.identifier",
        "CFDocument.uri", "CFAssociations[2].destinationNodeURI.identifier",
        "CFItems[1].humanCodingScheme", "CFItems[2].humanCodingScheme", "CFItems[1] (K1).fullStatement",
        "CFItems[3] (S2).extensions.requiredEvidence", "CFItems[4].humanCodingScheme", "CFItems[4].CFItemType",
        "CFItems[4].fullStatement", "CFItems",
    }  # fmt: skip


def test_a_package_without_any_ksb_is_refused() -> None:
    assert set(problems(case(CFItems=[item(GROUP, "A group")]))) == {
        "CFItems", "CFAssociations[0].originNodeURI.identifier"
    }  # fmt: skip
    assert set(problems({"CFDocument": {"title": "x", "version": "1.0"}})) == {
        "CFItems", "CFDocument.identifier", "CFDocument.uri"
    }  # fmt: skip


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
                methods=[EVIDENCE_KIND_WORK_PRODUCT, EVIDENCE_KIND_OBSERVATION], case_identifier=K1, case_uri=f"https://case.example/{K1}",
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


# What CASE 1.1 has for the parts of a package: what each must have, and what else it may. A part with anything else is no part of a package.
_LINKED = {"identifier", "uri", "lastChangeDateTime"}
_DOCUMENT = _LINKED | {"creator", "title"}, {"caseVersion", "version", "extensions", "licenseURI"}
_LICENCE = _LINKED | {"title", "licenseText"}, {"description"}
_ITEM = _LINKED | {"fullStatement"}, {"humanCodingScheme", "CFItemType", "extensions"}
_ASSOCIATION = _LINKED | {"associationType", "originNodeURI", "destinationNodeURI"}, {"sequenceNumber"}


def test_an_export_has_what_the_model_asks_of_each_part_and_nothing_that_it_does_not_have() -> None:
    made = exported(asked())
    parts = [
        (_DOCUMENT, [made["CFDocument"]]),
        (_ITEM, made["CFItems"]),
        (_ASSOCIATION, made["CFAssociations"]),
    ]
    for (required, optional), ones in parts:
        for one in ones:
            assert required <= set(one) <= required | optional
    identifiers = {one["identifier"] for one in [made["CFDocument"], *made["CFItems"]]}
    assert len(identifiers) == 1 + 1 + 2
    for one in made["CFAssociations"]:
        for end in (one["originNodeURI"], one["destinationNodeURI"]):
            assert set(end) == {"title", "identifier", "uri"}
            assert end["identifier"] in identifiers
    for identifier in [*identifiers, *(one["identifier"] for one in made["CFAssociations"])]:
        assert str(UUID(identifier)) == identifier


def test_what_is_asked_of_evidence_is_told_in_words_and_what_is_not_asked_is_not_told() -> None:
    unit, k1, s1 = exported(asked())["CFItems"]
    assert k1["extensions"] == {
        "requiredEvidence": 2, "evidenceMethods": ["work_product", "observation"], "evidenceCurrencyMonths": 6
    }  # fmt: skip
    assert "extensions" not in unit
    assert "extensions" not in s1


def test_document_groups_and_ksbs_keep_their_identifiers_and_addresses_and_the_document_its_creator() -> None:
    given_, made = case(), exported(read(case()))
    assert made["CFDocument"]["creator"] == "Somebody"
    for part in ("identifier", "uri"):
        assert made["CFDocument"][part] == given_["CFDocument"][part]
        assert [one[part] for one in made["CFItems"]] == [one[part] for one in given_["CFItems"]]
    assert exported(read(made, "", 0)) == made
    assert exported(asked())["CFDocument"]["creator"] == "Not stated"


def test_the_standard_that_ships_is_exported_with_its_creator_and_licence() -> None:
    made = exported(load_standard(ST0148))
    document, (licence,) = made["CFDocument"], made["CFDefinitions"]["CFLicenses"]
    assert document["creator"] == "Institute for Apprenticeships and Technical Education"
    assert (document["licenseURI"]["title"], licence["title"]) == ("Open Government Licence v3.0",) * 2
    assert document["licenseURI"]["identifier"] == licence["identifier"] == str(UUID(licence["identifier"]))
    assert "nationalarchives.gov.uk" in document["licenseURI"]["uri"]
    assert licence["licenseText"].startswith("Crown copyright")
    required, optional = _LICENCE
    assert required <= set(licence) <= required | optional


def test_a_packages_licence_is_kept_whole() -> None:
    licence = link(K2) | {"title": "CC BY 4.0"}
    text = {**licence, "licenseText": "Name the author.", "lastChangeDateTime": "2026-03-02T12:00:00Z"}
    given_ = case(CFDefinitions={"CFLicenses": [{**text, "identifier": S2, "licenseText": "Another's."}, text]})
    given_["CFDocument"]["licenseURI"] = licence
    protovalidate.validate(read(given_))
    made = exported(read(given_))
    assert (made["CFDocument"]["licenseURI"], made["CFDefinitions"]["CFLicenses"]) == (licence, [text])
    assert exported(read(made, "", 0)) == made
    assert "CFDefinitions" not in exported(asked())


def test_what_is_wrong_with_a_licence_is_told_where_it_is_in_the_package() -> None:
    document = case()["CFDocument"] | {"licenseURI": {"title": "", "identifier": "7", "uri": "nowhere"}}
    assert set(problems(case(CFDocument=document))) == {
        "CFDocument.licenseURI.title", "CFDocument.licenseURI.identifier", "CFDocument.licenseURI.uri"
    }  # fmt: skip


class TestNothingIsLeftOutUnsaid:
    def test_an_item_that_is_neither_a_ksb_nor_a_group_is_told(self) -> None:
        found = problems(case(CFItems=[*case()["CFItems"], item(K2, "Wide", "B100")]))
        assert list(found) == ["CFItems[3]"]
        assert "B100" in found["CFItems[3]"]

    def test_a_code_of_another_shape_is_told_where_the_type_says_that_it_is_a_ksb(self) -> None:
        found = problems(case(CFItems=[*case()["CFItems"], item(K2, "A detail", "K1.1", CFItemType="Knowledge")]))
        assert list(found) == ["CFItems[3].humanCodingScheme"]

    def test_without_a_code_the_type_says_what_it_is_and_the_order_which(self) -> None:
        items = [
            item(K1, "First", CFItemType="Knowledge"), item(K2, "Second", "K1"), item(S1, "Do", CFItemType="skill"),
            item(S2, "Be", CFItemType="Behaviour"),
        ]  # fmt: skip
        request = read(case(CFItems=items, CFAssociations=[]))
        assert [(ksb.code, ksb.statement) for ksb in request.ksbs] == [
            ("K2", "First"), ("K1", "Second"), ("S1", "Do"), ("B1", "Be"),
        ]  # fmt: skip

    def test_a_type_that_contradicts_the_code_is_told(self) -> None:
        items = case()["CFItems"]
        items[1]["CFItemType"] = "Skill"
        assert list(problems(case(CFItems=items))) == ["CFItems[1] (K1).CFItemType"]

    def test_two_items_of_one_identifier_are_told(self) -> None:
        items = case()["CFItems"]
        items[2]["identifier"] = K1
        found = problems(case(CFItems=items))
        assert set(found) == {"CFItems[1].identifier", "CFItems[2].identifier"}
        items[2]["identifier"] = DOCUMENT
        assert set(problems(case(CFItems=items))) == {"CFItems[2].identifier"}

    @pytest.mark.parametrize("wrong", [None, "", "k1", K1.upper().replace("3", "A"), 7, [K1]])
    def test_an_identifier_that_is_no_uuid_is_told(self, wrong: object) -> None:
        items = case()["CFItems"]
        items[2] |= {"identifier": wrong}
        assert "CFItems[2] (S1).identifier" in problems(case(CFItems=items))

    @pytest.mark.parametrize("wrong", [None, "", "no address", "x:" + "y" * 499, 7])
    def test_an_address_that_is_no_uri_is_told(self, wrong: object) -> None:
        document = case()["CFDocument"] | {"uri": wrong}
        assert list(problems(case(CFDocument=document))) == ["CFDocument.uri"]

    def test_a_group_is_named_once_and_a_ksb_is_in_one(self) -> None:
        second = item(K2, "Knowing the trade")
        child = {"associationType": "isChildOf", "originNodeURI": link(K1), "destinationNodeURI": link(K2)}
        found = problems(case(CFItems=[*case()["CFItems"], second], CFAssociations=[*case()["CFAssociations"], child]))
        assert set(found) == {"CFItems[0]", "CFItems[3]", "CFAssociations[0]", "CFAssociations[3]"}

    def test_a_group_whose_title_is_too_long_is_told_at_the_group(self) -> None:
        items = case()["CFItems"]
        items[0]["fullStatement"] = "x" * 101
        assert "CFItems[0].fullStatement" in problems(case(CFItems=items))

    def test_an_association_of_what_is_not_there_is_told(self) -> None:
        lost = [
            {"associationType": "isChildOf", "originNodeURI": link(S2), "destinationNodeURI": link(GROUP)},
            {"associationType": "isChildOf", "originNodeURI": link(S1), "destinationNodeURI": link(S2)},
            {"associationType": "exactMatchOf", "originNodeURI": link(S1), "destinationNodeURI": link(S2)},
        ]
        assert set(problems(case(CFAssociations=lost))) == {
            "CFAssociations[0].originNodeURI.identifier", "CFAssociations[1].destinationNodeURI.identifier",
        }  # fmt: skip

    @having(PARTS)
    def test_whatever_is_in_a_package_it_is_read_or_its_faults_are_told(self, content: dict[str, Any]) -> None:
        try:
            request = read(content)
        except StandardFault:
            return
        protovalidate.validate(request)
        assert given(standard).when(request).events


class TestOwnForm:
    def test_keys_that_it_does_not_know_are_left_alone(self) -> None:
        assert read(self.small() | {"groups": [7]}) == read(self.small())

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
            ("methods", []), ("methods", ["photograph"]), ("methods", ["observation", "observation"]), ("methods", [["observation"]]), ("case_identifier", "k1"), ("case_uri", 5), ("unit", ""), ("unit", "x" * 101),
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
