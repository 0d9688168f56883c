"""Grouped reads: one query for many who ask, and no answer that is older than its question."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from eventkernel.messages import Commit
from eventkernel.store.grouped_reads import GroupedReads
from eventkernel.store.memory import MemoryStore
from eventkernel.testing.store_suite.examples import TENANT, commit

Stream = tuple[str, str]


class HeldStore:
    """Answers a query when it is told to, with what is stored when it was asked."""

    def __init__(self) -> None:
        self.queries: list[tuple[list[str], int]] = []
        self.memory = MemoryStore().commits
        self.fail: BaseException | None = None
        self._may_go = asyncio.Semaphore(0)

    def let_go(self, queries: int = 1) -> None:
        for _ in range(queries):
            self._may_go.release()

    async def newer(self, streams: Sequence[Stream], after: int) -> Mapping[Stream, list[Commit]]:
        self.queries.append(([stream for _, stream in streams], after))
        found = await self.memory.newer(streams, after)
        await self._may_go.acquire()
        if self.fail is not None:
            error, self.fail = self.fail, None
            raise error
        return found


@pytest.fixture
def held() -> HeldStore:
    return HeldStore()


async def _until_quiet() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def _ask(reads: GroupedReads, *streams: str, after: int = 1) -> list[asyncio.Task[list[Commit]]]:
    return [asyncio.create_task(reads.newer(TENANT, stream, after)) for stream in streams]


async def test_while_one_query_is_under_way_the_next_questions_gather(held: HeldStore) -> None:
    reads = GroupedReads(held)
    first = _ask(reads, "s0")
    await _until_quiet()
    rest = _ask(reads, "s1", "s2", "s1")
    await _until_quiet()
    held.let_go(2)
    assert await asyncio.gather(*first, *rest) == [[]] * 4
    assert held.queries == [(["s0"], 1), (["s1", "s2"], 1)]


async def test_each_asker_gets_its_own_stream(held: HeldStore) -> None:
    one, two = commit("a2", "s1", 2), commit("b2", "s2", 2)
    await held.memory.append([commit("a1", "s1", 1), commit("b1", "s2", 1)])
    await held.memory.append([one, two])
    held.let_go(9)
    assert await asyncio.gather(*_ask(GroupedReads(held), "s1", "s2", "s3", "s1")) == [[one], [two], [], [one]]


async def test_a_question_is_never_answered_by_a_query_that_was_sent_before_it(held: HeldStore) -> None:
    reads = GroupedReads(held)
    (early,) = _ask(reads, "s")
    await _until_quiet()
    await held.memory.append([commit("a2", "s", 2)])
    (late,) = _ask(reads, "s")
    held.let_go(2)
    assert await early == []
    assert [found.version for found in await late] == [2]


async def test_streams_known_up_to_different_versions_are_asked_about_apart(held: HeldStore) -> None:
    reads = GroupedReads(held)
    held.let_go(2)
    await asyncio.gather(*_ask(reads, "short", after=1), *_ask(reads, "long", after=10_000))
    assert sorted(held.queries) == [(["long"], 10_000), (["short"], 1)]


async def test_no_query_asks_about_more_than_a_group(held: HeldStore) -> None:
    held.let_go(9)
    await asyncio.gather(*_ask(GroupedReads(held, group=2), *(f"s{number}" for number in range(5))))
    assert [len(streams) for streams, _ in held.queries] == [2, 2, 1]


async def test_a_store_that_fails_fails_those_who_asked_and_no_one_after_them(held: HeldStore) -> None:
    reads = GroupedReads(held)
    held.fail = ConnectionError("away")
    asked = _ask(reads, "s1")
    await _until_quiet()
    asked += _ask(reads, "s2")
    held.let_go(2)
    first, second = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(first, ConnectionError)
    assert second == []


async def test_who_gives_up_takes_nothing_from_the_others(held: HeldStore) -> None:
    reads = GroupedReads(held)
    gone, stays = _ask(reads, "s", "s")
    await _until_quiet()
    gone.cancel()
    held.let_go(2)
    assert await stays == []
    assert gone.cancelled()
    held.let_go()
    assert await asyncio.gather(*_ask(reads, "s")) == [[]]


async def test_nobody_waits_for_ever_where_the_asking_is_ended(held: HeldStore) -> None:
    reads = GroupedReads(held)
    asked = _ask(reads, "s1")
    await _until_quiet()
    asked += _ask(reads, "s2")
    await _until_quiet()
    reads._asking[1].cancel()
    ended = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ended)
