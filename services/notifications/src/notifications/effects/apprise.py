"""Chat and text messages through Apprise, which knows more than a hundred services by their URLs.

Some of its URLs reach into this machine or its network. So only the kinds that the operator names may be used.
"""

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass

from apprise import Apprise, AppriseAsset, AppriseResultStatus

from notifications.effects.mailer import NotTaken, Unsure
from notifications.effects.messenger import Short


@dataclass(frozen=True)
class AppriseMessenger:
    """Sends each message by the service that its address names.

    Apprise says whether a service took it, and not why it did not. What it did not take is tried again.

    Args:
        schemas: the kinds of URL that may be used, as `twilio` or `msteams`; none where it is empty.
        seconds: how long a service may take.
    """

    schemas: Collection[str] = ()
    seconds: float = 10.0

    def __post_init__(self) -> None:
        # What it does is told by its answer. Its log would hold the words of a message, and urllib3's the address.
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        logging.getLogger("urllib3").setLevel(logging.WARNING)

    def circuit(self, address: str) -> str:
        """The kind of service. It never opens: Apprise does not say whether a service is dead, or would take another's message."""
        return f"apprise {_schema(address)}"

    async def send(self, message: Short, address: str) -> None:
        """Returns once the service has taken it; raises NotTaken, or Unsure where it did not answer in time."""
        if _schema(address) not in self.schemas:
            raise NotTaken("APPRISE_KIND_NOT_ALLOWED", passing=False)
        # Its first address has it load every kind of service that it knows: all others would wait for that.
        service = await asyncio.to_thread(_service, address)
        if service is None:
            raise NotTaken("APPRISE_ADDRESS_INVALID", passing=False)
        body = "\n".join(part for part in (message.text, message.link, message.why) if part)
        told = await service.async_notify(body=body, title=message.subject, timeout=self.seconds)
        if told.status is AppriseResultStatus.TIMEOUT:
            raise Unsure("APPRISE_NO_ANSWER")
        if not told:
            raise NotTaken("APPRISE_NOT_TAKEN", passing=True)


def _service(address: str) -> Apprise | None:
    # Nothing of a message or an address is kept on disk.
    asset = AppriseAsset(storage_mode="memory", async_mode=True)
    # One URL: what is added as a text may hold several, and only the kind of the first was looked at.
    one = Apprise.instantiate(address, asset=asset)
    return Apprise(one, asset=asset) if one is not None else None


def _schema(address: str) -> str:
    return address.partition("://")[0].lower()
