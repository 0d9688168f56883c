"""What is planned: activities aimed at KSBs of the mentorship's standard, in a real work setting or with the provider (K3, S3).

The mentor plans; whether the support team agrees is asked of a version, never of a single activity.
"""

from eventkernel.aggregate import AlreadyDone, Context, Refusal
from mentoring.common.v1.common_pb2 import Sealed, StandardVersion
from mentoring.sessions.v1.learning_plan_events_pb2 import (
    ACTIVITY_SETTING_WORK,
    ActivityChanged,
    ActivityPlanned,
    ActivityWithdrawn,
    PlannedActivity,
)
from mentoring.sessions.v1.learning_plan_pb2 import (
    ChangeActivityRequest,
    PlanActivityRequest,
    WithdrawActivityRequest,
)

from sessions.domain.days import day
from sessions.domain.learning_plan_state import Activity, LearningPlans, Plan, activity_of
from sessions.domain.mentorship_state import Mentorship
from sessions.domain.support_team import active_of_mentor

# So that a plan can be read whole, and a learner's document stays far below what a store takes.
_MOST_ACTIVITIES = 300


def plan_activity(state: LearningPlans, command: PlanActivityRequest, context: Context) -> list[ActivityPlanned]:
    """Adds an activity. Ids of withdrawn ones are not used again."""
    mentorship = active_of_mentor(context, command.mentorship_id)
    plan = state.plan(command.mentorship_id)
    asked = activity_of(command, _digest(command, context))
    known = plan.activities.get(command.activity_id)
    if known == asked:
        return AlreadyDone()
    if known is not None:
        raise Refusal(
            "ACTIVITY_EXISTS",
            f"activity {command.activity_id} is in the plan already and says otherwise; change that one, or plan this one "
            "under a new id",
            field="activity_id",
        )
    _refuse_unfit(command.activity, mentorship)
    if len(plan.activities) >= _MOST_ACTIVITIES:
        raise Refusal(
            "TOO_MANY_ACTIVITIES",
            f"the plan has {_MOST_ACTIVITIES} activities, withdrawn ones too, and takes no more; change one that is there",
            field="activity_id",
        )
    return [
        ActivityPlanned(
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            activity_id=command.activity_id,
            standard=_standard(mentorship),
            activity=command.activity,
            title=Sealed(to_be_sealed=command.title),
            context=Sealed(to_be_sealed=command.context) if command.context else None,
            text_digest=asked.text_digest,
        )
    ]


def change_activity(state: LearningPlans, command: ChangeActivityRequest, context: Context) -> list[ActivityChanged]:
    """Says an activity anew."""
    mentorship = active_of_mentor(context, command.mentorship_id)
    known = _standing(state.plan(command.mentorship_id), command.activity_id)
    asked = activity_of(command, _digest(command, context))
    if known == asked:
        return []
    _refuse_unfit(command.activity, mentorship)
    return [
        ActivityChanged(
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            activity_id=command.activity_id,
            standard=_standard(mentorship),
            activity=command.activity,
            title=Sealed(to_be_sealed=command.title),
            context=Sealed(to_be_sealed=command.context) if command.context else None,
            text_digest=asked.text_digest,
            reason=Sealed(to_be_sealed=command.reason),
        )
    ]


def withdraw_activity(
    state: LearningPlans, command: WithdrawActivityRequest, context: Context
) -> list[ActivityWithdrawn]:
    """Takes an activity out. It stays withdrawn, and hours done on it stay done."""
    active_of_mentor(context, command.mentorship_id)
    plan = state.plan(command.mentorship_id)
    known = plan.activities.get(command.activity_id)
    if known is not None and known.withdrawn:
        return []
    _standing(plan, command.activity_id)
    return [
        ActivityWithdrawn(
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            activity_id=command.activity_id,
            reason=Sealed(to_be_sealed=command.reason),
        )
    ]


def known_activity(plan: Plan, activity_id: str) -> Activity:
    """The activity, withdrawn or not. Raises Refusal ACTIVITY_UNKNOWN."""
    found = plan.activities.get(activity_id)
    if found is None:
        raise Refusal(
            "ACTIVITY_UNKNOWN", f"there is no activity {activity_id} in the plan; check the id", field="activity_id"
        )
    return found


def _standing(plan: Plan, activity_id: str) -> Activity:
    found = known_activity(plan, activity_id)
    if found.withdrawn:
        raise Refusal(
            "ACTIVITY_WITHDRAWN",
            f"activity {activity_id} was withdrawn, and stays so; plan it under a new id",
            field="activity_id",
        )
    return found


def _refuse_unfit(activity: PlannedActivity, mentorship: Mentorship) -> None:
    unknown = [code for code in activity.ksb_codes if code not in mentorship.ksb_codes]
    if unknown:
        raise Refusal(
            "UNKNOWN_KSB",
            f"{', '.join(unknown)}: not in {mentorship.reference} {mentorship.version}, the mentorship's "
            "standard; aim the activity at KSBs of that",
            field="activity.ksb_codes",
        )
    if day(activity.to_day, "activity.to_day") < day(activity.from_day, "activity.from_day"):
        raise Refusal(
            "ENDS_BEFORE_IT_BEGINS",
            f"to_day {activity.to_day} lies before from_day {activity.from_day}; give a later last day",
            field="activity.to_day",
        )
    at_work = activity.setting == ACTIVITY_SETTING_WORK
    if at_work != bool(activity.site_id):
        raise Refusal(
            "SITE_AND_SETTING",
            "name the employer's site of an activity in a work setting"
            if at_work
            else "an activity with the provider is at no site of the employer; leave the site out, or name a work setting",
            field="activity.site_id",
        )


def _digest(command: PlanActivityRequest | ChangeActivityRequest, context: Context) -> str:
    return context.digest(f"{len(command.title)} {command.title}{command.context}".encode())


def _standard(mentorship: Mentorship) -> StandardVersion:
    return StandardVersion(reference=mentorship.reference, version=mentorship.version)
