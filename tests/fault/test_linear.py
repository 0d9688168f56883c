"""The check of concurrent histories, on small histories by hand: what one order explains passes, and each kind of lie is seen."""

from datetime import UTC, datetime

import pytest
from eventkernel.messages import Metadata
from mentoring.safeguarding.v1.events_pb2 import ConcernAddedTo

from tests.fault.checker.evidence import Evidence, Logged
from tests.fault.checker.linear import one_order_fits
from tests.fault.history import Operation, Reading, Told

AT = datetime(2026, 11, 25, tzinfo=UTC)


def history(*writes: tuple[str, float, float | None], reads: tuple[tuple[float, float, str], ...] = ()) -> Evidence:
    """Writes in the log's order, each with when it began and was acknowledged; reads with when they began, ended, and showed."""
    operations = {
        key: Operation(key, "t", "safeguarding", "AddToConcernRequest", invoked, acknowledged=acknowledged)
        for key, invoked, acknowledged in writes
    }
    readings = [Reading("c", invoked, answered, tuple(found)) for invoked, answered, found in reads]
    evidence = Evidence("t", Told(operations, readings), AT)
    evidence.logs["safeguarding"] = [
        Logged(
            ConcernAddedTo(concern_id="c"), Metadata(key, "added", "t", "concern-c", place, AT), b"", False, f"t/{key}", "", "concern-c"
        )
        for place, (key, _, _) in enumerate(writes, start=1)
    ]  # fmt: skip
    return evidence


def test_writes_that_overlap_may_come_in_either_order() -> None:
    assert one_order_fits(history(("b", 1, 4), ("a", 0, 3), reads=((2, 5, "b"), (5, 6, "ba"))), "c").violations == []


def test_a_write_that_nobody_was_told_of_may_come_whenever() -> None:
    assert one_order_fits(history(("a", 2, 3), ("b", 0, None), reads=((4, 5, "a"), (6, 7, "ab"))), "c").violations == []


@pytest.mark.parametrize(
    "lie",
    [
        history(("b", 2, 3), ("a", 0, 1)),
        history(("a", 0, 1), reads=((2, 3, ""),)),
        history(("a", 4, 5), reads=((1, 2, "a"),)),
        history(("a", 0, 9), ("b", 0, 9), reads=((1, 2, "b"),)),
        history(("a", 0, 9), reads=((1, 2, "a"), (3, 4, ""))),
    ],
    ids=["out of order", "a stale read", "a read of the future", "a read of no beginning", "a read that goes back"],
)
def test_what_no_order_explains_is_seen(lie: Evidence) -> None:
    assert one_order_fits(lie, "c").violations
