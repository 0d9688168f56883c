"""Codes: whoever reads an address is known to be its person once they give the code that was sent there. Of a code only a keyed hash is kept."""

import re
from dataclasses import replace
from datetime import UTC

from eventkernel.aggregate import AlreadyDone, Context, Refusal
from eventkernel.timestamps import timestamp
from mentoring.notifications.v1.addresses_events_pb2 import (
    AddressCodeMade,
    AddressCodeMissed,
    AddressCodeNotSent,
    AddressVerificationAsked,
    AddressVerified,
)
from mentoring.notifications.v1.addresses_pb2 import AskForMyCodeRequest, SendCodeRequest, VerifyMyAddressRequest
from mentoring.notifications.v1.channel_pb2 import Channel

from notifications.domain.addresses_state import Address, Addresses, Code
from notifications.domain.contact import Contact
from notifications.domain.delivery_policy import DeliveryPolicy

# Crockford's base 32: no letter that is taken for a digit.
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TAKEN_FOR = str.maketrans("OIL", "011")
_MOST_OF_A_CHANNEL = 5


def ask_for_my_code(state: Addresses, command: AskForMyCodeRequest, context: Context) -> list[AddressVerificationAsked]:
    """What is verified already gives nothing. Raises Refusal ADDRESS_NOT_FOUND or TOO_MANY_CODES."""
    if command.channel == Channel.CHANNEL_EMAIL and not 0 < command.registration <= context.state(Contact).newest:
        raise address_not_found()
    known = state.find(command.channel, command.registration)
    if known is None and command.channel != Channel.CHANNEL_EMAIL:
        raise address_not_found()
    if known is not None and known.verified:
        return []
    return [ask_code(state, command.person_id, known or Address(command.channel, command.registration), context)]


def send_code(
    state: Addresses, command: SendCodeRequest, context: Context
) -> list[AddressCodeMade | AddressCodeNotSent]:
    """Keeps the hash of a code that is about to be sent, or why none could be. Nothing where it is wanted no more: see `wants_code`."""
    if not state.wants_code(command.channel, command.registration, command.asked):
        return []
    if command.failure:
        return [
            AddressCodeNotSent(
                person_id=command.person_id,
                channel=command.channel,
                registration=command.registration,
                failure=command.failure,
            )
        ]
    codes = context.state(DeliveryPolicy).codes
    made = AddressCodeMade(
        person_id=command.person_id,
        channel=command.channel,
        registration=command.registration,
        code_digest=_digest(command, context),
        expires_at=timestamp(context.now + codes.stands_for),
        tries=codes.tries,
    )
    return [made]


def verify_my_address(
    state: Addresses, command: VerifyMyAddressRequest, context: Context
) -> list[AddressVerified | AddressCodeMissed]:
    """The right code verifies; a wrong one is recorded, since it counts as a try.

    Raises Refusal ADDRESS_NOT_FOUND, CODE_EXPIRED or TOO_MANY_ADDRESSES.
    """
    known = state.find(command.channel, command.registration)
    if known is None:
        raise address_not_found()
    if known.verified:
        return AlreadyDone()
    if known.code is None or not known.code.counts(context.now):
        raise Refusal(
            "CODE_EXPIRED",
            "No code counts for this address: none was sent, its time is over, or too many wrong ones were given. "
            "Ask for another (AskForMyCode) and give that.",
            field="code",
        )
    person_id, channel, registration = command.person_id, command.channel, command.registration
    # Keyed hashes are compared: how long that takes tells nothing of the code.
    if known.code.digest != _digest(command, context):
        return [AddressCodeMissed(person_id=person_id, channel=channel, registration=registration)]
    if len(state.after_verifying(known).of(command.channel)) > _MOST_OF_A_CHANNEL:
        raise Refusal(
            "TOO_MANY_ADDRESSES",
            f"{_MOST_OF_A_CHANNEL} addresses of a channel are used at the most: remove one first (RemoveMyAddress).",
            field="registration",
        )
    return [AddressVerified(person_id=person_id, channel=channel, registration=registration)]


def verification_asked(state: Addresses, event: AddressVerificationAsked) -> Addresses:
    """A code is on its way; the one before counts until that is made."""
    known = state.find(event.channel, event.registration) or Address(event.channel, event.registration)
    asked_at = event.asked_at.ToDatetime(UTC)
    return state.with_asked(replace(known, asked=event.asked, failure=""), asked_at, by_another=event.by_another)


def code_made(state: Addresses, event: AddressCodeMade) -> Addresses:
    """This code alone counts for the address."""
    known = state.get(event.channel, event.registration)
    code = Code(event.code_digest, event.expires_at.ToDatetime(UTC), event.tries)
    return state.with_address(replace(known, code=code, failure=""))


def code_not_sent(state: Addresses, event: AddressCodeNotSent) -> Addresses:
    """Nobody has the code."""
    known = state.get(event.channel, event.registration)
    return state.with_address(replace(known, code=None, failure=event.failure))


def code_missed(state: Addresses, event: AddressCodeMissed) -> Addresses:
    """One try less."""
    known = state.get(event.channel, event.registration)
    if known.code is None:
        return state
    return state.with_address(replace(known, code=replace(known.code, tries=known.code.tries - 1)))


def verified(state: Addresses, event: AddressVerified) -> Addresses:
    """It is used from now on, and its code no more."""
    return state.after_verifying(state.get(event.channel, event.registration))


def ask_code(state: Addresses, person_id: str, known: Address, context: Context) -> AddressVerificationAsked:
    """A code is to go to this address. Raises Refusal TOO_MANY_CODES."""
    # Its own asking for an address that another put there is the person's.
    by_another = known.by_another and context.principal.person_id != person_id
    most = context.state(DeliveryPolicy).codes.a_day
    if state.asked_lately(context.now, by_another=by_another) >= most:
        raise Refusal(
            "TOO_MANY_CODES", f"{most} codes are sent within 24 hours at the most: give the last one, or wait a day."
        )
    return AddressVerificationAsked(
        person_id=person_id,
        channel=known.channel,
        registration=known.registration,
        asked=known.asked + 1,
        asked_at=timestamp(context.now),
        by_another=by_another,
    )


def _digest(command: SendCodeRequest | VerifyMyAddressRequest, context: Context) -> str:
    # With whose and which it is: the same code of another address is another code.
    said = [
        context.principal.tenant,
        command.person_id,
        str(command.channel),
        str(command.registration),
        _plain(command.code),
    ]
    return context.digest("\n".join(said).encode())


def address_not_found() -> Refusal:
    """What is said of an address that is not there, and of one that the caller has nothing to do with."""
    return Refusal(
        "ADDRESS_NOT_FOUND",
        "There is no such address: ListMyAddresses says which there are, by channel and registration.",
        field="registration",
    )


def _plain(code: str) -> str:
    """The code whichever way it is written."""
    return re.sub(r"[ -]", "", code.upper()).translate(_TAKEN_FOR)
