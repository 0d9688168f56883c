"""Who is asked at a site: the DSL on duty, deputies in order, the senior lead. One person holds one place, so each rung is another."""

from dataclasses import dataclass

from eventkernel.aggregate import Aggregate, Context, Refusal
from mentoring.safeguarding.v1.duty_events_pb2 import RotaChanged
from mentoring.safeguarding.v1.events_pb2 import RotaSet
from mentoring.safeguarding.v1.safeguarding_pb2 import SetRotaRequest


@dataclass(frozen=True, slots=True)
class Rota:
    """The rota of one site. Before it is set, nobody is on it.

    `stood_ids` has everybody who stands or ever stood on it as DSL or deputy: a DSL who is off duty is one all the same.
    """

    dsl_id: str = ""
    deputy_ids: tuple[str, ...] = ()
    senior_lead_id: str = ""
    stood_ids: frozenset[str] = frozenset()


rota = Aggregate("rota", initial=Rota())


@rota.decide
def set_rota(state: Rota, command: SetRotaRequest, _context: Context) -> list[RotaSet | RotaChanged]:
    """Sets the whole rota. Concerns that wait are asked by it from their next deadline on."""
    _refuse_two_places(command)
    event = RotaSet(
        site_id=command.site_id,
        dsl_id=command.dsl_id,
        deputy_ids=command.deputy_ids,
        senior_lead_id=command.senior_lead_id,
    )
    if rota_set(state, event) == state:
        return []
    return [event, RotaChanged(site_id=command.site_id)]


@rota.evolve
def rota_set(state: Rota, event: RotaSet) -> Rota:
    """The new rota replaces the old one; who stood on it is remembered."""
    stood_ids = state.stood_ids | {event.dsl_id, *event.deputy_ids}
    return Rota(event.dsl_id, tuple(event.deputy_ids), event.senior_lead_id, stood_ids)


@rota.evolve
def rota_changed(state: Rota, _event: RotaChanged) -> Rota:
    """Tells others of it."""
    return state


def _refuse_two_places(command: SetRotaRequest) -> None:
    # Whether the letters are large or small, as where somebody is named in a concern.
    held = {command.dsl_id.casefold()}
    places = [*(("deputy_ids", person) for person in command.deputy_ids), ("senior_lead_id", command.senior_lead_id)]
    for field, person in places:
        if person.casefold() in held:
            raise Refusal(
                "ROTA_PERSON_TWICE",
                f"{person} stands on the rota twice. Give each place to another person, so that a missed deadline reaches somebody new.",
                field=field,
            )
        held.add(person.casefold())
