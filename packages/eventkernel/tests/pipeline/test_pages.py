"""Lists in pages: every item once, in order, whatever is written in between; and a cursor serves its own list alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from eventkernel.documents import document_id
from eventkernel.messages import Checkpoint, DocumentWrite
from eventkernel.node import Node
from eventkernel.paging import CursorInvalid, InSight, cut, list_name, write_cursor
from eventkernel.projection import Projection
from eventkernel.store.memory import MemoryStore
from mentoring.common.v1.common_pb2 import Page
from pydantic import BaseModel

from .library import NOON, TENANT, readers, someone

NAMES = ["ada", "bob", "cleo", "dora", "eve"]
DAYS = dict(zip(NAMES, (2, 1, 2, 1, 3), strict=True))


class Visit(BaseModel):
    visit_id: str
    at: datetime | None = None


visits = Projection("visits", version=1, document=Visit, key="visit_id")


async def lay(store: MemoryStore, projection: Projection[Any], *documents: BaseModel, tenant: str = TENANT) -> None:
    writes = [
        DocumentWrite(document_id(tenant, getattr(one, projection.key)), 0, {**one.model_dump(), "tenant": tenant})
        for one in documents
    ]
    await store.documents.write(projection.collection, writes, [Checkpoint("s", "t", 0, 1)])


async def all_pages(node: Node, size: int, projection: Projection[Any] = readers, **given: Any) -> list[str]:
    pages, cursor = list[str](), ""
    while True:
        found, cursor = await node.reader(someone()).page(projection, Page(size=size, cursor=cursor), **given)
        pages.append(" ".join(getattr(one, projection.key) for one in found))
        if not cursor:
            return pages


@pytest.fixture
async def laid(store: MemoryStore) -> MemoryStore:
    await lay(store, readers, *(readers.document(reader_id=name, days=days, opened=1) for name, days in DAYS.items()))
    await lay(store, readers, readers.document(reader_id="foreign", days=2), tenant="provider-2")
    return store


@pytest.mark.usefixtures("laid")
async def test_pages_hold_each_document_of_the_tenant_once_in_order(node: Node) -> None:
    assert await all_pages(node, 2, order="days") == ["bob dora", "ada cleo", "eve"]
    assert await all_pages(node, 2, order="days", descending=True) == ["eve cleo", "ada dora", "bob"]
    assert await all_pages(node, 5, order="days") == ["bob dora ada cleo eve"]
    assert await all_pages(node, 0, order="days", since=2, before=3) == ["ada cleo"]
    assert await all_pages(node, 1, order="days", days=frozenset({1, 3})) == ["bob", "dora", "eve"]
    assert await all_pages(node, 1, order="days", opened=7) == [""]
    assert await all_pages(node, 9, order="days", tenant="provider-2") == ["bob dora ada cleo eve"]


async def test_what_is_written_in_between_moves_nothing_that_is_still_to_come(node: Node, laid: MemoryStore) -> None:
    first, cursor = await node.reader(someone()).page(readers, Page(size=2), order="days")
    await lay(laid, readers, readers.document(reader_id="before", days=0), readers.document(reader_id="behind", days=2))
    second, _ = await node.reader(someone()).page(readers, Page(size=9, cursor=cursor), order="days")
    assert [one.reader_id for one in (*first, *second)] == ["bob", "dora", "ada", "behind", "cleo", "eve"]


async def test_times_and_none_are_ordered_by_too(node: Node, store: MemoryStore) -> None:
    times = {"b": NOON, "a": None, "c": NOON + timedelta(hours=1), "d": NOON, "e": None}
    await lay(store, visits, *(Visit(visit_id=name, at=at) for name, at in times.items()))
    assert await all_pages(node, 1, visits, order="at") == ["a", "e", "b", "d", "c"]
    assert await all_pages(node, 1, visits, order="at", descending=True) == ["c", "d", "b", "e", "a"]
    assert await all_pages(node, 9, visits, order="at", since=datetime(2000, 1, 1, tzinfo=UTC)) == ["b d c"]


OF_READERS = list_name("readers", "days", False, None, None, {})


@pytest.mark.usefixtures("laid")
@pytest.mark.parametrize(
    "cursor",
    ["x", "!!", "bm9uZQ", write_cursor([1, "bob"], "another list"), write_cursor([1], OF_READERS), write_cursor(["x", "bob"], OF_READERS), write_cursor([1, 2], OF_READERS)],
)  # fmt: skip
async def test_a_cursor_that_was_not_given_for_this_list_is_refused_by_name(node: Node, cursor: str) -> None:
    with pytest.raises(CursorInvalid) as refused:
        await node.reader(someone()).page(readers, Page(cursor=cursor), order="days")
    assert (refused.value.code, refused.value.field) == ("CURSOR_INVALID", "page.cursor")


@pytest.mark.usefixtures("laid")
async def test_a_cursor_goes_with_its_filters(node: Node) -> None:
    reader = node.reader(someone())
    _, cursor = await reader.page(readers, Page(size=1), order="days", days=frozenset({1, 2}))
    found, _ = await reader.page(readers, Page(cursor=cursor), order="days", days=frozenset({2, 1}))
    assert [one.reader_id for one in found] == ["dora", "ada", "cleo"]
    for other in ({"days": frozenset({1})}, {}, {"days": frozenset({1, 2}), "descending": True}):
        with pytest.raises(CursorInvalid):
            await reader.page(readers, Page(cursor=cursor), order="days", **other)


@pytest.mark.usefixtures("laid")
async def test_a_cursor_stays_good_when_the_caller_may_see_more_or_less(node: Node) -> None:
    reader = node.reader(someone())
    first, cursor = await reader.page(readers, Page(size=1), order="days", reader_id=InSight(NAMES[:2]))
    rest, _ = await reader.page(readers, Page(cursor=cursor), order="days", reader_id=InSight({"bob", "cleo", "dora"}))
    assert [one.reader_id for one in (*first, *rest)] == ["bob", "dora", "cleo"]
    with pytest.raises(CursorInvalid):
        await reader.page(readers, Page(cursor=cursor), order="days", reader_id=frozenset(NAMES[:2]))


async def test_a_list_in_memory_is_cut_the_same_way() -> None:
    def pages(size: int, *, descending: bool = False) -> list[str]:
        found, cursor = list[str](), ""
        while True:
            page = Page(size=size, cursor=cursor)
            shown, cursor = cut(NAMES, page, key=lambda name: (DAYS[name], name), of="names", descending=descending)
            found.append(" ".join(shown))
            if not cursor:
                return found

    assert pages(2) == ["bob dora", "ada cleo", "eve"]
    assert pages(2, descending=True) == ["eve cleo", "ada dora", "bob"]
    assert pages(5) == ["bob dora ada cleo eve"]
    assert cut([], Page(), key=lambda name: (name,), of="names") == ([], "")
    many = [f"n{number:03}" for number in range(60)]
    assert len(cut(many, Page(), key=lambda name: (name,), of="many")[0]) == 50


@pytest.mark.parametrize("cursor", ["x", write_cursor([1, "bob"], "others"), write_cursor(["bob", 1], "names")])
async def test_a_list_in_memory_refuses_a_cursor_that_is_not_its_own(cursor: str) -> None:
    with pytest.raises(CursorInvalid):
        cut(NAMES, Page(cursor=cursor), key=lambda name: (DAYS[name], name), of="names")


def test_a_lists_name_is_the_same_in_whatever_order_its_filters_are_told() -> None:
    assert list_name({"a": frozenset({"x", "y"}), "b": 1}) == list_name({"b": 1, "a": frozenset({"y", "x"})})
    assert len({list_name(part) for part in ({"a": 1}, {"a": "1"}, {"b": 1}, {"a": frozenset({1})}, None)}) == 5


async def test_each_document_of_the_tenant_comes_once_however_many_there_are(node: Node, store: MemoryStore) -> None:
    many = [f"reader-{number:04}" for number in range(1501)]
    await lay(store, readers, *(readers.document(reader_id=name) for name in many))
    for neighbour in ("provider", "provider-0", "provider-1-b", "provider-2"):
        await lay(store, readers, readers.document(reader_id="foreign"), tenant=neighbour)
    assert [one.reader_id async for one in node.reader(someone()).each(readers)] == many


async def test_each_document_of_a_full_last_page_ends_there(node: Node, store: MemoryStore) -> None:
    many = [f"reader-{number:04}" for number in range(1000)]
    await lay(store, readers, *(readers.document(reader_id=name) for name in many))
    assert [one.reader_id async for one in node.reader(someone()).each(readers)] == many
    assert [one async for one in node.reader(someone()).each(visits)] == []
