"""Due rows that an operator gave back: whatever another process does in that moment, a row is open, done or parked."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.due import DueRunner
from eventkernel.mending import give_back_due
from eventkernel.messages import Asked, ParkedRecord
from eventkernel.node import Node
from eventkernel.store.memory import MemoryStore

from .due_rows import LEASE, REQUESTS, Due, row
from .library import (
    NOON,
    TENANT,
    CloseLoanRequest,
    Giver,
    Hand,
    OpenLoanRequest,
    RenewLoanRequest,
    all_commits,
    versions,
)

ONE = Asked("act-1")
DISCARD = Asked("act-2", discard=True)
DUE = "library.due"


async def _work(runner: DueRunner, store: MemoryStore) -> None:
    await give_back_due(store.parked, store.due, "library.due")
    await runner._claim_all()
    await asyncio.gather(*runner._running)


async def test_a_due_row_that_was_refused_is_given_back_and_done_once(
    node: Node, store: MemoryStore, clock: Hand
) -> None:
    await Giver(node)(OpenLoanRequest(loan_id="l1", reader_id="ada"))
    runner = DueRunner(
        "library", store=store, commands=node.commands, readers=node.reader, effects={}, requests=REQUESTS, clock=clock,
        scheduled=asyncio.Event(), lease=LEASE,
    )  # fmt: skip
    decisions = node._service.deciders[RenewLoanRequest].decisions
    renew = decisions[RenewLoanRequest]

    def refuses(*given: Any) -> Any:
        raise Refusal("LOAN_CLOSED", "closed")

    try:
        decisions[RenewLoanRequest] = refuses
        await store.due.schedule([row(RenewLoanRequest(loan_id="l1", days=20))])
        await _work(runner, store)
        (record,) = await store.parked.list("library.due")
        assert await store.parked.ask([record.id], ONE) == 1
        await _work(runner, store)
        (again,) = await store.parked.list("library.due")
        assert (again.attempts, again.asked) == (2, None)
    finally:
        decisions[RenewLoanRequest] = renew
    await store.parked.ask([again.id], ONE)
    await _work(runner, store)
    assert await store.parked.list() == []
    await _work(runner, store)
    assert versions(await all_commits(store, "loan-l1")) == [1, 2]


async def test_a_discarded_due_row_is_never_done(node: Node, store: MemoryStore, clock: Hand) -> None:
    await store.due.schedule([row(RenewLoanRequest(loan_id="l1", days=20))])
    claimed = await store.due.claim(NOON, LEASE)
    assert claimed is not None
    await store.due.finish(claimed)
    parked = ParkedRecord(
        "library.due", TENANT, claimed.id, f"x/{claimed.id}", 0, 0, b"", b"", (), "LOAN_CLOSED", 1, NOON
    )
    await store.parked.park([parked])
    await store.parked.ask([parked.id], DISCARD)
    await give_back_due(store.parked, store.due, "library.due")
    assert await store.parked.list() == []
    assert await store.due.claim(NOON, LEASE) is None


class Paused:
    """A store for a process that stands still before one of its calls, until it is let go on."""

    def __init__(self, store: MemoryStore, call: str) -> None:
        self._store, self._call = store, call
        self.due = self.parked = self
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        owner = next(part for part in (self._store, self._store.due, self._store.parked) if hasattr(part, name))
        found = getattr(owner, name)
        if name != self._call:
            return found

        async def paused(*given: Any) -> Any:
            self.reached.set()
            await self.go_on.wait()
            return await found(*given)

        return paused


class Refusing:
    """A row that one process has refused; it stands still before it says so, or before it says that the row is done."""

    def __init__(self, another: Callable[..., Node], store: MemoryStore, clock: Hand) -> None:
        self.store, self.clock = store, clock
        self._another = another
        self.others = Due(another(), store, clock)

    async def before(self, call: str) -> None:
        give = Giver(self.others.node)
        await give(OpenLoanRequest(loan_id="l1", reader_id="ada"))
        await give(CloseLoanRequest(loan_id="l1"))
        await self.store.due.schedule([row(RenewLoanRequest(loan_id="l1", days=20))])
        self._paused = Paused(self.store, call)
        self._working = asyncio.create_task(Due(self._another(), self._paused, self.clock).work())
        await self._paused.reached.wait()

    async def goes_on(self) -> None:
        self._paused.go_on.set()
        await self._working

    async def dies(self) -> None:
        self._working.cancel()
        await asyncio.wait([self._working])

    async def look(self) -> None:
        """Another process gives back what is asked, and does what is due."""
        await give_back_due(self.store.parked, self.store.due, DUE)
        await self.others.work()

    async def ask(self, asked: Asked) -> None:
        (record,) = await self.store.parked.list(DUE)
        assert await self.store.parked.ask([record.id], asked) == 1

    async def parked(self) -> list[tuple[int, Asked | None]]:
        return [(record.attempts, record.asked) for record in await self.store.parked.list(DUE)]


@pytest.fixture
def refusing(another: Callable[..., Node], store: MemoryStore, clock: Hand) -> Refusing:
    return Refusing(another, store, clock)


async def test_a_row_that_is_replayed_before_its_parking_has_ended_is_given_back_after_that(refusing: Refusing) -> None:
    await refusing.before("finish")
    await refusing.ask(ONE)
    await refusing.look()
    assert await refusing.parked() == [(1, ONE)]
    await refusing.goes_on()
    await refusing.look()
    assert await refusing.parked() == [(2, None)]


async def test_a_row_that_is_replayed_though_who_parked_it_died_is_refused_anew_after_its_lease(
    refusing: Refusing,
) -> None:
    await refusing.before("finish")
    await refusing.ask(ONE)
    await refusing.dies()
    await refusing.look()
    assert await refusing.parked() == [(1, ONE)]
    refusing.clock.on(31)
    await refusing.look()
    assert await refusing.parked() == [(2, None)]


async def test_a_row_that_is_discarded_though_who_parked_it_died_is_never_done(refusing: Refusing) -> None:
    await refusing.before("finish")
    await refusing.ask(DISCARD)
    await refusing.dies()
    await refusing.look()
    refusing.clock.on(31)
    await refusing.look()
    assert await refusing.parked() == []
    assert await refusing.store.due.count_overdue(refusing.clock()) == 0


async def test_a_row_that_is_parked_late_by_an_earlier_attempt_can_still_be_replayed(refusing: Refusing) -> None:
    await refusing.before("park_again")
    refusing.clock.on(31)
    await refusing.look()
    await refusing.goes_on()
    assert await refusing.parked() == [(2, None)]
    await refusing.ask(ONE)
    await refusing.look()
    assert await refusing.parked() == [(3, None)]


async def test_a_row_that_is_parked_late_and_was_done_meanwhile_is_not_done_again(refusing: Refusing) -> None:
    await refusing.before("park_again")
    refusing.clock.on(31)
    claimed = await refusing.store.due.claim(refusing.clock(), LEASE)
    assert claimed is not None
    await refusing.store.due.finish(claimed)
    await refusing.goes_on()
    await refusing.ask(ONE)
    await refusing.look()
    assert await refusing.parked() == []
    assert await refusing.store.due.count_overdue(refusing.clock()) == 0
