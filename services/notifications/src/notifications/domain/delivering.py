"""Delivering: whether a notice goes now, waits, is gathered for a digest, or does not go at all, by what its recipient wishes.

What is about a concern goes now, whatever anybody wishes: neither quiet hours nor a digest hold it, and nobody can leave it out.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.events_pb2 import Occasion, Outcome
from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest

from notifications.domain.delivery_policy import DeliveryPolicy
from notifications.domain.occasions import is_part
from notifications.domain.preferences import Preferences


@dataclass(frozen=True, slots=True)
class Now:
    """It goes by itself, now. `insists`: it is tried until it is taken, for as long as that takes."""

    insists: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """It goes by itself at that time at the earliest, and all is asked again then."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Gather:
    """It does not go by itself: it waits for its recipient's digest."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """It does not go, and this is what became of it."""

    outcome: Outcome.ValueType


Delivery = Now | Wait | Gather | Dropped


def delivery(
    notice: StartNoticeRequest,
    kinds: Collection[InformationKind.ValueType],
    preferences: Preferences,
    policy: DeliveryPolicy,
    now: datetime,
) -> Delivery:
    """What is to be done with a notice now.

    Args:
        kinds: of information that it is of, or may be: it is left out by whoever leaves out each. Unspecified where it was told to one person
            alone, which nobody can leave out.
    """
    if notice.safeguarding:
        return Now()
    dropped = dropped_as(notice, kinds, preferences, policy, now)
    if dropped:
        return Dropped(dropped)
    if notice.occasion in policy.at_once:
        return Now()
    wishes = preferences.wishes(policy)
    if wishes.gathering is not None and may_be_gathered(notice, policy):
        return Gather()
    until = wishes.quiet_until(now)
    return Wait(until) if until else Now()


def may_be_gathered(notice: StartNoticeRequest, policy: DeliveryPolicy) -> bool:
    """Whether it may wait for a digest: neither a digest itself, nor what could be over by then, nor what is for one address alone, where no
    digest goes: whoever put another in its place would read that there.
    """
    by_itself = policy.at_once | policy.in_no_digest | {Occasion.OCCASION_DIGEST}
    return not (notice.safeguarding or notice.registration or notice.occasion in by_itself)


def dropped_as(
    notice: StartNoticeRequest,
    kinds: Collection[InformationKind.ValueType],
    preferences: Preferences,
    policy: DeliveryPolicy,
    now: datetime,
) -> Outcome.ValueType:
    """Why a notice is not sent any more; unspecified: it is."""
    if all(kind in preferences.unsubscribed and may_be_left_out(notice, kind, policy) for kind in kinds):
        return Outcome.OUTCOME_UNSUBSCRIBED
    if is_too_late(notice, policy, now):
        return Outcome.OUTCOME_TOO_LATE
    return Outcome.OUTCOME_UNSPECIFIED


def may_be_left_out(notice: StartNoticeRequest, kind: InformationKind.ValueType, policy: DeliveryPolicy) -> bool:
    """Whether its recipient may choose not to be told: not of what is asked of them, whatever the provider has."""
    return (
        not notice.safeguarding
        and kind in policy.unsubscribing.kinds
        and notice.occasion not in policy.unsubscribing.kept
        and not is_part(notice.because)
    )


def is_too_late(notice: StartNoticeRequest, policy: DeliveryPolicy, now: datetime) -> bool:
    """Whether it was asked for so long ago that it is not worth sending; of old rows it is not known when, and they are.

    A digest is as old as the first that waited for it, and each of those has a time of its own.
    """
    worth = policy.worth.get(notice.occasion)
    of_its_own = not notice.safeguarding and notice.occasion != Occasion.OCCASION_DIGEST
    if worth is None or not of_its_own or not notice.HasField("requested_at"):
        return False
    return now - notice.requested_at.ToDatetime(UTC) > worth
