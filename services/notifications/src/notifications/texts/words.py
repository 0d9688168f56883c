"""Reads the files of words. A name in them that the contracts do not know ends the start, and not some later sending."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.events_pb2 import Because, Detail, Occasion

LANGUAGES = ("en", "cy")
DEFAULT_LANGUAGE = "en"
# An outline leads to what its recipient was told: the thing itself they may not see.
_PAGE_OF_AN_OUTLINE = "notices"


@dataclass(frozen=True, slots=True)
class Matter:
    """What a message is of, whatever its language.

    `kinds` is empty where one person alone is told by their part; `outline` where it is told in full or not at all.
    """

    page: str
    kinds: tuple[InformationKind.ValueType, ...] = ()
    outline: str = ""
    calls: bool = False


@dataclass(frozen=True, slots=True)
class Wording:
    """The subject of a message, what happened in one sentence, and what its link leads to."""

    subject: str
    sentence: str
    more: str


@dataclass(frozen=True, slots=True)
class CodeWording:
    """What goes with a code that verifies an address. `sentence` has a place for it."""

    subject: str
    sentence: str
    more: str
    why: str


@dataclass(frozen=True, slots=True)
class UnsubscribingWording:
    """The page at the address in a mail: what it asks, what it tells once that is done, and what is told all the same."""

    title: str
    asks: str
    button: str
    told: str
    stays: str


@dataclass(frozen=True, slots=True)
class Layout:
    """The words around a message."""

    hello: str
    raised_by: str
    category: str
    emergency_line: str
    dsl_line: str
    dsl_line_of: str


@dataclass(frozen=True, slots=True)
class Words:
    """All words of one language."""

    language: str
    layout: Layout
    full: Mapping[Occasion.ValueType, Wording]
    outlines: Mapping[str, Wording]
    why: Mapping[Because.ValueType, str]
    roles: Mapping[str, str] = field(repr=False)
    categories: Mapping[str, str] = field(repr=False)
    code: CodeWording = field(repr=False)
    unsubscribing: UnsubscribingWording = field(repr=False)

    def wording(self, occasion: Occasion.ValueType, detail: Detail.ValueType) -> Wording:
        """What is said of an occasion in this detail. Raises KeyError where no text is written for it."""
        if detail == Detail.DETAIL_FULL:
            return self.full[occasion]
        return self.outlines[MATTERS[occasion].outline]


def has_words(occasion: Occasion.ValueType, detail: Detail.ValueType) -> bool:
    """Whether anything is written for an occasion in this detail, which is so in every language or in none."""
    return occasion in MATTERS and (detail == Detail.DETAIL_FULL or bool(MATTERS[occasion].outline))


def page(occasion: Occasion.ValueType, detail: Detail.ValueType) -> str:
    """The page that the link leads to. Raises KeyError where no text is written for the occasion."""
    return MATTERS[occasion].page if detail == Detail.DETAIL_FULL else _PAGE_OF_AN_OUTLINE


def words_in(language: str) -> Words:
    """The words of a language; English where there are none: a message in another language is better than none."""
    return _WORDS.get(language, _WORDS[DEFAULT_LANGUAGE])


def _matters() -> Mapping[Occasion.ValueType, Matter]:
    return {
        Occasion.Value(f"OCCASION_{name}"): Matter(
            **{
                **said,
                "kinds": tuple(InformationKind.Value(f"INFORMATION_KIND_{kind}") for kind in said.get("kinds", ())),
            }
        )
        for name, said in _read("matters").items()
    }


def _words(language: str) -> Words:
    said = _read(language)
    return Words(
        language=language,
        layout=Layout(**said["layout"]),
        full={Occasion.Value(f"OCCASION_{name}"): Wording(**wording) for name, wording in said["full"].items()},
        outlines={name: Wording(**wording) for name, wording in said["outline"].items()},
        why={Because.Value(f"BECAUSE_{name}"): reason for name, reason in said["why"].items()},
        roles=said["role"],
        categories=said["category"],
        code=CodeWording(**said["code"]),
        unsubscribing=UnsubscribingWording(**said["unsubscribing"]),
    )


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))


MATTERS = _matters()
_WORDS = {language: _words(language) for language in LANGUAGES}
