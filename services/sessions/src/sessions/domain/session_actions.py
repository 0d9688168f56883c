"""What was agreed in a session to be done. An action of the learner's plan follows from each; the session keeps its text."""

from collections.abc import Iterable

from eventkernel.aggregate import Refusal
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.events_pb2 import SessionHeld
from mentoring.sessions.v1.session_parts_pb2 import ActionToAgree, AgreedAction
from mentoring.sessions.v1.sessions_pb2 import HoldSessionRequest

from sessions.domain.action_agreement import refuse_strangers
from sessions.domain.days import day, end_of
from sessions.domain.mentorship_state import Mentorship


def agreed_actions_of(of: HoldSessionRequest | SessionHeld) -> tuple[tuple[str, str], ...]:
    """Who does each, and by which day."""
    return tuple((one.owner_id, one.due_on) for one in of.agreed_actions)


def to_be_done(actions: Iterable[ActionToAgree]) -> list[AgreedAction]:
    """Agreed actions as a decision gives them to be sealed."""
    return [
        AgreedAction(owner_id=one.owner_id, due_on=one.due_on, text=Sealed(to_be_sealed=one.text)) for one in actions
    ]


def refuse_unfit_actions(command: HoldSessionRequest, mentorship: Mentorship) -> None:
    """Raises Refusal where somebody else than the mentorship's people is to do one, or on a day that never ends.

    A day that is over by now is none of that: a session may be recorded late.
    """
    for index, one in enumerate(command.agreed_actions):
        within = f"agreed_actions[{index}]"
        refuse_strangers(mentorship, command.learner_id, [one.owner_id], f"{within}.owner_id")
        if end_of(day(one.due_on, f"{within}.due_on"), "UTC") is None:
            raise Refusal(
                "DUE_TOO_LATE", f"the calendar ends with {one.due_on}; give an earlier day", field=f"{within}.due_on"
            )
