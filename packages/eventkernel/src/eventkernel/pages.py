"""Pages over HTTP beside gRPC, for programs that can do nothing but GET an address, or POST to it. Whoever has an address has what is behind it.

So no address is written anywhere here, neither in logs nor in traces; and whatever is not found, or not any more, gets one same answer.
TLS is a proxy's in front of it, and so is whatever keeps slow callers away.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog
from aiohttp import web
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import CommandReply

from eventkernel import metrics
from eventkernel.reading import Readers

_LONGEST_LINE = 1024
_LONGEST_HEADER = 4096
_MOST_HEADERS = 64
_KEPT_ALIVE_SECONDS = 15.0
_HEADERS = {
    # A page that was closed is open to nobody: no proxy keeps a copy, and no other site is told the address.
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
}
_log = structlog.get_logger(__name__)
# What aiohttp would say of a request quotes it.
_silent = logging.getLogger(f"{__name__}.silent")
_silent.disabled = True


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page answers."""

    content_type: str
    body: bytes


# Answers the rest of an address, behind the page's prefix, as it was sent; None where nothing is there for whoever sent it.
Page = Callable[[str, Readers], Awaitable[Shown | None]]
# Gives a command of the service as the platform, of the provider that is named second.
Give = Callable[[Message, str], Awaitable[CommandReply]]


@dataclass(frozen=True, slots=True)
class Form:
    """A page of which something can be asked: reading it changes nothing, and posting to it does. What is posted is not read: the address
    says all."""

    show: Page
    take: Callable[[str, Readers, Give], Awaitable[Shown | None]]


class Pages:
    """Serves the pages of one service.

    Args:
        pages: each by the prefix of its addresses' paths, `/calendar/`.
        give: gives what forms ask for.
        at_once: how many requests may be under way; one more is told to come again.
        seconds: how long one may take.
        drain_seconds: how long those under way may take once it stops.
    """

    def __init__(
        self, service: str, pages: Mapping[str, Page | Form], readers: Readers, *, give: Give, at_once: int, seconds: float,
        drain_seconds: float,
    ) -> None:  # fmt: skip
        self._service = service
        self._pages = pages
        self._readers = readers
        self._give = give
        self._at_once = at_once
        self._seconds = seconds
        self._under_way = 0
        app = web.Application(client_max_size=1)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(
            app, access_log=None, logger=_silent, shutdown_timeout=drain_seconds, keepalive_timeout=_KEPT_ALIVE_SECONDS,
            lingering_time=0, max_line_size=_LONGEST_LINE, max_field_size=_LONGEST_HEADER, max_headers=_MOST_HEADERS,
        )  # fmt: skip

    async def start(self, address: str) -> None:
        """Listens at host:port; raises OSError where that cannot be."""
        host, _, port = address.rpartition(":")
        await self._runner.setup()
        await web.TCPSite(self._runner, host.strip("[]"), int(port)).start()

    async def stop(self) -> None:
        """Takes no more requests, and lets those under way end."""
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        path = request.rel_url.raw_path
        prefix = next((each for each in self._pages if path.startswith(each)), "")
        allowed = ["GET", "HEAD", *(["POST"] if isinstance(self._pages.get(prefix), Form) else [])]
        if request.method not in allowed:
            answer = _plain(405, {"Allow": ", ".join(allowed)})
        elif self._under_way >= self._at_once:
            answer = _plain(503, {"Retry-After": "10"})
        else:
            self._under_way += 1
            try:
                answer = await self._show(prefix, path.removeprefix(prefix), request.method) if prefix else _plain(404)
            finally:
                self._under_way -= 1
        metrics.PAGES.labels(self._service, prefix, answer.status).inc()
        return answer

    async def _show(self, prefix: str, rest: str, method: str) -> web.Response:
        try:
            async with asyncio.timeout(self._seconds):
                shown = await self._shown(self._pages[prefix], rest, method)
        except TimeoutError:
            return _plain(503, {"Retry-After": "10"})
        except Exception as error:
            # Its text may hold the address, so only its kind is told.
            _log.error("page failed", page=prefix, error=type(error).__name__)
            return _plain(500)
        if shown is None:
            return _plain(404)
        headers = {**_HEADERS, "Content-Type": shown.content_type}
        return web.Response(body=shown.body, headers=headers)

    async def _shown(self, page: Page | Form, rest: str, method: str) -> Shown | None:
        if not isinstance(page, Form):
            return await page(rest, self._readers)
        if method == "POST":
            return await page.take(rest, self._readers, self._give)
        return await page.show(rest, self._readers)


def _plain(status: int, headers: Mapping[str, str] | None = None) -> web.Response:
    texts = {404: "Nothing is here, or not any more.", 405: "This can only be read.", 503: "Come again later."}
    return web.Response(
        status=status, text=texts.get(status, "This did not work."), headers={**_HEADERS, **(headers or {})}
    )
