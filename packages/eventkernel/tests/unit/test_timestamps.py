"""A moment as messages have it is that moment, wherever its clock stands."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from eventkernel.timestamps import timestamp


def test_it_is_the_same_moment() -> None:
    at = datetime(2026, 7, 1, 9, 30, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
    assert timestamp(at).ToDatetime(tzinfo=UTC) == at


def test_no_moment_leaves_a_field_unset() -> None:
    assert timestamp(None) is None


def test_a_moment_has_a_time_zone() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        timestamp(datetime(2026, 7, 1, 9, 30))  # noqa: DTZ001
