"""The words, as data: the same keys in every language, for everything that can be told; and no word that makes somebody a victim."""

import re
import tomllib
from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest
from eventkernel.messages import Metadata
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.events_pb2 import Because, Detail, Occasion
from mentoring.notifications.v1.notifications_pb2 import TellCircleRequest
from mentoring.notifications.v1.preferences_events_pb2 import Language
from mentoring.options.v1.options_pb2 import Role
from mentoring.safeguarding.v1.events_pb2 import ConcernCategory
from notifications.default_matrix import default_rules
from notifications.domain.occasions import PARTS_TOLD, TOLD_TO_A_CIRCLE
from notifications.reactions.telling import telling
from notifications.texts import LANGUAGES, MATTERS, words_in

from .rendering import AT

BOTH = pytest.mark.parametrize("language", LANGUAGES)
# Nobody becomes one by a link: several people linked to a concern each have their own part in it.
LABELS = re.compile(
    "victim|perpetrator|abuser|offender|accused|suspect|dioddefwr|dioddefydd|troseddwr|camdriniwr|cyhuddedig", re.IGNORECASE
)  # fmt: skip
# Whoever was told everything of a kind is told nothing of it yet: nothing of it happens on the platform.
TO_COME = {InformationKind.INFORMATION_KIND_DATA_PROTECTION}


def words(language: str) -> dict[str, str]:
    """Each text of a language's file by its keys: `full.SESSION_PLANNED.subject`."""
    text = resources.files("notifications.texts").joinpath(f"{language}.toml").read_text(encoding="utf-8")
    return dict(_leaves("", tomllib.loads(text)))


def _leaves(path: str, found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in found.items():
        if isinstance(value, dict):
            yield from _leaves(f"{path}{key}.", value)
        else:
            yield f"{path}{key}", value


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_all_languages_hold_the_same_keys_and_no_text_is_left_in_english(language: str) -> None:
    english, other = words("en"), words(language)
    assert list(other) == list(english)
    same = {key for key in english if english[key] == other[key]}
    assert same == {"role.mentor"}


@BOTH
def test_everything_that_can_be_told_has_words_in_full_and_what_a_circle_is_told_in_outline_too(language: str) -> None:
    found = words_in(language)
    every = set(Occasion.values()) - {Occasion.OCCASION_UNSPECIFIED}
    assert set(found.full) == set(MATTERS) == every == set(TOLD_TO_A_CIRCLE) | set(PARTS_TOLD)
    assert {one for one in MATTERS if MATTERS[one].outline} == set(TOLD_TO_A_CIRCLE)
    assert {MATTERS[one].outline for one in TOLD_TO_A_CIRCLE} == set(found.outlines)
    for occasion in PARTS_TOLD:
        with pytest.raises(KeyError):
            found.wording(occasion, Detail.DETAIL_OUTLINE)


@BOTH
def test_every_reason_has_words_of_its_own(language: str) -> None:
    why = words_in(language).why
    assert set(why) == set(Because.values()) - {Because.BECAUSE_UNSPECIFIED}
    assert len(set(why.values())) == len(why)
    opening = {"en": "You are told this because", "cy": "Rydych yn cael gwybod hyn am"}[language]
    assert all(reason.startswith(opening) and reason.endswith(".") for reason in why.values())


@BOTH
def test_every_role_and_category_that_an_alert_may_carry_has_words(language: str) -> None:
    roles = {name.removeprefix("ROLE_").lower() for name, number in Role.items() if number}
    categories = {name.removeprefix("CONCERN_CATEGORY_").lower() for name, number in ConcernCategory.items() if number}
    assert set(words_in(language).roles) == roles | {"anonymous"}
    assert set(words_in(language).categories) == categories


@BOTH
def test_what_happened_is_one_sentence_and_what_follows_leads_to_the_link(language: str) -> None:
    found = words_in(language)
    for wording in (*found.full.values(), *found.outlines.values()):
        assert re.fullmatch(r"[^.:\n]+\.", wording.sentence)
        assert re.fullmatch(r"[^.\n]{8,70}", wording.subject)
    assert all(re.fullmatch(r"[^\n]+:", wording.more) for wording in found.full.values())
    assert all(re.fullmatch(r"[^\n]+\.", wording.more) for wording in found.outlines.values())


@BOTH
def test_outlines_of_different_matters_differ_and_no_full_text_is_another_ones(language: str) -> None:
    found = words_in(language)
    for texts in (list(found.full.values()), list(found.outlines.values())):
        assert len({wording.subject for wording in texts}) == len(texts)
        assert len({wording.sentence for wording in texts}) == len(texts)


@BOTH
def test_nobody_linked_to_an_incident_is_labelled_a_victim(language: str) -> None:
    assert {key: text for key, text in words(language).items() if LABELS.search(text)} == {}


def test_there_are_words_in_every_language_that_a_person_may_choose() -> None:
    assert {f"LANGUAGE_{language.upper()}" for language in LANGUAGES} == set(Language.keys()) - {"LANGUAGE_UNSPECIFIED"}


def test_a_language_without_words_is_answered_in_english() -> None:
    assert words_in("fr") is words_in("en")


def test_every_row_of_the_matrix_has_words_but_for_what_does_not_happen_yet() -> None:
    rows = {rule.kind for rule in default_rules().rules}
    assert {kind for matter in MATTERS.values() for kind in matter.kinds} == rows - TO_COME
    assert all(bool(MATTERS[one].kinds) is (one in TOLD_TO_A_CIRCLE) for one in MATTERS)


def test_each_is_of_the_kind_that_it_is_told_as() -> None:
    told = [one for kind in telling.policies for event in _events(kind) for one in _circles(event)]
    by_occasion: dict[Occasion.ValueType, set[InformationKind.ValueType]] = {}
    for request in told:
        by_occasion.setdefault(request.occasion, set()).update(kind for kind in (request.kind, request.or_kind) if kind)
    assert by_occasion == {one: set(MATTERS[one].kinds) for one in TOLD_TO_A_CIRCLE}


def _events(kind: type[Message]) -> Iterator[Message]:
    """Events of this type with every text filled, and each value of each enum once."""
    fields = [field for field in kind.DESCRIPTOR.fields if not field.is_repeated]
    filled = kind(**{field.name: "x" for field in fields if field.type == FieldDescriptor.TYPE_STRING})
    yield filled
    for field in fields:
        for value in field.enum_type.values if field.enum_type else ():
            event = kind()
            event.CopyFrom(filled)
            setattr(event, field.name, value.number)
            yield event


def _circles(event: Message) -> list[TellCircleRequest]:
    meta = Metadata("event-1", "t", "provider-1", "s", 1, AT)
    return [one for one in telling.policies[type(event)](event, meta) if isinstance(one, TellCircleRequest)]
