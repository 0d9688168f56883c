"""The shared clock: the store's time goes on evenly, whatever this machine's clock does."""

from datetime import UTC, datetime, timedelta

import pytest
from eventkernel.timing import SharedClock

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class Times:
    """The store's time, this machine's, and seconds that pass."""

    def __init__(self) -> None:
        self.store = NOON
        self.own = NOON
        self.passed = 100.0
        self.asking_takes = 0.0
        self.answers = True
        self.clock = SharedClock(self._asked, own=lambda: self.own, elapsed=lambda: self.passed)

    async def _asked(self) -> datetime:
        self.passed += self.asking_takes
        if not self.answers:
            raise ConnectionError
        return self.store


async def test_it_counts_on_from_what_the_store_said() -> None:
    times = Times()
    await times.clock.ask()
    times.passed += 2.5
    assert times.clock() == NOON + timedelta(seconds=2.5)


async def test_a_jump_of_this_machines_clock_moves_nothing() -> None:
    times = Times()
    times.own = NOON + DAY
    assert times.clock() == NOON + DAY, "the store has not been asked yet"
    await times.clock.ask()
    assert times.clock() == NOON
    times.own = NOON - DAY
    assert times.clock() == NOON


async def test_an_answer_is_taken_for_the_middle_of_the_asking() -> None:
    times = Times()
    times.asking_takes = 0.5
    await times.clock.ask()
    assert times.clock() == NOON + timedelta(seconds=0.25)


async def test_a_slow_answer_changes_nothing() -> None:
    times = Times()
    await times.clock.ask()
    times.store, times.asking_takes = NOON + timedelta(minutes=1), 1.5
    await times.clock.ask()
    assert times.clock() == NOON + timedelta(seconds=1.5)


async def test_a_store_that_does_not_answer_changes_nothing() -> None:
    times = Times()
    await times.clock.ask()
    times.answers = False
    with pytest.raises(ConnectionError):
        await times.clock.ask()
    times.passed += 1
    assert times.clock() == NOON + timedelta(seconds=1)
