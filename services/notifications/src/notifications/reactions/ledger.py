"""Enters in each learner's ledger that something which happened to them is told to their circle.

It asks the policies of what is told for the same requests. Both follow from the event alone, so each names the telling that the other
names, and a ledger that is begun late finds all that was ever told. Concerns are not heard here at all.
"""

from collections.abc import Callable, Iterator
from typing import Any

from eventkernel.messages import Metadata
from eventkernel.reaction import Reaction, Reply
from eventkernel.timestamps import timestamp
from mentoring.notifications.v1.ledger_pb2 import EnterInLedgerRequest
from mentoring.notifications.v1.notifications_pb2 import TellCircleRequest

from notifications.reactions.telling import telling

# What is told of these goes to one person alone, never to a circle.
_OF_NO_LEARNER = frozenset({"mentoring.safeguarding.v1", "mentoring.notifications.v1"})

ledger = Reaction("ledger")


def _entering(tell: Callable[[Any, Metadata], Reply]) -> Callable[[Any, Metadata], Iterator[EnterInLedgerRequest]]:
    def enter(event: Any, meta: Metadata) -> Iterator[EnterInLedgerRequest]:
        happened_at = timestamp(meta.at)
        for request in tell(event, meta):
            if isinstance(request, TellCircleRequest):
                yield EnterInLedgerRequest(
                    learner_id=request.learner_id,
                    telling_id=request.telling_id,
                    kind=request.kind,
                    or_kind=request.or_kind,
                    happened_at=happened_at,
                )

    return enter


ledger.policies.update(
    {event: _entering(tell) for event, tell in telling.policies.items() if event.DESCRIPTOR.file.package not in _OF_NO_LEARNER}
)  # fmt: skip
