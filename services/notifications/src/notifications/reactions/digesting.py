"""Puts every digest on its way as soon as it begins, as a due row: when it goes is asked of its person's preferences as they are then."""

from collections.abc import Iterator

from eventkernel.messages import Metadata
from eventkernel.reaction import Later, Reaction
from eventkernel.timestamps import timestamp
from mentoring.notifications.v1.digests_events_pb2 import DigestBegun
from mentoring.notifications.v1.digests_pb2 import SendDigestRequest

digesting = Reaction("digesting")


@digesting.on
def digest_begun(event: DigestBegun, meta: Metadata) -> Iterator[Later]:
    """One row a digest."""
    yield Later(
        at=meta.at,
        request=SendDigestRequest(person_id=event.person_id, number=event.number, begun_at=timestamp(meta.at)),
    )
