"""Grouped appends: each caller its own outcome, whatever happens to the others."""

import asyncio
from collections.abc import Sequence

import pytest
from eventkernel.messages import Appended, AppendOutcome, Commit, Repeated
from eventkernel.store.grouping import Closed, GroupedAppends, Overloaded
from eventkernel.store.memory import MemoryStore
from eventkernel.testing.store_suite.examples import TENANT, commit


class HeldStore:
    """Writes a group when it is told to."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.memory = MemoryStore().commits
        self.fail: BaseException | None = None
        self._may_go = asyncio.Semaphore(0)

    def let_go(self, groups: int = 1) -> None:
        for _ in range(groups):
            self._may_go.release()

    async def append(self, commits: Sequence[Commit]) -> list[AppendOutcome]:
        self.groups.append([one.id.removeprefix(f"{TENANT}/") for one in commits])
        await self._may_go.acquire()
        if self.fail is not None:
            error, self.fail = self.fail, None
            raise error
        return await self.memory.append(commits)


@pytest.fixture
def held() -> HeldStore:
    return HeldStore()


async def _until_quiet() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def _send(appends: GroupedAppends, *commits: Commit) -> list[asyncio.Task[AppendOutcome]]:
    return [asyncio.create_task(appends.append_one(one)) for one in commits]


async def test_what_comes_together_travels_together(held: HeldStore) -> None:
    sent = _send(GroupedAppends(held), *(commit(f"c{n}", f"s{n}", 1) for n in range(3)))
    held.let_go()
    assert await asyncio.gather(*sent) == [Appended.STORED] * 3
    assert held.groups == [["c0", "c1", "c2"]]


async def test_while_one_group_is_in_flight_the_next_gathers(held: HeldStore) -> None:
    appends = GroupedAppends(held)
    sent = _send(appends, commit("first", "s0", 1))
    await _until_quiet()
    for n in range(5):
        sent += _send(appends, commit(f"c{n}", f"t{n}", 1))
        await _until_quiet()
    assert held.groups == [["first"]]
    held.let_go(2)
    await asyncio.gather(*sent)
    assert held.groups == [["first"], ["c0", "c1", "c2", "c3", "c4"]]


async def test_each_caller_gets_its_own_outcome(held: HeldStore) -> None:
    known, taken = commit("known", "a", 1), commit("taken", "b", 1)
    await held.memory.append([known, taken])
    sent = _send(GroupedAppends(held), commit("known", "c", 1), commit("late", "b", 1), commit("new", "d", 1))
    held.let_go()
    assert await asyncio.gather(*sent) == [Repeated(known), Appended.CONFLICT, Appended.STORED]
    assert len(held.groups) == 1


async def test_a_group_is_no_larger_than_it_may_be(held: HeldStore) -> None:
    sent = _send(GroupedAppends(held, group=4), *(commit(f"c{n}", f"s{n}", 1) for n in range(10)))
    held.let_go(3)
    await asyncio.gather(*sent)
    assert [len(group) for group in held.groups] == [4, 4, 2]


async def test_commits_of_one_stream_go_in_order_and_never_in_one_group(held: HeldStore) -> None:
    appends = GroupedAppends(held)
    sent = _send(appends, *(commit(f"s{version}", "s", version) for version in range(1, 5)), commit("t1", "t", 1))
    held.let_go(10)
    assert await asyncio.gather(*sent) == [Appended.STORED] * 5
    assert held.groups == [["s1", "t1"], ["s2"], ["s3"], ["s4"]]


async def test_a_busy_stream_does_not_hold_up_the_others(held: HeldStore) -> None:
    appends = GroupedAppends(held, group=2)
    busy = [commit(f"s{version}", "s", version) for version in range(1, 5)]
    sent = _send(appends, *busy, *(commit(f"t{n}", f"t{n}", 1) for n in range(3)))
    held.let_go(10)
    await asyncio.gather(*sent)
    assert held.groups == [["s1", "t0"], ["t1", "t2"], ["s2"], ["s3"], ["s4"]]


async def test_streams_of_one_name_in_two_tenants_may_travel_together(held: HeldStore) -> None:
    sent = _send(GroupedAppends(held), commit("a", "s", 1), commit("b", "s", 1, tenant="provider-2"))
    held.let_go()
    assert await asyncio.gather(*sent) == [Appended.STORED, Appended.STORED]
    assert len(held.groups) == 1


async def test_a_write_that_fails_fails_its_group_and_no_other(held: HeldStore) -> None:
    appends = GroupedAppends(held)
    failing = _send(appends, commit("a", "s1", 1), commit("b", "s2", 1))
    await _until_quiet()
    following = _send(appends, commit("c", "s3", 1))
    await _until_quiet()
    held.fail = ConnectionError("the network is gone")
    held.let_go(2)
    assert [str(error) for error in await asyncio.gather(*failing, return_exceptions=True)] == [
        "the network is gone"
    ] * 2
    assert await asyncio.gather(*following) == [Appended.STORED]


async def test_a_store_that_answers_for_fewer_than_it_was_given_fails_the_group() -> None:
    class Forgetful:
        async def append(self, commits: Sequence[Commit]) -> list[AppendOutcome]:
            return [Appended.STORED] * (len(commits) - 1)

    sent = _send(GroupedAppends(Forgetful()), commit("a", "s1", 1), commit("b", "s2", 1))
    answers = await asyncio.gather(*sent, return_exceptions=True)
    assert [type(answer) for answer in answers] == [ValueError, ValueError]


async def test_when_the_writing_itself_is_ended_nobody_waits_for_ever(held: HeldStore) -> None:
    class Ended(BaseException):
        pass

    appends = GroupedAppends(held)
    sent = _send(appends, commit("a", "s", 1), commit("b", "s", 2), commit("c", "t", 1))
    await _until_quiet()
    held.fail = Ended()
    held.let_go()
    answers = await asyncio.wait_for(asyncio.gather(*sent, return_exceptions=True), 5)
    assert [type(answer) for answer in answers] == [Ended] * 3
    held.let_go()
    assert await appends.append_one(commit("a", "s", 1)) is Appended.STORED


async def test_a_cancelled_caller_neither_stops_the_write_nor_takes_anothers_outcome(held: HeldStore) -> None:
    appends = GroupedAppends(held)
    leaving, staying = _send(appends, commit("a", "s1", 1), commit("b", "s2", 1))
    await _until_quiet()
    leaving.cancel()
    await _until_quiet()
    held.let_go()
    assert await staying is Appended.STORED
    assert leaving.cancelled()
    assert await held.memory.find(f"{TENANT}/a") is not None
    held.let_go()
    assert await appends.append_one(commit("a", "s1", 1)) == Repeated(commit("a", "s1", 1))


async def test_what_was_cancelled_while_it_waited_is_not_written(held: HeldStore) -> None:
    appends = GroupedAppends(held)
    first, leaving, staying = _send(appends, commit("a", "s", 1), commit("b", "s", 2), commit("c", "s", 3))
    await _until_quiet()
    leaving.cancel()
    held.let_go(2)
    await asyncio.gather(first, staying)
    assert held.groups == [["a"], ["c"]]


async def test_an_error_that_nobody_waits_for_any_more_disturbs_nobody(held: HeldStore) -> None:
    appends = GroupedAppends(held)
    (leaving,) = _send(appends, commit("a", "s", 1))
    await _until_quiet()
    leaving.cancel()
    held.fail = ConnectionError("the network is gone")
    held.let_go(2)
    assert await appends.append_one(commit("b", "s", 1)) is Appended.STORED


async def test_too_many_waiting_are_told_so_and_room_is_made_again(held: HeldStore) -> None:
    appends = GroupedAppends(held, waiting=3)
    sent = _send(appends, commit("flying", "s", 1))
    await _until_quiet()
    sent += _send(appends, *(commit(f"c{n}", f"t{n}", 1) for n in range(3)))
    await _until_quiet()
    with pytest.raises(Overloaded, match="3 commits wait"):
        await appends.append_one(commit("too-many", "u", 1))
    held.let_go(3)
    await asyncio.gather(*sent)
    assert await appends.append_one(commit("too-many", "u", 1)) is Appended.STORED


async def test_closing_waits_for_all_that_wait_and_takes_no_more(held: HeldStore) -> None:
    appends = GroupedAppends(held, group=2)
    sent = _send(appends, *(commit(f"c{n}", f"s{n}", 1) for n in range(5)))
    await _until_quiet()
    closing = asyncio.create_task(appends.close())
    await _until_quiet()
    with pytest.raises(Closed):
        await appends.append_one(commit("late", "u", 1))
    assert not closing.done()
    held.let_go(3)
    await closing
    assert [task.result() for task in sent] == [Appended.STORED] * 5
    await appends.close()


async def test_many_writers_through_groups_make_one_history_without_gaps() -> None:
    memory = MemoryStore().commits
    appends = GroupedAppends(memory)

    async def write(writer: int) -> None:
        while True:
            history = await memory.read(TENANT, "s")
            if await appends.append_one(commit(f"w{writer}", "s", len(history) + 1)) is Appended.STORED:
                return

    await asyncio.gather(*(write(writer) for writer in range(32)))
    assert [one.version for one in await memory.read(TENANT, "s")] == list(range(1, 33))
