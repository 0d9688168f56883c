"""The pace of assessments and progress reviews that a provider sets. Each number has a value at all times: the default, until it is set."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo, available_timezones

from eventkernel.aggregate import Aggregate, Context, Refusal
from mentoring.evidence.v1.support_policy_events_pb2 import SupportNumbers, SupportPolicySet
from mentoring.evidence.v1.support_policy_pb2 import SetSupportPolicyRequest

from evidence.policy_defaults import SUPPORT, TIME_ZONE


@dataclass(frozen=True, slots=True)
class SupportPolicy:
    """What holds. `numbers` has all of the contract's `SupportNumbers`, by their names."""

    time_zone: str = TIME_ZONE
    numbers: Mapping[str, int] = field(default_factory=lambda: dict(SUPPORT))

    @property
    def zone(self) -> ZoneInfo:
        """Where the provider's days begin and end."""
        return ZoneInfo(self.time_zone)


support_policy = Aggregate("support-policy", initial=SupportPolicy())


@support_policy.decide
def set_policy(state: SupportPolicy, command: SetSupportPolicyRequest, _context: Context) -> list[SupportPolicySet]:
    """Sets all of it. What runs already keeps its time."""
    time_zone = command.time_zone or TIME_ZONE
    if time_zone not in available_timezones():
        raise Refusal(
            "TIME_ZONE_UNKNOWN",
            f"{time_zone} is no name of the IANA time zone database; give one like Europe/London",
            field="time_zone",
        )
    event = SupportPolicySet(time_zone=time_zone, numbers=SupportNumbers(**_all(command.numbers)))
    return [] if policy_set(state, event) == state else [event]


@support_policy.evolve
def policy_set(_state: SupportPolicy, event: SupportPolicySet) -> SupportPolicy:
    """It replaces what held before."""
    return SupportPolicy(event.time_zone, _all(event.numbers))


def _all(given: SupportNumbers) -> Mapping[str, int]:
    """The numbers that were given, and the defaults of those that were not."""
    return {**SUPPORT, **{number.name: value for number, value in given.ListFields()}}
