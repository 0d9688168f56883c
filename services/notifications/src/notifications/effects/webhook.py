"""Webhooks, signed as the Standard Webhooks specification says: a receiver knows whose it is, when it was sent, and what it has seen.

An address is a URL that somebody registered. It may name a machine that only this service can reach, so what it resolves to has to be
an address of the public internet, and no redirect is followed.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from eventkernel.timing import Clock, utc_now
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from notifications.effects.mailer import NotTaken
from notifications.effects.messenger import Short

_AGAIN = frozenset({408, 425, 429})
_GONE = 410
# RFC 6052; RFC 4291, 2.4: what is allotted for unicast on the internet.
_NAT64 = ip_network("64:ff9b::/96")
_UNICAST = ip_network("2000::/3")


@dataclass(frozen=True)
class WebhookMessenger:
    """Posts each message to its receiver's URL. An address is `<url> <secret>`, with a secret as the specification writes it (`whsec_...`).

    A post that gets no answer is certainly worth a repeat: the receiver knows it by its `webhook-id`.

    Args:
        private: receivers may be in private networks, and without TLS: for tests, and for a house that keeps its own.
        seconds: how long connecting and answering may take.
    """

    private: bool = False
    seconds: float = 10.0
    clock: Clock = utc_now

    def circuit(self, address: str) -> str:
        """The receiver's host and port."""
        return f"webhook {urlsplit(address.partition(' ')[0]).netloc}"

    async def send(self, message: Short, address: str) -> None:
        """Returns once the receiver has answered that it has it; raises NotTaken."""
        url, _, secret = address.partition(" ")
        self._check(url)
        at = self.clock().astimezone(UTC)
        body = json.dumps(
            {
                "type": f"mentorstream.{message.kind}",
                "timestamp": at.isoformat(),
                "data": {"subject": message.subject, "text": message.text, "link": message.link, "why": message.why},
            }
        )
        try:
            signature = Webhook(secret).sign(message.key, at, body)
        except (ValueError, EmptyWebhookSecretError):
            raise NotTaken("WEBHOOK_SECRET_INVALID", passing=False) from None
        headers = {
            "content-type": "application/json",
            "webhook-id": message.key,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signature,
        }
        try:
            async with (
                self._session() as session,
                session.post(url, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                status = answer.status
        # Errors are not raised from aiohttp's, whose texts hold the address.
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            raise NotTaken("WEBHOOK_UNREACHABLE", passing=True, dead=True) from None
        except (aiohttp.ClientError, TimeoutError, ValueError):
            raise NotTaken("WEBHOOK_NO_ANSWER", passing=True) from None
        if not 200 <= status < 300:
            raise NotTaken(f"WEBHOOK_{status}", passing=status >= 500 or status in _AGAIN, gone=status == _GONE)

    def _check(self, url: str) -> None:
        parts = urlsplit(url)
        if not parts.hostname or parts.scheme not in ({"http", "https"} if self.private else {"https"}):
            raise NotTaken("WEBHOOK_ADDRESS_INVALID", passing=False)
        # A name goes through the resolver below; aiohttp asks none for a literal.
        if not self.private and _is_literal(parts.hostname) and not is_public(parts.hostname):
            raise NotTaken("WEBHOOK_ADDRESS_PRIVATE", passing=False)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[aiohttp.ClientSession]:
        connector = aiohttp.TCPConnector(resolver=None if self.private else _Public())
        timeout = aiohttp.ClientTimeout(total=self.seconds)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            yield session


class _Public(AbstractResolver):
    """Gives only what is on the public internet: what is asked for is what is connected to, so nothing changes in between."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        public = [one for one in found if is_public(str(one[4][0]))]
        if not public:
            raise OSError(f"{host} is not on the public internet")
        return [
            ResolveResult(
                hostname=host, host=str(where[0]), port=int(where[1]), family=kind, proto=proto, flags=socket.AI_NUMERICHOST
            )
            for kind, _, proto, _, where in public
        ]  # fmt: skip

    async def close(self) -> None:
        """Nothing is kept."""


def is_public(host: str) -> bool:
    """Whether an address is one of a machine on the public internet. An IPv6 address that stands for an IPv4 one is judged as that: a gateway
    or the system itself connects to it.
    """
    found = ip_address(host)
    if isinstance(found, IPv6Address):
        within = found.ipv4_mapped or found.sixtofour
        if found in _NAT64:
            within = IPv4Address(int(found) & 0xFFFFFFFF)
        if within is None:
            return found in _UNICAST and found.is_global
        found = within
    return found.is_global and not found.is_multicast


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
