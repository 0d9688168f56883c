"""What a store promises about parked records: each once, whole, and in order."""
# ruff: noqa: D102 - the name of a promise is its sentence

from dataclasses import replace

from eventkernel.messages import ParkedRecord
from eventkernel.ports import Store
from eventkernel.testing.store_suite.examples import TENANT, after


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

    async def test_the_streams_with_anything_parked_are_known(self, store: Store) -> None:
        assert await store.parked.streams("a") == frozenset()
        await store.parked.park(
            [
                _record("a", 1),
                _record("a", 2),
                replace(_record("a", 3), stream="s2"),
                replace(_record("a", 4), tenant="provider-2"),
                replace(_record("b", 5), stream="s3"),
            ]
        )
        assert await store.parked.streams("a") == {(TENANT, "s1"), (TENANT, "s2"), ("provider-2", "s1")}


def _record(subscription: str, offset: int) -> ParkedRecord:
    return ParkedRecord(
        subscription=subscription, tenant=TENANT, stream="s1", topic="mentoring.sessions.v1", partition=3, offset=offset,
        key=b"learner-1", value=b"\x00\xff", headers=(("ce_id", b"1"), ("ce_id", b"2"), ("empty", b"")),
        reason="ValueError: it could not be read", attempts=4, at=after(offset),
    )  # fmt: skip
