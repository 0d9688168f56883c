"""The page at the address in a mail, `/unsubscribe/<provider>/<notice_id>/<secret>`: read, it shows a button and changes nothing; posted to, by
that button or by a mail program at one click (RFC 8058), what the mail is about is told no more.

The address names the notice, and the notice's own stream says whether the secret opens it. The page names neither a person nor what the
mail was about.
"""

import re

from eventkernel.aggregate import Aggregate
from eventkernel.messages import Principal
from eventkernel.pages import Form, Give, Shown
from eventkernel.reading import Readers
from eventkernel.tokens import ID_PATTERN
from mentoring.notifications.v1.preferences_pb2 import LeaveOutRequest

from notifications.domain.delivery_policy import DeliveryPolicy
from notifications.domain.notice import Notice, notice
from notifications.domain.preferences import preferences
from notifications.forms import as_page
from notifications.texts import Words, words_in

_ID = ID_PATTERN.removeprefix("^").removesuffix("$")
_ADDRESS = re.compile(rf"({_ID})/([A-Za-z0-9][A-Za-z0-9-]{{0,63}})/([A-Za-z0-9_-]{{43}})")


def unsubscribe_page(policy: Aggregate[DeliveryPolicy]) -> Form:
    """The page, in the language of whoever the mail went to, or of this policy."""

    async def show(rest: str, readers: Readers) -> Shown | None:
        found = await _opened(rest, readers)
        if found is None:
            return None
        return _page(await _words(policy, found, readers), done=False)

    async def take(rest: str, readers: Readers, give: Give) -> Shown | None:
        found = await _opened(rest, readers)
        if found is None:
            return None
        tenant, known = found
        await give(LeaveOutRequest(person_id=known.recipient_id, kinds=known.leaves_out), tenant)
        return _page(await _words(policy, found, readers), done=True)

    return Form(show, take)


async def _opened(rest: str, readers: Readers) -> tuple[str, Notice] | None:
    found = _ADDRESS.fullmatch(rest)
    if found is None:
        return None
    tenant, notice_id, secret = found.groups()
    known = await readers(Principal.system(tenant)).state(notice, f"notice-{notice_id}")
    return (tenant, known) if known.is_left_out_by(secret) else None


async def _words(policy: Aggregate[DeliveryPolicy], found: tuple[str, Notice], readers: Readers) -> Words:
    tenant, known = found
    read = readers(Principal.system(tenant))
    said = await read.state(preferences, f"preferences-{known.recipient_id}")
    return words_in(said.wishes(await read.state(policy, "delivery-policy")).language)


def _page(words: Words, *, done: bool) -> Shown:
    return Shown("text/html; charset=utf-8", as_page(words, done=done).encode())
