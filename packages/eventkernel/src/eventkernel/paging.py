"""Lists in pages. A cursor says what was the last that was given, so that no page gives it again or leaves out the next.

What is written in between shows where it belongs, if that page is still to come. A cursor holds ids and times of the page that
it ends, and serves the list and the filters that it came from.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import islice
from typing import Any, TypeVar

from mentoring.common.v1.common_pb2 import Page

from eventkernel.aggregate import Refusal

Item = TypeVar("Item")
Value = TypeVar("Value")
Key = tuple[str | int, ...]
_USUAL_SIZE = 50


class InSight(frozenset[Value]):
    """Any of the values that the caller may see now. They may change from page to page, so no cursor is bound to them."""


class CursorInvalid(Refusal):
    """A cursor that was not given for this list."""

    def __init__(self) -> None:
        super().__init__(
            "CURSOR_INVALID",
            "the cursor was not given for this list with these filters; send the next_cursor of the page before, with "
            "everything else unchanged, or none to begin",
            field="page.cursor",
        )


def size_of(page: Page) -> int:
    """How many a page holds at the most: what was asked, or 50."""
    return page.size or _USUAL_SIZE


def cut(
    items: Iterable[Item], page: Page, *, key: Callable[[Item], Key], of: str, descending: bool = False
) -> tuple[Sequence[Item], str]:
    """One page of a list that is there in memory, and the next page's cursor; "" where this is the last.

    Args:
        key: what the list is sorted by; no two items have the same, and all have the same types.
        of: which list it is, with its filters: a cursor of another is refused.

    Raises CursorInvalid.
    """
    ordered = sorted(items, key=key, reverse=descending)
    if page.cursor and ordered:
        reached = tuple(read_cursor(page.cursor, of))
        if [type(part) for part in reached] != [type(part) for part in key(ordered[0])]:
            raise CursorInvalid
        ordered = [item for item in ordered if (key(item) < reached if descending else key(item) > reached)]
    size = size_of(page)
    shown = list(islice(ordered, size))
    return shown, write_cursor(key(shown[-1]), of) if len(ordered) > size else ""


def list_name(*parts: object) -> str:
    """A list's name from what it is made by: the same for the same filters, in every process."""
    return repr([_canonical(part) for part in parts])


def _canonical(part: object) -> object:
    if isinstance(part, InSight):
        return InSight.__name__
    if isinstance(part, Mapping):
        return sorted((name, _canonical(value)) for name, value in part.items())
    return sorted(map(repr, part)) if isinstance(part, frozenset) else repr(part)


def write_cursor(place: Sequence[object], of: str) -> str:
    """A cursor for this place in this list."""
    return urlsafe_b64encode(json.dumps([_mark(of), *place]).encode()).decode().rstrip("=")


def read_cursor(cursor: str, of: str) -> list[Any]:
    """The place that a cursor stands for. Raises CursorInvalid where it is none of this list."""
    try:
        found = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (Error, ValueError):
        raise CursorInvalid from None
    if not isinstance(found, list) or found[:1] != [_mark(of)]:
        raise CursorInvalid
    return found[1:]


def _mark(of: str) -> str:
    return blake2b(of.encode(), digest_size=6).hexdigest()
