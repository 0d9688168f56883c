"""Whatever happens to a concern, in whatever order: it has one status, a deadline until acknowledged, and never a wrong reader."""

from collections.abc import Sequence

from eventkernel.messages import Principal
from eventkernel.testing.scenario import assert_folds_in_pieces
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1 import safeguarding_pb2 as calls
from mentoring.safeguarding.v1.attachment_events_pb2 import ConcernAttached
from mentoring.safeguarding.v1.handling_events_pb2 import CONCERN_DUE_ACTION, ConcernPersonLinked
from mentoring.safeguarding.v1.handling_pb2 import LinkPersonRequest
from pydantic import TypeAdapter
from safeguarding.domain.concern import concern
from safeguarding.domain.concern_state import Concern
from safeguarding.domain.rota import Rota

from .histories import PLATFORM, Deed, Given, RotaChanges, concerns, histories, rotas, somebody
from .stories import Tale, escalation_of, refusal_of

_MANY = settings(max_examples=300, deadline=None)
_STAFF = (events.CONCERN_CATEGORY_STAFF_LOW_LEVEL, events.CONCERN_CATEGORY_STAFF_ALLEGATION)
_STATUSES = set(calls.ConcernStatus.values()) - {calls.CONCERN_STATUS_UNSPECIFIED}
_CONCERN = TypeAdapter(Concern)
_CONTENT = ["category", "severity", "person_at_risk_id", "named_person_ids", "narrative", "anonymous"]


def involved(command: calls.RaiseConcernRequest | events.ConcernRaised) -> set[str]:
    return {command.person_at_risk_id, *command.named_person_ids}


def dsls_of(rota: Rota) -> set[str]:
    return {rota.dsl_id, *rota.deputy_ids} - {""}


def in_it(happened: Sequence[Message]) -> set[str]:
    """Everybody who is at risk or named by then."""
    linked = {event.person_id for event in happened if isinstance(event, ConcernPersonLinked)}
    return linked | {
        person for event in happened if isinstance(event, events.ConcernRaised) for person in involved(event)
    }


def may_be_asked(rota: Rota, tale: Tale, stood: set[str]) -> set[str]:
    """Who of a rota, or by a rule, may be asked, by the words of DOMAIN.md and not by the code under test; `stood`: who ever was DSL or
    deputy. Whoever is spelled otherwise in a rule than on the rota is asked as on the rota.
    """
    named, raise_ = in_it(tale.happened), the_raise(tale)
    fitting = [
        rule
        for rule in tale.policy.rules
        if raise_.category in (rule.categories or {raise_.category})
        and raise_.site_id in (rule.site_ids or {raise_.site_id})
    ]
    spelled = {one.lower(): one for one in dsls_of(rota) | {rota.senior_lead_id}}
    dsls = dsls_of(rota) | {spelled.get(one.lower(), one) for rule in fitting[:1] for one in rule.first_ids}
    dsls = {one for one in dsls if one.lower() not in named}
    about_a_dsl = the_raise(tale).category in _STAFF and stood & named
    return ({rota.senior_lead_id} if about_a_dsl else dsls | {rota.senior_lead_id}) - named - {""}


def the_raise(tale: Tale) -> events.ConcernRaised:
    first = tale.happened[0]
    assert isinstance(first, events.ConcernRaised)
    return first


@_MANY
@given(histories())
def test_a_concern_always_has_one_status_and_a_deadline_exactly_until_it_is_acknowledged(
    history: tuple[Tale, list[Deed]],
) -> None:
    tale, deeds = history
    for deed in deeds:
        deed(tale)
        assert tale.state.status in _STATUSES
        awaiting = tale.state.status == calls.CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT
        assert awaiting == (tale.state.acknowledge_by is not None) == (not tale.state.acknowledged_by_id)


@_MANY
@given(histories())
def test_it_is_given_to_somebody_wherever_there_is_somebody_and_never_to_one_at_risk_or_named(
    history: tuple[Tale, list[Deed]],
) -> None:
    tale, deeds = history
    stood = dsls_of(tale.rota)
    check_assignments(tale.happened, may_be_asked(tale.rota, tale, stood))
    for deed in deeds:
        decided = deed(tale)
        check_assignments(decided, may_be_asked(tale.rota, tale, stood))
        stood |= dsls_of(tale.rota)


def check_assignments(decided: Sequence[Message], eligible: set[str]) -> None:
    for event in decided:
        if not isinstance(event, events.ConcernAssigned):
            continue
        if event.assignee_role == events.ASSIGNEE_ROLE_NEXT_TO_BE_ASKED:
            assert event.assignee_id == ""
        # Who has it already is told of what was added to it, whatever the rota became.
        elif event.assignee_role != events.ASSIGNEE_ROLE_HANDLER:
            assert event.assignee_id in (eligible or {""})
            assert (event.assignee_role == events.ASSIGNEE_ROLE_NOBODY_ON_ROTA) == (not eligible)


@_MANY
@given(histories())
def test_what_is_added_is_told_to_whoever_has_it_and_waits_with_a_deadline_unless_they_added_it(
    history: tuple[Tale, list[Deed]],
) -> None:
    tale, deeds = history
    for deed in deeds:
        before = tale.state
        decided = deed(tale)
        if not (decided and isinstance(decided[0], events.ConcernAddedTo | ConcernAttached)):
            continue
        holder = before.acknowledged_by_id or before.assignee_id
        asked = decided[-1]
        if holder in in_it(tale.happened):
            assert isinstance(asked, events.ConcernAssigned)
            assert asked.assignee_role == events.ASSIGNEE_ROLE_NEXT_TO_BE_ASKED
            assert tale.state.acknowledge_by == tale.now
            assert not tale.state.is_handler(holder)
            continue
        if holder in ("", decided[0].author_id):
            assert not isinstance(asked, events.ConcernAssigned)
            continue
        assert isinstance(asked, events.ConcernAssigned)
        assert (asked.assignee_id, asked.assignee_role) == (holder, events.ASSIGNEE_ROLE_HANDLER)
        assert tale.state.is_handler(holder)
        assert tale.state.acknowledge_by is not None
        assert before.acknowledge_by in (None, tale.state.acknowledge_by)


@_MANY
@given(histories())
def test_nobody_at_risk_or_named_ever_reads_it_or_acts_on_it(history: tuple[Tale, list[Deed]]) -> None:
    tale, deeds = history
    for deed in deeds:
        known, decided = in_it(tale.happened), deed(tale)
        for event in decided:
            assert getattr(event, "handler_id", "") not in known
        assert not any(tale.state.is_handler(person_id) for person_id in in_it(tale.happened))


@_MANY
@given(histories())
def test_whoever_has_acknowledged_it_has_a_time_to_act_by_until_they_do(history: tuple[Tale, list[Deed]]) -> None:
    tale, deeds = history
    for deed in deeds:
        deed(tale)
        acts = [one for one in tale.state.due if one.kind == CONCERN_DUE_ACTION]
        if tale.state.status == calls.CONCERN_STATUS_ACKNOWLEDGED:
            assert len(acts) == 1
        if tale.state.status in (calls.CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT, calls.CONCERN_STATUS_CLOSED):
            assert not acts
        assert len({one.due_id for one in tale.state.due}) == len(tale.state.due)


@_MANY
@given(histories())
def test_a_command_given_again_adds_nothing(history: tuple[Tale, list[Deed]]) -> None:
    """Texts are the exception: an addition or an action is told from its repeat by its idempotency key, in the kernel."""
    tale, deeds = history
    for deed in deeds:
        decided = deed(tale)
        if isinstance(deed, Given) and isinstance(
            deed.command, calls.AddToConcernRequest | calls.RecordActionRequest | LinkPersonRequest
        ):
            continue
        if decided and isinstance(decided[0], events.ConcernEscalated):
            assert tale.give_or_not(escalation_of(decided[0].step), PLATFORM) == []
        elif isinstance(deed, Given):
            assert tale.give_or_not(deed.command, deed.by) == []


@_MANY
@given(histories())
def test_folding_in_pieces_and_through_a_snapshot_is_folding_at_once(history: tuple[Tale, list[Deed]]) -> None:
    tale, deeds = history
    for deed in deeds:
        deed(tale)
        assert _CONCERN.validate_json(_CONCERN.dump_json(tale.state)) == tale.state
    assert_folds_in_pieces(concern, tale.happened)
    assert concern.fold(concern.initial, tale.happened) == tale.state


@_MANY
@given(histories(), rotas)
def test_from_wherever_it_stands_missed_deadlines_reach_everybody_who_may_be_asked(
    history: tuple[Tale, list[Deed]], rota: Rota
) -> None:
    tale, deeds = history
    stood = dsls_of(tale.rota) | dsls_of(rota)
    for deed in deeds:
        deed(tale)
        stood |= dsls_of(tale.rota)
    if tale.state.acknowledge_by is None:
        return
    RotaChanges(rota)(tale)
    eligible = may_be_asked(rota, tale, stood)
    for _ in range(len(eligible) + 1):
        before = tale.state
        tale.miss_the_deadline()
        assert tale.state.step == before.step + 1
        assert tale.state.acknowledge_by is not None
        assert before.acknowledge_by is not None
        assert tale.state.acknowledge_by > before.acknowledge_by
    assert eligible <= set(tale.state.asked_ids)
    assert bool(tale.state.assignee_id) == bool(eligible)
    if rota.senior_lead_id in eligible:
        assert tale.state.assignee_id == rota.senior_lead_id


def only(request: calls.RaiseConcernRequest, field: str) -> calls.RaiseConcernRequest:
    return calls.RaiseConcernRequest(**{field: getattr(request, field)})


@_MANY
@given(concerns, concerns, st.sets(st.sampled_from(_CONTENT), max_size=2), somebody, somebody)
def test_only_the_same_content_from_the_same_raiser_is_a_repeat(
    first: calls.RaiseConcernRequest,
    other_content: calls.RaiseConcernRequest,
    differs_in: set[str],
    raiser: Principal,
    other: Principal,
) -> None:
    tale = Tale()
    tale.give(first, raiser)
    second = calls.RaiseConcernRequest()
    second.CopyFrom(first)
    for field in differs_in:
        second.ClearField(field)  # type: ignore[arg-type]
        second.MergeFrom(only(other_content, field))
    for request in (first, second):
        request.named_person_ids.sort()
    if first == second and raiser.person_id == other.person_id:
        assert tale.give(second, other) == []
    else:
        assert refusal_of(tale, second, other).code == "CONCERN_EXISTS"
