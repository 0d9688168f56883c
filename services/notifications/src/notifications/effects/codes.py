"""Sends the code that verifies an address. It is made here, and only its keyed hash is kept: who reads the store learns no code.

A code that was made and not sent harms nobody: the next try makes another, which counts in its place.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from eventkernel.reaction import Doing, TryAgain
from mentoring.notifications.v1.addresses_events_pb2 import AddressCodeMade
from mentoring.notifications.v1.addresses_pb2 import SendCodeRequest
from mentoring.notifications.v1.channel_pb2 import Channel
from mentoring.notifications.v1.events_pb2 import Outcome

from notifications.contents import content_of_code
from notifications.domain.address_codes import LETTERS
from notifications.domain.addresses import addresses
from notifications.effects.giving import insist, type_of
from notifications.effects.holding import Holding
from notifications.effects.line import Line
from notifications.effects.mailer import NotTaken, Unsure
from notifications.effects.outlets import Carrier, Ended, Ready
from notifications.texts import words_in

_TRIES = 5
_FIRST_SECONDS = 5.0


def new_code() -> str:
    """Ten letters by chance, in two groups: `7K3FM-9QT2X`."""
    letters = "".join(secrets.choice(LETTERS) for _ in range(10))
    return f"{letters[:5]}-{letters[5:]}"


@dataclass(frozen=True)
class SendCode:
    """The effect of a SendCodeRequest that is due.

    Args:
        link_base: where the portal's pages are.
    """

    carriers: Mapping[Channel.ValueType, Carrier]
    lines: Mapping[Channel.ValueType, Line]
    link_base: str
    holding: Holding = field(default_factory=Holding)
    make: Callable[[], str] = new_code

    async def __call__(self, request: SendCodeRequest, doing: Doing) -> None:
        """Makes a code and sends it. Raises TryAgain where it could not be sent for now; a later try makes a new one."""
        known = await doing.state(addresses, f"addresses-{request.person_id}")
        if not known.wants_code(request.channel, request.registration, request.asked):
            return
        code = self.make()
        ready = await self._prepare(request, code, doing)
        if isinstance(ready, Ended):
            await _fail(request, ready.failure, doing)
            return
        made = SendCodeRequest()
        made.CopyFrom(request)
        made.code = code
        if type_of(AddressCodeMade) in (await insist(doing, made)).event_types:
            await self._hand_over(request, ready, doing)

    async def _prepare(self, request: SendCodeRequest, code: str, doing: Doing) -> Ready | Ended:
        carrier = self.carriers.get(request.channel)
        if carrier is None:
            return Ended(Outcome.OUTCOME_FAILED, "CHANNEL_NOT_HERE")
        wishes = await self.holding.wishes(request.person_id, doing)
        content = content_of_code(code, self.link_base, words_in(wishes.language))
        key = f"{doing.row_id}.{doing.attempt}"
        return await carrier.prepare_code(request.person_id, request.registration, content, key, doing)

    async def _hand_over(self, request: SendCodeRequest, ready: Ready, doing: Doing) -> None:
        try:
            await self.lines[request.channel].through(ready.circuit, ready.hand_over, urgent=False)
        except NotTaken as refused:
            if refused.passing and doing.attempt < _TRIES:
                raise TryAgain(_FIRST_SECONDS * 2.0**doing.attempt, refused.code) from None
            await _fail(request, refused.code, doing)
        except Unsure:
            # It may have gone, and then it is the code that counts.
            return


async def _fail(request: SendCodeRequest, failure: str, doing: Doing) -> None:
    failed = SendCodeRequest()
    failed.CopyFrom(request)
    failed.failure = failure
    await insist(doing, failed)
