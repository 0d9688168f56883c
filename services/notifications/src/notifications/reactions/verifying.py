"""Puts the code that verifies an address on its way, as a due row: it is made when it is sent."""

from collections.abc import Iterator

from eventkernel.messages import Metadata
from eventkernel.reaction import Later, Reaction
from mentoring.notifications.v1.addresses_events_pb2 import AddressVerificationAsked
from mentoring.notifications.v1.addresses_pb2 import SendCodeRequest

verifying = Reaction("verifying")


@verifying.on
def verification_asked(event: AddressVerificationAsked, meta: Metadata) -> Iterator[Later]:
    """At once, whatever hour it is: somebody waits for it."""
    yield Later(
        at=meta.at,
        request=SendCodeRequest(
            person_id=event.person_id, channel=event.channel, registration=event.registration, asked=event.asked
        ),
    )
