"""A reaction: each event's commands are given once, in its stream's order; what can be repeated is, what cannot is set aside."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest
from aiokafka import TopicPartition
from eventkernel.messages import Metadata
from eventkernel.node import Node
from eventkernel.reaction import Later, Reaction, Reply
from eventkernel.reactor import Reactor
from eventkernel.store.memory import MemoryStore

from .library import (
    CONTRACT,
    NOON,
    TENANT,
    UNLUCKY,
    Bus,
    CloseLoanRequest,
    GetReaderRequest,
    Giver,
    Hand,
    LoanClosed,
    LoanOpened,
    LoanRenewed,
    OpenLoanRequest,
    RenewLoanRequest,
    SetLimitRequest,
    all_commits,
    loan,
    someone,
    versions,
)

BEHIND = "BEHIND_A_PARKED_RECORD"
SUBSCRIPTION = "library.mirror.v1"


def mirroring() -> Reaction:
    """Whatever happens to a loan is done to its copy, `m-<loan>`: renewals add up, so a second one would show."""
    reaction = Reaction("mirror")

    @reaction.on
    def opened(event: LoanOpened, meta: Metadata) -> Reply:
        yield OpenLoanRequest(loan_id=f"m-{event.loan_id}", reader_id=event.reader_id)

    @reaction.on
    def renewed(event: LoanRenewed, meta: Metadata) -> Reply:
        if event.days == 666:
            raise LookupError("a mistake in the policy")
        if event.days == 404:
            yield GetReaderRequest(reader_id="ada")
            return
        yield RenewLoanRequest(loan_id=f"m-{event.loan_id}", days=event.days)
        if event.days == 50:
            yield RenewLoanRequest(loan_id=f"m-{event.loan_id}", days=5)

    @reaction.on
    def closed(event: LoanClosed, meta: Metadata) -> Reply:
        yield Later(
            NOON + timedelta(hours=1, microseconds=500),
            CloseLoanRequest(loan_id=f"m-{event.loan_id}"),
            urgent=event.loan_id == "hot",
        )

    return reaction


class Reacting:
    """One process that reacts, and the events that it is given."""

    def __init__(self, node: Node, store: MemoryStore, bus: Bus, clock: Hand, reaction: Reaction | None = None) -> None:
        self.node, self.store, self.bus = node, store, bus
        self.scheduled = asyncio.Event()
        self.reactor = Reactor(
            reaction or mirroring(), service="library", contract=CONTRACT, commands=node.commands, due=store.due, parked=store.parked,
            clock=clock, scheduled=self.scheduled,
        )  # fmt: skip

    async def take(self, records: Iterable[Any]) -> None:
        await self.reactor.take(self.bus.topic, 0, list(records))

    async def mirror(self, name: str = "l1") -> Any:
        return await self.node.reader(someone()).state(loan, f"loan-m-{name}")

    async def parked(self) -> list[tuple[str, int, str]]:
        return [
            (record.stream, record.offset, record.reason.partition(":")[0])
            for record in await self.store.parked.list(SUBSCRIPTION)
        ]

    def renewed(self, days: int, name: str = "l1") -> Any:
        return self.bus.event(f"loan-{name}", LoanRenewed(loan_id=name, reader_id="ada", days=days))

    def closed(self, name: str = "l1") -> Any:
        return self.bus.event(f"loan-{name}", LoanClosed(loan_id=name, reader_id="ada"))

    def opened(self, name: str = "l1") -> Any:
        return self.bus.event(f"loan-{name}", LoanOpened(loan_id=name, reader_id="ada"))


@pytest.fixture
def reacting(another: Callable[..., Node], store: MemoryStore, bus: Bus, clock: Hand) -> Callable[[], Reacting]:
    return lambda: Reacting(another(), store, bus, clock)


async def test_an_event_that_comes_again_has_no_second_effect(reacting: Callable[[], Reacting]) -> None:
    here, there = reacting(), reacting()
    records = [here.opened(), here.renewed(20), here.renewed(50), here.renewed(40)]
    await here.take(records[:3])
    await here.take(records)
    await there.take(records[1:])
    await asyncio.gather(here.take(records), there.take(records))
    state = await there.mirror()
    assert (state.days, state.renewals) == (115, 4)
    assert versions(await all_commits(there.store, "loan-m-l1")) == [1, 2, 3, 4, 5]


async def test_what_an_event_leads_to_says_so(reacting: Callable[[], Reacting]) -> None:
    here = reacting()
    record = here.opened()
    await here.take([record])
    (commit,) = await all_commits(here.store, "loan-m-l1")
    assert commit.causation_id.encode() == dict(record.headers)["ce_id"]
    assert (commit.actor, commit.correlation_id, commit.tenant) == ("system", "correlation-1", TENANT)


async def test_a_refused_event_is_parked_with_the_rest_of_its_stream_and_no_other(
    reacting: Callable[[], Reacting],
) -> None:
    here = reacting()
    await here.take([here.opened("l1"), here.opened("l2")])
    await Giver(here.node)(CloseLoanRequest(loan_id="m-l1"))
    batch = [here.renewed(20, "l1"), here.renewed(30, "l2"), here.renewed(40, "l1"), here.renewed(50, "l2")]
    await here.take(batch)
    expected = [("loan-l1", 2, "LOAN_CLOSED"), ("loan-l1", 4, BEHIND)]
    assert await here.parked() == expected
    assert (await here.mirror("l2")).days == 85
    there = reacting()
    await there.take([*batch, here.renewed(60, "l1")])
    assert await there.parked() == [*expected, ("loan-l1", 6, BEHIND)]
    assert (await there.mirror("l2")).days == 85
    assert (await there.mirror("l1")).days == 0


@pytest.mark.parametrize(
    ("days", "reason"), [(666, "HANDLER_FAILED"), (404, "HANDLER_FAILED"), (UNLUCKY, "HANDLER_FAILED")],
    ids=["the policy raises", "the policy asks for no command", "the decision raises"],
)  # fmt: skip
async def test_a_mistake_in_the_code_parks_its_stream_and_holds_up_no_other(
    reacting: Callable[[], Reacting], days: int, reason: str
) -> None:
    here = reacting()
    await here.take(
        [here.opened("l1"), here.opened("l2"), here.renewed(days, "l1"), here.renewed(30, "l1"), here.renewed(40, "l2")]
    )
    assert await here.parked() == [("loan-l1", 2, reason), ("loan-l1", 3, BEHIND)]
    assert (await here.mirror("l2")).days == 40
    assert (await here.mirror("l1")).days == 0


async def test_after_a_restart_a_stream_is_held_though_its_parked_record_does_not_come_again(
    reacting: Callable[[], Reacting],
) -> None:
    here = reacting()
    await here.take([here.opened(), here.renewed(666)])
    await reacting().take([here.renewed(20)])
    assert await here.parked() == [("loan-l1", 1, "HANDLER_FAILED"), ("loan-l1", 2, BEHIND)]
    assert (await here.mirror()).days == 0


async def test_what_came_before_a_parked_record_is_answered_when_it_comes_again(
    reacting: Callable[[], Reacting],
) -> None:
    """The process died after it parked a record that nobody can read, and before it answered those before it."""
    here = reacting()
    batch = [here.opened(), here.renewed(20), here.renewed(30)]
    headers = {**dict(batch[1].headers), "ce_type": b"sample.library.loan-burnt"}
    batch[1] = here.bus.raw(batch[1].key, batch[1].value, headers.items())
    batch = [batch[0], batch[1], here.renewed(40)]
    append = here.store.commits.append

    async def away(_: Any) -> Any:
        raise ConnectionError("the store went away")

    here.store.commits.append = away  # type: ignore[method-assign, assignment]
    with pytest.raises(ExceptionGroup):
        await here.take(batch)
    here.store.commits.append = append  # type: ignore[method-assign]
    there = reacting()
    await there.take(batch)
    assert (await there.mirror()).loan_id == "m-l1"
    assert [reason for _, _, reason in await there.parked()] == ["UNKNOWN_EVENT_TYPE", BEHIND]


async def test_what_has_not_been_heard_of_yet_waits_as_a_due_row_and_the_others_go_on(
    reacting: Callable[[], Reacting], clock: Hand
) -> None:
    here = reacting()
    await here.take([here.renewed(20, "l1"), here.opened("l2"), here.renewed(30, "l2"), here.renewed(40, "l1")])
    assert await here.parked() == []
    assert (await here.mirror("l2")).days == 30
    assert here.scheduled.is_set()
    rows = [await here.store.due.claim(clock(), timedelta(seconds=30)) for _ in range(3)]
    assert [row.request_type for row in rows if row] == ["sample.library.v1.RenewLoanRequest"] * 2


async def test_an_event_that_waited_and_comes_again_is_carried_out_once(reacting: Callable[[], Reacting]) -> None:
    here = reacting()
    early = here.renewed(20)
    await here.take([early])
    await Giver(here.node)(OpenLoanRequest(loan_id="m-l1", reader_id="ada"))
    await here.take([early])
    await _run_due(here)
    assert (await here.mirror()).days == 20


async def test_what_is_for_later_is_kept_once_and_never_given_early(
    reacting: Callable[[], Reacting], clock: Hand
) -> None:
    here = reacting()
    records = [here.opened(), here.closed()]
    await here.take(records)
    await reacting().take(records)
    clock.now = NOON + timedelta(hours=1)
    assert await here.store.due.claim(clock(), timedelta(seconds=30)) is None
    clock.on(0.001)
    assert await here.store.due.claim(clock(), timedelta(seconds=30)) is not None
    assert await here.store.due.claim(clock(), timedelta(seconds=30)) is None


async def test_what_is_urgent_is_kept_as_urgent(reacting: Callable[[], Reacting], clock: Hand) -> None:
    here = reacting()
    await here.take([here.closed("hot"), here.closed("l1")])
    clock.on(7200)
    urgent = await here.store.due.claim(clock(), timedelta(seconds=30), urgent=True)
    other = await here.store.due.claim(clock(), timedelta(seconds=30))
    assert [CloseLoanRequest.FromString(row.request).loan_id for row in (urgent, other) if row] == ["m-hot", "m-l1"]


@pytest.mark.parametrize("stored", [False, True], ids=["before it was stored", "after it was stored"])
async def test_a_store_that_fails_is_raised_so_that_all_comes_again_and_nothing_is_doubled(
    reacting: Callable[[], Reacting], stored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = reacting()
    records = [
        here.opened("l1"),
        here.opened("l2"),
        here.renewed(50, "l1"),
        here.renewed(30, "l2"),
        here.renewed(40, "l1"),
    ]
    append = here.store.commits.append
    calls = 0

    async def fails_now_and_then(commits: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls in (1, 2, 4, 7, 8):
            if stored:
                await append(commits)
            raise ConnectionError("the store went away")
        return await append(commits)

    monkeypatch.setattr(here.store.commits, "append", fails_now_and_then)
    failures = 0
    for _ in range(10):
        try:
            await here.take(records)
        except ExceptionGroup:
            failures += 1
    assert failures >= 3
    assert ((await here.mirror("l1")).days, (await here.mirror("l2")).days) == (95, 30)
    assert await here.parked() == []


async def test_each_stream_is_answered_in_its_order_however_many_run_side_by_side(
    reacting: Callable[[], Reacting],
) -> None:
    here = reacting()
    names = [f"l{number}" for number in range(40)]
    await here.take([here.opened(name) for name in names])
    await here.take([here.renewed(100 + step, name) for step in range(5) for name in names])
    for name in names:
        commits = await all_commits(here.store, f"loan-m-{name}")
        days = [LoanRenewed.FromString(event.data).days for commit in commits[1:] for event in commit.events]
        assert days == [100, 101, 102, 103, 104]


async def test_the_parked_are_read_anew_when_partitions_change_hands(reacting: Callable[[], Reacting]) -> None:
    here = reacting()
    await here.take([here.opened(), here.renewed(666)])
    await here.take([here.renewed(20)])
    here.store.parked._records.clear()
    await here.reactor.assigned([TopicPartition(here.bus.topic, 0)])
    await here.take([here.renewed(30)])
    assert (await here.mirror()).days == 30


async def test_what_the_contract_does_not_let_the_platform_do_is_parked(
    another: Callable[..., Node], store: MemoryStore, bus: Bus, clock: Hand
) -> None:
    reaction = Reaction("mirror")

    @reaction.on
    def opened(event: LoanOpened, meta: Metadata) -> Reply:
        return [SetLimitRequest(reader_id=event.reader_id, loans=1)]

    here = Reacting(another(), store, bus, clock, reaction)
    await here.take([here.opened()])
    assert await here.parked() == [("loan-l1", 0, "DENIED")]


async def _run_due(here: Reacting) -> None:
    runner = here.node._make_due()
    await runner._claim_all()
    await runner.stop()
