"""Addresses: how a person is reached beside their mail. No state holds any address: they exist sealed alone, and are known by number.

Nothing but a code goes to an address that the person has not verified. Whoever puts one there for another turns nothing away from them:
it stands beside what they have.
"""

from dataclasses import replace

from eventkernel.aggregate import Aggregate, Context
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.notifications.v1.addresses_events_pb2 import (
    AddressRegistered,
    AddressRemoved,
    AddressVerificationAsked,
    ChannelsOrdered,
)
from mentoring.notifications.v1.addresses_pb2 import (
    OrderMyChannelsRequest,
    RegisterAddressRequest,
    RegisterMyAddressRequest,
    RemoveAddressRequest,
    RemoveMyAddressRequest,
)
from mentoring.notifications.v1.delivery_events_pb2 import AddressSuppressed
from mentoring.notifications.v1.delivery_pb2 import SuppressAddressRequest

from notifications.domain import address_codes
from notifications.domain.address_codes import address_not_found, ask_code
from notifications.domain.address_forms import refuse_malformed
from notifications.domain.addresses_state import Address, Addresses

addresses = Aggregate("addresses", initial=Addresses())
addresses.decide(address_codes.ask_for_my_code)
addresses.decide(address_codes.send_code)
addresses.decide(address_codes.verify_my_address)
addresses.evolve(address_codes.verification_asked)
addresses.evolve(address_codes.code_made)
addresses.evolve(address_codes.code_not_sent)
addresses.evolve(address_codes.code_missed)
addresses.evolve(address_codes.verified)


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
def remove_my_address(state: Addresses, command: RemoveMyAddressRequest, _context: Context) -> list[AddressRemoved]:
    """Raises Refusal ADDRESS_NOT_FOUND for one that never was; one that is gone gives nothing."""
    if command.registration > state.newest:
        raise address_not_found()
    return [_removed(command, known) for known in state.numbered(command.registration)]


@addresses.decide
def remove_address(state: Addresses, command: RemoveAddressRequest, _context: Context) -> list[AddressRemoved]:
    """By somebody else: only what somebody else put there and nobody verified. Raises Refusal ADDRESS_NOT_FOUND for any other."""
    found = [known for known in state.numbered(command.registration) if known.by_another and not known.verified]
    if not found:
        raise address_not_found()
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
    return [event, ask_code(state, command.person_id, new, context)]


def _removed(command: RemoveMyAddressRequest | RemoveAddressRequest, known: Address) -> AddressRemoved:
    return AddressRemoved(person_id=command.person_id, channel=known.channel, registration=known.registration)
