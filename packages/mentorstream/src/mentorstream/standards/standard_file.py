"""Reads a standard's JSON file into the request that imports it, or says everything that is wrong with it, at once.

What comes out is whole: the evidence service finds nothing more to refuse in the file itself.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.evidence.v1.events_pb2 import KSB_KIND_BEHAVIOUR, KSB_KIND_KNOWLEDGE, KSB_KIND_SKILL, CaseGroup, Ksb
from mentoring.evidence.v1.evidence_pb2 import ImportStandardRequest

from mentorstream.standards.case_file import CasePackage, is_case
from mentorstream.standards.requirements import (
    CURRENCY,
    REQUIRED,
    licence_of,
    link_problems,
    method_problems,
    number_problems,
    requirements,
    unit_problems,
)

# As the contract's rules have them; a test holds these against those.
_REFERENCE = re.compile(r"[A-Z]{2}[0-9]{4}")
_VERSION = re.compile(r"[0-9]{1,3}[.][0-9]{1,3}")
_CODE = re.compile(r"[KSB][0-9]{1,2}")
_LONGEST_TITLE = 200
_LONGEST_STATEMENT = 2000
_LONGEST_GROUP = 100
_LONGEST_ATTRIBUTION = 20000
_MOST_KSBS = 200

_KINDS = {"knowledge": KSB_KIND_KNOWLEDGE, "skill": KSB_KIND_SKILL, "behaviour": KSB_KIND_BEHAVIOUR}
_WORDS = {kind: word for word, kind in _KINDS.items()}
_KIND_OF_LETTER = {"K": KSB_KIND_KNOWLEDGE, "S": KSB_KIND_SKILL, "B": KSB_KIND_BEHAVIOUR}


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: where in the file, and what is wrong and how to mend it."""

    place: str
    text: str


class StandardFault(Exception):
    """The file cannot be imported. `problems` are all of its faults, in the file's order; `code` is stable."""

    code = "STANDARD_FILE_MALFORMED"

    def __init__(self, source: str, problems: tuple[Problem, ...]) -> None:
        lines = "".join(f"\n- {problem.place}: {problem.text}" for problem in problems)
        super().__init__(f"{self.code}: {source} cannot be imported:{lines}")
        self.source = source
        self.problems = problems


def load_standard(path: Path, *, reference: str = "", level: int = 0) -> ImportStandardRequest:
    """The standard in a file of UTF-8 JSON, in the platform's own form or as a CASE package; raises StandardFault.

    `reference` and `level` are for a CASE package that says neither.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        problem = Problem(str(path), f"cannot be read ({error.strerror}); check the path and who may read it")
        raise StandardFault(str(path), (problem,)) from error
    except UnicodeDecodeError as error:
        problem = Problem(f"byte {error.start}", "is not UTF-8; save the file as UTF-8")
        raise StandardFault(str(path), (problem,)) from error
    return read_standard(text, str(path), reference=reference, level=level)


def read_standard(text: str, source: str, *, reference: str = "", level: int = 0) -> ImportStandardRequest:
    """The standard in a JSON text, in either form; `source` names it in faults. Keys it does not know are left alone. Raises StandardFault."""
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        problem = Problem(f"line {error.lineno}, column {error.colno}", f"is not JSON: {error.msg}; mend it there")
        raise StandardFault(source, (problem,)) from error
    if not isinstance(content, dict):
        problem = Problem(
            "the whole file", "is not an object; begin with { and the keys reference, version, title, level, ksbs"
        )
        raise StandardFault(source, (problem,))
    package = CasePackage(content, reference, level) if is_case(content) else None
    groups = package.groups() if package is not None else []
    if package is not None:
        content = package.own_form()
    entries = content["ksbs"] if isinstance(content.get("ksbs"), list) else []
    found = (
        *_heading_problems(content),
        *_ksb_problems(entries),
        *_group_problems(groups),
        *_numbering_problems(entries),
    )
    if package is not None:
        found = (
            *(Problem(package.place(problem.place), problem.text) for problem in found),
            *(Problem(*each) for each in package.problems()),
        )
    if found:
        raise StandardFault(source, found)
    return _request(content, entries, groups)


def _heading_problems(content: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _shape_problems(content, "reference", _REFERENCE, "two letters and four digits, like ST0148")
    yield from _shape_problems(content, "version", _VERSION, "two numbers with a dot between, like 1.0")
    yield from _text_problems(content, "title", "title", 'the name, like "Learning Mentor"', _LONGEST_TITLE)
    level = content.get("level")
    if "level" not in content:
        yield Problem("level", "is missing; add a whole number from 1 to 8")
    elif type(level) is not int or not 1 <= level <= 8:
        yield Problem("level", f"is {json.dumps(level)}; give a whole number from 1 to 8, without quotes")
    yield from (Problem(CURRENCY.key, text) for text in number_problems(content, CURRENCY))
    if "creator" in content:
        yield from _text_problems(content, "creator", "creator", "who made the standard", _LONGEST_TITLE)
    yield from (Problem(*each) for each in link_problems(content))
    yield from _licence_problems(content)
    if "ksbs" not in content:
        yield Problem("ksbs", "is missing; add the list of KSBs")
    elif not isinstance(content["ksbs"], list) or not content["ksbs"]:
        yield Problem("ksbs", "is no list with KSBs in it; give each as an object with code, kind and statement")
    elif len(content["ksbs"]) > _MOST_KSBS:
        yield Problem("ksbs", f"holds {len(content['ksbs'])} entries; a standard has at most {_MOST_KSBS}")


def _licence_problems(content: Mapping[str, Any]) -> Iterator[Problem]:
    for key, wanted, longest in (
        ("licence", "what its licence is called", _LONGEST_TITLE),
        ("attribution", "what is to be said of where it is from", _LONGEST_ATTRIBUTION),
    ):
        if key in content:
            yield from _text_problems(content, key, key, wanted, longest)
    yield from (Problem(*each) for each in link_problems(content, of="licence"))


def _ksb_problems(entries: list[Any]) -> Iterator[Problem]:
    times = Counter(entry["code"] for entry in entries if _has_code(entry))
    for index, entry in enumerate(entries):
        place = f"ksbs[{index}]"
        if not isinstance(entry, dict):
            yield Problem(place, "is no object; give code, kind and statement")
            continue
        yield from _code_problems(entry, place, times)
        named = f"{place} ({entry['code']})" if _has_code(entry) else place
        yield from _kind_problems(entry, named)
        yield from _text_problems(
            entry, "statement", f"{named}.statement", "what the standard says, word for word", _LONGEST_STATEMENT
        )
        for bounds in (REQUIRED, CURRENCY):
            yield from (Problem(f"{named}.{bounds.key}", text) for text in number_problems(entry, bounds))
        yield from (Problem(f"{named}.methods", text) for text in method_problems(entry))
        yield from (Problem(f"{named}.unit", text) for text in unit_problems(entry))
        yield from (Problem(f"{named}.{key}", text) for key, text in link_problems(entry))


def _group_problems(groups: Iterable[Mapping[str, Any]]) -> Iterator[Problem]:
    for index, group in enumerate(groups):
        place = f"groups[{index}]"
        yield from _text_problems(group, "title", f"{place}.title", "what it is called", _LONGEST_GROUP)
        yield from (Problem(f"{place}.{key}", text) for key, text in link_problems(group))


def _code_problems(entry: Mapping[str, Any], place: str, times: Mapping[str, int]) -> Iterator[Problem]:
    code = entry.get("code")
    if "code" not in entry:
        yield Problem(f"{place}.code", "is missing; add one like K1")
    elif not _has_code(entry):
        yield Problem(f"{place}.code", f"is {json.dumps(code)}; give K, S or B and a number, like K1")
    elif times[entry["code"]] > 1:
        yield Problem(f"{place}.code", f"{code} is there {times[entry['code']]} times; leave it in once")


def _kind_problems(entry: Mapping[str, Any], place: str) -> Iterator[Problem]:
    kind = entry.get("kind")
    if "kind" not in entry:
        yield Problem(f"{place}.kind", "is missing; add knowledge, skill or behaviour")
    elif not isinstance(kind, str) or kind not in _KINDS:
        yield Problem(f"{place}.kind", f"is {json.dumps(kind)}; give knowledge, skill or behaviour")
    elif _has_code(entry) and _KIND_OF_LETTER[entry["code"][0]] != _KINDS[kind]:
        word = _WORDS[_KIND_OF_LETTER[entry["code"][0]]]
        yield Problem(f"{place}.kind", f"is {kind}, and {entry['code'][0]} means {word}; mend the code or the kind")


def _shape_problems(content: Mapping[str, Any], key: str, shape: re.Pattern[str], wanted: str) -> Iterator[Problem]:
    value = content.get(key)
    if key not in content:
        yield Problem(key, f"is missing; add {wanted}")
    elif not isinstance(value, str) or not shape.fullmatch(value):
        yield Problem(key, f"is {json.dumps(value)}; give {wanted}, in quotes")


def _text_problems(content: Mapping[str, Any], key: str, place: str, wanted: str, longest: int) -> Iterator[Problem]:
    value = content.get(key)
    if key not in content:
        yield Problem(place, f"is missing; add {wanted}")
    elif not isinstance(value, str):
        yield Problem(place, f"is {json.dumps(value)}, which is no text; put it in quotes")
    elif not value.strip():
        yield Problem(place, f"is empty; write {wanted}")
    elif len(value) > longest:
        yield Problem(place, f"has {len(value)} characters; shorten it to {longest}")


def _numbering_problems(entries: list[Any]) -> Iterator[Problem]:
    codes = [entry["code"] for entry in entries if _has_code(entry)]
    for code in _misnumbered(codes):
        yield Problem("ksbs", f"{code} has a number that is 0 or begins with it; count from 1, like K1")
    for code in _missing(codes):
        yield Problem("ksbs", f"{code} is missing; add it, or renumber those after it")


def _request(
    content: Mapping[str, Any], entries: list[Any], groups: Iterable[Mapping[str, Any]]
) -> ImportStandardRequest:
    return ImportStandardRequest(
        standard=StandardVersion(reference=content["reference"], version=content["version"]),
        title=content["title"],
        level=content["level"],
        ksbs=[
            Ksb(code=entry["code"], kind=_KINDS[entry["kind"]], statement=entry["statement"], **requirements(entry))
            for entry in entries
        ],
        currency_months=content.get(CURRENCY.key, 0),
        case_identifier=content.get("case_identifier", ""),
        case_uri=content.get("case_uri", ""),
        case_creator=content.get("creator", ""),
        case_groups=[
            CaseGroup(title=group["title"], identifier=group["case_identifier"], uri=group["case_uri"])
            for group in groups
        ],
        case_licence=licence_of(content),
    )


def _has_code(entry: object) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("code"), str) and _CODE.fullmatch(entry["code"]) is not None


def _misnumbered(codes: Iterable[str]) -> list[str]:
    """The codes whose number is 0 or begins with it."""
    return [code for code in codes if code[1:].startswith("0")]


def _missing(codes: Iterable[str]) -> list[str]:
    """What whole numbering from 1 would have and these have not, letter by letter."""
    given = set(codes)
    highest = {
        letter: max((int(code[1:]) for code in given if code[0] == letter), default=0) for letter in _KIND_OF_LETTER
    }
    return [
        f"{letter}{n}" for letter, most in highest.items() for n in range(1, most + 1) if f"{letter}{n}" not in given
    ]
