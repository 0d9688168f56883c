"""A 1EdTech CASE 1.1 CFPackage, told as the platform's own form of a standard, so that one check serves both.

An item with a code such as K1 in `humanCodingScheme` is a KSB. Any other is a group, and its title is the unit of the KSBs that belong to
it (`isChildOf`). What CASE has no field for (reference, level, and what is asked of evidence) is read from `extensions`, where the platform's
own export puts it; reference and level may be given beside the file.
"""

import re
from collections.abc import Mapping
from typing import Any

from mentorstream.standards.requirements import METHODS

_CODE = re.compile(r"[KSB][0-9]{1,2}")
_KINDS = {"K": "knowledge", "S": "skill", "B": "behaviour"}
_WORDS = {number: word for word, number in METHODS.items()}
_VERSION = re.compile(r"[0-9]{1,3}")
_FIELDS = {
    "code": "humanCodingScheme",
    "statement": "fullStatement",
    "kind": "CFItemType",
    "required_evidence": "extensions.requiredEvidence",
    "methods": "extensions.evidenceMethods",
    "currency_months": "extensions.evidenceCurrencyMonths",
}
_HEADING = {
    "reference": "CFDocument.extensions.reference",
    "level": "CFDocument.extensions.level",
    "version": "CFDocument.version",
    "title": "CFDocument.title",
    "currency_months": "CFDocument.extensions.evidenceCurrencyMonths",
    "ksbs": "CFItems",
}


def is_case(content: Mapping[str, Any]) -> bool:
    """Whether it is a CFPackage rather than the platform's own form."""
    return "CFDocument" in content or "CFItems" in content


def own_form(content: Mapping[str, Any], reference: str, level: int) -> tuple[dict[str, Any], list[int]]:
    """The standard in the platform's own form, and which item each KSB was. `reference` and `level`: given beside the file, else "" and 0."""
    document = _object(content.get("CFDocument"))
    own = _object(document.get("extensions"))
    items = content["CFItems"] if isinstance(content.get("CFItems"), list) else []
    units = _units(content, items)
    entries, places = list[Any](), list[int]()
    for place, item in enumerate(items):
        if not isinstance(item, dict) or _is_ksb(item):
            entries.append(_entry(_object(item), units))
            places.append(place)
    heading = {
        "reference": reference or own.get("reference"),
        "version": _version(document.get("version")),
        "title": document.get("title"),
        "level": level or own.get("level"),
        "currency_months": own.get("evidenceCurrencyMonths") or None,
        "case_identifier": document.get("identifier"),
        "case_uri": document.get("uri"),
        "ksbs": entries,
    }
    return {key: value for key, value in heading.items() if value is not None}, places


def place_in_case(place: str, places: list[int]) -> str:
    """Where in the CFPackage that is which is at this place of the own form."""
    found = re.fullmatch(r"ksbs\[(\d+)\]( \([^)]*\))?(?:\.(\w+))?", place)
    if found is None:
        return _HEADING.get(place, place)
    field = f".{_FIELDS.get(found[3], found[3])}" if found[3] else ""
    return f"CFItems[{places[int(found[1])]}]{found[2] or ''}{field}"


def _entry(item: Mapping[str, Any], units: Mapping[str, str]) -> dict[str, Any]:
    own = _object(item.get("extensions"))
    code = item.get("humanCodingScheme")
    methods = own.get("evidenceMethods")
    entry = {
        "code": code,
        "kind": _KINDS.get(str(code)[:1]),
        "statement": item.get("fullStatement"),
        "required_evidence": own.get("requiredEvidence") or None,
        "methods": [_WORDS.get(one, one) for one in methods] if isinstance(methods, list) and methods else None,
        "currency_months": own.get("evidenceCurrencyMonths") or None,
        "unit": units.get(str(item.get("identifier"))),
        "case_identifier": item.get("identifier"),
        "case_uri": item.get("uri"),
    }
    return {key: value for key, value in entry.items() if value is not None}


def _units(content: Mapping[str, Any], items: list[Any]) -> dict[str, str]:
    """The title of the group that each item is the child of, by the item's identifier."""
    groups = {
        str(item.get("identifier")): str(item.get("abbreviatedStatement") or item.get("fullStatement") or "")
        for item in items
        if isinstance(item, dict) and not _is_ksb(item)
    }
    associations = content["CFAssociations"] if isinstance(content.get("CFAssociations"), list) else []
    return {
        str(_object(one.get("originNodeURI")).get("identifier")): groups[parent]
        for one in map(_object, associations)
        if one.get("associationType") == "isChildOf"
        and (parent := str(_object(one.get("destinationNodeURI")).get("identifier"))) in groups
    }


def _is_ksb(item: Mapping[str, Any]) -> bool:
    code = item.get("humanCodingScheme")
    return isinstance(code, str) and _CODE.fullmatch(code) is not None


def _version(given: object) -> object:
    """CASE takes any text for a version; a single number is taken for the first of it."""
    return f"{given}.0" if isinstance(given, str) and _VERSION.fullmatch(given) else given


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
