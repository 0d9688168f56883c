"""Before a first decision nothing need be read: what this process does not know of a stream, the store corrects."""

from collections.abc import Callable
from typing import Any

import pytest
from eventkernel.aggregate import Context
from eventkernel.commands import DecisionFailed
from eventkernel.node import Node
from eventkernel.store.memory import MemoryStore

from .library import (
    ADA,
    OPEN,
    REMARK,
    RENEW,
    CloseLoanRequest,
    Giver,
    Loan,
    LoanRenewed,
    RenewLoanRequest,
    SetLimitRequest,
    all_commits,
    limit,
    loan,
    someone,
    told,
    versions,
)


@pytest.fixture
def reads(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The streams that were read, in order."""
    found: list[str] = []
    read = store.commits.read

    async def counted(tenant: str, stream: str, after: int = 0) -> Any:
        found.append(stream)
        return await read(tenant, stream, after)

    monkeypatch.setattr(store.commits, "read", counted)
    return found


async def test_a_new_stream_is_not_looked_for_before_it_is_begun(give: Giver, reads: list[str]) -> None:
    await give(OPEN)
    await give(RENEW)
    assert reads == ["limit-ada"]


async def test_a_stream_that_is_there_and_unknown_here_goes_on_where_it_is(
    another: Callable[..., Node], store: MemoryStore
) -> None:
    here, there = Giver(another()), Giver(another())
    await here(OPEN)
    await here(REMARK, by=ADA)
    assert told(await there(REMARK, by=ADA)) == ("loan-l1", 3, ["loan-remarked"])
    commits = await all_commits(store, "loan-l1")
    assert versions(commits) == [1, 2, 3]
    assert len({commit.partition_key for commit in commits}) == 1


async def test_what_is_done_already_and_unknown_here_is_found_done(
    another: Callable[..., Node], store: MemoryStore
) -> None:
    here, there = Giver(another()), Giver(another())
    await here(OPEN)
    await here(RENEW)
    assert told(await there(OPEN)) == ("loan-l1", 2, [])
    assert versions(await all_commits(store, "loan-l1")) == [1, 2]


async def test_a_decision_that_stumbles_over_a_state_that_is_not_so_is_made_on_the_one_that_is(
    another: Callable[..., Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumbles(state: Loan, command: RenewLoanRequest, context: Context) -> list[Any]:
        return [LoanRenewed(loan_id={"l1": "l1"}[state.loan_id], reader_id=state.reader_id, days=command.days)]

    here, there = Giver(another()), Giver(another())
    await here(OPEN)
    monkeypatch.setitem(loan.decisions, RenewLoanRequest, stumbles)
    assert told(await there(RENEW)) == ("loan-l1", 2, ["loan-renewed"])
    with pytest.raises(DecisionFailed):
        await there(RenewLoanRequest(loan_id="l2", days=7))


async def test_what_a_relation_or_a_decision_reads_beside_is_read_once_a_command_and_anew_for_the_next(
    another: Callable[..., Node], reads: list[str]
) -> None:
    here, there = Giver(another()), Giver(another())
    await here(SetLimitRequest(reader_id="ada", loans=1))
    reader = there.node.reader(someone())
    first = await reader.state(limit, "limit-ada")
    await here(SetLimitRequest(reader_id="ada", loans=2))
    assert await reader.state(limit, "limit-ada") == first
    assert reads == ["limit-ada"]
    assert (await there.node.reader(someone()).state(limit, "limit-ada")).loans == 2


async def test_a_command_that_lost_to_another_process_reads_beside_it_anew(
    another: Callable[..., Node], store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = Giver(another()), Giver(another())
    append = store.commits.append

    async def overtaken(commits: Any) -> Any:
        monkeypatch.setattr(store.commits, "append", append)
        await there(SetLimitRequest(reader_id="ada", loans=0))
        await there(REMARK, by=ADA)
        return await append(commits)

    monkeypatch.setattr(store.commits, "append", overtaken)
    with pytest.raises(Exception, match="no more loans"):
        await here(OPEN)
    assert versions(await all_commits(store, "loan-l1")) == [1]


async def test_a_known_stream_is_not_read_while_nobody_else_writes_it(give: Giver, reads: list[str]) -> None:
    await give(OPEN)
    reads.clear()
    for _ in range(3):
        await give(RENEW)
    await give(CloseLoanRequest(loan_id="l1"))
    assert reads == []
