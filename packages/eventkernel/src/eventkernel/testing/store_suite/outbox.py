"""What a store promises about pending commits: in stream order, until they are cleared, through a crash."""
# ruff: noqa: D102 - the name of a promise is its sentence

from dataclasses import replace

from eventkernel.messages import Commit, Repeated, StoredEvent
from eventkernel.placement import SLOTS, slot_of
from eventkernel.ports import Store
from eventkernel.testing.store_suite.examples import TENANT, Reopen, after, commit

ALL = range(SLOTS)


class OutboxPromises:
    """The commits as their own outbox."""

    async def test_a_commit_is_pending_until_it_is_cleared(self, store: Store) -> None:
        written = commit("one", "s", 1)
        await store.commits.append([written])
        assert await store.commits.pending(ALL, 10) == [written]
        await store.commits.clear([written.id])
        assert await store.commits.pending(ALL, 10) == []
        assert await store.commits.read(TENANT, "s") == [written]

    async def test_clearing_twice_or_the_unknown_does_no_harm(self, store: Store) -> None:
        await _append(store, commit("one", "s", 1), commit("two", "s", 2))
        await store.commits.clear([])
        await store.commits.clear([f"{TENANT}/one", "unknown"])
        await store.commits.clear([f"{TENANT}/one"])
        assert _ids(await store.commits.pending(ALL, 10)) == ["two"]

    async def test_a_repeated_command_does_not_become_pending_again(self, store: Store) -> None:
        written = commit("one", "s", 1)
        await store.commits.append([written])
        await store.commits.clear([written.id])
        assert await store.commits.append([written]) == [Repeated(written)]
        assert await store.commits.pending(ALL, 10) == []

    async def test_what_waits_is_counted_by_slot(self, store: Store) -> None:
        assert await store.commits.pending_by_slot() == {}
        await _append(store, commit("one", "s", 1, at=after(5)), commit("two", "s", 2, at=after(9)))
        await _append(store, commit("other", "t", 1, at=after(3), partition_key=_key_of_another_slot("s")))
        await store.commits.clear([f"{TENANT}/one"])
        assert await store.commits.pending_by_slot() == {
            slot_of("s"): (1, after(9)), slot_of(_key_of_another_slot("s")): (1, after(3)),
        }  # fmt: skip

    async def test_streams_are_paged_whole_and_say_what_is_pending(self, store: Store) -> None:
        for stream in ("a", "b", "c"):
            await _append(store, *(commit(f"{stream}{version}", stream, version) for version in range(1, 4)))
        await store.commits.clear([f"{TENANT}/b1"])
        found, after_key = [], ""
        for _ in range(4):
            page = await store.commits.some_streams(after_key, 4)
            found.append([(key, [one.version for one in commits], len(waiting)) for key, commits, waiting in page])
            after_key = page[-1][0] if page else after_key
        assert [stream for page in found for stream in page] == [
            (f"{TENANT}/a", [1, 2, 3], 3), (f"{TENANT}/b", [1, 2, 3], 2), (f"{TENANT}/c", [1, 2, 3], 3),
        ]  # fmt: skip
        assert [key for key, _, _ in await store.commits.some_streams("", 2)] == [f"{TENANT}/a"]
        commits, waiting = await store.commits.one_stream(f"{TENANT}/b")
        assert [one.version for one in commits] == [1, 2, 3]
        assert waiting == frozenset((f"{TENANT}/b2", f"{TENANT}/b3"))
        assert await store.commits.one_stream("unknown") == ([], frozenset())

    async def test_a_crash_between_append_and_clear_leaves_it_pending(self, store: Store, reopen: Reopen) -> None:
        await _append(store, commit("cleared", "s", 1), commit("left", "s", 2))
        await store.commits.clear([f"{TENANT}/cleared"])
        restarted = await reopen()
        assert _ids(await restarted.commits.pending(ALL, 10)) == ["left"]

    async def test_only_what_holds_a_published_event_is_ever_pending(self, store: Store) -> None:
        internal = commit("internal", "s", 1, published=False)
        mixed = replace(
            commit("mixed", "s", 2, 3),
            events=(
                StoredEvent("e2", "mentoring.test.noted", 2, b"", published=False),
                StoredEvent("e3", "mentoring.test.happened", 3, b"", published=True),
            ),
        )
        await _append(store, internal, mixed)
        assert await store.commits.pending(ALL, 10) == [mixed]
        assert await store.commits.count_pending() == (1, mixed.at)

    async def test_pending_commits_come_oldest_first(self, store: Store) -> None:
        await _append(store, commit("c", "s3", 1, at=after(30)), commit("a", "s1", 1, at=after(10)))
        await _append(store, commit("b", "s2", 1, at=after(20)))
        assert _ids(await store.commits.pending(ALL, 10)) == ["a", "b", "c"]
        assert _ids(await store.commits.pending(ALL, 2)) == ["a", "b"]

    async def test_commits_of_one_stream_in_one_millisecond_keep_their_order(self, store: Store) -> None:
        # Ids and versions that sort otherwise than they happened, as text and by insertion.
        history = [commit(name, "s", version) for version, name in ((8, "z"), (9, "m"), (10, "a"), (11, "k"))]
        await _append(store, *reversed(history))
        assert await store.commits.pending(ALL, 10) == history

    async def test_a_limit_cuts_a_stream_at_its_end_only(self, store: Store) -> None:
        for version in range(1, 13):
            await _append(store, commit(f"c{version}", "s", version, at=after(version // 4)))
        found = await store.commits.pending(ALL, 7)
        assert [one.version for one in found] == list(range(1, 8))
        assert await store.commits.pending(ALL, 0) == []

    async def test_each_slot_sees_its_own_commits_only(self, store: Store) -> None:
        written = [commit(f"c{number}", f"s{number}", 1, at=after(number)) for number in range(24)]
        await store.commits.append(written)
        by_slot = [await store.commits.pending([slot], 100) for slot in ALL]
        assert all(slot_of(one.partition_key) == slot for slot in ALL for one in by_slot[slot])
        assert sorted(_ids([one for found in by_slot for one in found])) == sorted(_ids(written))
        assert await store.commits.pending([0, 2], 100) == sorted(by_slot[0] + by_slot[2], key=lambda one: one.at)
        assert await store.commits.pending([], 100) == []

    async def test_the_partition_key_decides_the_slot_and_not_the_stream(self, store: Store) -> None:
        written = [commit(f"c{number}", f"s{number}", 1, partition_key="learner-1") for number in range(8)]
        await store.commits.append(written)
        assert len(await store.commits.pending([slot_of("learner-1")], 100)) == 8

    async def test_what_is_being_cleared_already_is_left_out(self, store: Store) -> None:
        history = [commit(f"c{version}", "s", version, at=after(version)) for version in range(1, 9)]
        await _append(store, *history)
        in_flight = frozenset(one.id for one in history[:3])
        assert await store.commits.pending(ALL, 3, leave_out=in_flight) == history[3:6]
        assert await store.commits.pending(ALL, 100, leave_out=in_flight | {"unknown"}) == history[3:]

    async def test_pending_commits_are_counted_with_the_time_of_the_oldest(self, store: Store) -> None:
        assert await store.commits.count_pending() == (0, None)
        written = [commit(f"c{number}", f"s{number}", 1, at=after(100 - number)) for number in range(9)]
        await store.commits.append(written)
        assert await store.commits.count_pending() == (9, after(92))
        await store.commits.clear([one.id for one in written[1:]])
        assert await store.commits.count_pending() == (1, after(100))


async def _append(store: Store, *commits: Commit) -> None:
    for one in commits:
        await store.commits.append([one])


def _ids(commits: list[Commit]) -> list[str]:
    return [one.id.removeprefix(f"{TENANT}/") for one in commits]


def _key_of_another_slot(key: str) -> str:
    return next(f"k{number}" for number in range(100) if slot_of(f"k{number}") != slot_of(key))
