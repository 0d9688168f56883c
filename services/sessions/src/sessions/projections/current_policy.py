"""What the provider's mentoring policy is now."""

from eventkernel.reading import Reader
from google.protobuf.duration_pb2 import Duration
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.sessions.v1.policy_events_pb2 import IssueDeadlines
from mentoring.sessions.v1.policy_pb2 import GetMentoringPolicyRequest, GetMentoringPolicyResponse, MinimumHours

from sessions.domain.mentoring_policy import DEFAULT_MINIMUM, MentoringPolicy, Minimum, mentoring_policy


async def current_policy(read: Reader) -> MentoringPolicy:
    """The policy of the caller's provider, with the default of whatever was not set."""
    return await read.state(mentoring_policy, "mentoring-policy")


async def get_mentoring_policy(_request: GetMentoringPolicyRequest, read: Reader) -> GetMentoringPolicyResponse:
    """All of it."""
    policy = await current_policy(read)
    return GetMentoringPolicyResponse(
        time_zone=policy.time_zone,
        skill_notice_days=policy.skill_notice_days,
        default_minimum=_minimum(DEFAULT_MINIMUM),
        minimums=[_minimum(minimum, *name.split(" ")) for name, minimum in sorted(policy.minimums.items())],
        issues=IssueDeadlines(
            answer_working_days=policy.issues.answer_working_days,
            chases=policy.issues.chases,
            idle_working_days=policy.issues.idle_working_days,
        ),
    )


def _minimum(minimum: Minimum, reference: str = "", version: str = "") -> MinimumHours:
    shown = MinimumHours(
        standard=StandardVersion(reference=reference, version=version) if reference else None,
        minimum=Duration(),
        figure=minimum.figure,
        source=minimum.source,
    )
    shown.minimum.FromTimedelta(minimum.hours)
    return shown
