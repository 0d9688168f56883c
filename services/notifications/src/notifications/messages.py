"""Composes the message of a notice. It says what, why its recipient is told, and where to read on: no id of a person, no name of
another, nothing that was written. A concern's message does not even greet by name."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime

from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest

from notifications.contents import Content, content_of, one_line
from notifications.domain.occasions import is_safeguarding
from notifications.domain.provider_details import ProviderDetails
from notifications.forms import Brief, as_brief, as_html, as_text
from notifications.texts import DEFAULT_LANGUAGE, words_in

# The same at every attempt. No line of quoted-printable text begins so (RFC 2045, 6.7).
_BOUNDARY = "=_mentorstream"
_QUOTED = "quoted-printable"


class _OneLine(UnstructuredHeader, BaseHeader):
    """A header that is written as it is: what is longer than a line would be encoded, and mail programs do not find an address in that."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("List-Unsubscribe", _OneLine)
_POLICY = SMTP.clone(header_factory=_HEADERS)


@dataclass(frozen=True, slots=True)
class Recipient:
    """Where a message goes. `name` is empty where the recipient is not to be greeted by it."""

    email: str
    name: str = ""


class Unaddressable(Exception):
    """The recipient's address is none that mail can be sent to."""


def compose(
    notice: StartNoticeRequest,
    recipient: Recipient,
    *,
    sender: str,
    link_base: str,
    at: datetime,
    language: str = DEFAULT_LANGUAGE,
    provider: ProviderDetails | None = None,
    listed: Sequence[StartNoticeRequest] = (),
    unsubscribe: str = "",
) -> EmailMessage:
    """The message of a notice: as text, and the same in HTML.

    Args:
        notice: what is told, in codes.
        recipient: the only one who gets it.
        sender: the platform's own address; its domain ends the Message-ID, which is the same at every attempt.
        link_base: where the portal's pages are, as `https://mentoring.example.org`.
        at: when it is sent.
        language: the recipient's. English where there are no words in it.
        provider: whose numbers are told where the occasion `tells_whom_to_call`; the platform's defaults where not given.
        listed: of a digest, what it tells of.
        unsubscribe: the address to post to so as not to be told of such things any more; empty: there is none.

    Raises Unaddressable, and KeyError where no text is written for the occasion: nothing vague is sent instead.
    """
    # A raiser may be a learner: a concern's message names nobody, not even whom it goes to.
    name = "" if is_safeguarding(notice.occasion) else one_line(recipient.name)
    content = content_of(notice, name, link_base, words_in(language), provider or ProviderDetails(), listed=listed)
    message = mail(content, Recipient(recipient.email, name), sender=sender, at=at, key=notice.notice_id)
    if unsubscribe:
        # RFC 8058. Both are to be among the headers that are signed (DKIM).
        message["List-Unsubscribe"] = f"<{unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return message


def mail(content: Content, recipient: Recipient, *, sender: str, at: datetime, key: str) -> EmailMessage:
    """A content as mail. `key` is its Message-ID and notice id, the same at every attempt. Raises Unaddressable."""
    message = EmailMessage(policy=_POLICY)
    message["Subject"] = content.subject
    message["From"] = sender
    message["To"] = _address(recipient)
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{key}@{sender.rpartition('@')[2]}>"
    message["X-Notice-Id"] = key
    # RFC 3834: no out-of-office reply is to come back to the platform.
    message["Auto-Submitted"] = "auto-generated"
    # Quoted whatever is in it: not every server on the way takes eight bits, and Welsh has letters beyond seven.
    message.set_content(as_text(content), cte=_QUOTED)
    message.add_alternative(as_html(content), subtype="html", cte=_QUOTED)
    message.set_boundary(_BOUNDARY)
    message["Content-Language"] = content.language
    return message


def brief(
    notice: StartNoticeRequest,
    *,
    link_base: str,
    language: str = DEFAULT_LANGUAGE,
    provider: ProviderDetails | None = None,
    listed: Sequence[StartNoticeRequest] = (),
) -> Brief:
    """The notice for a channel with little room. The arguments and errors are those of `compose`."""
    return as_brief(content_of(notice, "", link_base, words_in(language), provider or ProviderDetails(), listed=listed))


def _address(recipient: Recipient) -> Address:
    # Not raised from the error: its text holds the address, and would be logged.
    with suppress(ValueError, IndexError, MessageError):
        if recipient.email.isascii():
            return Address(recipient.name, addr_spec=recipient.email)
    raise Unaddressable("the registered address is not one that mail can be sent to; register the contact again")
