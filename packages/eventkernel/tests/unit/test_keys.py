import asyncio
import multiprocessing
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eventkernel.keys import DataKeys, KeyDestroyed, KeyFile, KeyUnknown, SecretFileFault, WrongKey, bound, kept_secret
from eventkernel.messages import WrappedKey
from eventkernel.store.memory.sealed import MemoryKeys
from hypothesis import given
from hypothesis import strategies as st


class Keys(MemoryKeys):
    """The store in memory, which also counts how often it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    async def keys(self, tenant: str, subject_id: str) -> list[WrappedKey]:
        self.reads += 1
        return await super().keys(tenant, subject_id)


class Seconds:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store() -> Keys:
    return Keys()


@pytest.fixture
def kek(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "kek")


def test_a_key_file_is_made_on_first_use_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "kek"
    KeyFile(path)
    assert len(path.read_bytes()) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["kek"]


async def test_a_key_file_unwraps_after_a_restart_what_it_wrapped(tmp_path: Path) -> None:
    wrapped = await KeyFile(tmp_path / "kek").wrap(b"k" * 32, b"context")
    assert await KeyFile(tmp_path / "kek").unwrap(wrapped, b"context") == b"k" * 32


async def test_wrapping_hides_the_key_and_never_gives_the_same_twice(kek: KeyFile) -> None:
    wrapped = [await kek.wrap(b"k" * 32, b"context") for _ in range(500)]
    assert len(set(wrapped)) == 500
    assert len({each[:12] for each in wrapped}) == 500
    assert not any(b"kkkk" in each for each in wrapped)


@pytest.mark.parametrize(
    "spoil", [lambda w: b"", lambda w: w[:11], lambda w: w[:-1], lambda w: w[:-1] + bytes([w[-1] ^ 1])]
)
async def test_an_altered_wrapped_key_does_not_unwrap(kek: KeyFile, spoil: Callable[[bytes], bytes]) -> None:
    wrapped = await kek.wrap(b"k" * 32, b"context")
    with pytest.raises(WrongKey):
        await kek.unwrap(spoil(wrapped), b"context")


async def test_a_wrapped_key_does_not_unwrap_in_another_context_or_by_another_file(
    kek: KeyFile, tmp_path: Path
) -> None:
    wrapped = await kek.wrap(b"k" * 32, b"context")
    with pytest.raises(WrongKey):
        await kek.unwrap(wrapped, b"another")
    with pytest.raises(WrongKey):
        await KeyFile(tmp_path / "other").unwrap(wrapped, b"context")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o620])
def test_a_key_file_open_to_others_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "kek"
    KeyFile(path)
    path.chmod(mode)
    with pytest.raises(SecretFileFault, match=f"chmod 600 {path}"):
        KeyFile(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_mounted_secret_of_another_owner_may_reach_us_through_the_group_but_not_through_everybody(
    tmp_path: Path,
) -> None:
    path = tmp_path / "kek"
    KeyFile(path)
    os.chown(path, 12345, -1)
    path.chmod(0o440)
    KeyFile(path)
    path.chmod(0o444)
    with pytest.raises(SecretFileFault, match="chmod 600"):
        KeyFile(path)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_file_of_the_wrong_length_is_refused_and_left_as_it_is(tmp_path: Path, length: int) -> None:
    path = tmp_path / "kek"
    path.write_bytes(b"x" * length)
    path.chmod(0o600)
    with pytest.raises(SecretFileFault, match="put the right file back"):
        KeyFile(path)
    assert path.read_bytes() == b"x" * length


def test_derived_keys_differ_by_purpose_and_file_and_stay_the_same(tmp_path: Path) -> None:
    first, second = KeyFile(tmp_path / "one"), KeyFile(tmp_path / "two")
    assert len(first.derive("fingerprint")) == 32
    assert first.derive("fingerprint") == KeyFile(tmp_path / "one").derive("fingerprint")
    keys = {
        first.derive("fingerprint"),
        first.derive("other"),
        second.derive("fingerprint"),
        (tmp_path / "one").read_bytes(),
    }
    assert len(keys) == 4


def _race(path: Path, gate: Any, answers: Any) -> None:
    gate.wait()
    answers.put(KeyFile(path).derive("who am I"))


def test_processes_that_start_together_end_with_the_same_key(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    gate, answers = context.Barrier(6), context.Queue()
    racers = [context.Process(target=_race, args=(tmp_path / "kek", gate, answers)) for _ in range(6)]
    for racer in racers:
        racer.start()
    derived = {answers.get(timeout=30) for _ in racers}
    for racer in racers:
        racer.join(timeout=30)
    assert len(derived) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["kek"]


def test_whoever_comes_second_to_a_secret_keeps_the_first_ones(tmp_path: Path) -> None:
    path = tmp_path / "secret"

    def outrun() -> bytes:
        kept_secret(path, lambda: b"first")
        return b"second"

    assert kept_secret(path, outrun) == b"first"


async def test_the_first_use_of_a_subject_makes_version_one_and_later_uses_find_it(store: Keys, kek: KeyFile) -> None:
    version, key = await DataKeys(store, kek).current("acme", "p1")
    assert (version, len(key)) == (1, 32)
    assert await DataKeys(store, kek).current("acme", "p1") == (1, key)
    assert await DataKeys(store, kek).key("acme", "p1", 1) == key
    (kept,) = await store.keys("acme", "p1")
    assert key not in kept.wrapped


async def test_subjects_and_tenants_have_keys_of_their_own(store: Keys, kek: KeyFile) -> None:
    keys = DataKeys(store, kek)
    made = {await keys.current(tenant, subject) for tenant in ("acme", "other") for subject in ("p1", "p2")}
    assert len(made) == 4


async def test_concurrent_first_uses_in_two_processes_end_with_one_key(store: Keys, kek: KeyFile) -> None:
    here, there = DataKeys(store, kek), DataKeys(store, kek)
    got = await asyncio.gather(*(keys.current("acme", "p1") for keys in (here, there) for _ in range(5)))
    assert len(set(got)) == 1
    assert await DataKeys(store, kek).current("acme", "p1") == got[0]


async def test_the_newest_version_seals_and_old_ones_still_open(store: Keys, kek: KeyFile) -> None:
    keys = DataKeys(store, kek)
    _, first = await keys.current("acme", "p1")
    wrapped = await kek.wrap(b"n" * 32, bound("data key", "acme", "p1", "2"))
    await store.add("acme", WrappedKey("p1", 2, wrapped))
    # Asked for a version that it has not seen, it looks again before its time.
    assert await keys.key("acme", "p1", 2) == b"n" * 32
    assert await keys.current("acme", "p1") == (2, b"n" * 32)
    assert await keys.key("acme", "p1", 1) == first


async def test_a_version_that_never_was_is_unknown_and_none_is_made(store: Keys, kek: KeyFile) -> None:
    with pytest.raises(KeyUnknown):
        await DataKeys(store, kek).key("acme", "p1", 1)
    assert await store.keys("acme", "p1") == []


async def test_a_wrapped_key_moved_to_another_subject_does_not_unwrap(store: Keys, kek: KeyFile) -> None:
    await DataKeys(store, kek).current("acme", "p1")
    (kept,) = await store.keys("acme", "p1")
    await store.add("acme", replace(kept, subject_id="p2"))
    with pytest.raises(WrongKey):
        await DataKeys(store, kek).current("acme", "p2")


async def test_another_key_encryption_key_is_told_apart_from_a_destroyed_key(
    store: Keys, kek: KeyFile, tmp_path: Path
) -> None:
    await DataKeys(store, kek).current("acme", "p1")
    with pytest.raises(WrongKey, match="key file"):
        await DataKeys(store, KeyFile(tmp_path / "other")).current("acme", "p1")


async def test_a_destroyed_key_is_gone_at_once_here_and_no_fresh_one_is_made(store: Keys, kek: KeyFile) -> None:
    keys = DataKeys(store, kek)
    await keys.current("acme", "p1")
    await keys.current("acme", "p2")
    assert await keys.destroy("acme", "p1") == 1
    for keys_of_a_process in (keys, DataKeys(store, kek)):
        with pytest.raises(KeyDestroyed) as told:
            await keys_of_a_process.current("acme", "p1")
        assert told.value.subject == "p1"
        with pytest.raises(KeyDestroyed):
            await keys_of_a_process.key("acme", "p1", 1)
        assert (await keys_of_a_process.current("acme", "p2"))[0] == 1
        assert (await keys_of_a_process.current("other", "p1"))[0] == 1
    assert await keys.destroy("acme", "p1") == 0


async def test_a_subject_erased_before_anything_was_sealed_never_gets_a_key(store: Keys, kek: KeyFile) -> None:
    await DataKeys(store, kek).destroy("acme", "p1")
    with pytest.raises(KeyDestroyed):
        await DataKeys(store, kek).current("acme", "p1")


async def test_whether_a_first_use_or_the_destruction_comes_first_the_subject_ends_without_a_key(
    store: Keys, kek: KeyFile
) -> None:
    keys = DataKeys(store, kek)
    await asyncio.gather(
        *(keys.current("acme", "p1") for _ in range(3)), keys.destroy("acme", "p1"), return_exceptions=True
    )
    with pytest.raises(KeyDestroyed):
        await keys.current("acme", "p1")
    assert [key.wrapped for key in await store.keys("acme", "p1")] == [b""]


class DestroysMeanwhile:
    """A key-encryption key that takes its time: while it unwraps, the subject's key is destroyed."""

    def __init__(self, kek: KeyFile) -> None:
        self._kek = kek
        self.keys: DataKeys | None = None

    async def wrap(self, data_key: bytes, context: bytes) -> bytes:
        return await self._kek.wrap(data_key, context)

    async def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        if self.keys is not None:
            await self.keys.destroy("acme", "p1")
        return await self._kek.unwrap(wrapped, context)


async def test_a_read_that_a_destruction_overtook_leaves_nothing_in_memory(store: Keys, kek: KeyFile) -> None:
    _, key = await DataKeys(store, kek).current("acme", "p1")
    slow = DestroysMeanwhile(kek)
    keys = slow.keys = DataKeys(store, slow)
    assert await keys.key("acme", "p1", 1) == key
    with pytest.raises(KeyDestroyed):
        await keys.key("acme", "p1", 1)


async def test_a_destruction_by_another_process_is_seen_when_the_time_to_live_is_over(
    store: Keys, kek: KeyFile
) -> None:
    clock = Seconds()
    here = DataKeys(store, kek, ttl_seconds=60, clock=clock)
    _, key = await here.current("acme", "p1")
    await DataKeys(store, kek).destroy("acme", "p1")
    # Using it does not lengthen its time.
    for second in (20, 40, 59):
        clock.now = 1000.0 + second
        assert await here.key("acme", "p1", 1) == key
    clock.now = 1060.0
    with pytest.raises(KeyDestroyed):
        await here.key("acme", "p1", 1)
    with pytest.raises(KeyDestroyed):
        await here.current("acme", "p1")


async def test_keys_in_use_are_read_once_and_the_least_recently_used_goes_first(store: Keys, kek: KeyFile) -> None:
    keys = DataKeys(store, kek, capacity=2)
    for subject in ("p1", "p2", "p1", "p3"):
        await keys.current("acme", subject)

    async def reads_for(subject: str) -> int:
        before = store.reads
        await keys.current("acme", subject)
        return store.reads - before

    # In this order: p2 was pushed out by p3, and pushes out p1 when it comes back.
    assert await reads_for("p1") == 0
    assert await reads_for("p3") == 0
    assert await reads_for("p2") == 1
    assert await reads_for("p3") == 0
    assert await reads_for("p1") == 1


@given(
    st.lists(st.text(alphabet='a\n"\\', max_size=4), max_size=4),
    st.lists(st.text(alphabet='a\n"\\', max_size=4), max_size=4),
)
def test_no_two_lists_of_parts_are_bound_alike(one: list[str], other: list[str]) -> None:
    assert (bound(*one) == bound(*other)) == (one == other)


def test_parts_are_bound_one_a_line() -> None:
    assert bound("a", "b\nc", "d").splitlines() == [b'"a"', b'"b\\nc"', b'"d"']
