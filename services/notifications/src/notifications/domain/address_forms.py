"""What an address must look like, before anything is sent there. No refusal holds a word of it."""

import re

from eventkernel.aggregate import Refusal
from mentoring.notifications.v1.channel_pb2 import Channel

_APPRISE = re.compile(r"[a-z][a-z0-9+.-]{0,30}://[!-~]+")
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])"
_WEBHOOK = re.compile(rf"https://{_HOST}(?::[1-9][0-9]{{0,4}})?(?:[/?][!-~]*)?")


def refuse_malformed(channel: Channel.ValueType, address: str, secret: str) -> None:
    """Raises Refusal ADDRESS_MALFORMED, SECRET_MISSING or SECRET_NOT_USED."""
    if channel == Channel.CHANNEL_WEBHOOK:
        _refuse_webhook(address, secret)
        return
    if not _APPRISE.fullmatch(address):
        raise Refusal(
            "ADDRESS_MALFORMED",
            "This is no URL of the Apprise library: it begins with a service, as in `msteams://...` or `twilio://...`.",
            field="address",
        )
    if secret:
        raise Refusal("SECRET_NOT_USED", "Only a webhook's calls are signed: leave the secret out.", field="secret")


def _refuse_webhook(address: str, secret: str) -> None:
    if not _WEBHOOK.fullmatch(address) or "#" in address:
        raise Refusal(
            "ADDRESS_MALFORMED",
            "A webhook is an https URL with a host, and without a user or a fragment: `https://hooks.example.org/mentoring`.",
            field="address",
        )
    if not secret:
        raise Refusal(
            "SECRET_MISSING",
            "A webhook's calls are signed: make a secret of 24 to 64 random bytes, and give it as `whsec_` and base64.",
            field="secret",
        )
