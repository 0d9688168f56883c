"""What one concern says of another reaches that one: a merging that began, an addition to what is merged, a separation."""

from collections.abc import Iterator

from eventkernel.messages import Metadata
from eventkernel.reaction import Reaction
from mentoring.safeguarding.v1.merging_events_pb2 import (
    ConcernMergeBegun,
    ConcernMerged,
    ConcernSeparated,
    MergedConcernAddedTo,
)
from mentoring.safeguarding.v1.merging_pb2 import (
    HearOfMergedConcernRequest,
    JoinLeadingConcernRequest,
    LetGoOfMergedConcernRequest,
)

merging = Reaction("merging")


@merging.on
def join(event: ConcernMergeBegun, _meta: Metadata) -> Iterator[JoinLeadingConcernRequest]:
    """The duplicate's clocks stop, unless it changed meanwhile."""
    yield JoinLeadingConcernRequest(concern_id=event.duplicate_id, leading_id=event.concern_id, number=event.number)


@merging.on
def hear(event: ConcernMerged, _meta: Metadata) -> Iterator[HearOfMergedConcernRequest]:
    """Whoever has the leading concern is told."""
    yield HearOfMergedConcernRequest(concern_id=event.leading_id, merged_id=event.concern_id)


@merging.on
def hear_of_addition(event: MergedConcernAddedTo, _meta: Metadata) -> Iterator[HearOfMergedConcernRequest]:
    """Whoever has the leading concern is told, and whom it names is kept away from that too."""
    yield HearOfMergedConcernRequest(concern_id=event.leading_id, merged_id=event.concern_id)


@merging.on
def let_go(event: ConcernSeparated, _meta: Metadata) -> Iterator[LetGoOfMergedConcernRequest]:
    """It leads that one no more."""
    yield LetGoOfMergedConcernRequest(concern_id=event.leading_id, merged_id=event.concern_id, number=event.number)
