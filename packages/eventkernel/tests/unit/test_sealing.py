import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eventkernel.keys import DataKeys, KeyDestroyed, KeyFile, WrongKey
from eventkernel.sealing import (
    CONFIDENTIAL,
    Sealer,
    SubjectMissing,
    Tampered,
    confidential_plaintext,
    may_hold_sealed,
    redacted,
    unsealed_fields,
)
from eventkernel.store.memory.sealed import MemoryKeys
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given
from hypothesis import strategies as st
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.options.v1 import options_pb2
from prometheus_client import REGISTRY

FIELD = descriptor_pb2.FieldDescriptorProto
EVENT = "unit.sealing.noted"


def _contract() -> descriptor_pb2.FileDescriptorProto:
    """message Part { person_id; Sealed text [sealed_for: person_id]; confidential string plain; Part inner }
    message Noted { subject_id [subject]; witness_id; Sealed note; Sealed statement [sealed_for: witness_id]; repeated Sealed pages;
                    repeated Part parts; map<string, Sealed> by_place; enum, time, bytes, map and plain fields }
    message Orphan { Sealed note }    message Wrong { count; Sealed note [sealed_for: count] }
    """
    file = descriptor_pb2.FileDescriptorProto(name="unit/sealing.proto", package="unit.sealing", syntax="proto3")
    file.dependency.extend(
        [
            "mentoring/common/v1/common.proto",
            "mentoring/options/v1/options.proto",
            "google/protobuf/timestamp.proto",
        ]
    )
    kind = file.enum_type.add(name="Kind")
    for number, name in enumerate(("KIND_UNSPECIFIED", "KIND_SPOKEN")):
        kind.value.add(name=name, number=number)

    def message(name: str, *fields: tuple[Any, ...]) -> descriptor_pb2.DescriptorProto:
        made = file.message_type.add(name=name)
        for number, (field, of, repeated, options) in enumerate(fields, start=1):
            entry = made.field.add(
                name=field, number=number, label=FIELD.LABEL_REPEATED if repeated else FIELD.LABEL_OPTIONAL
            )
            if isinstance(of, str):
                entry.type = FIELD.TYPE_ENUM if of.endswith("Kind") else FIELD.TYPE_MESSAGE
                entry.type_name = of
            else:
                entry.type = of
            for option, value in options.items():
                setattr(entry.options.Extensions[options_pb2.field], option, value)
        return made

    text, sealed = FIELD.TYPE_STRING, ".mentoring.common.v1.Sealed"
    confidential = {"confidentiality": options_pb2.CONFIDENTIALITY_CONFIDENTIAL}
    message(
        "Part",
        ("person_id", text, False, {}),
        ("text", sealed, False, {"sealed_for": "person_id"}),
        ("plain", text, False, confidential),
        ("inner", ".unit.sealing.Part", False, {}),
        ("note", sealed, False, {}),
    )
    noted = message(
        "Noted",
        ("subject_id", text, False, {"subject": True}),
        ("witness_id", text, False, {}),
        ("note", sealed, False, {}),
        ("statement", sealed, False, {"sealed_for": "witness_id"}),
        ("pages", sealed, True, {}),
        ("parts", ".unit.sealing.Part", True, {}),
        ("by_place", ".unit.sealing.Noted.ByPlaceEntry", True, {}),
        ("kind", ".unit.sealing.Kind", False, {}),
        ("at", ".google.protobuf.Timestamp", False, {}),
        ("picture", FIELD.TYPE_BYTES, False, {}),
        ("remarks", text, True, confidential),
        ("codes", text, True, {}),
        ("counts", ".unit.sealing.Noted.CountsEntry", True, {}),
        ("summary", text, False, confidential),
    )
    for name, of in (("ByPlaceEntry", sealed), ("CountsEntry", FIELD.TYPE_INT32)):
        entry = noted.nested_type.add(name=name)
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, type=text, label=FIELD.LABEL_OPTIONAL)
        value = entry.field.add(
            name="value", number=2, label=FIELD.LABEL_OPTIONAL, type=FIELD.TYPE_MESSAGE if of is sealed else of
        )
        if of is sealed:
            value.type_name = sealed
    message("Orphan", ("note", sealed, False, {}))
    message("Wrong", ("count", FIELD.TYPE_INT32, False, {}), ("note", sealed, False, {"sealed_for": "count"}))
    message("Binder", ("label", text, False, {}), ("parts", ".unit.sealing.Part", True, {}))
    message("Plain", ("label", text, False, {}), ("next", ".unit.sealing.Plain", False, {}))
    message("Clean", ("subject_id", text, False, {"subject": True}), ("note", sealed, False, {}))
    return file


_POOL = descriptor_pool.Default()
_POOL.AddSerializedFile(_contract().SerializeToString())


def _message(name: str) -> Any:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"unit.sealing.{name}"))


Noted, Orphan, Wrong, Clean, Part = map(_message, ("Noted", "Orphan", "Wrong", "Clean", "Part"))
Binder, Plain = map(_message, ("Binder", "Plain"))


def open_text(text: str) -> Sealed:
    return Sealed(to_be_sealed=text)


@pytest.fixture
def store() -> MemoryKeys:
    return MemoryKeys()


@pytest.fixture
def keys(store: MemoryKeys, tmp_path: Path) -> DataKeys:
    return DataKeys(store, KeyFile(tmp_path / "kek"))


@pytest.fixture
def sealer(keys: DataKeys) -> Sealer:
    return Sealer(keys, "unit")


PLACE = {"tenant": "acme", "event_type": EVENT, "event_id": "e1", "field": "note"}


async def seal(sealer: Sealer, text: str = "a secret", subject_id: str = "p1", **moved: str) -> Sealed:
    return await sealer.seal(text, subject_id=subject_id, **(PLACE | moved))


@pytest.mark.parametrize("text", ["a secret", "", "ünïcödé 🙂", "x" * 20_000])
async def test_what_is_sealed_can_be_opened_where_it_was_put(sealer: Sealer, text: str) -> None:
    sealed = await seal(sealer, text)
    assert (sealed.subject_id, sealed.key_version, len(sealed.nonce), sealed.to_be_sealed) == ("p1", 1, 12, "")
    assert await sealer.open(sealed, **PLACE) == text


async def test_the_text_is_nowhere_in_the_sealed_bytes(sealer: Sealer) -> None:
    assert b"secret" not in (await seal(sealer)).SerializeToString()


async def test_no_nonce_is_used_twice(sealer: Sealer) -> None:
    sealed = [await seal(sealer) for _ in range(2000)]
    assert len({each.nonce for each in sealed}) == 2000
    assert len({each.ciphertext for each in sealed}) == 2000


@pytest.mark.parametrize(
    "moved",
    [{"tenant": "other"}, {"event_type": "unit.sealing.other"}, {"event_id": "e2"}, {"field": "other"}],
    ids=lambda moved: next(iter(moved)),
)
async def test_a_ciphertext_moved_elsewhere_is_tampered_with(sealer: Sealer, moved: dict[str, str]) -> None:
    sealed = await seal(sealer)
    # The other tenant's person of the same id has a key too: it is not for want of one that it fails.
    await seal(sealer, tenant="other")
    with pytest.raises(Tampered, match=EVENT.rsplit(".", 1)[0]):
        await sealer.open(sealed, **(PLACE | moved))


async def test_a_ciphertext_given_to_another_subject_is_tampered_with(sealer: Sealer) -> None:
    sealed = await seal(sealer)
    await seal(sealer, subject_id="p2")
    sealed.subject_id = "p2"
    with pytest.raises(Tampered):
        await sealer.open(sealed, **PLACE)


async def test_the_subject_is_bound_even_where_two_subjects_share_a_key(
    sealer: Sealer, keys: DataKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = await seal(sealer)
    key = await keys.key("acme", "p1", 1)

    async def same_key(*_: object) -> bytes:
        return key

    monkeypatch.setattr(keys, "key", same_key)
    assert await sealer.open(sealed, **PLACE) == "a secret"
    with pytest.raises(Tampered):
        await sealer.open(sealed, **(PLACE | {"tenant": "other"}))
    sealed.subject_id = "p2"
    with pytest.raises(Tampered):
        await sealer.open(sealed, **PLACE)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda s: Sealed(
            subject_id=s.subject_id,
            key_version=1,
            nonce=s.nonce,
            ciphertext=bytes([s.ciphertext[0] ^ 1]) + s.ciphertext[1:],
        ),
        lambda s: Sealed(subject_id=s.subject_id, key_version=1, nonce=s.nonce, ciphertext=s.ciphertext[:-1]),
        lambda s: Sealed(subject_id=s.subject_id, key_version=1, nonce=s.nonce),
        lambda s: Sealed(subject_id=s.subject_id, key_version=1, nonce=b"", ciphertext=s.ciphertext),
        lambda s: Sealed(subject_id=s.subject_id, key_version=1, nonce=bytes(12), ciphertext=s.ciphertext),
        lambda s: Sealed(subject_id=s.subject_id, key_version=7, nonce=s.nonce, ciphertext=s.ciphertext),
        lambda s: Sealed(subject_id="nobody", key_version=1, nonce=s.nonce, ciphertext=s.ciphertext),
        lambda s: Sealed(),
    ],
    ids=[
        "bit flipped",
        "cut",
        "no ciphertext",
        "no nonce",
        "other nonce",
        "version that never was",
        "unknown subject",
        "empty",
    ],
)
async def test_an_altered_sealed_text_is_tampered_with(sealer: Sealer, spoil: Callable[[Sealed], Sealed]) -> None:
    with pytest.raises(Tampered):
        await sealer.open(spoil(await seal(sealer)), **PLACE)


async def test_erasure_makes_the_text_unreadable_and_lets_nothing_more_be_sealed(
    sealer: Sealer, keys: DataKeys
) -> None:
    sealed, of_another = await seal(sealer), await seal(sealer, subject_id="p2")
    await keys.destroy("acme", "p1")
    with pytest.raises(KeyDestroyed):
        await sealer.open(sealed, **PLACE)
    with pytest.raises(KeyDestroyed):
        await seal(sealer)
    assert await sealer.open(of_another, **PLACE) == "a secret"


async def test_a_wrong_key_encryption_key_is_an_operators_fault_and_not_tampering(
    sealer: Sealer, store: MemoryKeys, tmp_path: Path
) -> None:
    sealed = await seal(sealer)
    with pytest.raises(WrongKey):
        await Sealer(DataKeys(store, KeyFile(tmp_path / "another")), "unit").open(sealed, **PLACE)


async def test_each_opening_is_counted_and_a_failed_one_is_not(sealer: Sealer) -> None:
    def opened() -> float:
        return REGISTRY.get_sample_value("mentorstream_sealed_opened_total", {"service": "unit"}) or 0.0

    sealed, before = await seal(sealer), opened()
    await sealer.open(sealed, **PLACE)
    with pytest.raises(Tampered):
        await sealer.open(Sealed(subject_id="p1", key_version=1), **PLACE)
    assert opened() - before == 1


async def test_an_events_fields_are_sealed_each_for_its_person(sealer: Sealer) -> None:
    event = Noted(subject_id="p1", witness_id="w1", note=open_text("of p1"), statement=open_text("of w1"))
    await sealer.seal_event(event, tenant="acme", event_type=EVENT, event_id="e1")
    assert (event.note.subject_id, event.statement.subject_id) == ("p1", "w1")
    assert b"of " not in event.SerializeToString()
    assert unsealed_fields(event) == []
    assert await sealer.open(event.note, **PLACE) == "of p1"
    assert await sealer.open(event.statement, **(PLACE | {"field": "statement"})) == "of w1"


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


@given(st.text(max_size=200))
def test_any_text_comes_back_as_it_was(text: str) -> None:
    class Plain:
        async def wrap(self, data_key: bytes, context: bytes) -> bytes:
            return data_key

        async def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
            return wrapped

    async def there_and_back() -> str:
        sealer = Sealer(DataKeys(MemoryKeys(), Plain()), "unit")
        return await sealer.open(await seal(sealer, text), **PLACE)

    assert asyncio.run(there_and_back()) == text
