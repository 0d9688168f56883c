"""Composes the message of a notice. It says what, why its recipient is told, and where to read on: no id of a person, no name of
another, nothing that was written. A concern's message does not even greet by name."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import quote

from mentoring.notifications.v1.events_pb2 import Detail
from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest

from notifications.domain.occasions import is_safeguarding
from notifications.texts import FULL, OUTLINE, WHY, Wording


@dataclass(frozen=True, slots=True)
class Recipient:
    """Where a message goes. `name` is empty where the recipient is not to be greeted by it."""

    email: str
    name: str = ""


class Unaddressable(Exception):
    """The recipient's address is none that mail can be sent to."""


def compose(
    notice: StartNoticeRequest, recipient: Recipient, *, sender: str, link_base: str, at: datetime
) -> EmailMessage:
    """The message of a notice.

    Args:
        notice: what is told, in codes.
        recipient: the only one who gets it.
        sender: the platform's own address; its domain ends the Message-ID, which is the same at every attempt.
        link_base: where the portal's pages are, as `https://mentoring.example.org`.
        at: when it is sent.

    Raises Unaddressable, and KeyError where no text is written for the occasion: nothing vague is sent instead.
    """
    # A raiser may be a learner: a concern's message names nobody, not even whom it goes to.
    name = "" if is_safeguarding(notice.occasion) else _one_line(recipient.name)
    wording = (FULL if notice.detail == Detail.DETAIL_FULL else OUTLINE)[notice.occasion]
    message = EmailMessage(policy=SMTP)
    message["Subject"] = wording.subject
    message["From"] = sender
    message["To"] = _address(name, recipient.email)
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{notice.notice_id}@{sender.rpartition('@')[2]}>"
    message["X-Notice-Id"] = notice.notice_id
    # RFC 3834: no out-of-office reply is to come back to the platform.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n\n".join(_paragraphs(notice, name, wording, link_base)) + "\n")
    return message


def _paragraphs(notice: StartNoticeRequest, name: str, wording: Wording, link_base: str) -> list[str]:
    found = []
    if name:
        found.append(f"Hello {name},")
    found.append(wording.text)
    about = notice.notice_id if wording.page == "notices" else notice.about_id
    found.append(f"{link_base.rstrip('/')}/{wording.page}/{quote(about, safe='')}")
    if notice.raiser_role:
        found.append(f"Raised by: {_words(notice.raiser_role)}")
    if notice.category:
        found.append(f"Category: {_words(notice.category)}")
    found.append(WHY[notice.because])
    return found


def _address(name: str, email: str) -> Address:
    # Not raised from the error: its text holds the address, and would be logged.
    with suppress(ValueError, IndexError, MessageError):
        if email.isascii():
            return Address(name, addr_spec=email)
    raise Unaddressable("the registered address is not one that mail can be sent to; register the contact again")


def _one_line(name: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())


def _words(code: str) -> str:
    return code.replace("_", " ")
