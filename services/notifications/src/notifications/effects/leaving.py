"""The address in a mail by which its recipient is not told of such things any more: one-click unsubscribing (RFC 8058).

Each mail has a secret of its own, of which only the hash is kept, with the notice. Whoever has the mail can leave out what it is about, and
nothing else.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from eventkernel.reaction import Doing
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.channel_pb2 import Channel
from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest

from notifications.domain.notice import secret_hash
from notifications.domain.ways import Way
from notifications.effects.holding import Holding

PREFIX = "/unsubscribe/"


@dataclass(frozen=True, slots=True)
class Leaving:
    """The address, what is kept of its secret, and which kinds it leaves out."""

    address: str = field(repr=False)
    sha256: str
    kinds: tuple[InformationKind.ValueType, ...]


@dataclass(frozen=True)
class Addresses:
    """Makes them.

    Args:
        base: where the service's pages are, `https://pages.example.org`; empty: no mail has such an address.
    """

    base: str
    holding: Holding
    make: Callable[[], str] = lambda: secrets.token_urlsafe(32)

    async def of(self, request: StartNoticeRequest, way: Way, doing: Doing) -> Leaving | None:
        """For a mail that is about to be composed; None where it is of nothing that may be left out."""
        if not self.base or way.channel != Channel.CHANNEL_EMAIL:
            return None
        kinds = await self.holding.may_leave_out(request, doing)
        if not kinds:
            return None
        secret = self.make()
        address = f"{self.base.rstrip('/')}{PREFIX}{doing.tenant}/{request.notice_id}/{secret}"
        return Leaving(address, secret_hash(secret), kinds)
