"""The runner of due rows: no row waits for good behind others, and a stop waits for what was begun and begins nothing more."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from eventkernel import metrics
from eventkernel.due import Attempt
from eventkernel.messages import DueRow
from eventkernel.store.memory import MemoryStore

from .due_rows import Due, row
from .library import NOON, OPEN, SendReminderRequest, all_commits, until


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
