"""What a provider sets for its mentoring: where its days begin and end, how early it is told of a skill's end, how many off-the-job hours a
standard needs, and how long issues wait. Each has a value at all times: the default, until it is set.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from zoneinfo import available_timezones

from eventkernel.aggregate import Aggregate, Context, Refusal
from mentoring.sessions.v1.policy_events_pb2 import (
    IssueDeadlines,
    IssuePolicySet,
    MentoringPolicySet,
    MinimumHoursSet,
)
from mentoring.sessions.v1.policy_pb2 import SetIssuePolicyRequest, SetMentoringPolicyRequest, SetMinimumHoursRequest

from sessions.policy_defaults import (
    ISSUE_ANSWER_WORKING_DAYS,
    ISSUE_CHASES,
    ISSUE_IDLE_WORKING_DAYS,
    MINIMUM_OFF_THE_JOB,
    MINIMUM_SOURCE,
    SKILL_NOTICE_DAYS,
    TIME_ZONE,
)


@dataclass(frozen=True, slots=True)
class Minimum:
    """So many off-the-job hours in total, and where that is published. `figure` counts what the provider set, from 1; 0: the default."""

    hours: timedelta
    source: str
    figure: int = 0


@dataclass(frozen=True, slots=True)
class IssuePace:
    """How many working days an answer to a referral may take, how often it is reminded of, and how many an issue may lie still."""

    answer_working_days: int
    chases: int
    idle_working_days: int


DEFAULT_MINIMUM = Minimum(MINIMUM_OFF_THE_JOB, MINIMUM_SOURCE)
DEFAULT_ISSUE_PACE = IssuePace(ISSUE_ANSWER_WORKING_DAYS, ISSUE_CHASES, ISSUE_IDLE_WORKING_DAYS)


@dataclass(frozen=True, slots=True)
class MentoringPolicy:
    """What holds. `minimums` are those that were set and count, by `reference version`."""

    time_zone: str = TIME_ZONE
    skill_notice_days: int = SKILL_NOTICE_DAYS
    figures: int = 0
    minimums: Mapping[str, Minimum] = field(default_factory=dict)
    issues: IssuePace = DEFAULT_ISSUE_PACE

    def minimum(self, reference: str, version: str) -> Minimum:
        """What a learner on this version of a standard needs at least."""
        return self.minimums.get(f"{reference} {version}", DEFAULT_MINIMUM)


mentoring_policy = Aggregate("mentoring-policy", initial=MentoringPolicy())


@mentoring_policy.decide
def set_policy(
    state: MentoringPolicy, command: SetMentoringPolicyRequest, _context: Context
) -> list[MentoringPolicySet]:
    """Sets both. What runs already keeps its time; what is recorded afterwards follows the new policy."""
    if command.time_zone not in available_timezones():
        raise Refusal(
            "TIME_ZONE_UNKNOWN",
            f"{command.time_zone} is no name of the IANA time zone database; give one like Europe/London",
            field="time_zone",
        )
    event = MentoringPolicySet(time_zone=command.time_zone, skill_notice_days=command.skill_notice_days)
    return [] if policy_set(state, event) == state else [event]


@mentoring_policy.decide
def set_minimum(state: MentoringPolicy, command: SetMinimumHoursRequest, _context: Context) -> list[MinimumHoursSet]:
    """Sets the figure of a version of a standard. Versions of plans keep the figure that they were proposed against."""
    known = state.minimums.get(_name(command))
    if known is not None and (known.hours, known.source) == (command.minimum.ToTimedelta(), command.source):
        return []
    return [
        MinimumHoursSet(
            standard=command.standard, minimum=command.minimum, figure=state.figures + 1, source=command.source
        )
    ]


@mentoring_policy.decide
def set_issue_policy(state: MentoringPolicy, command: SetIssuePolicyRequest, _context: Context) -> list[IssuePolicySet]:
    """Sets all of it."""
    return [] if _pace(command.deadlines) == state.issues else [IssuePolicySet(deadlines=command.deadlines)]


@mentoring_policy.evolve
def policy_set(state: MentoringPolicy, event: MentoringPolicySet) -> MentoringPolicy:
    """The new values replace the old ones."""
    return replace(state, time_zone=event.time_zone, skill_notice_days=event.skill_notice_days)


@mentoring_policy.evolve
def minimum_set(state: MentoringPolicy, event: MinimumHoursSet) -> MentoringPolicy:
    """This figure counts for its standard's version now."""
    minimum = Minimum(event.minimum.ToTimedelta(), event.source, event.figure)
    return replace(state, figures=event.figure, minimums={**state.minimums, _name(event): minimum})


@mentoring_policy.evolve
def issue_policy_set(state: MentoringPolicy, event: IssuePolicySet) -> MentoringPolicy:
    """Issues wait so long from now on."""
    return replace(state, issues=_pace(event.deadlines))


def _pace(of: IssueDeadlines) -> IssuePace:
    return IssuePace(of.answer_working_days, of.chases, of.idle_working_days)


def _name(of: SetMinimumHoursRequest | MinimumHoursSet) -> str:
    return f"{of.standard.reference} {of.standard.version}"
