"""Commands of several callers and processes on one stream: none is lost or doubled, and no old state decides for good."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.commands import Contended
from eventkernel.messages import Appended
from eventkernel.node import Node
from eventkernel.store.memory import MemoryStore

from .library import (
    CLOSE,
    FROZEN,
    OPEN,
    RENEW,
    TENANT,
    Giver,
    OpenLoanRequest,
    RenewLoanRequest,
    SetLimitRequest,
    all_commits,
    loan,
    someone,
    told,
    versions,
)


async def test_an_old_cached_state_never_refuses(another: Callable[..., Node]) -> None:
    here, there = Giver(another()), Giver(another())
    raised = SetLimitRequest(reader_id="ada", loans=FROZEN + 1)
    await here(SetLimitRequest(reader_id="ada", loans=FROZEN))
    with pytest.raises(Refusal):
        await here(raised)
    await there(SetLimitRequest(reader_id="ada", loans=1))
    assert (await here(raised)).version == 3


async def test_a_stream_that_was_not_there_yet_is_looked_for_again(another: Callable[..., Node]) -> None:
    here, there = Giver(another()), Giver(another())
    with pytest.raises(Refusal):
        await here(RENEW)
    await there(OPEN)
    assert told(await here(RENEW)) == ("loan-l1", 2, ["loan-renewed"])


async def test_an_old_cached_state_never_lets_through_what_the_store_refuses(
    another: Callable[..., Node], store: MemoryStore
) -> None:
    here, there = Giver(another()), Giver(another())
    await here(OPEN)
    await there(CLOSE)
    with pytest.raises(Refusal):
        await here(RENEW)
    assert versions(await all_commits(store, "loan-l1")) == [1, 2]


async def test_what_an_old_cached_state_finds_done_is_asked_of_the_store(another: Callable[..., Node]) -> None:
    here, there = Giver(another()), Giver(another())
    await here(OPEN)
    await there(RENEW)
    unchanged = await here(OPEN)
    assert told(unchanged) == ("loan-l1", 2, [])
    assert unchanged.published_version == 2


async def test_the_streams_beside_are_read_as_they_are_stored(another: Callable[..., Node]) -> None:
    here, there = Giver(another()), Giver(another())
    await here(OPEN)
    await there(SetLimitRequest(reader_id="ada", loans=0))
    with pytest.raises(Refusal) as refused:
        await here(OpenLoanRequest(loan_id="l2", reader_id="ada"))
    assert (refused.value.code, refused.value.field) == ("LIMIT_REACHED", "reader_id")
    await there(SetLimitRequest(reader_id="ada", loans=1))
    assert (await here(OpenLoanRequest(loan_id="l2", reader_id="ada"))).version == 1


async def test_fifty_commands_of_one_process_on_one_stream_are_all_done(give: Giver, store: MemoryStore) -> None:
    await give(OPEN)
    replies = await asyncio.gather(*(give(RENEW) for _ in range(50)))
    assert sorted(reply.version for reply in replies) == list(range(2, 52))
    assert versions(await all_commits(store, "loan-l1")) == list(range(1, 52))


async def test_fifty_commands_of_two_processes_on_one_stream_lose_none_and_leave_no_gap(
    another: Callable[..., Node], store: MemoryStore
) -> None:
    processes = Giver(another()), Giver(another())
    await processes[0](OPEN)

    async def insist(number: int) -> int:
        while True:
            try:
                reply = await processes[number % 2](RenewLoanRequest(loan_id="l1", days=number + 100), f"k{number}")
            except Contended:
                continue
            return int(reply.version)

    acknowledged = await asyncio.gather(*(insist(number) for number in range(50)))
    commits = await all_commits(store, "loan-l1")
    assert versions(commits) == list(range(1, 52))
    stored = {commit.id.removeprefix(f"{TENANT}/"): commit.version for commit in commits[1:]}
    assert stored == {f"k{number}": version for number, version in enumerate(acknowledged)}
    assert (await another().reader(someone()).state(loan, "loan-l1")).days == sum(range(100, 150))


async def test_a_stream_that_others_always_win_is_given_up_after_bounded_tries(
    give: Giver, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0

    async def conflict(_commit: Any) -> Appended:
        nonlocal tries
        tries += 1
        return Appended.CONFLICT

    await give(OPEN)
    monkeypatch.setattr(node.appends, "append_one", conflict)
    with pytest.raises(Contended, match="same idempotency key"):
        await give(RENEW)
    assert 2 <= tries <= 50
