"""What a store promises about due rows: each is claimed by one at a time, and never again once it is finished."""
# ruff: noqa: D102 - the name of a promise is its sentence

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from eventkernel.messages import DueRow
from eventkernel.ports import Store
from eventkernel.testing.store_suite.examples import NOON, TENANT, Reopen, after

LEASE = timedelta(seconds=30)


class DuePromises:
    """Rows that fall due."""

    async def test_a_row_is_claimed_when_it_is_due_and_not_before(self, store: Store) -> None:
        row = _row("one", due=after(10))
        await store.due.schedule([row])
        assert await store.due.claim(after(9), LEASE) is None
        assert await store.due.claim(after(10), LEASE) == replace(row, attempts=1)

    async def test_the_oldest_due_row_is_claimed_first(self, store: Store) -> None:
        await store.due.schedule([_row("b", due=after(20)), _row("c", due=after(30)), _row("a", due=after(10))])
        claimed = [await store.due.claim(after(100), LEASE) for _ in range(4)]
        assert [row.id if row else None for row in claimed] == ["a", "b", "c", None]

    async def test_many_claimants_at_once_get_each_row_once(self, store: Store, reopen: Reopen) -> None:
        other = await reopen()
        await store.due.schedule([_row(f"row-{number:02}", due=after(number)) for number in range(12)])

        async def claim_all(through: Store) -> list[str]:
            mine = []
            while row := await through.due.claim(after(100), LEASE):
                mine.append(row.id)
            return mine

        claimed = await asyncio.gather(*(claim_all((store, other)[claimant % 2]) for claimant in range(8)))
        assert sorted(row for mine in claimed for row in mine) == [f"row-{number:02}" for number in range(12)]

    async def test_a_row_whose_claimant_died_is_claimed_again_and_counts_it(self, store: Store) -> None:
        await store.due.schedule([_row("one")])
        await store.due.claim(NOON, LEASE)
        assert await store.due.claim(NOON + LEASE - timedelta(milliseconds=1), LEASE) is None
        again = await store.due.claim(NOON + LEASE, LEASE)
        assert again == _row("one", attempts=2)

    async def test_a_row_claimed_by_a_clock_that_was_far_ahead_is_claimed_again(self, store: Store) -> None:
        await store.due.schedule([_row("one")])
        await store.due.claim(NOON + timedelta(days=1), LEASE)
        assert await store.due.claim(NOON, LEASE) == _row("one", attempts=2)
        assert await store.due.claim(NOON, LEASE) is None

    async def test_a_row_claimed_by_a_clock_a_little_ahead_stays_claimed(self, store: Store) -> None:
        await store.due.schedule([_row("one")])
        await store.due.claim(NOON + LEASE, LEASE)
        assert await store.due.claim(NOON, LEASE) is None

    async def test_a_finished_row_is_never_claimed_again(self, store: Store) -> None:
        await store.due.schedule([_row("one")])
        await store.due.claim(NOON, LEASE)
        await store.due.finish(_row("one", attempts=1))
        await store.due.finish(_row("unknown", attempts=1))
        assert await store.due.claim(NOON + 2 * LEASE, LEASE) is None
        await store.due.schedule([_row("one")])
        await store.due.postpone(_row("one", attempts=1), NOON)
        assert await store.due.claim(NOON + 2 * LEASE, LEASE) is None

    async def test_a_finished_row_is_opened_again_at_the_attempt_that_finished_it(self, store: Store) -> None:
        await store.due.schedule([_row("one")])
        await store.due.claim(NOON, LEASE)
        assert not await store.due.reopen("one", 1)
        assert await store.due.claim(NOON, LEASE) is None
        await store.due.finish(_row("one", attempts=1))
        assert not await store.due.reopen("one", 2)
        assert not await store.due.reopen("unknown", 1)
        assert await store.due.claim(NOON, LEASE) is None
        assert await store.due.reopen("one", 1)
        assert not await store.due.reopen("one", 1)
        assert await store.due.claim(NOON, LEASE) == _row("one", attempts=2)

    async def test_a_row_that_a_later_attempt_took_over_is_not_opened_for_an_earlier_one(self, store: Store) -> None:
        await store.due.schedule([_row("one")])
        await store.due.claim(NOON, LEASE)
        await store.due.claim(NOON + LEASE, LEASE)
        assert await store.due.reopen("one", 1)
        assert await store.due.claim(NOON + LEASE, LEASE) is None
        await store.due.finish(_row("one", attempts=2))
        assert await store.due.reopen("one", 1)
        assert await store.due.claim(NOON + 9 * LEASE, LEASE) is None

    async def test_who_lost_a_row_to_another_neither_finishes_it_nor_gives_it_back(self, store: Store) -> None:
        await store.due.schedule([_row("one")])
        await store.due.claim(NOON, LEASE)
        await store.due.claim(NOON + LEASE, LEASE)
        await store.due.finish(_row("one", attempts=1))
        await store.due.postpone(_row("one", attempts=1), NOON)
        assert await store.due.claim(NOON + LEASE, LEASE) is None
        assert await store.due.claim(NOON + 2 * LEASE, LEASE) == _row("one", attempts=3)

    async def test_scheduling_an_open_row_again_leaves_it_as_it_is(self, store: Store) -> None:
        await store.due.schedule([])
        await store.due.schedule([_row("one", due=after(50))])
        await store.due.schedule([_row("one", due=NOON, request=b"another"), _row("two", due=after(60))])
        assert await store.due.claim(after(49), LEASE) is None
        assert await store.due.claim(after(60), LEASE) == _row("one", due=after(50), attempts=1)
        assert await store.due.claim(after(60), LEASE) == _row("two", due=after(60), attempts=1)

    async def test_a_postponed_row_is_claimed_at_its_new_time(self, store: Store) -> None:
        await store.due.schedule([_row("one")])
        await store.due.claim(NOON, LEASE)
        await store.due.postpone(_row("one", attempts=1), after(500))
        await store.due.postpone(_row("unknown", attempts=1), after(500))
        assert await store.due.claim(after(499), LEASE) is None
        assert await store.due.claim(after(500), LEASE) == _row("one", due=after(500), attempts=2)

    async def test_urgent_rows_and_others_are_claimed_apart_each_kind_the_oldest_first(self, store: Store) -> None:
        await store.due.schedule(
            [
                _row("a", due=after(10)),
                _row("b", due=after(20), urgent=True),
                _row("c", due=after(15), urgent=True),
                _row("d", due=after(5)),
            ]
        )
        claimed = [
            await store.due.claim(after(100), LEASE, urgent=urgent) for urgent in (True, False) for _ in range(3)
        ]
        assert [row.id if row else None for row in claimed] == ["c", "b", None, "d", "a", None]
        assert [row.urgent for row in claimed if row] == [True, True, False, False]

    async def test_a_row_stays_urgent_when_it_is_postponed_claimed_anew_or_opened_again(self, store: Store) -> None:
        await store.due.schedule([_row("one", urgent=True)])
        await store.due.claim(NOON, LEASE, urgent=True)
        await store.due.postpone(_row("one", attempts=1), after(10))
        assert await store.due.claim(after(10), LEASE) is None
        assert await store.due.claim(after(10), LEASE, urgent=True) == _row(
            "one", due=after(10), attempts=2, urgent=True
        )
        await store.due.finish(_row("one", attempts=2))
        await store.due.reopen("one", 2)
        assert await store.due.claim(after(10), LEASE) is None
        assert await store.due.claim(after(10), LEASE, urgent=True) == _row(
            "one", due=after(10), attempts=3, urgent=True
        )

    async def test_open_rows_past_their_time_are_counted(self, store: Store) -> None:
        await store.due.schedule(
            [_row(name, due=after(10)) for name in ("a", "b", "c")] + [_row("d", due=after(20), urgent=True)]
        )
        assert await store.due.count_overdue(after(9)) == 0
        assert await store.due.count_overdue(after(10)) == 3
        await store.due.claim(after(10), LEASE)
        await store.due.finish(_row("a", due=after(10), attempts=1))
        assert await store.due.count_overdue(after(20)) == 3


def _row(
    name: str, *, due: datetime = NOON, attempts: int = 0, request: bytes = b"\x00\xffrequest", urgent: bool = False
) -> DueRow:
    return DueRow(
        id=name, tenant=TENANT, due=due, request_type="mentoring.test.Remind", request=request, correlation_id="c-1",
        causation_id="e-1", traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", attempts=attempts,
        urgent=urgent,
    )  # fmt: skip
