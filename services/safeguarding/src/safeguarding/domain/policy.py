"""How long a person has to acknowledge a concern, and who is asked first. Every severity has a deadline at all times, whether or not the
provider set one, and every setting is a version of its own.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from eventkernel.aggregate import Aggregate, Context, Refusal
from google.protobuf.duration_pb2 import Duration
from mentoring.safeguarding.v1.events_pb2 import (
    SEVERITY_IMMEDIATE_DANGER,
    SEVERITY_OTHER,
    SEVERITY_SERIOUS,
    RoutingPolicySet,
    Severity,
)
from mentoring.safeguarding.v1.routing_events_pb2 import RouteRulesSet
from mentoring.safeguarding.v1.routing_pb2 import SetRouteRulesRequest
from mentoring.safeguarding.v1.safeguarding_pb2 import SetRoutingPolicyRequest

from safeguarding.domain.route_rules import Rule, faults_of, rules_of
from safeguarding.policy_defaults import ACKNOWLEDGE_WITHIN, ACT_WITHIN, EMERGENCY_ADVICE, QUIET_AFTER

_Deadline = Literal["immediate_danger", "serious", "other", "act_on_immediate_danger", "act_on_serious", "act_on_other"]
_Length = Literal["act_on_immediate_danger", "act_on_serious", "act_on_other", "quiet_after"]
# Pairs of what may not be longer, and what it may not be longer than.
_ORDER: tuple[tuple[_Deadline, _Deadline], ...] = (
    ("immediate_danger", "serious"),
    ("serious", "other"),
    ("act_on_immediate_danger", "act_on_serious"),
    ("act_on_serious", "act_on_other"),
)


@dataclass(frozen=True, slots=True)
class RoutingPolicy:
    """A provider's deadlines for acknowledgement, who is asked first, and its last resort. DOMAIN.md, Rules that carry numbers.

    `version` counts how often any of it was set.
    """

    immediate_danger: timedelta
    serious: timedelta
    other: timedelta
    # Whom to ask where a site's rota has nobody who may be asked; empty: nobody.
    last_resort_id: str = ""
    # What to do in immediate danger.
    emergency_advice: str = EMERGENCY_ADVICE
    act_on_immediate_danger: timedelta = ACT_WITHIN["immediate_danger"]
    act_on_serious: timedelta = ACT_WITHIN["serious"]
    act_on_other: timedelta = ACT_WITHIN["other"]
    # How long an open concern may be left alone.
    quiet_after: timedelta = QUIET_AFTER
    rules: tuple[Rule, ...] = ()
    version: int = 0

    def act_within(self, severity: Severity.ValueType) -> timedelta:
        """How long whoever acknowledged a concern has to do something about it."""
        return {
            SEVERITY_IMMEDIATE_DANGER: self.act_on_immediate_danger,
            SEVERITY_SERIOUS: self.act_on_serious,
            SEVERITY_OTHER: self.act_on_other,
        }[severity]

    def acknowledge_within(self, severity: Severity.ValueType) -> timedelta:
        """How long each person who is asked has."""
        return {
            SEVERITY_IMMEDIATE_DANGER: self.immediate_danger,
            SEVERITY_SERIOUS: self.serious,
            SEVERITY_OTHER: self.other,
        }[severity]


_DEFAULT = RoutingPolicy(
    immediate_danger=ACKNOWLEDGE_WITHIN["immediate_danger"],
    serious=ACKNOWLEDGE_WITHIN["serious"],
    other=ACKNOWLEDGE_WITHIN["other"],
)
# Shape 2: it counts its versions.
policy = Aggregate("routing-policy", initial=_DEFAULT, shape=2)


@policy.decide
def set_policy(state: RoutingPolicy, command: SetRoutingPolicyRequest, _context: Context) -> list[RoutingPolicySet]:
    """Sets all of it but the rules. A deadline that runs keeps its time; the next one follows the new policy.

    Raises:
        Refusal: it would take away who is asked last, or give more time for something graver than for something less grave.
    """
    if state.last_resort_id and not command.last_resort_id:
        text = (
            f"name who is asked last; it was {state.last_resort_id}: without one, a concern with no rota goes to nobody"
        )
        raise Refusal("LAST_RESORT_MISSING", text, field="last_resort_id")
    event = RoutingPolicySet(
        immediate_danger=command.immediate_danger,
        serious=command.serious,
        other=command.other,
        last_resort_id=command.last_resort_id,
        emergency_advice=command.emergency_advice,
        act_on_immediate_danger=_given(command, "act_on_immediate_danger"),
        act_on_serious=_given(command, "act_on_serious"),
        act_on_other=_given(command, "act_on_other"),
        quiet_after=_given(command, "quiet_after"),
    )
    found = policy_set(state, event)
    _in_order(command, found)
    return [] if replace(found, version=state.version) == state else [event]


@policy.decide
def set_rules(state: RoutingPolicy, command: SetRouteRulesRequest, _context: Context) -> list[RouteRulesSet]:
    """Sets all rules; none is none. Concerns that wait are asked by them from their next deadline on."""
    rules = rules_of(command.rules)
    if faults := list(faults_of(rules)):
        raise Refusal(faults[0].code, "; ".join(fault.text for fault in faults), field=faults[0].field)
    return [] if rules == state.rules else [RouteRulesSet(rules=command.rules)]


@policy.evolve
def rules_set(state: RoutingPolicy, event: RouteRulesSet) -> RoutingPolicy:
    """The new rules replace the old ones."""
    return replace(state, rules=rules_of(event.rules), version=state.version + 1)


@policy.evolve
def policy_set(state: RoutingPolicy, event: RoutingPolicySet) -> RoutingPolicy:
    """The new deadlines replace the old ones; the rules stay."""
    return RoutingPolicy(
        immediate_danger=event.immediate_danger.ToTimedelta(),
        serious=event.serious.ToTimedelta(),
        other=event.other.ToTimedelta(),
        last_resort_id=event.last_resort_id,
        emergency_advice=event.emergency_advice or EMERGENCY_ADVICE,
        act_on_immediate_danger=_or(event, "act_on_immediate_danger", ACT_WITHIN["immediate_danger"]),
        act_on_serious=_or(event, "act_on_serious", ACT_WITHIN["serious"]),
        act_on_other=_or(event, "act_on_other", ACT_WITHIN["other"]),
        quiet_after=_or(event, "quiet_after", QUIET_AFTER),
        rules=state.rules,
        version=state.version + 1,
    )


def _in_order(command: SetRoutingPolicyRequest, found: RoutingPolicy) -> None:
    """The graver it is, the sooner. What the command does not set is as it is by default, and the field that it sets is named."""
    for graver, lesser in _ORDER:
        most, least = getattr(found, lesser), getattr(found, graver)
        if least <= most:
            continue
        field, bound, other, length = (graver, "at most", lesser, most)
        if not command.HasField(graver):
            field, bound, other, length = (lesser, "at least", graver, least)
        text = f"{field} has to be {bound} {length.total_seconds():g} s, which is {other}"
        raise Refusal("DEADLINES_OUT_OF_ORDER", text, field=field)


def _given(command: SetRoutingPolicyRequest, field: _Length) -> Duration | None:
    return getattr(command, field) if command.HasField(field) else None


def _or(event: RoutingPolicySet, field: _Length, default: timedelta) -> timedelta:
    length: Duration = getattr(event, field)
    return length.ToTimedelta() if event.HasField(field) else default
