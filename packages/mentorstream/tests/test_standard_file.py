"""A standard's file is imported whole, or everything that is wrong with it is said at once."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import protovalidate
import pytest
from eventkernel.testing.scenario import given
from evidence.domain.standard import standard
from hypothesis import given as having
from hypothesis import strategies as st
from mentoring.evidence.v1.events_pb2 import KSB_KIND_BEHAVIOUR, KSB_KIND_KNOWLEDGE, KSB_KIND_SKILL
from mentorstream.standards import ST0148, Problem, StandardFault, load_standard, read_standard


def small() -> dict[str, Any]:
    return {
        "reference": "ST9999",
        "version": "1.0",
        "title": "Small",
        "level": 3,
        "ksbs": [
            {"code": "K1", "kind": "knowledge", "statement": "What is known"},
            {"code": "K2", "kind": "knowledge", "statement": "What else is known"},
            {"code": "S1", "kind": "skill", "statement": "What is done"},
            {"code": "B1", "kind": "behaviour", "statement": "How it is done"},
        ],
    }


def problems_of(content: object) -> dict[str, str]:
    with pytest.raises(StandardFault) as caught:
        read_standard(content if isinstance(content, str) else json.dumps(content), "small.json")
    assert caught.value.code == "STANDARD_FILE_MALFORMED"
    assert all(problem.place in str(caught.value) for problem in caught.value.problems)
    return {problem.place: problem.text for problem in caught.value.problems}


def test_the_standard_that_ships_is_whole_and_imports() -> None:
    request = load_standard(ST0148)
    assert (request.standard.reference, request.standard.version, request.level) == ("ST0148", "1.0", 3)
    assert [ksb.code for ksb in request.ksbs] == (
        [f"K{n}" for n in range(1, 12)] + [f"S{n}" for n in range(1, 12)] + [f"B{n}" for n in range(1, 6)]
    )
    protovalidate.validate(request)
    assert given(standard).when(request).events


def test_a_whole_file_becomes_the_request_in_its_order() -> None:
    request = read_standard(json.dumps(small()), "small.json")
    assert request.title == "Small"
    assert [(ksb.code, ksb.kind) for ksb in request.ksbs] == [
        ("K1", KSB_KIND_KNOWLEDGE),
        ("K2", KSB_KIND_KNOWLEDGE),
        ("S1", KSB_KIND_SKILL),
        ("B1", KSB_KIND_BEHAVIOUR),
    ]
    assert request.ksbs[0].statement == "What is known"


def test_what_is_no_json_is_named_by_line_and_column() -> None:
    assert list(problems_of('{\n  "reference": "ST9999",\n  oops\n}')) == ["line 3, column 3"]


def test_what_is_no_object_says_how_to_begin() -> None:
    assert "begin with {" in problems_of([])["the whole file"]


@pytest.mark.parametrize("key", ["reference", "version", "title", "level", "ksbs"])
def test_a_missing_key_is_named(key: str) -> None:
    content = small()
    del content[key]
    assert problems_of(content)[key].startswith("is missing; add ")


@pytest.mark.parametrize("key", ["code", "kind", "statement"])
def test_a_missing_key_of_a_ksb_is_named(key: str) -> None:
    content = small()
    del content["ksbs"][1][key]
    place = "ksbs[1].code" if key == "code" else f"ksbs[1] (K2).{key}"
    assert problems_of(content)[place].startswith("is missing; add ")


def change(path: tuple[str | int, ...], value: object) -> Callable[[dict[str, Any]], None]:
    def apply(content: dict[str, Any]) -> None:
        found: Any = content
        for step in path[:-1]:
            found = found[step]
        found[path[-1]] = value

    return apply


@pytest.mark.parametrize(
    ("fault", "place", "text"),
    [
        (change(("reference",), "ST14"), "reference", "two letters and four digits"),
        (change(("version",), 1.0), "version", "in quotes"),
        (change(("title",), " "), "title", "is empty"),
        (change(("title",), "x" * 201), "title", "shorten it to 200"),
        (change(("level",), "3"), "level", "without quotes"),
        (change(("level",), True), "level", "whole number"),
        (change(("level",), 9), "level", "from 1 to 8"),
        (change(("ksbs",), []), "ksbs", "no list with KSBs"),
        (change(("ksbs", 0), "K1"), "ksbs[0]", "is no object"),
        (change(("ksbs", 0, "code"), "X1"), "ksbs[0].code", "K, S or B and a number"),
        (change(("ksbs", 0, "code"), 1), "ksbs[0].code", "K, S or B and a number"),
        (change(("ksbs", 1, "code"), "K1"), "ksbs[1].code", "2 times; leave it in once"),
        (change(("ksbs", 1, "code"), "K3"), "ksbs", "K2 is missing"),
        (change(("ksbs", 0, "code"), "K0"), "ksbs", "K1 is missing"),
        (change(("ksbs", 0, "kind"), "skill"), "ksbs[0] (K1).kind", "K means knowledge; mend the code or the kind"),
        (change(("ksbs", 3, "kind"), "habit"), "ksbs[3] (B1).kind", "knowledge, skill or behaviour"),
        (change(("ksbs", 2, "statement"), " \n"), "ksbs[2] (S1).statement", "is empty"),
        (change(("ksbs", 2, "statement"), 7), "ksbs[2] (S1).statement", "put it in quotes"),
        (change(("ksbs", 2, "statement"), "x" * 2001), "ksbs[2] (S1).statement", "shorten it to 2000"),
    ],
)
def test_a_fault_names_its_place_and_the_fix(fault: Callable[[dict[str, Any]], None], place: str, text: str) -> None:
    content = small()
    fault(content)
    assert text in problems_of(content)[place]


def test_a_leading_zero_is_no_number() -> None:
    content = small()
    content["ksbs"][0]["code"] = "K01"
    assert Problem("ksbs", "K01 has a number that is 0 or begins with it; count from 1, like K1") in _faults(content)


def test_every_gap_is_named() -> None:
    content = small()
    content["ksbs"][1]["code"] = "K5"
    missing = [problem.text.split()[0] for problem in _faults(content) if "is missing" in problem.text]
    assert missing == ["K2", "K3", "K4"]


def test_all_problems_come_at_once() -> None:
    content = small()
    del content["title"]
    content["level"] = 0
    content["ksbs"][0]["kind"] = "skill"
    content["ksbs"][2]["statement"] = ""
    content["ksbs"][3]["code"] = "B2"
    places = [problem.place for problem in _faults(content)]
    assert places == ["title", "level", "ksbs[0] (K1).kind", "ksbs[2] (S1).statement", "ksbs"]


def test_too_many_ksbs_are_refused() -> None:
    content = small()
    content["ksbs"] *= 51
    assert "at most 200" in problems_of(content)["ksbs"]


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(StandardFault, match="check the path"):
        load_standard(tmp_path / "none.json")


def test_a_file_that_is_not_utf8_says_where(tmp_path: Path) -> None:
    path = tmp_path / "latin.json"
    path.write_bytes('{"title": "é"}'.encode("latin-1"))
    with pytest.raises(StandardFault, match="byte 11: is not UTF-8"):
        load_standard(path)


ENTRIES = st.fixed_dictionaries(
    {
        "code": st.sampled_from(["K1", "K2", "K3", "S1", "S2", "B1", "B0", "K01", "X1", ""]),
        "kind": st.sampled_from(["knowledge", "skill", "behaviour", "habit"]),
        "statement": st.one_of(st.sampled_from(["A statement", "", " ", "x" * 2000, "x" * 2001]), st.integers()),
    }
)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "reference": st.sampled_from(["ST0148", "ST014", "st0148", "ST01488", ""]),
        "version": st.sampled_from(["1.0", "12.345", "1", "1.0.0", "1.0\n", ""]),
        "title": st.sampled_from(["T", "", "x" * 200, "x" * 201]),
        "level": st.integers(min_value=-1, max_value=9),
        "ksbs": st.lists(ENTRIES, max_size=4),
    },
)


@having(CHANGES)
def test_what_is_read_without_a_fault_is_not_refused_later(changes: dict[str, Any]) -> None:
    try:
        request = read_standard(json.dumps(small() | changes), "random.json")
    except StandardFault:
        return
    protovalidate.validate(request)
    assert given(standard).when(request).events


def _faults(content: object) -> tuple[Problem, ...]:
    with pytest.raises(StandardFault) as caught:
        read_standard(json.dumps(content), "small.json")
    return caught.value.problems
