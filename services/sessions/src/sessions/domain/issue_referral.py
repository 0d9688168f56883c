"""An issue is referred to a colleague who has a need of it, who takes it on or not, and who is reminded while they say neither.

The mentor takes a referral back, and so does the learner one that they had agreed to.
"""

from typing import Any

from eventkernel.aggregate import Context, NotYet, Refusal
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.issue_events_pb2 import (
    IssueKind,
    IssueReasonKept,
    IssueReferralAccepted,
    IssueReferralChased,
    IssueReferralDeclined,
    IssueReferralExplained,
    IssueReferralWithdrawn,
    IssueReferred,
    IssueReminderPutOff,
    ReferredAs,
)
from mentoring.sessions.v1.issue_pb2 import (
    AcceptReferralRequest,
    ChaseReferralRequest,
    DeclineReferralRequest,
    ReferIssueRequest,
    WithdrawReferralRequest,
)

from sessions.domain.issue_deadlines import answer_by, idle_at
from sessions.domain.issue_sight import Sight, needs_agreement, seen_as, stands_as
from sessions.domain.issue_state import Issue, IssueStage, Referral, ReferralStage, known, refuse_closed, unknown
from sessions.domain.mentoring_policy import MentoringPolicy
from sessions.domain.mentorship_state import Mentorship, Mentorships
from sessions.domain.support_team import active, active_of_mentor

# Whoever has one is told of the outcome, all in one telling.
_MOST_AT_ONCE = 10
# So that an issue is read whole at once.
_MOST = 50


def refer(state: Issue, command: ReferIssueRequest, context: Context) -> list[IssueReferred | IssueReferralExplained]:
    """Asks a colleague, where the relationship gives them a need of an issue of this kind (DOMAIN.md, Need to know)."""
    mentorship = active_of_mentor(context, known(state, command.learner_id).mentorship_id)
    made = state.referrals.get(command.referral_id)
    if made is not None:
        asked = (command.referred_to_id, command.referred_as, command.learner_agreed)
        if (made.referred_to_id, made.referred_as, made.learner_agreed) == asked:
            return []
        raise Refusal(
            "REFERRAL_EXISTS",
            f"referral {command.referral_id} was made otherwise; refer it under a new id",
            field="referral_id",
        )
    refuse_closed(state)
    _refuse_without_need(state, command)
    _refuse_who_has_it(state, command, mentorship)
    if not stands_as(mentorship, command.referred_to_id, command.referred_as):
        raise _not_standing_so(command)
    _refuse_too_many(state)
    of = {"issue_id": command.issue_id, "learner_id": command.learner_id, "referral_id": command.referral_id}
    return [
        IssueReferred(
            **of,
            mentorship_id=state.mentorship_id,
            mentor_id=mentorship.mentor_id,
            referred_to_id=command.referred_to_id,
            answer_by=answer_by(context),
            act=state.act + 1,
            idle_at=idle_at(context),
        ),
        IssueReferralExplained(
            **of,
            referred_as=command.referred_as,
            learner_agreed=command.learner_agreed,
            ask=Sealed(to_be_sealed=command.ask),
        ),
    ]


def accept(state: Issue, command: AcceptReferralRequest, context: Context) -> list[IssueReferralAccepted]:
    """Takes it on."""
    mentorship, referral = _of_caller(state, command, context)
    if referral.stage is ReferralStage.ACCEPTED:
        return []
    _refuse_declined(referral)
    refuse_closed(state)
    return [IssueReferralAccepted(**_answer(state, referral, mentorship, context))]


def decline(
    state: Issue, command: DeclineReferralRequest, context: Context
) -> list[IssueReferralDeclined | IssueReasonKept]:
    """Does not take it on, or gives it back."""
    mentorship, referral = _of_caller(state, command, context)
    if referral.stage is ReferralStage.DECLINED:
        return []
    refuse_closed(state)
    return [
        IssueReferralDeclined(**_answer(state, referral, mentorship, context)),
        IssueReasonKept(
            issue_id=command.issue_id,
            learner_id=command.learner_id,
            reason=Sealed(to_be_sealed=command.reason),
        ),
    ]


def withdraw(
    state: Issue, command: WithdrawReferralRequest, context: Context
) -> list[IssueReferralWithdrawn | IssueReasonKept]:
    """Asks it of them no more: the mentor any referral, the learner one that they had agreed to."""
    referral = known(state, command.learner_id).referrals.get(command.referral_id)
    if context.principal.person_id == state.learner_id:
        mentorship = active(context, state.mentorship_id)
        if referral is not None and not referral.learner_agreed:
            raise Refusal(
                "NOT_BY_AGREEMENT",
                f"referral {command.referral_id} was made without your agreement, which its kind does not need; "
                "ask the mentor to withdraw it",
                field="referral_id",
            )
    else:
        mentorship = active_of_mentor(context, state.mentorship_id)
    if referral is None:
        raise Refusal(
            "REFERRAL_UNKNOWN", f"the issue has no referral {command.referral_id}; check the id", field="referral_id"
        )
    if referral.stage.is_over:
        return []
    # Whoever it was referred to sees the issue once it has its outcome too: so it is withdrawn then too, and nothing is waited for.
    answer = _answer(state, referral, mentorship, context)
    return [
        IssueReferralWithdrawn(**{**answer, "idle_at": answer["idle_at"] if state.stage is IssueStage.OPEN else None}),
        IssueReasonKept(
            issue_id=command.issue_id,
            learner_id=command.learner_id,
            reason=Sealed(to_be_sealed=command.reason),
        ),
    ]


def chase(
    state: Issue, command: ChaseReferralRequest, context: Context
) -> list[IssueReferralChased | IssueReminderPutOff]:
    """Reminds of a referral that waits for its answer, so often and no more. Whoever does not belong to the mentorship any more is not reminded,
    and is once they do again.

    Raises NotYet before it is late.
    """
    referral = known(state, command.learner_id).referrals.get(command.referral_id)
    mentorship = context.state(Mentorships).find_active(state.mentorship_id)
    pace = context.state(MentoringPolicy).issues
    # Answered, or the issue has its outcome.
    if referral is None or mentorship is None or referral.chase_at is None:
        return []
    if referral.chased + 1 != command.number or command.number > pace.chases:
        return []
    if context.now < referral.chase_at:
        raise NotYet("ANSWER_NOT_LATE", f"the referral may be answered until {referral.chase_at.isoformat()}")
    if not stands_as(mentorship, referral.referred_to_id, referral.referred_as):
        return [
            IssueReminderPutOff(
                issue_id=command.issue_id,
                learner_id=command.learner_id,
                mentorship_id=state.mentorship_id,
                referral_id=referral.referral_id,
                number=command.number,
                next_at=answer_by(context),
            )
        ]
    return [
        IssueReferralChased(
            issue_id=command.issue_id,
            learner_id=command.learner_id,
            mentorship_id=state.mentorship_id,
            mentor_id=mentorship.mentor_id,
            referral_id=referral.referral_id,
            referred_to_id=referral.referred_to_id,
            number=command.number,
            next_at=answer_by(context) if command.number < pace.chases else None,
        )
    ]


def _of_caller(
    state: Issue, command: AcceptReferralRequest | DeclineReferralRequest, context: Context
) -> tuple[Mentorship, Referral]:
    referral = known(state, command.learner_id).referrals.get(command.referral_id)
    if referral is None or referral.referred_to_id != context.principal.person_id:
        raise unknown()
    if referral.stage is ReferralStage.WITHDRAWN:
        # They see nothing of the issue any more, so they are answered as anybody else.
        raise unknown()
    mentorship = active(context, state.mentorship_id)
    if not stands_as(mentorship, referral.referred_to_id, referral.referred_as):
        raise unknown()
    return mentorship, referral


def _answer(state: Issue, referral: Referral, mentorship: Mentorship, context: Context) -> dict[str, Any]:
    return {
        "issue_id": state.issue_id,
        "learner_id": state.learner_id,
        "mentorship_id": state.mentorship_id,
        "mentor_id": mentorship.mentor_id,
        "referral_id": referral.referral_id,
        "referred_to_id": referral.referred_to_id,
        "act": state.act + 1,
        "idle_at": idle_at(context),
    }


def _refuse_without_need(state: Issue, command: ReferIssueRequest) -> None:
    if seen_as(state.kind, command.referred_as) is Sight.NOTHING:
        kind = IssueKind.Name(IssueKind.ValueType(state.kind)).removeprefix("ISSUE_KIND_").lower().replace("_", "-")
        named = ReferredAs.Name(command.referred_as).removeprefix("REFERRED_AS_").lower().replace("_", " ")
        raise Refusal(
            "NO_NEED_TO_KNOW",
            f"an issue of {kind} is not referred to a colleague as {named}: one of progress goes to an assessor, teacher, coach, employer "
            "contact or provider manager, one of well-being to a provider manager or a DSL, and to an employer contact with the "
            "learner's agreement",
            field="referred_as",
        )
    if needs_agreement(state.kind, command.referred_as) and not command.learner_agreed:
        raise Refusal(
            "LEARNER_HAS_NOT_AGREED",
            "an issue of well-being goes to an employer contact with the learner's agreement alone; ask the learner, and say with "
            "learner_agreed that they agreed",
            field="learner_agreed",
        )


def _refuse_who_has_it(state: Issue, command: ReferIssueRequest, mentorship: Mentorship) -> None:
    person_id = command.referred_to_id
    if person_id in (state.learner_id, mentorship.mentor_id) or state.referral_to(person_id) is not None:
        raise Refusal(
            "CONCERNED_ALREADY",
            f"{person_id} has this issue already, as the learner, the mentor, or by a referral that they did not decline; "
            "refer it to somebody else, or add a note",
            field="referred_to_id",
        )


def _not_standing_so(command: ReferIssueRequest) -> Refusal:
    named = ReferredAs.Name(command.referred_as).removeprefix("REFERRED_AS_").lower().replace("_", " ")
    return Refusal(
        "NOT_STANDING_SO",
        f"{command.referred_to_id} does not stand to the mentorship as {named}; attach them first, or refer it to them as what "
        "they are. As a DSL nobody is asked who is a party",
        field="referred_to_id",
    )


def _refuse_too_many(state: Issue) -> None:
    if len(state.referrals) >= _MOST or len(state.concerned_ids) >= _MOST_AT_ONCE:
        raise Refusal(
            "TOO_MANY_REFERRALS",
            f"the issue is with {_MOST_AT_ONCE} colleagues, or was referred {_MOST} times, and is referred no more; "
            "record its outcome, or raise another",
            field="issue_id",
        )


def _refuse_declined(referral: Referral) -> None:
    if referral.stage is ReferralStage.DECLINED:
        raise Refusal(
            "REFERRAL_DECLINED",
            "you declined this referral, and that stays; ask the mentor to refer it again",
            field="referral_id",
        )
