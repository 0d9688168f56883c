"""When a learner is to be through with each standard, as the mentor plans it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from eventkernel.aggregate import Aggregate, Context, Refusal
from mentoring.evidence.v1.progress_events_pb2 import PlannedEndSet
from mentoring.evidence.v1.progress_pb2 import SetPlannedEndRequest

from evidence.domain.days import day
from evidence.domain.standard import Standard


@dataclass(frozen=True, slots=True)
class PlannedEnds:
    """One learner's, by standard and version."""

    ends: Mapping[str, str] = field(default_factory=dict)


planned_end = Aggregate("planned-end", initial=PlannedEnds())


@planned_end.decide
def plan_end(state: PlannedEnds, command: SetPlannedEndRequest, context: Context) -> list[PlannedEndSet]:
    """Plans the day, or another one. It may lie in the past: then all of it is due."""
    day(command.ends_on, "ends_on")
    if context.principal.person_id == command.learner_id:
        raise Refusal("OWN_PLANNED_END", "nobody plans their own end; ask your mentor")
    if context.state(Standard).find(command.standard.version) is None:
        raise Refusal(
            "STANDARD_UNKNOWN",
            f"{command.standard.reference} {command.standard.version} is not known; import it first, with `mentorstream standard import` or ImportStandard, "
            "or name the version that the learner is on",
            field="standard",
        )
    event = PlannedEndSet(learner_id=command.learner_id, standard=command.standard, ends_on=command.ends_on)
    return [] if end_planned(state, event) == state else [event]


@planned_end.evolve
def end_planned(state: PlannedEnds, event: PlannedEndSet) -> PlannedEnds:
    """The newest day holds."""
    return PlannedEnds({**state.ends, f"{event.standard.reference} {event.standard.version}": event.ends_on})
