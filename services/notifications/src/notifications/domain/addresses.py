"""Addresses: how a person is reached beside their mail. No state holds any address: they exist sealed alone, and are known by number.

Nothing but a code goes to an address that the person has not verified. Whoever puts one there for another turns nothing away from them:
it stands beside what they have.
"""

from dataclasses import replace
from datetime import UTC

from eventkernel.aggregate import Aggregate, AlreadyDone, Context, Refusal
from eventkernel.timestamps import timestamp
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.notifications.v1.addresses_events_pb2 import (
    AddressCodeMade,
    AddressCodeMissed,
    AddressRegistered,
    AddressRemoved,
    AddressVerificationAsked,
    AddressVerified,
    ChannelsOrdered,
)
from mentoring.notifications.v1.addresses_pb2 import (
    AskForMyCodeRequest,
    OrderMyChannelsRequest,
    RegisterAddressRequest,
    RegisterMyAddressRequest,
    RemoveAddressRequest,
    RemoveMyAddressRequest,
    SendCodeRequest,
    VerifyMyAddressRequest,
)
from mentoring.notifications.v1.channel_pb2 import Channel
from mentoring.notifications.v1.delivery_events_pb2 import AddressSuppressed
from mentoring.notifications.v1.delivery_pb2 import SuppressAddressRequest

from notifications.domain.address_forms import refuse_malformed
from notifications.domain.addresses_state import Address, Addresses, Code
from notifications.domain.contact import Contact
from notifications.domain.delivery_policy import DeliveryPolicy

_MOST_OF_A_CHANNEL = 5

addresses = Aggregate("addresses", initial=Addresses())


@addresses.decide
def register_my_address(
    state: Addresses, command: RegisterMyAddressRequest, context: Context
) -> list[AddressRegistered | AddressVerificationAsked]:
    """It is used once verified, and takes the place of the person's own before it then.

    Raises Refusal ADDRESS_MALFORMED, SECRET_MISSING, SECRET_NOT_USED or TOO_MANY_CODES.
    """
    return _registered(state, command, context, by_another=False)


@addresses.decide
def register_address(
    state: Addresses, command: RegisterAddressRequest, context: Context
) -> list[AddressRegistered | AddressVerificationAsked]:
    """By somebody else, unless it is the manager's own. Raises the same."""
    return _registered(state, command, context, by_another=context.principal.person_id != command.person_id)


@addresses.decide
def ask_for_my_code(state: Addresses, command: AskForMyCodeRequest, context: Context) -> list[AddressVerificationAsked]:
    """What is verified already gives nothing. Raises Refusal ADDRESS_NOT_FOUND or TOO_MANY_CODES."""
    if command.channel == Channel.CHANNEL_EMAIL and not 0 < command.registration <= context.state(Contact).newest:
        raise _not_found()
    known = state.find(command.channel, command.registration)
    if known is None and command.channel != Channel.CHANNEL_EMAIL:
        raise _not_found()
    if known is not None and known.verified:
        return []
    return [_asked(state, command.person_id, known or Address(command.channel, command.registration), context)]


@addresses.decide
def send_code(state: Addresses, command: SendCodeRequest, context: Context) -> list[AddressCodeMade]:
    """Keeps the hash of a code that is about to be sent. Nothing where it is wanted no more: it was verified, removed, or asked anew."""
    known = state.find(command.channel, command.registration)
    if known is None or known.verified or known.asked != command.asked:
        return []
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


@addresses.decide
def verify_my_address(
    state: Addresses, command: VerifyMyAddressRequest, context: Context
) -> list[AddressVerified | AddressCodeMissed]:
    """The right code verifies; a wrong one is recorded, since it counts as a try.

    Raises Refusal ADDRESS_NOT_FOUND, CODE_EXPIRED or TOO_MANY_ADDRESSES.
    """
    known = state.find(command.channel, command.registration)
    if known is None:
        raise _not_found()
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


@addresses.decide
def remove_my_address(state: Addresses, command: RemoveMyAddressRequest, _context: Context) -> list[AddressRemoved]:
    """Raises Refusal ADDRESS_NOT_FOUND for one that never was; one that is gone gives nothing."""
    if command.registration > state.newest:
        raise _not_found()
    return [_removed(command, known) for known in state.numbered(command.registration)]


@addresses.decide
def remove_address(state: Addresses, command: RemoveAddressRequest, _context: Context) -> list[AddressRemoved]:
    """By somebody else: only what somebody else put there and nobody verified. Raises Refusal ADDRESS_NOT_FOUND for any other."""
    found = [known for known in state.numbered(command.registration) if known.by_another and not known.verified]
    if not found:
        raise _not_found()
    return [_removed(command, known) for known in found]


@addresses.decide
def order_my_channels(state: Addresses, command: OrderMyChannelsRequest, _context: Context) -> list[ChannelsOrdered]:
    """Raises nothing: a channel without an address that can be used is passed over until there is one."""
    if tuple(command.channels) == state.order:
        return []
    return [ChannelsOrdered(person_id=command.person_id, channels=command.channels)]


@addresses.decide
def suppress_address(state: Addresses, command: SuppressAddressRequest, _context: Context) -> list[AddressSuppressed]:
    """What goes there comes back. Nothing where that is known."""
    if state.is_suppressed(command.channel, command.registration):
        return []
    return [AddressSuppressed(person_id=command.person_id, channel=command.channel, registration=command.registration)]


@addresses.evolve
def registered(state: Addresses, event: AddressRegistered) -> Addresses:
    """What the same side put on this channel and nobody verified is wanted no more."""
    return state.with_registered(Address(event.channel, event.registration, by_another=event.by_another))


@addresses.evolve
def verification_asked(state: Addresses, event: AddressVerificationAsked) -> Addresses:
    """A code is on its way; the one before counts until that is made."""
    known = state.find(event.channel, event.registration) or Address(event.channel, event.registration)
    asked_at = event.asked_at.ToDatetime(UTC)
    return state.with_asked(replace(known, asked=event.asked), asked_at, by_another=event.by_another)


@addresses.evolve
def code_made(state: Addresses, event: AddressCodeMade) -> Addresses:
    """This code alone counts for the address."""
    known = state.get(event.channel, event.registration)
    code = Code(event.code_digest, event.expires_at.ToDatetime(UTC), event.tries)
    return state.with_address(replace(known, code=code))


@addresses.evolve
def code_missed(state: Addresses, event: AddressCodeMissed) -> Addresses:
    """One try less."""
    known = state.get(event.channel, event.registration)
    if known.code is None:
        return state
    return state.with_address(replace(known, code=replace(known.code, tries=known.code.tries - 1)))


@addresses.evolve
def verified(state: Addresses, event: AddressVerified) -> Addresses:
    """It is used from now on, and its code no more."""
    return state.after_verifying(state.get(event.channel, event.registration))


@addresses.evolve
def suppressed(state: Addresses, event: AddressSuppressed) -> Addresses:
    """Nothing is sent there until it is verified again: it counts as not verified from now on."""
    known = state.find(event.channel, event.registration)
    left = state if known is None else state.with_address(replace(known, verified=False))
    return replace(left, suppressed=left.suppressed | {(event.channel, event.registration)})


@addresses.evolve
def removed(state: Addresses, event: AddressRemoved) -> Addresses:
    """Nothing goes there any more."""
    return state.without(event.channel, event.registration)


@addresses.evolve
def ordered(state: Addresses, event: ChannelsOrdered) -> Addresses:
    """As said last."""
    return replace(state, order=tuple(event.channels))


def _registered(
    state: Addresses, command: RegisterMyAddressRequest | RegisterAddressRequest, context: Context, *, by_another: bool
) -> list[AddressRegistered | AddressVerificationAsked]:
    refuse_malformed(command.channel, command.address, command.secret)
    event = AddressRegistered(
        person_id=command.person_id,
        channel=command.channel,
        registration=state.newest + 1,
        address=Sealed(to_be_sealed=command.address),
        by_another=by_another,
    )
    if command.secret:
        event.secret.to_be_sealed = command.secret
    new = Address(event.channel, event.registration, by_another=by_another)
    return [event, _asked(state, command.person_id, new, context)]


def _asked(state: Addresses, person_id: str, known: Address, context: Context) -> AddressVerificationAsked:
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
    said = [context.principal.tenant, command.person_id, str(command.channel), str(command.registration), command.code]
    return context.digest("\n".join(said).encode())


def _removed(command: RemoveMyAddressRequest | RemoveAddressRequest, known: Address) -> AddressRemoved:
    return AddressRemoved(person_id=command.person_id, channel=known.channel, registration=known.registration)


def _not_found() -> Refusal:
    return Refusal(
        "ADDRESS_NOT_FOUND",
        "There is no such address: ListMyAddresses says which there are, by channel and registration.",
        field="registration",
    )
