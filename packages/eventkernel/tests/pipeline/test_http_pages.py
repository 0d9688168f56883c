"""Pages over HTTP, on a real socket: what is answered, to what, and that no address is written anywhere."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from eventkernel.issuer import LocalIssuer
from eventkernel.node import AddressInUse, Node
from eventkernel.pages import Form, Give, Shown
from eventkernel.reading import Readers

from .library import TENANT, OpenLoanRequest, build

Start = Callable[..., Any]


class Shelf:
    """Pages of which one is open and one was closed; `slow` waits until it is let go."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.under_way = asyncio.Event()

    async def page(self, rest: str, _readers: Readers) -> Shown | None:
        if rest == "broken":
            raise LookupError(rest)
        if rest == "slow":
            self.under_way.set()
            await self.go_on.wait()
        return Shown("text/plain; charset=utf-8", b"a page") if rest in {"open", "slow"} else None


async def borrow(rest: str, _readers: Readers, give: Give) -> Shown | None:
    """What a form asks for, of the provider that its address names."""
    if rest != "open":
        return None
    reply = await give(OpenLoanRequest(loan_id="l-1", reader_id="ada"), TENANT)
    return Shown("text/plain; charset=utf-8", ", ".join(reply.event_types).encode())


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def start(
    another: Callable[..., Node], free_port: Callable[[], int], tmp_path: Any, shelf: Shelf
) -> AsyncIterator[Start]:
    LocalIssuer(tmp_path, "local", issuer="mentorstream", audience="mentorstream")
    nodes: list[Node] = []

    async def begin(**changed: Any) -> tuple[Node, str]:
        address = f"127.0.0.1:{free_port()}"
        node = another(
            **{
                "service": build(pages={"/shelf/": shelf.page}), "grpc_address": f"127.0.0.1:{free_port()}",
                "health_address": f"127.0.0.1:{free_port()}", "pages_address": address, **changed,
            }
        )  # fmt: skip
        nodes.append(node)
        await node.start()
        return node, f"http://{address}"

    yield begin
    shelf.go_on.set()
    for node in nodes:
        await node.stop()


async def ask(url: str, method: str = "GET", **more: Any) -> tuple[int, bytes, dict[str, str]]:
    async with aiohttp.ClientSession() as session, session.request(method, url, **more) as answer:
        headers = {name.lower(): value for name, value in answer.headers.items() if name.lower() != "date"}
        return answer.status, await answer.read(), headers


async def test_an_open_page_is_read_and_kept_by_nobody(start: Start) -> None:
    _, url = await start()
    status, body, headers = await ask(f"{url}/shelf/open")
    assert (status, body, headers["content-type"]) == (200, b"a page", "text/plain; charset=utf-8")
    assert headers["cache-control"] == "private, no-store"
    assert headers["referrer-policy"] == "no-referrer"
    status, body, headers = await ask(f"{url}/shelf/open", "HEAD")
    assert (status, body, headers["content-length"]) == (200, b"", "6")


async def test_whatever_is_not_there_gets_the_same_answer(start: Start) -> None:
    _, url = await start()
    paths = ("/shelf/closed", "/shelf/unknown", "/shelf/", "/elsewhere", "/", "/shelf/open/", "/shelf/%6Fpen")
    answers = [await ask(aiohttp.client.URL(url + path, encoded=True)) for path in paths]  # type: ignore[arg-type]
    assert answers[0][0] == 404
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_a_page_is_only_read(start: Start, method: str) -> None:
    _, url = await start()
    assert (await ask(f"{url}/shelf/open", method, data=b"x" * 100))[0] == 405


async def test_a_form_is_read_without_a_change_and_posted_to_with_one(start: Start, shelf: Shelf) -> None:
    _, url = await start(service=build(pages={"/form/": Form(shelf.page, borrow)}))
    assert (await ask(f"{url}/form/open"))[:2] == (200, b"a page")
    assert (await ask(f"{url}/form/open", "HEAD"))[0] == 200
    status, body, headers = await ask(f"{url}/form/open", "POST", data={"List-Unsubscribe": "One-Click"})
    assert (status, b"loan-opened" in body, headers["cache-control"]) == (200, True, "private, no-store")
    assert (await ask(f"{url}/form/closed", "POST"))[0] == 404
    status, _, headers = await ask(f"{url}/form/open", "PUT")
    assert (status, headers["allow"]) == (405, "GET, HEAD, POST")


async def test_what_is_too_long_is_refused(start: Start) -> None:
    _, url = await start()
    assert (await ask(f"{url}/shelf/{'x' * 2000}"))[0] == 400
    assert (await ask(f"{url}/shelf/open", headers={"x-long": "x" * 5000}))[0] == 400


async def test_one_that_takes_too_long_or_fails_says_nothing_of_why(start: Start) -> None:
    _, url = await start(page_seconds=0.05)
    assert (await ask(f"{url}/shelf/slow"))[0] == 503
    status, body, _ = await ask(f"{url}/shelf/broken")
    assert (status, body) == (500, b"This did not work.")


async def test_one_more_than_may_be_under_way_is_told_to_come_again(start: Start, shelf: Shelf) -> None:
    _, url = await start(pages_at_once=1)
    first = asyncio.create_task(ask(f"{url}/shelf/slow"))
    await shelf.under_way.wait()
    status, _, headers = await ask(f"{url}/shelf/open")
    assert (status, headers["retry-after"]) == (503, "10")
    shelf.go_on.set()
    assert (await first)[0] == 200
    assert (await ask(f"{url}/shelf/open"))[0] == 200


async def test_stopping_lets_one_under_way_end_and_takes_no_more(start: Start, shelf: Shelf) -> None:
    node, url = await start()
    first = asyncio.create_task(ask(f"{url}/shelf/slow"))
    await shelf.under_way.wait()
    stopping = asyncio.create_task(node.stop())
    await asyncio.sleep(0.1)
    with pytest.raises(aiohttp.ClientConnectionError):
        await ask(f"{url}/shelf/open")
    shelf.go_on.set()
    assert (await first)[1] == b"a page"
    await stopping


async def test_no_address_is_logged(
    start: Start, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    _, url = await start()
    for path in ("open", "closed", "broken", f"closed{'x' * 2000}"):
        await ask(f"{url}/shelf/{path}")
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.write(b"GET /shelf/closed\x01 what is this\r\n\r\n")
    assert b"400" in await reader.readline()
    writer.close()
    written = caplog.text + "".join(capfd.readouterr())
    assert "page failed" in written
    assert not any(word in written for word in ("closed", "shelf/broken", "'broken'", "shelf/open"))


async def test_nothing_is_served_where_no_address_is_told(start: Start) -> None:
    _, url = await start(pages_address="")
    with pytest.raises(aiohttp.ClientConnectionError):
        await ask(f"{url}/shelf/open")


async def test_an_address_that_is_taken_is_named_with_its_variable(start: Start) -> None:
    _, url = await start()
    with pytest.raises(AddressInUse, match=r"in use.*PAGES_ADDRESS"):
        await start(pages_address=url.removeprefix("http://"))
