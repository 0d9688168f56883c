"""Moments as messages have them. A message's own field can also be set in place, by its `FromDatetime`."""

from datetime import datetime
from typing import overload

from google.protobuf.timestamp_pb2 import Timestamp


@overload
def timestamp(at: datetime) -> Timestamp: ...
@overload
def timestamp(at: datetime | None) -> Timestamp | None: ...
def timestamp(at: datetime | None) -> Timestamp | None:
    """The moment as a message has it; None, which leaves a message's field unset, of None.

    Raises ValueError for a moment without a time zone: it would be taken for one in UTC.
    """
    if at is None:
        return None
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no time zone, so it is no moment; give it one")
    found = Timestamp()
    found.FromDatetime(at)
    return found
