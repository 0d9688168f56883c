"""A receiver of webhooks with a certificate of its own, as a house that keeps its receivers has one."""

import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from eventkernel.testing.certificates import certificate

_CODE = re.compile(r"\b[0-9A-Z]{5}-[0-9A-Z]{5}\b")


@dataclass
class Receiver:
    """Where it listens, the certificate that a caller has to trust, and what came: headers and body."""

    url: str
    certificate: Path
    posts: list[tuple[dict[str, str], str]] = field(default_factory=list)

    @property
    def codes(self) -> list[str]:
        """The codes that came, which verify an address."""
        return [code for _, body in self.posts for code in _CODE.findall(body)]


@asynccontextmanager
async def receiver(folder: Path) -> AsyncIterator[Receiver]:
    """Listens with TLS on a free port of this machine."""
    received = Receiver("", certificate(folder))

    async def take(request: web.Request) -> web.Response:
        received.posts.append(({name.lower(): value for name, value in request.headers.items()}, await request.text()))
        return web.Response()

    app = web.Application()
    app.router.add_post("/{tail:.*}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(received.certificate)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    received.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield received
    finally:
        await runner.cleanup()
