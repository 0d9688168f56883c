"""A receiver of webhooks with a certificate of its own, as a house that keeps its receivers has one."""

import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

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
    received = Receiver("", _certificate(folder))

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


def _certificate(folder: Path) -> Path:
    """A file with a key and its certificate for this machine, signed by itself and good for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks of the tests")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "hooks.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file
