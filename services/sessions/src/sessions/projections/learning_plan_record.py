"""A learning plan as the support team reads it: as it stands, or as a version was proposed. Texts are opened from the learner's stream."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from eventkernel.aggregate import Refusal
from eventkernel.messages import Recorded
from eventkernel.paging import cut, list_name
from eventkernel.reading import Reader
from google.protobuf.duration_pb2 import Duration
from mentoring.sessions.v1.learning_plan_events_pb2 import (
    ActivityChanged,
    ActivityPlanned,
    LearningPlanAgreedTo,
    LearningPlanObjectedTo,
    LearningPlanProposed,
    PlannedActivity,
    PlanSigner,
)
from mentoring.sessions.v1.learning_plan_pb2 import (
    ACTIVITY_STATUS_PLANNED,
    ACTIVITY_STATUS_WITHDRAWN,
    PLAN_VERSION_STATUS_AGREED,
    PLAN_VERSION_STATUS_OBJECTED_TO,
    PLAN_VERSION_STATUS_PROPOSED,
    PLAN_VERSION_STATUS_REPLACED,
    PLAN_VERSION_STATUS_SUPERSEDED,
    Activity,
    ActivityStatus,
    GetLearningPlanRequest,
    GetLearningPlanResponse,
    ListActivitiesRequest,
    ListActivitiesResponse,
    PlanVersion,
    PlanVersionStatus,
)

from sessions.domain.learning_plan import learning_plans
from sessions.domain.learning_plan_state import Plan, Version
from sessions.projections.current_policy import current_policy
from sessions.projections.learning_plans import Plan as Figures
from sessions.projections.learning_plans import PlanActivity, learner_plans


@dataclass(slots=True)
class _Told:
    """What a plan's history says up to a version, or to its end."""

    plan: Plan = field(default_factory=Plan)
    # How an activity stands, and the event that says so, with its texts.
    activities: dict[str, PlannedActivity] = field(default_factory=dict)
    texts: dict[str, Recorded] = field(default_factory=dict)
    proposals: list[tuple[LearningPlanProposed, datetime]] = field(default_factory=list)
    # Who signed, by version and person.
    signatures: dict[tuple[int, str], Recorded] = field(default_factory=dict)


async def get_learning_plan(request: GetLearningPlanRequest, read: Reader) -> GetLearningPlanResponse:
    """The plan with its texts, and what was said of the version that was asked for, or of the newest.

    Raises Refusal PLAN_UNKNOWN where there is no plan, and no such version.
    """
    history = await read.history(f"learning-plans-{request.learner_id}")
    whole = _told(history, request.mentorship_id)
    asked = _told(history, request.mentorship_id, request.plan_version) if request.plan_version else whole
    if not whole.plan.activities or request.plan_version > len(whole.plan.versions):
        raise Refusal(
            "PLAN_UNKNOWN",
            "there is no such plan, or no such version of it; check the ids and the version",
            field="plan_version" if request.plan_version else "mentorship_id",
        )
    standing, newest = asked.plan.standing, whole.plan.newest
    content_hash = asked.plan.content_hash(request.mentorship_id)
    number = request.plan_version
    if newest is not None and not number and newest.content_hash == content_hash:
        number = newest.number
    texts = await _open(read, asked, standing, ("title", "context"))
    of = request.plan_version or len(whole.plan.versions)
    objecting = {
        signed: item
        for signed, item in whole.signatures.items()
        if signed[0] == of and isinstance(item.event, LearningPlanObjectedTo)
    }
    objections = await read.open([(item, "reason") for item in objecting.values()])
    said = dict(zip(objecting, objections, strict=True))
    return GetLearningPlanResponse(
        plan_version=number,
        content_hash=content_hash,
        activities=[
            Activity(
                activity_id=activity_id,
                activity=asked.activities[activity_id],
                status=ACTIVITY_STATUS_PLANNED,
                title=texts[activity_id, "title"],
                context=texts[activity_id, "context"],
            )
            for activity_id in sorted(standing, key=lambda each: (standing[each].from_day, each))
        ],
        versions=[
            _version(version, proposal, whole, said)
            for version, proposal in reversed(list(zip(whole.plan.versions, whole.proposals, strict=True)))
        ],
        planned_off_the_job=_duration(asked.plan.planned_off_the_job),
        planned_on_the_job=_duration(asked.plan.planned_on_the_job),
    )


async def list_activities(request: ListActivitiesRequest, read: Reader) -> ListActivitiesResponse:
    """The plan's activities with their titles and the hours done on them, by their first day."""
    document = await learner_plans(request.learner_id, read)
    found = [
        (activity_id, one)
        for activity_id, one in document.plans.get(request.mentorship_id, Figures()).activities.items()
        if _is_asked_for(request, one)
    ]
    shown, cursor = cut(
        found,
        request.page,
        key=lambda each: (each[1].from_day, each[0]),
        of=list_name(
            "activities", request.learner_id, request.mentorship_id, request.ksb_code, request.setting, request.job_time,
            request.status,
        ),
    )  # fmt: skip
    if not shown:
        return ListActivitiesResponse()
    told = _told(await read.history(f"learning-plans-{request.learner_id}"), request.mentorship_id)
    titles = await _open(read, told, [activity_id for activity_id, _ in shown], ("title",))
    time_zone = (await current_policy(read)).time_zone
    done = list(document.done(request.mentorship_id, time_zone))
    return ListActivitiesResponse(
        activities=[
            Activity(
                activity_id=activity_id,
                activity=told.activities[activity_id],
                status=_status(one.withdrawn),
                done=Duration(seconds=sum(each.seconds for each in done if each.activity_id == activity_id)),
                title=titles[activity_id, "title"],
            )
            for activity_id, one in shown
        ],
        next_cursor=cursor,
    )


def _told(history: Sequence[Recorded], mentorship_id: str, up_to_version: int = 0) -> _Told:
    """The mentorship's plan at the moment in which this version was proposed; at the end of its history where none is given."""
    told, state = _Told(), learning_plans.initial
    for item in history:
        event = item.event
        if getattr(event, "mentorship_id", "") != mentorship_id:
            continue
        state = learning_plans.fold(state, [event])
        if isinstance(event, ActivityPlanned | ActivityChanged):
            told.activities[event.activity_id] = event.activity
            told.texts[event.activity_id] = item
        elif isinstance(event, LearningPlanAgreedTo | LearningPlanObjectedTo):
            told.signatures[event.plan_version, event.person_id] = item
        elif isinstance(event, LearningPlanProposed):
            told.proposals.append((event, item.meta.at))
            if event.plan_version == up_to_version:
                break
    told.plan = state.plan(mentorship_id)
    return told


async def _open(
    read: Reader, told: _Told, activity_ids: Iterable[str], names: Sequence[str]
) -> Mapping[tuple[str, str], str]:
    """The texts of these activities by activity and field."""
    wanted = [(activity_id, name) for activity_id in activity_ids for name in names]
    opened = await read.open([(told.texts[activity_id], name) for activity_id, name in wanted])
    return dict(zip(wanted, opened, strict=True))


def _version(
    version: Version, proposal: tuple[LearningPlanProposed, datetime], told: _Told, said: Mapping[tuple[int, str], str]
) -> PlanVersion:
    event, at = proposal
    shown = PlanVersion(
        plan_version=version.number,
        content_hash=version.content_hash,
        status=_version_status(version, told.plan),
        needed=[PlanSigner.ValueType(signer) for signer in version.needed],
        missing=[PlanSigner.ValueType(signer) for signer in version.missing],
        minimum_off_the_job=event.minimum_off_the_job,
        minimum_figure=event.minimum_figure,
    )
    shown.proposed_at.FromDatetime(at)
    for signature in version.signatures:
        signed_as = (version.number, signature.person_id)
        signed = shown.signatures.add(
            person_id=signature.person_id,
            signs_as=[PlanSigner.ValueType(signer) for signer in signature.signs_as],
            agrees=signature.agrees,
            objection=said.get(signed_as, ""),
        )
        signed.at.FromDatetime(told.signatures[signed_as].meta.at)
    return shown


def _version_status(version: Version, plan: Plan) -> PlanVersionStatus.ValueType:
    if version.agreed:
        holds = all(one.number <= version.number for one in plan.versions if one.agreed)
        return PLAN_VERSION_STATUS_AGREED if holds else PLAN_VERSION_STATUS_REPLACED
    if version is not plan.newest:
        return PLAN_VERSION_STATUS_SUPERSEDED
    return PLAN_VERSION_STATUS_OBJECTED_TO if version.objected_to else PLAN_VERSION_STATUS_PROPOSED


def _is_asked_for(request: ListActivitiesRequest, one: PlanActivity) -> bool:
    return (
        (not request.ksb_code or request.ksb_code in one.ksb_codes)
        and request.setting in (0, one.setting)
        and request.job_time in (0, one.job_time)
        and request.status in (0, _status(one.withdrawn))
    )


def _status(withdrawn: bool) -> ActivityStatus.ValueType:
    return ACTIVITY_STATUS_WITHDRAWN if withdrawn else ACTIVITY_STATUS_PLANNED


def _duration(nanoseconds: int) -> Duration:
    found = Duration()
    found.FromNanoseconds(nanoseconds)
    return found
