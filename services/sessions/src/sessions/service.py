"""What the sessions service is made of: the one place that wires it. Who may call is the contract's; who is whose is said here."""

from eventkernel.contract import Contract, files_of, fill
from eventkernel.reading import Ask
from eventkernel.service import Service
from mentoring.sessions.v1.group_session_pb2 import HoldGroupPlaceRequest, PlanGroupSessionRequest

from sessions.domain.action import action
from sessions.domain.calendar_feed import calendar_feed
from sessions.domain.development import development
from sessions.domain.group_session import group
from sessions.domain.guide import guide
from sessions.domain.issue import issue
from sessions.domain.learning_plan import learning_plans
from sessions.domain.mentoring_policy import mentoring_policy
from sessions.domain.mentorship import mentorships
from sessions.domain.mentorship_state import Mentorships
from sessions.domain.session import session
from sessions.domain.standard import standard
from sessions.effects.group_records import hold_with_record
from sessions.projections.action_record import get_action
from sessions.projections.actions import actions, list_action_plan, list_my_actions
from sessions.projections.calendar import get_calendar
from sessions.projections.calendar_page import calendar_page
from sessions.projections.current_policy import get_mentoring_policy
from sessions.projections.group_session import get_group_session
from sessions.projections.guides import get_guide, guides, list_guides
from sessions.projections.issue_record import get_issue
from sessions.projections.issues import issues, list_issues, list_my_issues
from sessions.projections.learner_sessions import learner_sessions
from sessions.projections.learning_plan_record import get_learning_plan, list_activities
from sessions.projections.learning_plans import get_hours, list_hour_reports
from sessions.projections.learning_plans import learning_plans as learning_plans_read
from sessions.projections.mentor_skills import (
    get_development,
    get_development_entry,
    list_lapsing_skills,
    mentor_skills,
)
from sessions.projections.mentorship_register import get_mentorship, list_mentorships, mentorship_register
from sessions.projections.practice import count_my_practice, count_practice
from sessions.projections.session_lists import list_my_sessions, list_sessions
from sessions.projections.session_record import get_session
from sessions.reactions.agreed_actions import agreed_actions
from sessions.reactions.group_places import group_places
from sessions.reactions.issue_alarms import issue_alarms
from sessions.reactions.lapsing_skills import lapsing_skills
from sessions.reactions.learning_standards import learning_standards
from sessions.reactions.overdue_actions import overdue_actions
from sessions.relations import concerned_with_issue, in_support_team

# What is kept as events, what is derived of them to be read, and what answers: each by what it is about.
AGGREGATES = (
    *(mentorships, mentoring_policy, standard),
    *(session, group, guide, calendar_feed),
    *(learning_plans, action, issue),
    development,
)
PROJECTIONS = (
    *(mentorship_register, learner_sessions, guides),
    *(learning_plans_read, actions, issues),
    mentor_skills,
)
REACTIONS = (learning_standards, group_places, agreed_actions, overdue_actions, issue_alarms, lapsing_skills)
OF_MENTORSHIPS = (get_mentorship, list_mentorships, get_mentoring_policy)
OF_SESSIONS = (
    *(get_session, list_sessions, list_my_sessions, get_group_session, get_calendar),
    *(get_guide, list_guides, count_my_practice, count_practice),
)
OF_PLANS = (
    *(get_learning_plan, list_activities, list_hour_reports, get_hours),
    *(get_action, list_action_plan, list_my_actions),
    *(get_issue, list_issues, list_my_issues),
)
OF_MENTORS = (get_development, get_development_entry, list_lapsing_skills)


def build() -> Service:
    """The service, complete and unstarted."""
    return Service(
        name="sessions",
        contract=Contract(files_of("mentoring.sessions.v1"), heard=files_of("mentoring.evidence.v1")),
        aggregates=AGGREGATES,
        projections=PROJECTIONS,
        reactions=REACTIONS,
        queries=[*OF_MENTORSHIPS, *OF_SESSIONS, *OF_PLANS, *OF_MENTORS],
        effects={HoldGroupPlaceRequest: hold_with_record},
        pages={"/calendar/": calendar_page},
        relations={
            "self": self_,
            "mentor_of_learner": mentor_of_learner,
            "self_or_mentor": self_or_mentor,
            "support_team": in_support_team,
            "self_mentor_or_manager": self_mentor_or_manager,
            "mentor_of_every_learner": mentor_of_every_learner,
            "mentor_of_group": mentor_of_group,
            "concerned_with_issue": concerned_with_issue,
        },
    )


async def self_(ask: Ask) -> bool:
    """The caller is the one whom the request is about: the person, the mentor, or else the learner that it names."""
    fields = ask.request.DESCRIPTOR.fields_by_name
    whose = next(name for name in ("person_id", "mentor_id", "learner_id") if name in fields)
    return ask.principal.person_id == fill(f"{{{whose}}}", ask.request)


async def mentor_of_learner(ask: Ask) -> bool:
    """The caller mentors the request's learner, or did until a mentorship ended: that it has is the decision's to say.

    A mentor who was replaced is a stranger: they are told nothing of the learner any more, not even by a refusal.
    """
    return (await _mentorships(ask)).was_mentored_to_the_end_by(ask.principal.person_id)


async def self_or_mentor(ask: Ask) -> bool:
    """The caller is the request's learner, or mentors them now: an ended mentorship opens no record."""
    if ask.principal.person_id == fill("{learner_id}", ask.request):
        return True
    return (await _mentorships(ask)).is_mentored_by(ask.principal.person_id)


async def self_mentor_or_manager(ask: Ask) -> bool:
    """The caller is the request's learner, mentors them now, or is a manager of the provider."""
    return "provider_manager" in ask.principal.roles or await self_or_mentor(ask)


async def mentor_of_every_learner(ask: Ask) -> bool:
    """The caller mentors each learner of the group, or did until a mentorship ended: whether it has is told of each by itself."""
    if not isinstance(ask.request, PlanGroupSessionRequest):
        raise TypeError(f"{ask.request.DESCRIPTOR.name} names no learners of a group")
    found = [await ask.read.state(mentorships, f"mentorships-{one.learner_id}") for one in ask.request.learners]
    return all(one.was_mentored_to_the_end_by(ask.principal.person_id) for one in found)


async def mentor_of_group(ask: Ask) -> bool:
    """The caller planned the group's session: nobody else learns that there is one."""
    return (await ask.read.state(group, fill("group-{group_id}", ask.request))).mentor_id == ask.principal.person_id


async def _mentorships(ask: Ask) -> Mentorships:
    return await ask.read.state(mentorships, fill("mentorships-{learner_id}", ask.request))
