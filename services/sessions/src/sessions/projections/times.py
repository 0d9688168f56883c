"""Times as documents keep them: whole milliseconds since 1970 in UTC."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def milliseconds(at: datetime) -> int:
    """This moment; what is finer is cut off."""
    return (at - EPOCH) // timedelta(milliseconds=1)
