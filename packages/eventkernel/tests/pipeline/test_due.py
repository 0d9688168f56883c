"""Due rows: each is done once for good, by whoever is alive, at its time and never before."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from eventkernel import metrics
from eventkernel.due import Attempt, DueRunner, backoff
from eventkernel.messages import Commit, DueRow, Principal
from eventkernel.node import Node
from eventkernel.reaction import TryAgain
from eventkernel.store.memory import MemoryStore
from google.protobuf.message import Message

from .conftest import Giver
from .library import (
    CONTRACT,
    NOON,
    TENANT,
    CloseLoanRequest,
    ExpireLoanRequest,
    Hand,
    OpenLoanRequest,
    RemarkOnLoanRequest,
    RenewLoanRequest,
    SendReminderRequest,
    all_commits,
    loan,
    someone,
    until,
    versions,
)

LEASE = timedelta(seconds=30)
REQUESTS = {str(request.DESCRIPTOR.full_name): request for request in CONTRACT.commands}
OPEN = OpenLoanRequest(loan_id="l1", reader_id="ada")


def row(request: Message, name: str = "row-1", due: Any = NOON, *, urgent: bool = False) -> DueRow:
    return DueRow(
        id=name, tenant=TENANT, due=due, request_type=request.DESCRIPTOR.full_name, request=request.SerializeToString(),
        correlation_id="correlation-1", causation_id="event-1", urgent=urgent,
    )  # fmt: skip


class Due:
    """One process that does what is due."""

    def __init__(self, node: Node, store: Any, clock: Hand, effects: Any = None, **settings: Any) -> None:
        self.node, self.store, self.clock = node, store, clock
        self.scheduled = asyncio.Event()
        self.runner = DueRunner(
            "library", store=store, commands=node.commands, readers=node.reader, effects=effects or {}, requests=REQUESTS, clock=clock,
            scheduled=self.scheduled, lease=LEASE, **settings,
        )  # fmt: skip

    async def work(self) -> None:
        """Does all that is due now."""
        await self.runner._claim_all()
        await asyncio.gather(*self.runner._running)

    async def loan(self) -> Any:
        return await self.node.reader(someone()).state(loan, "loan-l1")

    async def parked(self) -> list[tuple[str, str]]:
        return [
            (record.stream, record.reason.partition(":")[0]) for record in await self.store.parked.list("library.due")
        ]


@pytest.fixture
def due(another: Callable[..., Node], store: MemoryStore, clock: Hand) -> Callable[..., Due]:
    return lambda effects=None, **settings: Due(another(), settings.pop("store", store), clock, effects, **settings)


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


async def test_an_effect_that_is_to_be_tried_again_is_and_its_attempts_are_counted(
    due: Callable[..., Due], store: MemoryStore, clock: Hand
) -> None:
    attempts: list[tuple[int, str, str]] = []

    async def effect(request: Any, doing: Attempt) -> None:
        attempts.append((doing.attempt, doing.row_id, doing.tenant))
        if doing.attempt < 3:
            raise TryAgain(60, "the post office is shut")

    worker = due({SendReminderRequest: effect})
    await store.due.schedule([row(SendReminderRequest(loan_id="l1"))])
    for _ in range(6):
        await worker.work()
        clock.on(59)
        await worker.work()
        clock.on(1)
    assert attempts == [(number, "row-1", TENANT) for number in (1, 2, 3)]
    assert await store.due.count_overdue(clock()) == 0


async def test_an_effect_that_dies_is_tried_again_after_its_lease_one_attempt_on(
    due: Callable[..., Due], store: MemoryStore, clock: Hand
) -> None:
    attempts: list[int] = []

    async def effect(request: Any, doing: Attempt) -> None:
        attempts.append(doing.attempt)
        if doing.attempt == 1:
            raise OSError("the line went dead")

    worker = due({SendReminderRequest: effect})
    await store.due.schedule([row(SendReminderRequest(loan_id="l1"))])
    for _ in range(4):
        await worker.work()
        clock.on(31)
    assert attempts == [1, 2]


async def test_an_effects_command_is_given_once_a_try(due: Callable[..., Due], store: MemoryStore) -> None:
    async def effect(request: Any, doing: Attempt) -> None:
        first = await doing.command(request)
        assert await doing.command(request) == first

    worker = due({SendReminderRequest: effect})
    await store.due.schedule([row(SendReminderRequest(loan_id="l1"))])
    await worker.work()
    assert (await worker.loan()).reminders == 1


async def test_an_effect_opens_the_newest_text_on_the_record(due: Callable[..., Due], store: MemoryStore) -> None:
    found: list[list[str] | None] = []

    async def effect(request: Any, doing: Attempt) -> None:
        found.append(await doing.open_fields("loan-l1", "sample.library.loan-remarked", ["text"]))
        found.append(await doing.open_fields("loan-l1", "sample.library.limit-set", ["text"]))

    worker = due({SendReminderRequest: effect})
    for text in ("first", "second"):
        await Giver(worker.node)(
            RemarkOnLoanRequest(loan_id="l1", reader_id="ada", text=text), by=someone("ada", "learner")
        )
    await store.due.schedule([row(SendReminderRequest(loan_id="l1"))])
    await worker.work()
    assert found == [["second"], None]
    (access,) = await store.access_log.about(TENANT, "ada")
    assert (access.actor, access.field, access.correlation_id) == ("system", "text", "correlation-1")


async def test_an_effect_opens_the_nth_text_on_the_record_and_knows_the_state_and_the_time(
    due: Callable[..., Due], store: MemoryStore, clock: Hand
) -> None:
    found: list[list[str] | None] = []
    known: list[object] = []

    async def effect(request: Any, doing: Attempt) -> None:
        found.extend(
            [await doing.open_fields("loan-l1", "sample.library.loan-remarked", ["text"], nth) for nth in (1, 2, 3)]
        )
        known.append((await doing.state(loan, "loan-l1"), doing.now))

    worker = due({SendReminderRequest: effect})
    for text in ("first", "second"):
        await Giver(worker.node)(
            RemarkOnLoanRequest(loan_id="l1", reader_id="ada", text=text), by=someone("ada", "learner")
        )
    await store.due.schedule([row(SendReminderRequest(loan_id="l1"))])
    clock.on(7)
    await worker.work()
    assert found == [["first"], ["second"], None]
    assert known == [(await worker.loan(), clock())]


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


async def test_it_goes_on_after_the_store_was_away_and_is_woken_by_a_new_row(
    due: Callable[..., Due], store: MemoryStore
) -> None:
    worker = due(poll=60.0)
    claim, failures = store.due.claim, 0

    async def away_first(*arguments: Any, **more: Any) -> DueRow | None:
        nonlocal failures
        if not failures:
            failures += 1
            worker.scheduled.set()
            raise ConnectionError("the store is away")
        return await claim(*arguments, **more)

    store.due.claim = away_first  # type: ignore[method-assign]
    running = asyncio.create_task(worker.runner.run())
    await store.due.schedule([row(OPEN)])
    worker.scheduled.set()
    await until(lambda: all_commits(store, "loan-l1"))
    await worker.runner.stop()
    await running
    assert failures == 1


async def test_stopping_waits_for_what_is_under_way_and_begins_nothing_more(
    due: Callable[..., Due], store: MemoryStore
) -> None:
    begun, go_on, ended = asyncio.Event(), asyncio.Event(), []

    async def effect(request: Any, doing: Attempt) -> None:
        begun.set()
        await go_on.wait()
        ended.append(doing.row_id)

    worker = due({SendReminderRequest: effect}, side_by_side=1)
    await store.due.schedule([row(SendReminderRequest(loan_id="l1"), f"row-{number}") for number in range(3)])
    running = asyncio.create_task(worker.runner.run())
    await begun.wait()
    stopping = asyncio.create_task(worker.runner.stop())
    await asyncio.sleep(0.01)
    assert not stopping.done()
    go_on.set()
    await stopping
    assert ended == ["row-0"]
    await running
    assert ended == ["row-0"]
    assert await store.due.count_overdue(NOON) == 2


async def test_stopping_waits_for_a_row_that_is_just_being_claimed(due: Callable[..., Due], store: MemoryStore) -> None:
    worker = due()
    await store.due.schedule([row(OPEN)])
    claim, claiming, go_on = store.due.claim, asyncio.Event(), asyncio.Event()

    async def slow(*arguments: Any, **more: Any) -> DueRow | None:
        claimed = await claim(*arguments, **more)
        if claimed is not None:
            claiming.set()
            await go_on.wait()
        return claimed

    store.due.claim = slow  # type: ignore[method-assign]
    running = asyncio.create_task(worker.runner.run())
    await claiming.wait()
    stopping = asyncio.create_task(worker.runner.stop())
    await asyncio.sleep(0.01)
    go_on.set()
    await stopping
    assert len(await all_commits(store, "loan-l1")) == 1
    assert await store.due.count_overdue(NOON) == 0
    await running


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


class Slow:
    """An effect that goes on until it is let go, and tells what it began."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.go_on = asyncio.Event()

    async def __call__(self, _request: Any, doing: Attempt) -> None:
        self.begun.append(doing.row_id)
        await self.go_on.wait()


async def _begun(slow: Slow, name: str) -> bool:
    return name in slow.begun


@pytest.mark.parametrize(
    ("waiting", "late"), [(False, True), (True, False)], ids=["ordinary rows wait", "urgent rows wait"]
)
async def test_rows_of_one_kind_hold_up_none_of_the_other_however_many_wait_for_a_place(
    due: Callable[..., Due], store: MemoryStore, waiting: bool, late: bool
) -> None:
    slow = Slow()
    worker = due({SendReminderRequest: slow}, side_by_side=2, poll=60.0)
    remind = SendReminderRequest(loan_id="l1")
    earlier = NOON - timedelta(hours=1)
    await store.due.schedule([row(remind, f"row-{number}", due=earlier, urgent=waiting) for number in range(8)])
    running = asyncio.create_task(worker.runner.run())
    await until(lambda: _begun(slow, "row-1"))
    await store.due.schedule([row(remind, "late", urgent=late)])
    worker.scheduled.set()
    await until(lambda: _begun(slow, "late"))
    assert slow.begun == ["row-0", "row-1", "late"]
    slow.go_on.set()
    await until(lambda: _begun(slow, "row-7"))
    await worker.runner.stop()
    await running


async def test_ordinary_rows_that_are_done_as_fast_as_they_are_claimed_hold_up_no_urgent_one(
    due: Callable[..., Due], store: MemoryStore
) -> None:
    begun: list[str] = []

    async def effect(_request: Any, doing: Attempt) -> None:
        begun.append(doing.row_id)
        if doing.row_id == "row-00":
            await store.due.schedule([row(remind, "urgent", urgent=True)])

    remind = SendReminderRequest(loan_id="l1")
    # More places than rows are ever under way at once: there is always a free one.
    worker = due({SendReminderRequest: effect}, side_by_side=10)
    await store.due.schedule([row(remind, f"row-{number:02}") for number in range(40)])
    await worker.work()
    assert len(begun) == 41
    # Looked for after each round of as many as there are places.
    assert begun.index("urgent") <= 20


async def test_what_is_overdue_is_told_while_rows_wait_for_a_place(due: Callable[..., Due], store: MemoryStore) -> None:
    slow = Slow()
    worker = due({SendReminderRequest: slow}, side_by_side=1, poll=0.01)
    await store.due.schedule([row(SendReminderRequest(loan_id="l1"), f"row-{number}") for number in range(3)])
    metrics.DUE_OVERDUE.labels("library").set(0)
    running = asyncio.create_task(worker.runner.run())

    async def told() -> bool:
        return _overdue() == 3

    await until(told)
    assert slow.begun == ["row-0"]
    slow.go_on.set()
    await worker.runner.stop()
    await running


def _overdue() -> float:
    ((found,),) = (metric.samples for metric in metrics.DUE_OVERDUE.labels("library").collect())
    return float(found.value)
