"""What is known of a learner's plans, one for each mentorship, and what each event means for them.

No text is in the state: that it is another is known by its keyed digest. Durations are nanoseconds.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from mentoring.sessions.v1.learning_plan_events_pb2 import (
    JOB_TIME_OFF_THE_JOB,
    JOB_TIME_ON_THE_JOB,
    ActivityChanged,
    ActivityPlanned,
    ActivityWithdrawn,
    HoursCorrected,
    HoursReported,
    LearningPlanAgreed,
    LearningPlanAgreedTo,
    LearningPlanObjectedTo,
    LearningPlanProposed,
    SessionCounted,
)
from mentoring.sessions.v1.learning_plan_pb2 import (
    ChangeActivityRequest,
    CorrectHoursRequest,
    PlanActivityRequest,
    ReportHoursRequest,
)


@dataclass(frozen=True, slots=True)
class Activity:
    """An activity as it stands; `setting` is an ActivitySetting, `job_time` a JobTime."""

    ksb_codes: tuple[str, ...]
    setting: int
    site_id: str
    job_time: int
    planned: int
    from_day: str
    to_day: str
    text_digest: str
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """Hours that somebody reported; `reporter` is a HoursReporter. `supersedes` is the report whose place it took."""

    activity_id: str
    done_on: str
    duration: int
    reporter: int
    supersedes: str = ""
    superseded_by: str = ""


@dataclass(frozen=True, slots=True)
class Signature:
    """What a person said of a version, last, and as what: PlanSigners."""

    person_id: str
    signs_as: tuple[int, ...]
    agrees: bool


@dataclass(frozen=True, slots=True)
class Version:
    """A version that was proposed, and who said what of it. `needed` are PlanSigners."""

    number: int
    content_hash: str
    needed: tuple[int, ...]
    signatures: tuple[Signature, ...] = ()
    agreed: bool = False

    def signed(self, signature: Signature) -> "Version":
        """With this signature, in place of what the same person said before."""
        others = tuple(one for one in self.signatures if one.person_id != signature.person_id)
        return replace(self, signatures=(*others, signature))

    @property
    def missing(self) -> tuple[int, ...]:
        """Who is needed and has not agreed."""
        agree = {signer for one in self.signatures if one.agrees for signer in one.signs_as}
        return tuple(signer for signer in self.needed if signer not in agree)

    @property
    def objected_to(self) -> bool:
        """Whether anybody objects."""
        return any(not one.agrees for one in self.signatures)


@dataclass(frozen=True, slots=True)
class Plan:
    """One mentorship's plan. `counted` are sessions, each with the activity and the JobTime that it counts for."""

    activities: Mapping[str, Activity] = field(default_factory=dict)
    reports: Mapping[str, Report] = field(default_factory=dict)
    counted: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    versions: tuple[Version, ...] = ()

    @property
    def newest(self) -> Version | None:
        """The version that was proposed last."""
        return self.versions[-1] if self.versions else None

    @property
    def standing(self) -> Mapping[str, Activity]:
        """The activities that are not withdrawn."""
        return {activity_id: one for activity_id, one in self.activities.items() if not one.withdrawn}

    def planned(self, job_time: int) -> int:
        """How long is planned, off the job or on it."""
        return sum(one.planned for one in self.standing.values() if one.job_time == job_time)

    @property
    def planned_off_the_job(self) -> int:
        """How long is planned off the job."""
        return self.planned(JOB_TIME_OFF_THE_JOB)

    @property
    def planned_on_the_job(self) -> int:
        """How long is planned on the job."""
        return self.planned(JOB_TIME_ON_THE_JOB)

    def content_hash(self, mentorship_id: str) -> str:
        """What tells this content of the plan from any other: SHA-256 over its activities, in the order of their ids."""
        lines = [mentorship_id]
        for activity_id, one in sorted(self.standing.items()):
            values = (getattr(one, each.name) for each in fields(one) if each.name != "withdrawn")
            lines.append("\t".join([activity_id, *(",".join(v) if isinstance(v, tuple) else str(v) for v in values)]))
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class LearningPlans:
    """One learner's plans by mentorship."""

    plans: Mapping[str, Plan] = field(default_factory=dict)

    def plan(self, mentorship_id: str) -> Plan:
        """The mentorship's plan; an empty one where nothing was planned."""
        return self.plans.get(mentorship_id, Plan())


def planned(state: LearningPlans, event: ActivityPlanned) -> LearningPlans:
    """An activity more."""
    return _with_activity(state, event.mentorship_id, event.activity_id, activity_of(event, event.text_digest))


def changed(state: LearningPlans, event: ActivityChanged) -> LearningPlans:
    """It is as the event says, whole."""
    return _with_activity(state, event.mentorship_id, event.activity_id, activity_of(event, event.text_digest))


def withdrawn(state: LearningPlans, event: ActivityWithdrawn) -> LearningPlans:
    """It is planned no more."""
    activity = state.plan(event.mentorship_id).activities[event.activity_id]
    return _with_activity(state, event.mentorship_id, event.activity_id, replace(activity, withdrawn=True))


def reported(state: LearningPlans, event: HoursReported) -> LearningPlans:
    """A report more."""
    reports = state.plan(event.mentorship_id).reports
    return _changed(state, event.mentorship_id, reports={**reports, event.report_id: report_of(event, event.reporter)})


def corrected(state: LearningPlans, event: HoursCorrected) -> LearningPlans:
    """One report takes the place of another."""
    reports = state.plan(event.mentorship_id).reports
    former = replace(reports[event.supersedes_id], superseded_by=event.report_id)
    new = report_of(event, event.reporter)
    return _changed(state, event.mentorship_id, reports={**reports, event.supersedes_id: former, event.report_id: new})


def counted(state: LearningPlans, event: SessionCounted) -> LearningPlans:
    """What was said last of a session holds."""
    before = state.plan(event.mentorship_id).counted
    return _changed(
        state, event.mentorship_id, counted={**before, event.session_id: (event.activity_id, event.job_time)}
    )


def proposed(state: LearningPlans, event: LearningPlanProposed) -> LearningPlans:
    """A version more."""
    version = Version(event.plan_version, event.content_hash, tuple(event.needed))
    return _changed(state, event.mentorship_id, versions=(*state.plan(event.mentorship_id).versions, version))


def agreed_to(state: LearningPlans, event: LearningPlanAgreedTo) -> LearningPlans:
    """One person agrees."""
    return _signed(state, event, agrees=True)


def objected_to(state: LearningPlans, event: LearningPlanObjectedTo) -> LearningPlans:
    """One person objects."""
    return _signed(state, event, agrees=False)


def agreed(state: LearningPlans, event: LearningPlanAgreed) -> LearningPlans:
    """All agree, for good."""
    *before, newest = state.plan(event.mentorship_id).versions
    return _changed(state, event.mentorship_id, versions=(*before, replace(newest, agreed=True)))


def activity_of(
    of: PlanActivityRequest | ChangeActivityRequest | ActivityPlanned | ActivityChanged, text_digest: str
) -> Activity:
    """The activity that a request or an event says, with the digest of its texts."""
    one = of.activity
    return Activity(
        tuple(one.ksb_codes), one.setting, one.site_id, one.job_time, one.planned.ToNanoseconds(), one.from_day, one.to_day,
        text_digest,
    )  # fmt: skip


def report_of(of: ReportHoursRequest | CorrectHoursRequest | HoursReported | HoursCorrected, reporter: int) -> Report:
    """The report that a request or an event says, by this reporter."""
    supersedes = of.supersedes_id if isinstance(of, CorrectHoursRequest | HoursCorrected) else ""
    return Report(of.activity_id, of.done_on, of.duration.ToNanoseconds(), reporter, supersedes)


def signature_of(of: LearningPlanAgreedTo | LearningPlanObjectedTo, *, agrees: bool) -> Signature:
    """What the event says that a person said."""
    return Signature(of.person_id, tuple(of.signs_as), agrees)


def _signed(
    state: LearningPlans, event: LearningPlanAgreedTo | LearningPlanObjectedTo, *, agrees: bool
) -> LearningPlans:
    # Only the newest version is ever signed.
    *before, newest = state.plan(event.mentorship_id).versions
    signed = newest.signed(signature_of(event, agrees=agrees))
    return _changed(state, event.mentorship_id, versions=(*before, signed))


def _with_activity(state: LearningPlans, mentorship_id: str, activity_id: str, activity: Activity) -> LearningPlans:
    activities = {**state.plan(mentorship_id).activities, activity_id: activity}
    return _changed(state, mentorship_id, activities=activities)


def _changed(state: LearningPlans, mentorship_id: str, **changes: object) -> LearningPlans:
    plan: Plan = replace(state.plan(mentorship_id), **changes)  # type: ignore[arg-type]
    return LearningPlans({**state.plans, mentorship_id: plan})
