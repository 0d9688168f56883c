"""One action with its text and what happened to it, opened from its own stream; the text of one that a session agreed, from the session's."""

from eventkernel.aggregate import Refusal
from eventkernel.messages import Recorded
from eventkernel.reading import Reader
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.action_plan_events_pb2 import ActionAgreed
from mentoring.sessions.v1.action_plan_pb2 import ActionEntry, GetActionRequest, GetActionResponse
from mentoring.sessions.v1.events_pb2 import SessionHeld

from sessions.domain.action_sight import Sight, sight_of
from sessions.domain.days import day
from sessions.domain.mentorship import mentorships
from sessions.projections.actions import PlannedAction, actions, summary

_Place = tuple[Recorded, str]


async def get_action(request: GetActionRequest, read: Reader) -> GetActionResponse:
    """The action, as far as the caller sees it. Raises Refusal ACTION_UNKNOWN, also where the caller sees nothing of it."""
    day(request.on, "on")
    history = await read.history(f"action-{request.action_id}")
    document = actions.new(request.action_id)
    for item in history:
        fold = actions.folds.get(type(item.event))
        if fold is not None:
            fold(document, item.event, item.meta)
    people = await read.state(mentorships, f"mentorships-{request.learner_id}")
    sight = sight_of(document, people, read.principal)
    if document.learner_id != request.learner_id or sight is Sight.NOTHING:
        raise Refusal("ACTION_UNKNOWN", "the learner has no such action; check both ids", field="action_id")
    if sight is Sight.OUTLINE:
        return GetActionResponse(action=summary(document, request.on))
    places = [place for item in history for place in _sealed(item)]
    text = await _text(document, history, read)
    opened = await read.open([*text, *places])
    said = {item.meta.version: words for (item, _), words in zip(places, opened[len(text) :], strict=True)}
    return GetActionResponse(
        action=summary(document, request.on),
        text=opened[0] if text else "",
        entries=[_entry(item, said.get(item.meta.version, "")) for item in history],
    )


async def _text(document: PlannedAction, history: list[Recorded], read: Reader) -> list[_Place]:
    """Where the action's own text lies."""
    if not document.place:
        return [(item, "text") for item in history if isinstance(item.event, ActionAgreed)]
    session = await read.history(f"session-{document.session_id}")
    return [
        (item, f"agreed_actions[{document.place - 1}].text") for item in session if isinstance(item.event, SessionHeld)
    ]


def _sealed(item: Recorded) -> list[_Place]:
    """The sealed field of an event that says something beside the action's own text."""
    return [
        (item, field.name)
        for field in item.event.DESCRIPTOR.fields
        if field.message_type is Sealed.DESCRIPTOR and field.name != "text"
    ]


def _entry(item: Recorded, text: str) -> ActionEntry:
    entry = ActionEntry(actor_id=item.meta.actor, what=item.meta.type, text=text)
    entry.at.FromDatetime(item.meta.at)
    return entry
