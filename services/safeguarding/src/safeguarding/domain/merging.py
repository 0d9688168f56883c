"""Two concerns that are the same matter: one leads, the other is merged into it, and separated where that was wrong. Neither history changes.

Each is a stream of its own. The leading one knows of the other first, and only then does anything stop of that: at every moment at least one
clock runs for both. What is decided on one is decided again on the other, which may have changed meanwhile; then it stays on its own.
"""

from collections.abc import Collection
from dataclasses import replace

from eventkernel.aggregate import Context, NotYet, Refusal
from eventkernel.timestamps import timestamp
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.safeguarding.v1.events_pb2 import SEVERITY_SERIOUS, ConcernAssigned, ConcernFoundAboutDsl
from mentoring.safeguarding.v1.handling_events_pb2 import (
    CONCERN_DUE_ANSWER_TO_REFERRAL,
    CONCERN_DUE_LOOK_AT_ROTA,
    CONCERN_DUE_PASSING_ON,
    CONCERN_DUE_TASK,
    ConcernDueSet,
)
from mentoring.safeguarding.v1.merging_events_pb2 import (
    ConcernMergeBegun,
    ConcernMerged,
    ConcernMergeExplained,
    ConcernSeparated,
    ConcernSeparationExplained,
    MergedConcernAddedTo,
    MergedConcernHeardOf,
    MergedConcernLetGo,
)
from mentoring.safeguarding.v1.merging_pb2 import (
    HearOfMergedConcernRequest,
    JoinLeadingConcernRequest,
    LetGoOfMergedConcernRequest,
    MergeConcernsRequest,
    SeparateConcernRequest,
)
from mentoring.safeguarding.v1.safeguarding_pb2 import (
    CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT,
    CONCERN_STATUS_MERGED,
)

from safeguarding.domain.asking import asked_next
from safeguarding.domain.concern_state import (
    Concern,
    Leading,
    Merged,
    asked_again,
    handler,
    looked_into,
    not_yours,
    refuse_another_site,
    refuse_unless_open,
    taken_away,
    worked_on,
)
from safeguarding.domain.routing import is_about_staff, is_among

# What is chased of the duplicate alone: it would be forgotten with it. Acting, and being left alone, the leading concern's own clocks cover;
# so they do the LADO, since allegations are merged with allegations only.
_CHASED_ALONE = {
    CONCERN_DUE_ANSWER_TO_REFERRAL: "a body that it was referred to is to answer",
    CONCERN_DUE_TASK: "a task of it is to be done",
    CONCERN_DUE_PASSING_ON: "somebody is asked to take it",
    CONCERN_DUE_LOOK_AT_ROTA: "it is being found out whether it is about a DSL",
}


def merge(
    state: Concern, command: MergeConcernsRequest, context: Context
) -> list[ConcernMergeExplained | ConcernMergeBegun | ConcernDueSet]:
    """A handler of this one, who has the other, merges that into this one, with a reason which stays with the service.

    Everybody who is kept away from the other is from this one, from the same commit on.
    """
    person_id, duplicate = handler(state, context), context.state(Concern)
    if not duplicate.is_handler(person_id):
        raise not_yours()
    if command.duplicate_id == command.concern_id:
        raise Refusal(
            "MERGED_INTO_ITSELF", "A concern is not merged into itself. Give another one.", field="duplicate_id"
        )
    known = state.find_merged(command.duplicate_id)
    if known is not None and (duplicate.leading or duplicate.answered != Leading(state.concern_id, known.number)):
        return []
    refuse_unless_fit(state, duplicate)
    if duplicate.held_by_id != person_id:
        raise Refusal(
            "CONCERN_HELD_BY_ANOTHER",
            "Another handler has the duplicate, and would lose it unheard. Ask them to merge it, or to pass it on to you, or let it lead.",
            field="duplicate_id",
        )
    number = state.mergings + 1
    kept_away_ids = _not_among(duplicate.excluded_ids, state.excluded_ids)
    return [
        ConcernMergeExplained(
            concern_id=state.concern_id,
            person_at_risk_id=state.person_at_risk_id,
            duplicate_id=duplicate.concern_id,
            number=number,
            merged_by_id=person_id,
            reason=Sealed(to_be_sealed=command.reason),
            at=timestamp(context.now),
            kept_away_ids=kept_away_ids,
            additions=duplicate.additions,
        ),
        ConcernMergeBegun(concern_id=state.concern_id, duplicate_id=duplicate.concern_id, number=number),
        *looked_into(state, kept_away_ids, context),
    ]


def join(
    state: Concern, command: JoinLeadingConcernRequest, context: Context
) -> list[ConcernMerged | ConcernSeparated]:
    """This concern's clocks stop, now that the leading one knows of it; where either changed so that they do not fit, it stays on its own."""
    leading, this = context.state(Concern), Leading(command.leading_id, command.number)
    if leading.mergings < command.number:
        raise NotYet("MERGING_UNKNOWN", "The leading concern does not know of this merging yet. Come again.")
    known = leading.find_merged(state.concern_id)
    if this in (state.answered, state.leading) or known is None or known.number != command.number:
        return []
    names = {"concern_id": state.concern_id, "leading_id": command.leading_id}
    # Who came into it since would not be kept away from the leading one, and who was given it since would lose it unheard.
    is_changed = known.by_id != state.held_by_id or _not_among(state.excluded_ids, leading.excluded_ids)
    if is_changed or not _fits(leading, state):
        return [ConcernSeparated(**names, number=command.number)]
    return [ConcernMerged(**names, number=command.number)]


def hear_of(
    state: Concern, command: HearOfMergedConcernRequest, context: Context
) -> list[MergedConcernHeardOf | ConcernAssigned | ConcernDueSet]:
    """Whoever has this concern is told that the other is merged, and of what is added to it since. Whom that names is kept away from
    here on; where it is whoever has this concern, they lose it and the next person is asked at once.
    """
    other, known = context.state(Concern), state.find_merged(command.merged_id)
    if known is None:
        return []
    kept_away_ids = _not_among(other.excluded_ids, state.excluded_ids)
    is_merged = other.leading == Leading(state.concern_id, known.number)
    # Once it is separated, whoever is asked for it reads what was added.
    is_new = is_merged and known.heard < other.additions
    if not kept_away_ids and not is_new:
        return []
    heard_now = MergedConcernHeardOf(
        concern_id=state.concern_id,
        merged_id=command.merged_id,
        kept_away_ids=kept_away_ids,
        additions=other.additions if is_merged else max(known.heard, 0),
    )
    if lost := taken_away(state, kept_away_ids, context):
        return [heard_now, *lost]
    told = [asked_again(state, context)] if is_new and state.held_by_id else []
    return [heard_now, *looked_into(state, kept_away_ids, context), *told]


def separate(
    state: Concern, command: SeparateConcernRequest, context: Context
) -> list[ConcernSeparationExplained | ConcernSeparated | ConcernFoundAboutDsl | ConcernAssigned]:
    """A handler of the leading concern undoes it, with a reason which stays with the service. Whoever had it is asked
    where they are on its ladder now, else somebody as when it was raised.

    Where the leading one went past every DSL meanwhile, so does this from here on, whatever the rota has become.
    """
    person_id, leading = context.principal.person_id, context.state(Concern)
    if not leading.is_handler(person_id) or is_among(person_id, state.excluded_ids):
        raise not_yours()
    if state.leading is None or state.leading.concern_id != command.leading_id:
        raise Refusal(
            "CONCERN_NOT_MERGED",
            "This concern is not merged into that one. GetConcern says what it is merged into; what was asked for just now takes a moment.",
            field="leading_id",
        )
    refuse_another_site(state, command.site_id)
    explained_now = ConcernSeparationExplained(
        concern_id=state.concern_id,
        person_at_risk_id=state.person_at_risk_id,
        leading_id=command.leading_id,
        number=state.leading.number,
        separated_by_id=person_id,
        reason=Sealed(to_be_sealed=command.reason),
        at=timestamp(context.now),
        kept_away_ids=_not_among(leading.excluded_ids, state.excluded_ids),
    )
    separated_now = ConcernSeparated(
        concern_id=state.concern_id, leading_id=command.leading_id, number=state.leading.number
    )
    after = separated(separation_explained(state, explained_now), separated_now)
    found = list[ConcernFoundAboutDsl]()
    if leading.past_every_dsl and not state.past_every_dsl:
        found = [ConcernFoundAboutDsl(concern_id=state.concern_id)]
        after = replace(after, past_every_dsl=True)
    return [
        explained_now,
        separated_now,
        *found,
        *asked_next(replace(after, asked_ids=()), context, rather=state.held_by_id),
    ]


def let_go(state: Concern, command: LetGoOfMergedConcernRequest, context: Context) -> list[MergedConcernLetGo]:
    """The other is on its own, and this one leads it no more. Who is kept away stays so."""
    known, this = state.find_merged(command.merged_id), Leading(state.concern_id, command.number)
    if known is None or known.number != command.number or context.state(Concern).leading == this:
        return []
    return [MergedConcernLetGo(concern_id=state.concern_id, merged_id=command.merged_id, number=command.number)]


def refuse_unless_fit(leading: Concern, duplicate: Concern) -> None:
    """Raises Refusal unless the one may go on for both: what is due of it covers all that stops, and nobody loses or gets sight of either
    whom it is kept from.
    """
    _refuse_unless_open(leading, "concern_id")
    _refuse_unless_open(duplicate, "duplicate_id")
    if duplicate.merged:
        raise Refusal(
            "CONCERN_LEADS_OTHERS",
            "Others are merged into this concern. Let it lead, or separate them first.",
            field="duplicate_id",
        )
    if _kind(leading) != _kind(duplicate) or leading.past_every_dsl != duplicate.past_every_dsl:
        raise Refusal(
            "CONCERNS_KEPT_APART",
            "A concern about the conduct of staff is merged only with one of the same category, and one about a DSL only with another "
            "about a DSL. Triage both as what they are, or keep them apart.",
            field="duplicate_id",
        )
    if _severity(duplicate) < _severity(leading):
        raise Refusal(
            "LEADING_LESS_SERIOUS",
            "The duplicate is more serious than the leading concern, whose times would be too long. Triage the leading one as that first, "
            "or let the other lead.",
            field="concern_id",
        )
    _refuse_what_is_chased_alone(duplicate)
    if _is_in_hands_of(leading, duplicate) or _is_in_hands_of(duplicate, leading):
        raise Refusal(
            "HANDLER_IN_THE_OTHER",
            "Whoever has one of the two, or is to take or do something of it, is kept away from the other. Have it passed on, or the task done, first.",
            field="duplicate_id",
        )


def merge_explained(state: Concern, event: ConcernMergeExplained) -> Concern:
    """The reason is a text: the state keeps none. Whoever has this concern and merges it themself need not be told."""
    heard = event.additions if event.merged_by_id == state.held_by_id else -1
    one = Merged(event.duplicate_id, event.number, heard, event.merged_by_id)
    return replace(
        worked_on(state, event.at),
        merged=(*_without(state, event.duplicate_id), one),
        mergings=event.number,
        kept_away_ids=state.kept_away_ids | set(event.kept_away_ids),
    )


def merge_begun(state: Concern, _event: ConcernMergeBegun) -> Concern:
    """What explains it, in the same commit, says all."""
    return state


def merged(state: Concern, event: ConcernMerged) -> Concern:
    """Nothing of it is due any more: that goes on with the leading concern."""
    leading = Leading(event.leading_id, event.number)
    return replace(
        state, status=CONCERN_STATUS_MERGED, leading=leading, answered=leading, acknowledge_by=None, due=(),
        left_alone=False,
    )  # fmt: skip


def heard_of(state: Concern, event: MergedConcernHeardOf) -> Concern:
    """So much of the other is known to whoever has this one."""
    return replace(
        state,
        merged=tuple(
            replace(one, heard=event.additions) if one.concern_id == event.merged_id else one for one in state.merged
        ),
        kept_away_ids=state.kept_away_ids | set(event.kept_away_ids),
    )


def separation_explained(state: Concern, event: ConcernSeparationExplained) -> Concern:
    """The reason is a text: the state keeps none."""
    return replace(worked_on(state, event.at), kept_away_ids=state.kept_away_ids | set(event.kept_away_ids))


def separated(state: Concern, event: ConcernSeparated) -> Concern:
    """On its own: who is asked follows in the same commit. One that was not merged into that one stays as it is, into another or into none."""
    this = Leading(event.leading_id, event.number)
    state = replace(state, answered=this)
    if state.leading != this:
        return state
    return replace(state, leading=None, status=CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT)


def let_go_of(state: Concern, event: MergedConcernLetGo) -> Concern:
    """It leads that one no more."""
    return replace(state, merged=_without(state, event.merged_id))


def added_to(state: Concern, _event: MergedConcernAddedTo) -> Concern:
    """What was added, in the same commit, says all."""
    return state


def _fits(leading: Concern, duplicate: Concern) -> bool:
    try:
        refuse_unless_fit(leading, duplicate)
    except Refusal:
        return False
    return True


def _refuse_unless_open(state: Concern, field: str) -> None:
    try:
        refuse_unless_open(state)
    except Refusal as refusal:
        raise Refusal(refusal.code, refusal.text, field=field) from None


def _refuse_what_is_chased_alone(duplicate: Concern) -> None:
    for due in duplicate.due:
        if due.kind in _CHASED_ALONE:
            raise Refusal(
                "DUPLICATE_UNDER_WAY",
                f"The duplicate would be forgotten while {_CHASED_ALONE[due.kind]}. See to that first, or let it lead.",
                field="duplicate_id",
            )


def _is_in_hands_of(one: Concern, other: Concern) -> bool:
    """Whether somebody has the one, or is to take or do something of it, who is kept away from the other."""
    hands = {one.held_by_id, *(task.assignee_id for task in one.given if task.is_open)}
    if one.offer is not None:
        hands.add(one.offer.receiver_id)
    return any(is_among(person_id, other.excluded_ids) for person_id in hands)


def _kind(state: Concern) -> int:
    return state.category if is_about_staff(state.category) else 0


def _severity(state: Concern) -> int:
    return state.severity or SEVERITY_SERIOUS


def _not_among(ids: Collection[str], known: Collection[str]) -> list[str]:
    return sorted(one for one in ids if not is_among(one, known))


def _without(state: Concern, concern_id: str) -> tuple[Merged, ...]:
    return tuple(one for one in state.merged if one.concern_id != concern_id)
