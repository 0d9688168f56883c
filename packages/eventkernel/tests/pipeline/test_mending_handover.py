"""A replay beside live records, beside another process and across a death: nothing is lost, and nothing is done twice."""

import asyncio
from typing import Any

import pytest
from eventkernel.intake import Intake
from eventkernel.store.memory import MemoryStore

from .library import UNLUCKY, Bus, Hand
from .mended import ALL, Mended, opened, poisoned, renewed
from .projecting import document


class Died(Exception):
    """What a process does not live to see."""


async def test_a_partition_that_another_process_holds_is_left_to_it(
    mended: Mended, store: MemoryStore, clock: Hand
) -> None:
    await poisoned(mended)
    mended.mend_code()
    await mended.ask(ALL)
    await mended.hold(1)
    await mended.sink.mend()
    assert await mended.offsets() == [1, 2, 3]
    await mended.hold(0)
    await mended.sink.mend()
    assert await mended.parked() == []


async def test_a_partition_that_moves_while_it_is_mended_is_gone_on_with_by_its_new_holder(
    mended: Mended, store: MemoryStore, bus: Bus, clock: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    await poisoned(mended)
    mended.mend_code()
    await mended.ask(ALL)
    write, moving = store.documents.write, []

    async def moves(*given: Any) -> None:
        await write(*given)
        if not moving:
            moving.append(asyncio.create_task(mended.sink.assigned([])))
            await asyncio.sleep(0)

    monkeypatch.setattr(store.documents, "write", moves)
    await mended.sink.mend()
    await moving[0]
    # Its effect is durable, and it is left to the new holder all the same: only that one's sink is then told.
    assert await mended.offsets() == [1, 2, 3]
    other = await Mended(store, bus, clock).hold()
    other.mend_code()
    await other.sink.mend()
    assert await other.parked() == []
    assert await other.trail() == ["loan-l1@1", "loan-l1@2", "loan-l1@3", "loan-l1@4"]


@pytest.mark.parametrize("end", ["revoked", "stopped"])
async def test_partitions_that_go_to_another_wait_for_the_record_that_is_being_mended_and_no_more(
    mended: Mended, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    await poisoned(mended)
    mended.mend_code()
    await mended.ask(ALL)
    intake = Intake(mended.sink, "library", ahead=10, drain=60, sleep=asyncio.sleep, broken=lambda: None)
    write, writing, go_on = mended.store.documents.write, asyncio.Event(), asyncio.Event()

    async def slow(*given: Any) -> None:
        writing.set()
        await go_on.wait()
        await write(*given)

    monkeypatch.setattr(mended.store.documents, "write", slow)
    mending = asyncio.create_task(mended.sink.mend())
    await writing.wait()
    # A record that comes live waits for the mending.
    await intake.take([mended.bus.event("loan-l2", opened("l2"))])
    if end == "stopped":
        intake.stop()
    leaving = asyncio.create_task(intake.finish() if end == "stopped" else intake.on_partitions_revoked([]))
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(leaving, mending)
    assert await mended.trail() == ["loan-l1@1", "loan-l1@2", "loan-l2@1"]
    # Nor is anything mended before partitions are assigned again.
    await mended.sink.mend()
    assert await mended.offsets() == [1, 2, 3]
    await mended.hold()
    await mended.sink.mend()
    assert await mended.parked() == []


async def test_nothing_is_taken_while_it_mends_nor_mended_while_it_takes(
    mended: Mended, monkeypatch: pytest.MonkeyPatch
) -> None:
    await poisoned(mended)
    mended.mend_code()
    await mended.ask(ALL)
    order: list[str] = []
    looked, write = mended.store.parked.asked_streams, mended.store.documents.write

    async def slow(subscription: str) -> Any:
        order.append("mends")
        for _ in range(20):
            await asyncio.sleep(0)
        order.append("has looked")
        return await looked(subscription)

    async def noted(*given: Any) -> None:
        order.append("writes")
        await write(*given)

    monkeypatch.setattr(mended.store.parked, "asked_streams", slow)
    monkeypatch.setattr(mended.store.documents, "write", noted)
    mending = asyncio.create_task(mended.sink.mend())
    await asyncio.sleep(0)
    await mended.take(mended.bus.event("loan-l2", opened("l2")))
    await mending
    assert order[:5] == ["mends", "has looked", "writes", "writes", "writes"]
    assert (await mended.trail())[-2:] == ["loan-l1@4", "loan-l2@1"]


async def test_nothing_is_mended_while_records_are_being_taken(mended: Mended, monkeypatch: pytest.MonkeyPatch) -> None:
    await poisoned(mended)
    mended.mend_code()
    await mended.ask(ALL)
    write, writing, go_on = mended.store.documents.write, asyncio.Event(), asyncio.Event()

    async def slow(*given: Any) -> None:
        if not writing.is_set():
            writing.set()
            await go_on.wait()
        await write(*given)

    monkeypatch.setattr(mended.store.documents, "write", slow)
    taking = asyncio.create_task(mended.take(mended.bus.event("loan-l2", opened("l2"))))
    await writing.wait()
    mending = asyncio.create_task(mended.sink.mend())
    for _ in range(50):
        await asyncio.sleep(0)
    assert await mended.offsets() == [1, 2, 3]
    assert not taking.done()
    go_on.set()
    await asyncio.gather(taking, mending)
    assert await mended.trail() == ["loan-l1@1", "loan-l2@1", "loan-l1@2", "loan-l1@3", "loan-l1@4"]


STEPS = ("ask", "settle", "write", "park_again", "withdraw")


# Each of these writes happens as often as there are records to settle, the others once.
OFTEN = ("settle", "write")
DEATHS = [
    (step, when, nth)
    for step in STEPS
    for when in ("before", "after")
    for nth in ((1, 2, 3) if step in OFTEN else (1,))
]


@pytest.mark.parametrize("death", DEATHS)
async def test_whoever_dies_at_any_step_the_next_one_ends_with_everything_once(
    mended: Mended, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, death: tuple[str, str, int]
) -> None:
    (step, when, nth), bus, clock = death, mended.bus, mended.clock
    await poisoned(mended)
    await mended.ask(ALL)
    await mended.take(bus.event("loan-l1", renewed(30)))
    if step not in {"park_again", "withdraw"}:
        mended.mend_code()
    part = store.documents if step == "write" else store.parked
    original, calls = getattr(part, step), 0

    async def dies(*given: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == nth and when == "before":
            raise Died
        result = await original(*given)
        if calls == nth:
            raise Died
        return result

    with monkeypatch.context() as patch:
        patch.setattr(part, step, dies)
        with pytest.raises(Died):
            await mended.sink.mend()
    other = await Mended(store, bus, clock).hold()
    other.mend_code()
    await other.sink.mend()
    if step in {"park_again", "withdraw"} and await other.offsets():
        # What failed again before it was mended is not tried by itself: it is asked anew.
        assert (await other.parked())[0].asked is None
        await other.ask(ALL)
        await other.sink.mend()
    assert await other.parked() == []
    assert await other.trail() == [f"loan-l1@{version}" for version in range(1, 6)]
    assert (await document(store)).days == UNLUCKY + 50
