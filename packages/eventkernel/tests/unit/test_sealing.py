"""A sealed text opens in its own place, for its own person, with its own key, and nowhere else."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from eventkernel.keys import DataKeys, KeyDestroyed, KeyFile, WrongKey
from eventkernel.sealing import Sealer, Tampered
from eventkernel.store.memory.sealed import MemoryKeys
from hypothesis import given
from hypothesis import strategies as st
from mentoring.common.v1.common_pb2 import Sealed
from prometheus_client import REGISTRY

from .sealing_contract import EVENT, PLACE, seal


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
