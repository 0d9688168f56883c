"""A 1EdTech CASE 1.1 CFPackage, told as the platform's own form of a standard, so that one check serves both.

An item with a code such as K1 in `humanCodingScheme`, or with the type Knowledge, Skill or Behaviour, is a KSB; without a code it takes the
next number of its letter. Any other is a group, and its title is the unit of the KSBs that are its children (`isChildOf`). What is neither
is a fault: nothing is left out unsaid. What CASE has no field for (reference, level, and what is asked of evidence) is read from
`extensions`, where the platform's own export puts it; reference and level may be given beside the file. Groups of groups, other
associations, rubrics, and definitions but that of the document's licence are not kept.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mentorstream.standards.requirements import METHODS

_CODE = re.compile(r"[KSB][0-9]{1,2}")
_KINDS = {"K": "knowledge", "S": "skill", "B": "behaviour"}
_TYPES = {
    "knowledge": "K", "skill": "S", "skills": "S", "behaviour": "B", "behaviours": "B", "behavior": "B", "behaviors": "B",
}  # fmt: skip
_WORDS: Mapping[object, str] = {number: word for word, number in METHODS.items()}
_VERSION = re.compile(r"[0-9]{1,3}")
_FIELDS = {
    "code": "humanCodingScheme",
    "statement": "fullStatement",
    "kind": "CFItemType",
    "required_evidence": "extensions.requiredEvidence",
    "methods": "extensions.evidenceMethods",
    "currency_months": "extensions.evidenceCurrencyMonths",
    "case_identifier": "identifier",
    "case_uri": "uri",
}
_HEADING = {
    "reference": "CFDocument.extensions.reference",
    "level": "CFDocument.extensions.level",
    "version": "CFDocument.version",
    "title": "CFDocument.title",
    "currency_months": "CFDocument.extensions.evidenceCurrencyMonths",
    "creator": "CFDocument.creator",
    "licence": "CFDocument.licenseURI.title",
    "licence_identifier": "CFDocument.licenseURI.identifier",
    "licence_uri": "CFDocument.licenseURI.uri",
    "attribution": "CFDefinitions.CFLicenses.licenseText",
    "case_identifier": "CFDocument.identifier",
    "case_uri": "CFDocument.uri",
    "ksbs": "CFItems",
}


def is_case(content: Mapping[str, Any]) -> bool:
    """Whether it is a CFPackage rather than the platform's own form."""
    return "CFDocument" in content or "CFItems" in content


@dataclass(frozen=True)
class CasePackage:
    """A package. `reference` and `level` were given beside it, else they are "" and 0."""

    content: Mapping[str, Any]
    reference: str
    level: int

    def own_form(self) -> dict[str, Any]:
        """The standard in the platform's own form."""
        own = _object(self._document.get("extensions"))
        heading = {
            "reference": self.reference or own.get("reference"),
            "version": _version(self._document.get("version")),
            "title": self._document.get("title"),
            "level": self.level or own.get("level"),
            "currency_months": own.get("evidenceCurrencyMonths") or None,
            "creator": self._document.get("creator"),
            **self._licence(),
            "ksbs": [self._entry(place) for place in self._ksbs],
        }
        return _told(heading) | _links(self._document)

    def _licence(self) -> dict[str, Any]:
        """What the document says of its licence, and what the definitions say of that one."""
        link = _object(self._document.get("licenseURI"))
        defined = _object(self.content.get("CFDefinitions")).get("CFLicenses")
        found = (_object(one) for one in defined) if isinstance(defined, list) else iter(())
        text = next((one.get("licenseText") for one in found if link and _identifier(one) == _identifier(link)), None)
        return {
            "licence": link.get("title", "") if link else None,
            "licence_identifier": link.get("identifier"),
            "licence_uri": link.get("uri"),
            "attribution": text,
        }

    def groups(self) -> list[dict[str, Any]]:
        """The title of each group, and where CASE keeps it."""
        return [{"title": _title(self._items[place])} | _links(self._items[place]) for place in self._groups]

    def place(self, place: str) -> str:
        """Where in the package that is which is at this place of the own form."""
        found = re.fullmatch(r"(ksbs|groups)\[(\d+)\]( \([^)]*\))?(?:\.(\w+))?", place)
        if found is None:
            return _HEADING.get(place, place)
        field = f".{_FIELDS.get(found[4], found[4])}" if found[4] else ""
        item = (self._ksbs if found[1] == "ksbs" else self._groups)[int(found[2])]
        return f"CFItems[{item}]{found[3] or ''}{'.fullStatement' if found[4] == 'title' else field}"

    def problems(self) -> Iterator[tuple[str, str]]:
        """What is wrong with it as a package: where, and what and how to mend it."""
        for place, item in enumerate(self._items):
            if place not in self._ksbs and place not in self._groups:
                yield (
                    f"CFItems[{place}]",
                    f"has {json.dumps(item.get('humanCodingScheme'))} for a humanCodingScheme, so it is no KSB, and no KSB or group is its "
                    "child, so it is no group: give a code like K1, or the CFItemType Knowledge, Skill or Behaviour, or leave it out",
                )
        times = Counter(_identifier(one) for one in (self._document, *self._items))
        for place, item in enumerate(self._items):
            if times[_identifier(item)] > 1 and _identifier(item):
                yield (
                    f"CFItems[{place}].identifier",
                    f"{_identifier(item)} is there {times[_identifier(item)]} times; each item has its own",
                )
        titles = Counter(_title(self._items[place]) for place in self._groups)
        for place in self._groups:
            if titles[_title(self._items[place])] > 1:
                yield f"CFItems[{place}]", f"another group is called {_title(self._items[place])}; name them apart"
        yield from self._association_problems()

    def _association_problems(self) -> Iterator[tuple[str, str]]:
        items = {_identifier(item) for item in self._items}
        groups = {_identifier(self._items[place]) for place in self._groups}
        parents = Counter(child for _, child, parent in self._children if parent in groups)
        for place, child, parent in self._children:
            if child not in items:
                yield (
                    f"CFAssociations[{place}].originNodeURI.identifier",
                    f"is {json.dumps(child)}, which is no item of the package; name one, or leave the association out",
                )
            if parent not in items | {_identifier(self._document)}:
                yield (
                    f"CFAssociations[{place}].destinationNodeURI.identifier",
                    f"is {json.dumps(parent)}, which is no item of the package and not its document; name one, or leave the association out",
                )
            if parents[child] > 1 and parent in groups:
                yield f"CFAssociations[{place}]", f"{child} belongs to {parents[child]} groups; leave one of them"

    @cached_property
    def _document(self) -> Mapping[str, Any]:
        return _object(self.content.get("CFDocument"))

    @cached_property
    def _items(self) -> list[Mapping[str, Any]]:
        found = self.content.get("CFItems")
        return [_object(one) for one in found] if isinstance(found, list) else []

    @cached_property
    def _children(self) -> list[tuple[int, str, str]]:
        """Each `isChildOf`: its place, the child's identifier and the parent's."""
        found = self.content.get("CFAssociations")
        associations = [_object(one) for one in found] if isinstance(found, list) else []
        return [
            (
                place,
                _identifier(_object(one.get("originNodeURI"))),
                _identifier(_object(one.get("destinationNodeURI"))),
            )
            for place, one in enumerate(associations)
            if one.get("associationType") == "isChildOf"
        ]

    @cached_property
    def _ksbs(self) -> list[int]:
        # What is no object at all is told as a KSB that has nothing.
        return [place for place, item in enumerate(self._items) if not item or _has_code(item) or _letter(item)]

    @cached_property
    def _groups(self) -> list[int]:
        parents = {parent for _, _, parent in self._children}
        return [
            place
            for place, item in enumerate(self._items)
            if place not in self._ksbs and _identifier(item) and _identifier(item) in parents
        ]

    @cached_property
    def _codes(self) -> dict[int, object]:
        """The code of each KSB by its place: its own, else the next number of its letter that none has."""
        codes = {place: self._items[place].get("humanCodingScheme") for place in self._ksbs}
        for place in self._ksbs:
            letter = _letter(self._items[place])
            if codes[place] is None and letter:
                numbers = (f"{letter}{number}" for number in range(1, len(codes) + 1))
                codes[place] = next(code for code in numbers if code not in codes.values())
        return codes

    def _entry(self, place: int) -> dict[str, Any]:
        item, code = self._items[place], self._codes[place]
        own = _object(item.get("extensions"))
        methods = own.get("evidenceMethods")
        entry = {
            "code": code,
            "kind": _KINDS.get(_letter(item) or str(code)[:1]),
            "statement": item.get("fullStatement"),
            "required_evidence": own.get("requiredEvidence") or None,
            "methods": [_WORDS.get(one, one) if type(one) is int else one for one in methods]
            if isinstance(methods, list) and methods
            else methods or None,
            "currency_months": own.get("evidenceCurrencyMonths") or None,
            "unit": self._units.get(_identifier(item)),
        }
        return _told(entry) | _links(item)

    @cached_property
    def _units(self) -> dict[str, str]:
        """The title of the group that each item is the child of, by the item's identifier."""
        titles = {_identifier(self._items[place]): _title(self._items[place]) for place in self._groups}
        return {child: titles[parent] for _, child, parent in self._children if parent in titles}


def _links(of: Mapping[str, Any]) -> dict[str, Any]:
    """CASE asks for both, so one that is missing is told as one that is wrong."""
    return {"case_identifier": of.get("identifier", ""), "case_uri": of.get("uri", "")} if of else {}


def _told(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if value is not None}


def _title(item: Mapping[str, Any]) -> str:
    return str(item.get("abbreviatedStatement") or item.get("fullStatement") or "")


def _has_code(item: Mapping[str, Any]) -> bool:
    code = item.get("humanCodingScheme")
    return isinstance(code, str) and _CODE.fullmatch(code) is not None


def _letter(item: Mapping[str, Any]) -> str:
    """What the item's type says that it is: K, S or B; "" where it says none of them."""
    return _TYPES.get(str(item.get("CFItemType")).strip().lower(), "")


def _identifier(of: Mapping[str, Any]) -> str:
    return str(of.get("identifier") or "")


def _version(given: object) -> object:
    """CASE takes any text for a version; a single number is taken for the first of it."""
    return f"{given}.0" if isinstance(given, str) and _VERSION.fullmatch(given) else given


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
