"""Times as read models keep them, milliseconds since 1970 in UTC, and as requests and answers give them."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import TypeVar

from eventkernel.messages import Metadata
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import BaseModel

from evidence.domain.days import day

Document = TypeVar("Document", bound=BaseModel)


def ms(meta: Metadata) -> int:
    """When the event happened."""
    return to_ms(meta.at)


def to_ms(at: datetime) -> int:
    """A time in milliseconds."""
    return int(at.timestamp() * 1000)


def stamp(milliseconds: int) -> Timestamp | None:
    """The time for an answer; None, which leaves the field unset, for 0."""
    if not milliseconds:
        return None
    at = Timestamp()
    at.FromMilliseconds(milliseconds)
    return at


def until(found: Sequence[Document], cursor: str, field: str, now: datetime) -> tuple[list[Document], str]:
    """Of a page in the order of a field those whose time is over, and its cursor while the next page may have more.

    The time is not among the page's filters: it goes on between two pages, and a cursor serves the filters that it came from.
    """
    over = [one for one in found if getattr(one, field) <= to_ms(now)]
    return over, cursor if len(over) == len(found) else ""


def bounds(first_day: str, last_day: str) -> tuple[int | None, int | None]:
    """From when, and before when, in UTC, something happened on these days or between; None where a day is empty.

    Raises Refusal NO_SUCH_DAY.
    """
    since = to_ms(datetime.combine(day(first_day, "first_day"), time(), UTC)) if first_day else None
    if not last_day:
        return since, None
    return since, to_ms(datetime.combine(day(last_day, "last_day"), time(), UTC) + timedelta(days=1))
