"""What a store promises about wrapped keys and the access log: one key under a version, none after erasure, all reads kept."""
# ruff: noqa: D102 - the name of a promise is its sentence

import asyncio
from dataclasses import replace

from eventkernel.messages import Access, WrappedKey
from eventkernel.ports import Store
from eventkernel.testing.store_suite.examples import TENANT, after


class SealedPromises:
    """Wrapped keys, and who read what."""

    async def test_keys_are_listed_by_version_within_tenant_and_subject(self, store: Store) -> None:
        assert await store.keys.keys(TENANT, "learner-1") == []
        second, first = WrappedKey("learner-1", 2, b"\x00two"), WrappedKey("learner-1", 1, b"\xffone")
        assert await store.keys.add(TENANT, second) == second
        assert await store.keys.add(TENANT, first) == first
        await store.keys.add(TENANT, WrappedKey("learner-2", 1, b"other"))
        await store.keys.add("provider-2", WrappedKey("learner-1", 1, b"other"))
        assert await store.keys.keys(TENANT, "learner-1") == [first, second]

    async def test_the_first_key_under_a_version_stands(self, store: Store) -> None:
        offered = [WrappedKey("learner-1", 1, f"key-{number}".encode()) for number in range(12)]
        given = await asyncio.gather(*(store.keys.add(TENANT, key) for key in offered))
        assert len(set(given)) == 1
        assert await store.keys.keys(TENANT, "learner-1") == [given[0]]

    async def test_destroyed_keys_stay_empty_for_ever(self, store: Store) -> None:
        for version in (1, 2):
            await store.keys.add(TENANT, WrappedKey("learner-1", version, b"key"))
        bystander = WrappedKey("learner-2", 1, b"key")
        await store.keys.add(TENANT, bystander)
        assert await store.keys.destroy(TENANT, "learner-1") == 2
        assert await store.keys.destroy(TENANT, "learner-1") == 0
        empty = [WrappedKey("learner-1", 1, b""), WrappedKey("learner-1", 2, b"")]
        assert await store.keys.keys(TENANT, "learner-1") == empty
        assert await store.keys.add(TENANT, WrappedKey("learner-1", 1, b"again")) == empty[0]
        assert await store.keys.keys(TENANT, "learner-2") == [bystander]

    async def test_the_access_log_tells_who_read_about_a_person_oldest_first(self, store: Store) -> None:
        entries = [_access(10), _access(20, "person-2"), _access(30), _access(30, "person-3")]
        await store.access_log.record([entries[1]])
        await store.access_log.record([entries[0], *entries[2:]])
        await store.access_log.record([])
        await store.access_log.record([replace(_access(5), subject_id="learner-2")])
        await store.access_log.record([replace(_access(5), tenant="provider-2")])
        assert await store.access_log.about(TENANT, "learner-1") == entries
        assert await store.access_log.about(TENANT, "learner-9") == []

    async def test_the_same_reading_twice_is_two_entries(self, store: Store) -> None:
        await store.access_log.record([_access(1)])
        await store.access_log.record([_access(1)])
        assert await store.access_log.about(TENANT, "learner-1") == [_access(1), _access(1)]


def _access(milliseconds: int, actor: str = "person-1") -> Access:
    return Access(
        tenant=TENANT, actor=actor, subject_id="learner-1", stream="session-1", event_id="e-1", field="shared_record",
        at=after(milliseconds), correlation_id="c-1",
    )  # fmt: skip
