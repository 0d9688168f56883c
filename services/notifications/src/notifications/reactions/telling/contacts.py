"""What is told of a person's own contact and addresses."""

from collections.abc import Iterator

from eventkernel.messages import Metadata
from mentoring.notifications.v1.delivery_events_pb2 import AddressSuppressed
from mentoring.notifications.v1.events_pb2 import Because, ContactReplaced, Occasion
from mentoring.notifications.v1.notifications_pb2 import TellPersonRequest

from notifications.reactions.telling.reaction import telling, telling_id


@telling.on
def contact_replaced(event: ContactReplaced, meta: Metadata) -> Iterator[TellPersonRequest]:
    """Told to the address before: who did not do it themself has to hear of it there."""
    yield TellPersonRequest(
        telling_id=telling_id(meta),
        person_id=event.person_id,
        occasion=Occasion.OCCASION_CONTACT_REPLACED,
        about_id=event.person_id,
        because=Because.BECAUSE_OWN_CONTACT,
        registration=event.replaced,
    )


@telling.on
def address_suppressed(event: AddressSuppressed, meta: Metadata) -> Iterator[TellPersonRequest]:
    """Told to whose it is, by whatever way is left: who has no other reads it in their inbox."""
    yield TellPersonRequest(
        telling_id=telling_id(meta),
        person_id=event.person_id,
        occasion=Occasion.OCCASION_ADDRESS_SUPPRESSED,
        about_id=event.person_id,
        because=Because.BECAUSE_OWN_CONTACT,
    )
