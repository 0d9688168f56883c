"""The texts of an event are sealed each for its person, found at any depth, and shown to nobody."""

from typing import Any

import pytest
from eventkernel.sealing import (
    CONFIDENTIAL,
    Sealer,
    SubjectMissing,
    Tampered,
    confidential_plaintext,
    may_hold_sealed,
    redacted,
    sealed_at,
    unsealed_fields,
)
from mentoring.common.v1.common_pb2 import Sealed

from .sealing_contract import EVENT, PLACE, Binder, Clean, Noted, Orphan, Part, Plain, Wrong, open_text


async def test_an_events_fields_are_sealed_each_for_its_person(sealer: Sealer) -> None:
    event = Noted(subject_id="p1", witness_id="w1", note=open_text("of p1"), statement=open_text("of w1"))
    await sealer.seal_event(event, tenant="acme", event_type=EVENT, event_id="e1")
    assert (event.note.subject_id, event.statement.subject_id) == ("p1", "w1")
    assert b"of " not in event.SerializeToString()
    assert unsealed_fields(event) == []
    assert await sealer.open(event.note, **PLACE) == "of p1"
    assert await sealer.open(event.statement, **(PLACE | {"field": "statement"})) == "of w1"


def test_a_text_is_found_at_its_path() -> None:
    event = Noted(
        note=open_text("of p1"),
        pages=[open_text("page 0"), open_text("page 1")],
        parts=[Part(inner=Part(text=open_text("of w2")))],
        by_place={"hall": open_text("in the hall")},
    )
    found = {path: sealed_at(event, path) for path in ("note", "pages[1]", "parts[0].inner.text", "by_place[hall]")}
    assert {path: sealed.to_be_sealed for path, sealed in found.items() if sealed} == {
        "note": "of p1",
        "pages[1]": "page 1",
        "parts[0].inner.text": "of w2",
        "by_place[hall]": "in the hall",
    }
    assert [sealed_at(event, path) for path in ("statement", "pages[2]", "parts[0].text", "parts[0].inner")] == [
        None
    ] * 4
    with pytest.raises(ValueError, match="no field nothing"):
        sealed_at(event, "nothing[0].text")


async def test_repeated_and_nested_texts_are_sealed_under_their_places(sealer: Sealer) -> None:
    event = Noted(
        subject_id="p1",
        pages=[open_text("page 0"), open_text("page 1")],
        parts=[
            Part(
                person_id="w1",
                text=open_text("of w1"),
                note=open_text("of p1"),
                inner=Part(person_id="w2", text=open_text("of w2")),
            )
        ],
        by_place={"hall": open_text("in the hall")},
    )
    places = ["pages[0]", "pages[1]", "parts[0].text", "parts[0].inner.text", "parts[0].note", "by_place[hall]"]
    assert sorted(unsealed_fields(event)) == sorted(places)
    await sealer.seal_event(event, tenant="acme", event_type=EVENT, event_id="e1")
    assert unsealed_fields(event) == []
    opened = {
        place: (sealed.subject_id, await sealer.open(sealed, **(PLACE | {"field": place})))
        for place, sealed in {
            "pages[0]": event.pages[0],
            "pages[1]": event.pages[1],
            "parts[0].text": event.parts[0].text,
            "parts[0].inner.text": event.parts[0].inner.text,
            "parts[0].note": event.parts[0].note,
            "by_place[hall]": event.by_place["hall"],
        }.items()
    }
    assert opened == {
        "pages[0]": ("p1", "page 0"),
        "pages[1]": ("p1", "page 1"),
        "parts[0].text": ("w1", "of w1"),
        "parts[0].inner.text": ("w2", "of w2"),
        "parts[0].note": ("p1", "of p1"),
        "by_place[hall]": ("p1", "in the hall"),
    }
    with pytest.raises(Tampered):
        await sealer.open(event.pages[0], **(PLACE | {"field": "pages[1]"}))


async def test_a_field_that_is_absent_stays_absent_and_an_empty_one_is_the_empty_text(sealer: Sealer) -> None:
    event = Noted(subject_id="p1", note=Sealed())
    assert unsealed_fields(event) == ["note"]
    await sealer.seal_event(event, tenant="acme", event_type=EVENT, event_id="e1")
    assert not event.HasField("statement")
    assert await sealer.open(event.note, **PLACE) == ""


async def test_what_is_sealed_already_is_left_as_it_is(sealer: Sealer) -> None:
    event = Noted(subject_id="p1", note=open_text("once"))
    await sealer.seal_event(event, tenant="acme", event_type=EVENT, event_id="e1")
    before = event.SerializeToString(deterministic=True)
    await sealer.seal_event(event, tenant="acme", event_type=EVENT, event_id="e1")
    assert event.SerializeToString(deterministic=True) == before


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (Noted(note=open_text("x")), "unit.sealing.noted: `note`"),
        (Noted(subject_id="p1", statement=open_text("x")), "unit.sealing.noted: `statement`"),
        (Noted(subject_id="p1", parts=[Part(text=open_text("x"))]), r"unit.sealing.noted: `parts\[0\].text`"),
        (Orphan(note=open_text("x")), "unit.sealing.noted: `note`.*`subject`.*`sealed_for`"),
        (
            Wrong(count=3, note=open_text("x")),
            "unit.sealing.noted: `note` is sealed for `count`, and that is no text field",
        ),
    ],
    ids=["empty subject", "empty sibling", "empty in a part", "no subject", "no text field"],
)
async def test_a_text_for_nobody_is_refused_by_event_type_and_field(sealer: Sealer, event: Any, told: str) -> None:
    with pytest.raises(SubjectMissing, match=told):
        await sealer.seal_event(event, tenant="acme", event_type=EVENT, event_id="e1")


def test_plaintext_beside_a_ciphertext_is_still_unsealed() -> None:
    event = Noted(
        subject_id="p1",
        note=Sealed(subject_id="p1", key_version=1, nonce=bytes(12), ciphertext=bytes(20), to_be_sealed="left"),
    )
    assert unsealed_fields(event) == ["note"]


@pytest.mark.parametrize(("kind", "may"), [(Noted, True), (Part, True), (Binder, True), (Plain, False)])
def test_a_type_may_hold_sealed_text_where_any_part_of_it_may(kind: Any, may: bool) -> None:
    assert may_hold_sealed(kind.DESCRIPTOR) is may


def test_confidential_plain_text_in_an_event_is_found_at_any_depth_and_recursion_ends() -> None:
    assert confidential_plaintext(Noted.DESCRIPTOR) == ["parts.plain", "remarks", "summary"]
    assert confidential_plaintext(Part.DESCRIPTOR) == ["plain"]
    assert confidential_plaintext(Clean.DESCRIPTOR) == []


def test_a_redacted_message_shows_what_is_harmless_and_nothing_else() -> None:
    event = Noted(
        subject_id="p1",
        note=open_text("secret 1"),
        pages=[open_text("secret 2")],
        parts=[Part(person_id="w1", plain="secret 3", text=open_text("secret 4"))],
        by_place={"hall": open_text("secret 5")},
        kind=1,
        picture=b"secret 6",
        remarks=["secret 7", "secret 8"],
        codes=["K1", "K2"],
        counts={"a": 2},
    )
    event.at.FromJsonString("2026-11-24T09:00:00Z")
    shown = redacted(event)
    assert "secret" not in repr(shown)
    assert shown == {
        "subject_id": "p1",
        "note": CONFIDENTIAL,
        "pages": [CONFIDENTIAL],
        "parts": [{"person_id": "w1", "plain": CONFIDENTIAL, "text": CONFIDENTIAL}],
        "by_place": {"hall": CONFIDENTIAL},
        "kind": "KIND_SPOKEN",
        "at": "2026-11-24T09:00:00Z",
        "picture": "[8 bytes]",
        "remarks": CONFIDENTIAL,
        "codes": ["K1", "K2"],
        "counts": {"a": 2},
    }


def test_a_sealed_by_itself_and_values_out_of_range_can_be_redacted() -> None:
    assert redacted(open_text("secret")) == {"sealed": CONFIDENTIAL}
    event = Noted(kind=99)
    event.at.seconds = 2**62
    assert redacted(event) == {"kind": 99, "at": {"seconds": 2**62}}
