"""What a standard's file may ask of evidence, for all KSBs or for each: how many pieces, which kinds, how new, and the KSB's unit; and where
CASE keeps it, under which licence.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mentoring.evidence.v1.events_pb2 import CaseLicence, EvidenceKind

_PREFIX = "EVIDENCE_KIND_"
METHODS = {name.removeprefix(_PREFIX).lower(): number for name, number in EvidenceKind.items() if number}
_LONGEST_UNIT = 100
# As CASE has identifiers: in lower case.
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_LONGEST_URI = 500


class Bounds(NamedTuple):
    """A whole number from 1 on."""

    key: str
    most: int


# As the contract's rules have them; a test holds these against those.
CURRENCY, REQUIRED = Bounds("currency_months", 240), Bounds("required_evidence", 20)


def number_problems(content: Mapping[str, Any], bounds: Bounds) -> Iterator[str]:
    """What is wrong with a number that may be left out."""
    value = content.get(bounds.key)
    if bounds.key in content and (type(value) is not int or not 1 <= value <= bounds.most):
        yield f"is {json.dumps(value)}; give a whole number from 1 to {bounds.most}, or leave it out"


def method_problems(entry: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the kinds of evidence."""
    if "methods" not in entry:
        return
    given = entry["methods"]
    if (
        not isinstance(given, list)
        or not given
        or [one for one in given if not isinstance(one, str) or one not in METHODS]
        or len(set(given)) < len(given)
    ):
        yield f"is {json.dumps(given)}; give a list of {', '.join(METHODS)}, each once, or leave it out"


def unit_problems(entry: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the unit."""
    unit = entry.get("unit")
    if "unit" in entry and (not isinstance(unit, str) or not unit.strip() or len(unit) > _LONGEST_UNIT):
        yield f"is {json.dumps(unit)}; give a text of at most {_LONGEST_UNIT} characters, or leave it out"


def link_problems(entry: Mapping[str, Any], of: str = "case") -> Iterator[tuple[str, str]]:
    """What is wrong with where CASE keeps it, or its licence: the key, and what and how to mend it."""
    identifier, uri = entry.get(f"{of}_identifier"), entry.get(f"{of}_uri")
    if f"{of}_identifier" in entry and not (isinstance(identifier, str) and _UUID.fullmatch(identifier)):
        yield f"{of}_identifier", f"is {json.dumps(identifier)}; give the UUID that CASE has for it, in lower case"
    if f"{of}_uri" in entry and not (isinstance(uri, str) and len(uri) <= _LONGEST_URI and _URI.fullmatch(uri)):
        yield (
            f"{of}_uri",
            f"is {json.dumps(uri)}; give the URI that CASE has for it, of at most {_LONGEST_URI} characters",
        )


def licence_of(content: Mapping[str, Any]) -> CaseLicence | None:
    """The contract's licence that a standard gives; None where it gives none."""
    if "licence" not in content:
        return None
    return CaseLicence(
        title=content["licence"],
        identifier=content.get("licence_identifier", ""),
        uri=content.get("licence_uri", ""),
        text=content.get("attribution", ""),
    )


def requirements(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the contract's Ksb that an entry gives."""
    return {
        "required_evidence": entry.get(REQUIRED.key, 0),
        "methods": [METHODS[one] for one in entry.get("methods", [])],
        "currency_months": entry.get(CURRENCY.key, 0),
        "unit": entry.get("unit", ""),
        "case_identifier": entry.get("case_identifier", ""),
        "case_uri": entry.get("case_uri", ""),
    }
