"""An issue is raised by the mentor or the learner, has its outcome by the mentor, and is taken up again by either."""

from eventkernel.aggregate import Context, Refusal
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.issue_events_pb2 import (
    IssueClosed,
    IssueDescribed,
    IssueOutcomeKept,
    IssueRaised,
    IssueReasonKept,
    IssueReopened,
)
from mentoring.sessions.v1.issue_pb2 import RaiseIssueRequest, RecordOutcomeRequest, ReopenIssueRequest

from sessions.domain.issue_deadlines import idle_at
from sessions.domain.issue_state import Issue, IssueStage, known, refuse_closed
from sessions.domain.mentorship_state import Mentorship
from sessions.domain.session_state import Session, refuse_session_elsewhere, refuse_unknown_ksbs
from sessions.domain.support_team import active, active_of_mentor


def raise_issue(state: Issue, command: RaiseIssueRequest, context: Context) -> list[IssueRaised | IssueDescribed]:
    """Takes an issue in an active mentorship. An id that is taken is answered alike, whoever has it."""
    mentorship = _of_learner_or_mentor(command.mentorship_id, command.learner_id, context)
    if state.stage is not IssueStage.NOTHING:
        if _is_repeat(state, command, context):
            return []
        raise Refusal(
            "ISSUE_EXISTS", "this id is taken by an issue that says otherwise; choose a new id", field="issue_id"
        )
    refuse_unknown_ksbs(command.ksb_codes, mentorship)
    if command.session_id:
        refuse_session_elsewhere(context.state(Session), command)
    of = {"issue_id": command.issue_id, "learner_id": command.learner_id}
    return [
        IssueRaised(
            **of,
            mentorship_id=command.mentorship_id,
            mentor_id=mentorship.mentor_id,
            raised_by_id=context.principal.person_id,
            act=1,
            idle_at=idle_at(context),
        ),
        IssueDescribed(
            **of,
            kind=command.kind,
            session_id=command.session_id,
            ksb_codes=command.ksb_codes,
            text=Sealed(to_be_sealed=command.text),
            support_wanted=Sealed(to_be_sealed=command.support_wanted) if command.support_wanted else None,
        ),
    ]


def record_outcome(
    state: Issue, command: RecordOutcomeRequest, context: Context
) -> list[IssueClosed | IssueOutcomeKept]:
    """Says what came of it, once."""
    mentorship = active_of_mentor(context, known(state, command.learner_id).mentorship_id)
    if state.stage is IssueStage.CLOSED and state.outcome == command.outcome:
        return []
    refuse_closed(state)
    of = {"issue_id": command.issue_id, "learner_id": command.learner_id}
    return [
        IssueClosed(
            **of,
            mentorship_id=state.mentorship_id,
            mentor_id=mentorship.mentor_id,
            referred_to_ids=state.concerned_ids,
            act=state.act + 1,
        ),
        IssueOutcomeKept(**of, outcome=command.outcome, account=Sealed(to_be_sealed=command.account)),
    ]


def reopen(state: Issue, command: ReopenIssueRequest, context: Context) -> list[IssueReopened | IssueReasonKept]:
    """Takes it up again."""
    known(state, command.learner_id)
    mentorship = _of_learner_or_mentor(state.mentorship_id, command.learner_id, context)
    if state.stage is IssueStage.OPEN:
        return []
    of = {"issue_id": command.issue_id, "learner_id": command.learner_id}
    return [
        IssueReopened(
            **of,
            mentorship_id=state.mentorship_id,
            mentor_id=mentorship.mentor_id,
            reopened_by_id=context.principal.person_id,
            act=state.act + 1,
            idle_at=idle_at(context),
        ),
        IssueReasonKept(**of, reason=Sealed(to_be_sealed=command.reason)),
    ]


def _of_learner_or_mentor(mentorship_id: str, learner_id: str, context: Context) -> Mentorship:
    if context.principal.person_id == learner_id:
        return active(context, mentorship_id)
    return active_of_mentor(context, mentorship_id)


def _is_repeat(state: Issue, command: RaiseIssueRequest, context: Context) -> bool:
    return (
        state.learner_id, state.mentorship_id, state.kind, state.session_id, state.ksb_codes, state.raised_by_id,
    ) == (
        command.learner_id, command.mentorship_id, command.kind, command.session_id, tuple(command.ksb_codes),
        context.principal.person_id,
    )  # fmt: skip
