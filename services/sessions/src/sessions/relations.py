"""Who is in the support team of a mentorship, for what a request is about: the learner, the mentor, and parties with a legitimate need; and who
is concerned with an issue.

It is asked of the mentorships as they are now: one that has ended gives nobody but the learner a part in it.
"""

from eventkernel.contract import fill
from eventkernel.reading import Ask
from mentoring.sessions.v1.action_plan_pb2 import (
    ChangeActionDueDayRequest,
    CompleteActionRequest,
    ContributeToActionRequest,
    DropActionRequest,
    GetActionRequest,
    ListActionPlanRequest,
    ReassignActionRequest,
    ReopenActionRequest,
)
from mentoring.sessions.v1.issue_pb2 import (
    AcceptReferralRequest,
    AddToIssueRequest,
    DeclineReferralRequest,
    GetIssueRequest,
    ReopenIssueRequest,
)
from mentoring.sessions.v1.learning_plan_pb2 import AgreeToLearningPlanRequest, ObjectToLearningPlanRequest

from sessions.domain.action import action
from sessions.domain.action_sight import Sight, sight_of
from sessions.domain.action_state import Action
from sessions.domain.issue import issue
from sessions.domain.issue_sight import Sight as IssueSight
from sessions.domain.issue_sight import sight_of as issue_sight_of
from sessions.domain.mentorship import mentorships
from sessions.domain.mentorship_state import Mentorships
from sessions.domain.plan_agreement import SIGNERS
from sessions.domain.support_team import belongs, relationships

_SIGNING = (AgreeToLearningPlanRequest, ObjectToLearningPlanRequest)
_CHANGING_AN_ACTION = (
    ReassignActionRequest,
    ChangeActionDueDayRequest,
    ContributeToActionRequest,
    CompleteActionRequest,
    DropActionRequest,
    ReopenActionRequest,
)


async def in_support_team(ask: Ask) -> bool:
    """The caller has a legitimate need of what the request is about (DOMAIN.md, Need to know)."""
    if isinstance(ask.request, ListActionPlanRequest):
        return await _belongs_to_learner(ask)
    if isinstance(ask.request, GetActionRequest):
        return await _sight(ask) is not Sight.NOTHING
    if isinstance(ask.request, _CHANGING_AN_ACTION):
        return await _sight(ask) is Sight.FULL
    return await _needs_plan(ask)


async def concerned_with_issue(ask: Ask) -> bool:
    """The caller sees the request's issue, and the call is one of theirs: what is not named here is the mentor's alone.

    Nobody else learns that there is such an issue. Whoever declined a referral sees no more of it, and may decline it once more.
    """
    found = await ask.read.state(issue, fill("issue-{issue_id}", ask.request))
    if found.learner_id != fill("{learner_id}", ask.request):
        return False
    if isinstance(ask.request, AcceptReferralRequest | DeclineReferralRequest):
        referral = found.referrals.get(ask.request.referral_id)
        return referral is not None and referral.referred_to_id == ask.principal.person_id
    sight = issue_sight_of(found, await _mentorships(ask), ask.principal)
    if isinstance(ask.request, GetIssueRequest | AddToIssueRequest):
        return sight is not IssueSight.NOTHING
    if isinstance(ask.request, ReopenIssueRequest):
        return sight in (IssueSight.WHOLE, IssueSight.MENTOR)
    return sight is IssueSight.MENTOR


async def _needs_plan(ask: Ask) -> bool:
    """A learning plan is progress on a standard: told in full to those who agree to a plan.

    A manager of the provider reads without being attached, and agrees to nothing without.
    """
    person_id = ask.principal.person_id
    if person_id == fill("{learner_id}", ask.request):
        return True
    signing = isinstance(ask.request, _SIGNING)
    if not signing and "provider_manager" in ask.principal.roles:
        return True
    found = (await _mentorships(ask)).find_active(fill("{mentorship_id}", ask.request))
    if found is None:
        return False
    is_mentor = person_id == found.mentor_id and not signing
    return is_mentor or not relationships(found, person_id).isdisjoint(SIGNERS)


async def _sight(ask: Ask) -> Sight:
    """What the caller sees of the request's action: nothing of one that is another learner's, and of none."""
    found: Action = await ask.read.state(action, fill("action-{action_id}", ask.request))
    if found.learner_id != fill("{learner_id}", ask.request):
        return Sight.NOTHING
    return sight_of(found, await _mentorships(ask), ask.principal)


async def _belongs_to_learner(ask: Ask) -> bool:
    """The caller may own actions for this learner; which of them they see is another question. A manager sees the outline of all."""
    learner_id, person_id = fill("{learner_id}", ask.request), ask.principal.person_id
    if person_id == learner_id or "provider_manager" in ask.principal.roles:
        return True
    return any(belongs(one, learner_id, person_id) for one in (await _mentorships(ask)).active)


async def _mentorships(ask: Ask) -> Mentorships:
    return await ask.read.state(mentorships, fill("mentorships-{learner_id}", ask.request))
