"""What happens to an issue between its beginning and its outcome: notes, next steps, and nothing, which is told."""

from eventkernel.aggregate import Context, NotYet, Refusal
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.issue_events_pb2 import (
    IssueAddedTo,
    IssueIdle,
    IssueNextStepAgreed,
    IssueNextStepExplained,
    IssueNoteKept,
)
from mentoring.sessions.v1.issue_pb2 import AddToIssueRequest, AgreeNextStepRequest, ReportIdleIssueRequest

from sessions.domain.action_state import Action
from sessions.domain.issue_deadlines import idle_at
from sessions.domain.issue_sight import Sight, sight_of
from sessions.domain.issue_state import Issue, Note, known, refuse_closed, unknown
from sessions.domain.mentorship_state import Mentorships
from sessions.domain.support_team import active, active_of_mentor

# So that an issue is read whole at once.
_MOST_NOTES = 200
_MOST_STEPS = 50


def add(state: Issue, command: AddToIssueRequest, context: Context) -> list[IssueAddedTo | IssueNoteKept]:
    """A note by somebody who sees it. A note, once kept, stays as it is."""
    known(state, command.learner_id)
    if sight_of(state, context.state(Mentorships), context.principal) is Sight.NOTHING:
        raise unknown()
    active(context, state.mentorship_id)
    note = Note(context.principal.person_id, command.private)
    if command.note_id in state.notes:
        if state.notes[command.note_id] == note:
            return []
        raise Refusal("NOTE_EXISTS", f"note {command.note_id} is another; keep this under a new id", field="note_id")
    refuse_closed(state)
    if len(state.notes) >= _MOST_NOTES:
        raise Refusal(
            "TOO_MANY_NOTES",
            f"the issue has {_MOST_NOTES} notes and takes no more; record its outcome, or raise another",
            field="note_id",
        )
    of = {"issue_id": command.issue_id, "learner_id": command.learner_id, "note_id": command.note_id}
    return [
        IssueAddedTo(**of, mentorship_id=state.mentorship_id, act=state.act + 1, idle_at=idle_at(context)),
        IssueNoteKept(**of, author_id=note.author_id, private=note.private, text=Sealed(to_be_sealed=command.text)),
    ]


def agree_next_step(
    state: Issue, command: AgreeNextStepRequest, context: Context
) -> list[IssueNextStepAgreed | IssueNextStepExplained]:
    """Notes what happens next. The action, where it is one, is told nothing of the issue: others read it who may know of none."""
    active_of_mentor(context, known(state, command.learner_id).mentorship_id)
    if command.step_id in state.steps:
        if state.steps[command.step_id] == command.action_id:
            return []
        raise Refusal("STEP_EXISTS", f"step {command.step_id} is another; agree this under a new id", field="step_id")
    refuse_closed(state)
    if not (command.text or command.action_id):
        raise Refusal("STEP_SAYS_NOTHING", "say what happens next in words, or name an action", field="text")
    if command.action_id:
        _refuse_action_elsewhere(state, context.state(Action), command.action_id)
    if len(state.steps) >= _MOST_STEPS:
        raise Refusal(
            "TOO_MANY_STEPS",
            f"the issue has {_MOST_STEPS} steps and takes no more; record its outcome, or raise another",
            field="step_id",
        )
    of = {"issue_id": command.issue_id, "learner_id": command.learner_id, "step_id": command.step_id}
    return [
        IssueNextStepAgreed(**of, mentorship_id=state.mentorship_id, act=state.act + 1, idle_at=idle_at(context)),
        IssueNextStepExplained(
            **of, action_id=command.action_id, text=Sealed(to_be_sealed=command.text) if command.text else None
        ),
    ]


def report_idle(state: Issue, command: ReportIdleIssueRequest, context: Context) -> list[IssueIdle]:
    """Tells that nothing has happened since an act, where that is so and the mentorship goes on, and again each time as long after.

    Raises NotYet before so much time has passed.
    """
    known(state, command.learner_id)
    mentorship = context.state(Mentorships).find_active(state.mentorship_id)
    if mentorship is None or state.idle_at is None:
        return []
    if (state.act, state.told_idle + 1) != (command.act, command.number):
        return []
    if context.now < state.idle_at:
        raise NotYet("NOT_IDLE", f"it is not idle before {state.idle_at.isoformat()}")
    return [
        IssueIdle(
            issue_id=command.issue_id,
            learner_id=command.learner_id,
            mentorship_id=state.mentorship_id,
            mentor_id=mentorship.mentor_id,
            act=command.act,
            number=command.number,
            next_at=idle_at(context),
        )
    ]


def _refuse_action_elsewhere(state: Issue, action: Action, action_id: str) -> None:
    if (action.learner_id, action.mentorship_id) != (state.learner_id, state.mentorship_id):
        raise Refusal(
            "ACTION_UNKNOWN",
            f"the mentorship has no action {action_id}; check the id, or agree the action first",
            field="action_id",
        )
