"""Parked records that an operator gave back or discarded: each stream goes on in its order, and what fails again waits again."""

from dataclasses import replace

from .mended import ALL, DISCARD, ONE, READERS, Mended, opened, poisoned, renewed


async def test_a_replayed_stream_is_taken_in_order_and_goes_on_live(mended: Mended) -> None:
    await poisoned(mended)
    mended.mend_code()
    await mended.ask(ALL)
    await mended.sink.mend()
    assert await mended.parked() == []
    assert await mended.trail() == ["loan-l1@1", "loan-l1@2", "loan-l1@3", "loan-l1@4"]
    await mended.take(mended.bus.event("loan-l1", renewed(30)))
    assert (await mended.trail())[-1] == "loan-l1@5"
    assert await mended.parked() == []


async def test_what_fails_again_is_parked_again_with_what_follows_and_nothing_asked(mended: Mended) -> None:
    await poisoned(mended)
    first = (await mended.parked())[0]
    await mended.ask(ALL)
    mended.clock.on(60)
    await mended.sink.mend()
    again = await mended.parked()
    assert [(record.offset, record.attempts, record.asked) for record in again] == [
        (1, 2, None), (2, 1, None), (3, 1, None),
    ]  # fmt: skip
    assert again[0] == replace(first, attempts=2, at=mended.clock())
    assert await mended.trail() == ["loan-l1@1"]
    await mended.take(mended.bus.event("loan-l1", renewed(30)))
    assert await mended.offsets() == [1, 2, 3, 4]


async def test_one_record_alone_is_replayed_and_what_follows_still_waits(mended: Mended) -> None:
    await poisoned(mended)
    mended.mend_code()
    await mended.ask(ONE, 1)
    await mended.sink.mend()
    assert await mended.offsets() == [2, 3]
    assert await mended.trail() == ["loan-l1@1", "loan-l1@2"]
    await mended.take(mended.bus.event("loan-l1", renewed(30)))
    assert await mended.offsets() == [2, 3, 4]


async def test_what_comes_after_it_was_asked_is_replayed_as_well(mended: Mended) -> None:
    await poisoned(mended)
    mended.mend_code()
    await mended.ask(ALL)
    await mended.take(mended.bus.event("loan-l1", renewed(30)))
    await mended.sink.mend()
    assert await mended.parked() == []
    assert (await mended.trail())[-1] == "loan-l1@5"


async def test_a_discarded_head_leaves_what_follows_to_be_replayed(mended: Mended) -> None:
    await poisoned(mended)
    await mended.ask(DISCARD, 1)
    await mended.sink.mend()
    assert await mended.offsets() == [2, 3]
    assert await mended.trail() == ["loan-l1@1"]
    await mended.ask(ALL)
    await mended.sink.mend()
    assert await mended.parked() == []
    assert await mended.trail() == ["loan-l1@1", "loan-l1@3", "loan-l1@4"]


async def test_a_discarded_stream_goes_on_live_with_a_hole(mended: Mended) -> None:
    await poisoned(mended)
    await mended.ask(DISCARD)
    await mended.sink.mend()
    await mended.take(mended.bus.event("loan-l1", renewed(30)))
    assert await mended.parked() == []
    assert await mended.trail() == ["loan-l1@1", "loan-l1@5"]


async def test_what_nobody_saw_is_not_discarded_with_the_rest(mended: Mended) -> None:
    await poisoned(mended)
    await mended.ask(DISCARD)
    await mended.take(mended.bus.event("loan-l1", renewed(30)))
    await mended.sink.mend()
    assert await mended.offsets() == [4]


async def test_what_is_asked_only_behind_the_first_is_taken_back(mended: Mended) -> None:
    await poisoned(mended)
    mended.mend_code()
    await mended.ask(ALL, 2, 3)
    await mended.sink.mend()
    assert await mended.offsets() == [1, 2, 3]
    assert await mended.store.parked.asked() == frozenset()


async def test_mending_moves_no_checkpoint(mended: Mended) -> None:
    await poisoned(mended)
    before = await mended.store.documents.checkpoint("readers_v1", READERS, mended.bus.topic, 0)
    mended.store.documents._checkpoints.clear()
    mended.mend_code()
    await mended.ask(ALL)
    await mended.sink.mend()
    assert before == 4
    assert await mended.store.documents.checkpoint("readers_v1", READERS, mended.bus.topic, 0) == 0


async def test_a_tombstone_is_no_event_when_it_is_replayed_either(mended: Mended) -> None:
    record = mended.bus.event("loan-l1", opened())
    await mended.take(mended.bus.raw(b"k", None, record.headers))
    await mended.ask(ALL)
    await mended.sink.mend()
    (parked,) = await mended.parked()
    assert (parked.value, parked.attempts) == (None, 2)
    assert parked.reason.startswith("MALFORMED_RECORD")
