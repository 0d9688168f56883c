"""One issue with its texts and what happened to it, opened from its own stream, as far as the caller sees it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eventkernel.messages import Recorded
from eventkernel.reading import Reader
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.issue_events_pb2 import (
    IssueIdle,
    IssueNoteKept,
    IssueReferralAccepted,
    IssueReferralChased,
    IssueReferralDeclined,
    IssueReferralWithdrawn,
    IssueReferred,
    IssueReminderPutOff,
)
from mentoring.sessions.v1.issue_pb2 import GetIssueRequest, GetIssueResponse, IssueEntry

from sessions.domain.issue import issue
from sessions.domain.issue_sight import Sight, sight_of
from sessions.domain.issue_state import unknown
from sessions.domain.mentorship import mentorships
from sessions.projections.issues import summary
from sessions.projections.times import milliseconds

_OF_A_REFERRAL = (
    IssueReferred,
    IssueReferralAccepted,
    IssueReferralDeclined,
    IssueReferralWithdrawn,
    IssueReferralChased,
)


@dataclass(frozen=True, slots=True)
class _Act:
    """What was done, and what was said with it in the same commit; None where nothing is kept of that."""

    done: Recorded
    said: Recorded | None


async def get_issue(request: GetIssueRequest, read: Reader) -> GetIssueResponse:
    """The issue, as far as the caller sees it. Raises Refusal ISSUE_UNKNOWN, also where the caller sees nothing of it."""
    history = await read.history(f"issue-{request.issue_id}")
    state = issue.fold(issue.initial, [item.event for item in history])
    sight = sight_of(state, await read.state(mentorships, f"mentorships-{request.learner_id}"), read.principal)
    if state.learner_id != request.learner_id or sight is Sight.NOTHING:
        raise unknown()
    me = read.principal.person_id
    first, *later = _acts(history)
    shown = [act for act in later if _is_shown(act, sight, me)]
    answer = GetIssueResponse(issue=summary(state, sight, me, milliseconds(first.done.meta.at)))
    places = [place for act in shown for place in _place(act)]
    own = [(first.said, name) for name in ("text", "support_wanted")] if first.said and sight > Sight.OUTLINE else []
    opened = await read.open([*own, *places])
    if own:
        answer.text, answer.support_wanted = opened[:2]
        answer.session_id = state.session_id
        answer.ksb_codes.extend(state.ksb_codes)
    texts = {item.meta.version: text for (item, _), text in zip(places, opened[len(own) :], strict=True)}
    answer.entries.extend(_entry(act, texts) for act in shown)
    return answer


def _acts(history: Sequence[Recorded]) -> list[_Act]:
    """What was said with an act follows it, and is never published. That nobody was reminded is no act."""
    found = list[_Act]()
    for item in history:
        if _is_said(item.event):
            found[-1] = _Act(found[-1].done, item)
        elif not isinstance(item.event, IssueReminderPutOff):
            found.append(_Act(item, None))
    return found


def _is_said(event: Message) -> bool:
    return any(field.message_type is Sealed.DESCRIPTOR for field in event.DESCRIPTOR.fields)


def _is_shown(act: _Act, sight: Sight, person_id: str) -> bool:
    event, note = act.done.event, act.said.event if act.said else None
    if sight is Sight.MENTOR:
        return True
    if isinstance(event, IssueIdle):
        return False
    if isinstance(note, IssueNoteKept):
        own = note.author_id == person_id
        return own or (sight > Sight.OUTLINE and not note.private)
    if sight is Sight.WHOLE:
        return True
    if isinstance(event, _OF_A_REFERRAL):
        return event.referred_to_id == person_id
    return sight is Sight.FULL


def _place(act: _Act) -> Iterator[tuple[Recorded, str]]:
    if act.said is not None:
        for field in act.said.event.DESCRIPTOR.fields:
            if field.message_type is Sealed.DESCRIPTOR:
                yield act.said, field.name


def _entry(act: _Act, texts: dict[int, str]) -> IssueEntry:
    said = act.said
    entry = IssueEntry(
        actor_id=act.done.meta.actor,
        what=act.done.meta.type,
        text=texts.get(said.meta.version, "") if said else "",
        referral_id=getattr(act.done.event, "referral_id", ""),
        action_id=getattr(said.event, "action_id", "") if said else "",
        private=getattr(said.event, "private", False) if said else False,
    )
    entry.at.FromDatetime(act.done.meta.at)
    return entry
