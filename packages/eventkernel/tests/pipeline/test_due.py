"""Due rows: each is done once for good, by whoever is alive, at its time and never before."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from eventkernel.due import backoff
from eventkernel.messages import Commit, DueRow, Principal
from eventkernel.store.memory import MemoryStore

from .due_rows import LEASE, Due, row
from .library import (
    NOON,
    OPEN,
    TENANT,
    CloseLoanRequest,
    ExpireLoanRequest,
    Giver,
    Hand,
    RemarkOnLoanRequest,
    RenewLoanRequest,
    all_commits,
    versions,
)


class Dying:
    """A store whose process dies once: between the work and the finish of a row."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.died = 0
        self.due = self

    async def finish(self, row_id: str) -> None:
        self.died += 1
        raise ConnectionError("the process died here")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name) if hasattr(self._store, name) else getattr(self._store.due, name)


async def test_a_row_whose_process_died_before_it_finished_is_done_by_the_next_and_once(
    due: Callable[..., Due], store: MemoryStore, clock: Hand
) -> None:
    dying, next_ = due(store=Dying(store)), due()
    await Giver(dying.node)(OPEN)
    await store.due.schedule([row(RenewLoanRequest(loan_id="l1", days=20))])
    await dying.work()
    await next_.work()
    assert dying.store.died == 1
    assert (await next_.loan()).days == 20
    clock.on(29.9)
    await next_.work()
    assert (await store.due.claim(clock(), LEASE)) is None
    clock.on(0.2)
    await next_.work()
    assert (await next_.loan()).days == 20
    assert versions(await all_commits(store, "loan-l1")) == [1, 2]
    clock.on(10_000)
    assert await store.due.claim(clock(), LEASE) is None


async def test_a_row_whose_process_died_as_it_claimed_is_done_after_its_lease(
    due: Callable[..., Due], store: MemoryStore, clock: Hand
) -> None:
    await Giver(due().node)(OPEN)
    await store.due.schedule([row(RenewLoanRequest(loan_id="l1", days=20))])
    assert await store.due.claim(clock(), LEASE) is not None
    await due().work()
    assert (await due().loan()).days == 0
    clock.on(30)
    await due().work()
    assert (await due().loan()).days == 20


async def test_a_row_is_done_by_one_of_many_processes(due: Callable[..., Due], store: MemoryStore, clock: Hand) -> None:
    await Giver(due().node)(OPEN)
    await store.due.schedule([row(RenewLoanRequest(loan_id="l1", days=1), f"row-{number}") for number in range(30)])
    workers = [due() for _ in range(3)]
    # Three processes on one stream: a command that the others always won is left to its row's next attempt.
    for _ in range(5):
        await asyncio.gather(*(worker.work() for worker in workers))
        clock.on(31)
    assert (await due().loan()).renewals == 30
    assert await store.due.count_overdue(clock()) == 0


async def test_a_command_that_falls_due_says_why_it_was_given(due: Callable[..., Due], store: MemoryStore) -> None:
    await store.due.schedule([row(OPEN)])
    await due().work()
    (commit,) = await all_commits(store, "loan-l1")
    assert (commit.actor, commit.correlation_id, commit.causation_id) == ("system", "correlation-1", "event-1")


async def test_what_has_not_been_heard_of_yet_is_asked_again_ever_later(
    due: Callable[..., Due], store: MemoryStore, clock: Hand
) -> None:
    worker = due()
    await store.due.schedule([row(RenewLoanRequest(loan_id="l1", days=20))])
    waits = []
    for _ in range(4):
        started = clock()
        await worker.work()
        while await store.due.count_overdue(clock()) == 0:
            clock.on(0.25)
        waits.append((clock() - started).total_seconds())
    assert waits == [0.25, 0.5, 1.0, 2.0]
    await Giver(worker.node)(OPEN)
    await worker.work()
    assert (await worker.loan()).days == 20
    assert await worker.parked() == []


def test_the_wait_between_attempts_is_bounded() -> None:
    assert backoff(1) == 0.25
    assert [backoff(number) for number in (12, 100, 10_000)] == [300.0] * 3


async def test_a_refused_row_is_parked_whole_and_not_asked_again(
    due: Callable[..., Due], store: MemoryStore, clock: Hand
) -> None:
    worker = due()
    await Giver(worker.node)(OPEN)
    await Giver(worker.node)(CloseLoanRequest(loan_id="l1"))
    refused = row(RenewLoanRequest(loan_id="l1", days=20))
    await store.due.schedule([refused])
    await worker.work()
    assert await worker.parked() == [("row-1", "LOAN_CLOSED")]
    (kept,) = await store.parked.list("library.due")
    assert (kept.value, kept.tenant, kept.attempts) == (refused.request, TENANT, 1)
    clock.on(10_000)
    await worker.work()
    assert len(await store.parked.list()) == 1
    assert await store.due.count_overdue(clock()) == 0


async def test_a_row_that_nobody_may_ask_for_is_parked(due: Callable[..., Due], store: MemoryStore) -> None:
    await store.due.schedule([row(RemarkOnLoanRequest(loan_id="l1", reader_id="ada", text="x"))])
    worker = due()
    await worker.work()
    assert await worker.parked() == [("row-1", "DENIED")]


async def test_a_process_that_dies_as_it_parks_a_row_parks_it_once(
    due: Callable[..., Due], store: MemoryStore, clock: Hand
) -> None:
    dying, next_ = due(store=Dying(store)), due()
    await store.due.schedule([row(RemarkOnLoanRequest(loan_id="l1", reader_id="ada", text="x"))])
    with pytest.raises(ConnectionError):
        await dying.work()
    clock.on(31)
    await next_.work()
    assert len(await store.parked.list()) == 1
    assert await store.due.count_overdue(clock()) == 0


async def test_a_clock_that_goes_back_between_claim_and_decision_loses_no_deadline(
    due: Callable[..., Due], store: MemoryStore, clock: Hand
) -> None:
    """The decision would find its deadline ahead and do nothing, and the row would be finished all the same."""
    worker = due()
    await Giver(worker.node)(OPEN)
    expire = ExpireLoanRequest(loan_id="l1")
    expire.ends_at.FromDatetime(NOON)
    await store.due.schedule([row(expire)])
    claim = store.due.claim

    async def claim_and_go_back(*arguments: Any, **more: Any) -> DueRow | None:
        claimed = await claim(*arguments, **more)
        if claimed is not None:
            clock.on(-3600)
        return claimed

    store.due.claim = claim_and_go_back  # type: ignore[method-assign]
    await worker.work()
    assert (await worker.loan()).closed
    times = [commit.at for commit in await all_commits(store, "loan-l1")]
    assert times == sorted(times)


async def test_a_row_that_is_done_late_is_decided_at_the_time_it_is_done(
    due: Callable[..., Due], store: MemoryStore, clock: Hand
) -> None:
    worker = due()
    await Giver(worker.node)(OPEN)
    expire = ExpireLoanRequest(loan_id="l1")
    expire.ends_at.FromDatetime(NOON + timedelta(hours=1))
    await store.due.schedule([row(expire, due=NOON)])
    clock.on(7200)
    await worker.work()
    assert (await worker.loan()).closed


async def test_a_row_that_is_not_due_is_left_alone(due: Callable[..., Due], store: MemoryStore, clock: Hand) -> None:
    await store.due.schedule([row(OPEN, due=NOON + timedelta(milliseconds=1))])
    await due().work()
    assert await all_commits(store, "loan-l1") == []
    clock.on(0.001)
    await due().work()
    assert len(await all_commits(store, "loan-l1")) == 1


async def test_one_bad_row_holds_up_no_other(due: Callable[..., Due], store: MemoryStore) -> None:
    bad = DueRow(id="row-0", tenant=TENANT, due=NOON - timedelta(1), request_type="sample.unknown", request=b"")
    await store.due.schedule([bad, row(OPEN)])
    await due().work()
    assert len(await all_commits(store, "loan-l1")) == 1
    assert await store.due.count_overdue(NOON) == 1


async def test_the_platforms_rows_and_a_callers_keys_never_meet(due: Callable[..., Due], store: MemoryStore) -> None:
    worker = due()
    await Giver(worker.node)(OPEN, "row-1")
    await store.due.schedule([row(RenewLoanRequest(loan_id="l1", days=20))])
    await worker.work()
    assert (await worker.loan()).days == 20
    assert await worker.parked() == []
    found: list[Commit] = await all_commits(store, "loan-l1")
    assert len({commit.id for commit in found}) == 2
    assert found[1].actor == Principal.system(TENANT).person_id
