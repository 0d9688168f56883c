"""A receiver of webhooks on this machine, which answers as it is told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class Received:
    """What came, in order, and how the receiver answers: with a status, or by hanging up where it is 0."""

    url: str = ""
    status: int = 200
    posts: list[tuple[dict[str, str], str]] = field(default_factory=list)


@asynccontextmanager
async def receiver() -> AsyncIterator[Received]:
    """Listens on a free port."""
    received = Received()

    async def take(request: web.Request) -> web.Response:
        received.posts.append(({name.lower(): value for name, value in request.headers.items()}, await request.text()))
        if not received.status:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=received.status or 200, headers={"location": "/elsewhere"})

    app = web.Application()
    app.router.add_post("/{tail:.*}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    received.url = f"127.0.0.1:{port}"
    try:
        yield received
    finally:
        await runner.cleanup()
