"""Looks whether a notice goes now: its need, its recipient's wishes and its time are asked again before each attempt.

What waits keeps its due row and nothing else. So it outlives any process, is sent by nobody twice, and follows preferences that change.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from eventkernel.aggregate import Aggregate
from eventkernel.reaction import Doing, TryAgain
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.events_pb2 import Occasion, Outcome
from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest

from notifications.default_delivery import default_delivery
from notifications.default_matrix import default_matrix
from notifications.domain.acknowledgements import acknowledgements
from notifications.domain.circle import circle
from notifications.domain.conditions import conditions
from notifications.domain.delivering import Delivery, Dropped, Gather, Now, Wait, delivery, may_be_left_out
from notifications.domain.delivery_policy import DeliveryPolicy, delivery_policy
from notifications.domain.digest import digest
from notifications.domain.need_to_know import NeedToKnow, need_to_know
from notifications.domain.preferences import preferences
from notifications.domain.telling import kinds_of, telling
from notifications.domain.wishes import Wishes


@dataclass(frozen=True)
class Holding:
    """What is asked of the provider's policies and the recipient's preferences.

    Args:
        matrix: the provider's need-to-know policy.
        policy: the provider's rules for sending.
        look_again: what waits is looked at so often, since its recipient may have changed their mind.
    """

    matrix: Aggregate[NeedToKnow] = field(default_factory=lambda: need_to_know(default_matrix()))
    policy: Aggregate[DeliveryPolicy] = field(default_factory=lambda: delivery_policy(default_delivery()))
    look_again: timedelta = timedelta(hours=1)

    async def looked_at(self, request: StartNoticeRequest, doing: Doing) -> Now | Gather | Dropped:
        """Whether it goes now, is gathered, or is not sent any more. Raises TryAgain where it waits."""
        if request.safeguarding:
            taken = await doing.state(acknowledgements, f"acknowledgement-{request.about_id}")
            if taken.answer(request):
                return Dropped(Outcome.OUTCOME_ACKNOWLEDGED)
            return Now(insists=not taken.is_closed(request))
        found = await self._found(request, doing)
        if isinstance(found, Wait):
            raise TryAgain(self._seconds(found.until, doing.now), "QUIET_HOURS")
        return found

    async def dropped(self, request: StartNoticeRequest, doing: Doing) -> Outcome.ValueType:
        """Why what waits for a digest is told no more; unspecified: it is."""
        found = await self._found(request, doing)
        return found.outcome if isinstance(found, Dropped) else Outcome.OUTCOME_UNSPECIFIED

    async def _found(self, request: StartNoticeRequest, doing: Doing) -> Delivery:
        told, matrix, wishes, policy = await asyncio.gather(
            doing.state(telling, f"telling-{request.telling_id}"),
            doing.state(self.matrix, "need-to-know"),
            doing.state(preferences, f"preferences-{request.recipient_id}"),
            doing.state(self.policy, "delivery-policy"),
        )
        around, depends_on = await asyncio.gather(
            doing.state(circle, f"circle-{told.learner_id}"), doing.state(conditions, f"conditions-{told.learner_id}")
        )
        if not told.is_still_needed(request, around, matrix, depends_on, doing.now):
            return Dropped(Outcome.OUTCOME_NEED_ENDED)
        return delivery(request, kinds_of(told), wishes, policy, doing.now)

    async def may_leave_out(self, request: StartNoticeRequest, doing: Doing) -> tuple[InformationKind.ValueType, ...]:
        """The kinds that this is of, where its recipient may leave them out; of a digest, those of what it lists."""
        if request.safeguarding:
            return ()
        policy, told = await doing.state(self.policy, "delivery-policy"), [request]
        if request.occasion == Occasion.OCCASION_DIGEST:
            known = await doing.state(digest, f"digest-{request.recipient_id}")
            told = [one.for_person(request.recipient_id) for one in known.listed]
        found = set[InformationKind.ValueType]()
        for one in told:
            of = await doing.state(telling, f"telling-{one.telling_id}")
            kinds = kinds_of(of)
            if all(may_be_left_out(one, kind, policy) for kind in kinds):
                found.update(kinds)
        return tuple(sorted(found))

    async def wishes(self, person_id: str, doing: Doing) -> Wishes:
        """What holds for somebody."""
        said, policy = await asyncio.gather(
            doing.state(preferences, f"preferences-{person_id}"), doing.state(self.policy, "delivery-policy")
        )
        return said.wishes(policy)

    def _seconds(self, until: datetime, now: datetime) -> float:
        return min(self.look_again, until - now).total_seconds()
