"""What a store promises about parked records: each once, whole, and in order."""
# ruff: noqa: D102 - the name of a promise is its sentence

import asyncio
import itertools
from dataclasses import replace

from eventkernel.messages import Asked, AskedStream, ParkedRecord, ParkedStream
from eventkernel.ports import Store
from eventkernel.testing.store_suite.examples import TENANT, Reopen, after

TOPIC = "mentoring.sessions.v1"
FIRST = Asked("act-1", onwards=True)
SECOND = Asked("act-2", discard=True)


class ParkedPromises:
    """What could not be handled."""

    async def test_a_parked_record_is_kept_whole(self, store: Store) -> None:
        record = _record("a", 1)
        await store.parked.park([record])
        assert await store.parked.list() == [record]

    async def test_parking_again_leaves_what_is_parked(self, store: Store) -> None:
        await store.parked.park([_record("a", 1)])
        await store.parked.park([replace(_record("a", 1), reason="another", attempts=9), _record("a", 2)])
        await store.parked.park([])
        assert await store.parked.list() == [_record("a", 1), _record("a", 2)]

    async def test_parked_records_are_listed_in_the_order_of_the_topic(self, store: Store) -> None:
        in_order = [_record("a", 2), _record("a", 10), _record("a", 11), _record("b", 1)]
        await store.parked.park([in_order[index] for index in (3, 1, 0, 2)])
        assert await store.parked.list() == in_order
        assert await store.parked.list("a") == in_order[:3]
        assert await store.parked.list("c") == []

    async def test_the_streams_with_anything_parked_are_known_each_with_its_first_record(self, store: Store) -> None:
        assert await store.parked.streams("a") == {}
        await store.parked.park(
            [
                replace(_record("a", 1), partition=4),
                _record("a", 20),
                _record("a", 9),
                replace(_record("a", 3), stream="s2"),
                replace(_record("a", 4), tenant="provider-2"),
                replace(_record("a", 5), topic="another"),
                replace(_record("b", 6), stream="s3"),
            ]
        )
        assert await store.parked.streams("a") == {
            ParkedStream(TOPIC, TENANT, "s1"): (3, 9),
            ParkedStream(TOPIC, TENANT, "s2"): (3, 3),
            ParkedStream(TOPIC, "provider-2", "s1"): (3, 4),
            ParkedStream("another", TENANT, "s1"): (3, 5),
        }

    async def test_parked_records_are_counted_by_subscription(self, store: Store) -> None:
        assert await store.parked.count() == {}
        await store.parked.park([_record("a", 1), _record("a", 2), replace(_record("b", 3), tenant="provider-2")])
        assert await store.parked.count() == {"a": 2, "b": 1}

    async def test_parked_records_are_listed_by_topic_tenant_and_stream_and_no_more_than_asked(
        self, store: Store
    ) -> None:
        theirs = replace(_record("a", 2), tenant="provider-2")
        other = replace(_record("a", 3), stream="s2")
        await store.parked.park([_record("a", 1), theirs, other, _record("b", 4)])
        assert await store.parked.list("a", topic=TOPIC, tenant="provider-2") == [theirs]
        assert await store.parked.list("a", topic="another") == []
        assert await store.parked.list("a", stream="s1") == [_record("a", 1), theirs]
        assert await store.parked.list(tenant=TENANT, limit=2) == [_record("a", 1), other]

    async def test_what_is_asked_first_stands_until_it_is_taken_back(self, store: Store) -> None:
        one, two = _record("a", 1), _record("b", 2)
        await store.parked.park([one, two])
        assert await store.parked.asked() == frozenset()
        assert await store.parked.ask([one.id, "unknown"], FIRST) == 1
        assert await store.parked.ask([one.id, two.id], SECOND) == 1
        assert await store.parked.list() == [replace(one, asked=FIRST), replace(two, asked=SECOND)]
        assert await store.parked.asked() == {"a", "b"}
        await store.parked.withdraw("b", two.of_stream, [SECOND.act_id])
        assert await store.parked.list() == [replace(one, asked=FIRST), two]
        assert await store.parked.asked() == {"a"}

    async def test_what_an_act_asked_is_taken_back_from_a_stream_and_nothing_else(self, store: Store) -> None:
        one, two, three = (_record("a", number) for number in (1, 2, 3))
        others = [replace(_record("a", 4), stream="s2"), replace(_record("a", 5), topic="z"), _record("b", 6)]
        await store.parked.park([one, two, three, *others])
        await store.parked.ask([two.id], SECOND)
        await store.parked.ask([record.id for record in (one, three, *others)], FIRST)
        await store.parked.withdraw("a", one.of_stream, [FIRST.act_id, "act-3"])
        asked = [replace(record, asked=FIRST) for record in others]
        assert await store.parked.list() == [one, replace(two, asked=SECOND), three, *asked]
        await store.parked.withdraw("a", one.of_stream, [])
        assert len([record for record in await store.parked.list() if record.asked]) == 4

    async def test_the_streams_with_anything_asked_are_known_with_what_asked_it(self, store: Store) -> None:
        one, two, three = _record("a", 1), replace(_record("a", 2), stream="s2"), replace(_record("a", 3), partition=2)
        await store.parked.park([one, two, three, _record("b", 4), replace(_record("a", 5), stream="s3")])
        assert await store.parked.asked_streams("a") == []
        await store.parked.ask([two.id, one.id], FIRST)
        await store.parked.ask([three.id, _record("b", 4).id], SECOND)
        assert await store.parked.asked_streams("a") == [
            AskedStream(one.of_stream, 2, frozenset({FIRST.act_id, SECOND.act_id})),
            AskedStream(two.of_stream, 3, frozenset({FIRST.act_id})),
        ]

    async def test_a_record_is_removed_by_the_act_that_stands_alone(self, store: Store) -> None:
        one, two = _record("a", 1), _record("a", 2)
        await store.parked.park([one, two])
        await store.parked.ask([one.id], FIRST)
        assert not await store.parked.settle(one.id, SECOND.act_id)
        assert not await store.parked.settle(two.id, "")
        assert await store.parked.settle(one.id, FIRST.act_id)
        assert not await store.parked.settle(one.id, FIRST.act_id)
        assert await store.parked.list() == [two]

    async def test_a_record_that_fails_again_is_parked_with_its_new_reason_and_nothing_asked(
        self, store: Store
    ) -> None:
        one = _record("a", 1)
        again = replace(one, reason="another", attempts=5)
        await store.parked.park([one])
        await store.parked.ask([one.id], FIRST)
        await store.parked.park_again(again, SECOND.act_id)
        assert await store.parked.list() == [replace(one, asked=FIRST)]
        await store.parked.park_again(again, FIRST.act_id)
        assert await store.parked.list() == [again]
        await store.parked.park_again(_record("a", 2), FIRST.act_id)
        assert await store.parked.list() == [again]
        await store.parked.park_again(_record("a", 2))
        assert await store.parked.list() == [again, _record("a", 2)]

    async def test_what_an_earlier_attempt_parks_late_leaves_what_a_later_one_parked(
        self, store: Store, reopen: Reopen
    ) -> None:
        other = await reopen()
        attempts = [replace(_record("a", 1), attempts=number, reason=f"attempt {number}") for number in range(1, 9)]
        await store.parked.park_again(attempts[1])
        await store.parked.ask([attempts[1].id], FIRST)
        await store.parked.park_again(attempts[0])
        assert await store.parked.list() == [replace(attempts[1], asked=FIRST)]
        await store.parked.drop("a")
        parked = zip(itertools.cycle((store, other)), attempts, strict=False)
        await asyncio.gather(*(through.parked.park_again(attempt) for through, attempt in parked))
        assert await store.parked.list() == [attempts[-1]]

    async def test_a_subscription_that_is_no_more_leaves_nothing_parked(self, store: Store) -> None:
        await store.parked.park([_record("a", 1), _record("a", 2), _record("b", 3)])
        await store.parked.drop("a")
        assert await store.parked.list() == [_record("b", 3)]


def _record(subscription: str, offset: int) -> ParkedRecord:
    return ParkedRecord(
        subscription=subscription, tenant=TENANT, stream="s1", topic=TOPIC, partition=3, offset=offset,
        key=b"learner-1", value=b"\x00\xff", headers=(("ce_id", b"1"), ("ce_id", b"2"), ("empty", b"")),
        reason="ValueError: it could not be read", attempts=4, at=after(offset),
    )  # fmt: skip
