"""What a store promises about commits and snapshots: whole, once, and never two of one version."""
# ruff: noqa: D102 - the name of a promise is its sentence

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from eventkernel.messages import Appended, Commit, Repeated, Snapshot, StoredEvent
from eventkernel.ports import Store
from eventkernel.testing.store_suite.examples import NOON, TENANT, Reopen, after, commit

WRITERS = 32


class CommitPromises:
    """Appending and reading."""

    async def test_what_was_appended_is_read_back_byte_for_byte(self, store: Store) -> None:
        every_byte = bytes(range(256)) * 3
        events = (
            StoredEvent("event-1", "mentoring.test.started", 1, every_byte, published=True),
            StoredEvent("event-2", "mentoring.test.noted", 2, b"", published=False),
        )
        written = replace(commit("one", "session-1", 1, 2), events=events, published_version=1)

        assert await store.commits.append([written]) == [Appended.STORED]
        assert await store.commits.read(TENANT, "session-1") == [written]
        assert await store.commits.find(written.id) == written

    async def test_a_time_keeps_its_milliseconds_and_its_zone(self, store: Store) -> None:
        written = commit("one", "session-1", 1, at=NOON + timedelta(microseconds=123_999))
        await store.commits.append([written])
        (stored,) = await store.commits.read(TENANT, "session-1")
        assert stored.at == NOON + timedelta(milliseconds=123)

    async def test_nothing_is_found_where_nothing_was_written(self, store: Store) -> None:
        assert await store.commits.append([]) == []
        assert await store.commits.read(TENANT, "session-1") == []
        assert await store.commits.find("unknown") is None

    async def test_a_stream_is_read_in_order_and_from_where_the_reader_is(self, store: Store) -> None:
        history = [commit("a", "s", 1, 2), commit("b", "s", 3), commit("c", "s", 4, 5, 6), commit("d", "s", 7)]
        for one in history:
            await store.commits.append([one])
        assert await store.commits.read(TENANT, "s") == history
        assert await store.commits.read(TENANT, "s", after=3) == history[2:]
        assert await store.commits.read(TENANT, "s", after=7) == []

    async def test_many_streams_are_read_at_once_each_in_order_and_none_for_another(self, store: Store) -> None:
        mine, theirs = commit("a1", "s", 1, 2), commit("b1", "s", 1, tenant="provider-2")
        later = [commit("a2", "s", 3), commit("a3", "s", 4)]
        await store.commits.append([mine, theirs, commit("c1", "other", 1)])
        for one in later:
            await store.commits.append([one])
        asked = [(TENANT, "s"), ("provider-2", "s"), (TENANT, "nobody's")]
        found = {stream: commits for stream, commits in (await store.commits.newer(asked, 0)).items() if commits}
        assert found == {(TENANT, "s"): [mine, *later], ("provider-2", "s"): [theirs]}
        assert (await store.commits.newer(asked, 2)).get((TENANT, "s")) == later
        # A commit that only part of is newer comes whole, as `read` gives it.
        assert (await store.commits.newer(asked, 1)).get((TENANT, "s")) == await store.commits.read(TENANT, "s", 1)
        assert not any((await store.commits.newer(asked, 9)).values())

    async def test_a_stream_longer_than_one_batch_of_a_driver_is_read_whole(self, store: Store) -> None:
        for version in range(1, 151):
            await store.commits.append([commit(f"c{version}", "long", version)])
        assert [one.version for one in await store.commits.read(TENANT, "long")] == list(range(1, 151))

    async def test_streams_of_the_same_name_in_two_tenants_are_two_streams(self, store: Store) -> None:
        mine, theirs = commit("a", "s", 1), commit("b", "s", 1, tenant="provider-2")
        assert await store.commits.append([mine, theirs]) == [Appended.STORED, Appended.STORED]
        assert await store.commits.read(TENANT, "s") == [mine]
        assert await store.commits.read("provider-2", "s") == [theirs]

    async def test_a_tenant_that_could_be_taken_for_anothers_stream_is_refused(self, store: Store) -> None:
        with pytest.raises(ValueError, match="tenant"):
            await store.commits.append([commit("a", "s", 1, tenant="provider-1/x")])
        with pytest.raises(ValueError, match="tenant"):
            await store.commits.read("provider-1/x", "s")

    @pytest.mark.parametrize("versions", [(3,), (3, 4), (4,), (2, 3), (4, 5), (2, 3, 4, 5), (1, 2, 3)], ids=str)
    async def test_commits_that_share_a_version_conflict(self, store: Store, versions: tuple[int, ...]) -> None:
        stored = commit("first", "s", 3, 4)
        await store.commits.append([stored])
        assert await store.commits.append([commit("second", "s", *versions)]) == [Appended.CONFLICT]
        assert await store.commits.read(TENANT, "s") == [stored]
        assert await store.commits.find(f"{TENANT}/second") is None

    async def test_a_repeated_id_gives_the_first_commit(self, store: Store, reopen: Reopen) -> None:
        first = commit("one", "s", 1)
        await store.commits.append([first])
        repeat = replace(commit("one", "s", 2), fingerprint=b"another request", at=after(5))
        assert await store.commits.append([repeat]) == [Repeated(first)]
        assert await (await reopen()).commits.append([repeat]) == [Repeated(first)]
        assert await store.commits.read(TENANT, "s") == [first]

    async def test_a_repeated_id_is_a_repeat_where_its_versions_conflict_too(self, store: Store) -> None:
        first, other = commit("one", "s", 1), commit("other", "s", 2)
        await store.commits.append([first])
        await store.commits.append([other])
        assert await store.commits.append([commit("one", "s", 1)]) == [Repeated(first)]
        assert await store.commits.append([commit("one", "s", 2)]) == [Repeated(first)]

    async def test_a_repeated_id_is_a_repeat_in_another_stream(self, store: Store) -> None:
        first = commit("one", "s", 1)
        await store.commits.append([first])
        assert await store.commits.append([commit("one", "another", 1)]) == [Repeated(first)]
        assert await store.commits.read(TENANT, "another") == []

    async def test_each_commit_of_a_group_has_its_own_outcome_in_order(self, store: Store) -> None:
        known, taken = commit("known", "a", 1), commit("taken", "b", 1)
        await store.commits.append([known, taken])
        group = [
            commit("new-1", "c", 1),
            commit("known", "d", 1),
            commit("late", "b", 1),
            commit("new-2", "e", 1, 2),
            commit("new-1", "f", 1),
        ]
        assert await store.commits.append(group) == [
            Appended.STORED,
            Repeated(known),
            Appended.CONFLICT,
            Appended.STORED,
            Repeated(group[0]),
        ]
        assert await store.commits.read(TENANT, "e") == [group[3]]

    async def test_many_writers_of_one_stream_make_one_history_without_gaps(self, store: Store, reopen: Reopen) -> None:
        other = await reopen()

        async def write(writer: int) -> Commit:
            through = store if writer % 2 else other
            while True:
                history = await through.commits.read(TENANT, "contended")
                version = history[-1].version if history else 0
                mine = commit(f"writer-{writer}", "contended", *range(version + 1, version + 2 + writer % 3))
                if await through.commits.append([mine]) == [Appended.STORED]:
                    return mine

        acknowledged = await asyncio.gather(*(write(writer) for writer in range(WRITERS)))

        history = await store.commits.read(TENANT, "contended")
        versions = [event.version for one in history for event in one.events]
        assert versions == list(range(1, len(versions) + 1))
        assert sorted(history, key=lambda one: one.id) == sorted(acknowledged, key=lambda one: one.id)

    async def test_one_command_given_by_many_at_once_is_stored_once(self, store: Store) -> None:
        the_same = commit("one", "s", 1)
        outcomes = await asyncio.gather(*(store.commits.append([the_same]) for _ in range(WRITERS)))
        assert outcomes.count([Appended.STORED]) == 1
        assert outcomes.count([Repeated(the_same)]) == WRITERS - 1

    async def test_a_snapshot_is_loaded_as_it_was_saved(self, store: Store) -> None:
        assert await store.commits.load_snapshot(TENANT, "s") is None
        snapshot = _snapshot(3, b'{"x": 1}')
        await store.commits.save_snapshot(snapshot)
        assert await store.commits.load_snapshot(TENANT, "s") == snapshot
        assert await store.commits.load_snapshot("provider-2", "s") is None

    async def test_a_newer_snapshot_wins_whenever_it_is_saved(self, store: Store) -> None:
        await store.commits.save_snapshot(_snapshot(5))
        await store.commits.save_snapshot(_snapshot(3))
        assert await store.commits.load_snapshot(TENANT, "s") == _snapshot(5)
        await store.commits.save_snapshot(_snapshot(5, b"another shape"))
        assert await store.commits.load_snapshot(TENANT, "s") == _snapshot(5, b"another shape")
        await store.commits.save_snapshot(_snapshot(8))
        assert await store.commits.load_snapshot(TENANT, "s") == _snapshot(8)

    async def test_of_snapshots_saved_at_once_the_newest_stays(self, store: Store) -> None:
        await asyncio.gather(*(store.commits.save_snapshot(_snapshot(version)) for version in range(1, 9)))
        assert await store.commits.load_snapshot(TENANT, "s") == _snapshot(8)


def _snapshot(version: int, state: bytes = b"{}") -> Snapshot:
    return Snapshot(TENANT, "s", version, "State/1", state, commit(f"head-{version}", "s", version))
