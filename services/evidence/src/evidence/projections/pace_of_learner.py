"""A learner's pace, from the mentorship's start, its breaks, the end that was planned, and the KSBs signed off."""

from datetime import UTC, date, datetime

from eventkernel.reading import Reader
from mentoring.evidence.v1 import progress_pb2 as pb

from evidence.domain.pace import Away, pace_of
from evidence.domain.progress_policy import ProgressPolicy, progress_policy
from evidence.domain.standard import Version
from evidence.projections.learner_progress import moment, progress_as_asked, version_of
from evidence.projections.progress_document import LearnerProgress
from evidence.projections.progress_figures import Figures, figures_on, mentorship_on, required_of


async def get_pace(request: pb.GetPaceRequest, read: Reader) -> pb.GetPaceResponse:
    """The colour, and why. Raises Refusal STANDARD_UNKNOWN and NOT_KNOWN_YET."""
    version = await version_of(request.standard, read)
    document = await progress_as_asked(request, read)
    at = moment(request, read)
    policy = await policy_at(at, read) if request.HasField("as_known_at") else await current_policy(read)
    figures = figures_on(document, request.standard.reference, version.version)
    return pb.GetPaceResponse(
        pace=pace_on(document, request.standard.reference, version, figures, policy=policy, today=at.date())
    )


def pace_on(
    document: LearnerProgress,
    reference: str,
    version: Version,
    figures: Figures,
    *,
    policy: ProgressPolicy,
    today: date,
) -> pb.Pace:
    """The learner's pace on this version; without a colour where no mentorship on it is active."""
    found = mentorship_on(document, reference, version.version)
    if found is None or not found[1].active:
        return pb.Pace(green_until=policy.green_until, amber_until=policy.amber_until)
    mentorship = found[1]
    planned = document.planned_ends.get(f"{reference} {version.version}", "")
    started_on = datetime.fromtimestamp(mentorship.started_ms / 1000, UTC).date()
    pace = pace_of(
        started_on=started_on,
        planned_end=date.fromisoformat(planned) if planned else None,
        breaks=[
            Away(date.fromisoformat(one.first_day), date.fromisoformat(one.returned_on) if one.returned_on else None)
            for one in mentorship.breaks
        ],
        today=today,
        signed_off=signed_off(figures, version),
        ksbs=len(version.ksbs),
        policy=policy,
    )
    return pb.Pace(
        colour=pace.colour,
        started_on=started_on.isoformat(),
        ends_on=pace.ends_on.isoformat(),
        end_planned=bool(planned),
        days_over=pace.days_over,
        days_in_all=pace.days_in_all,
        break_days=pace.break_days,
        expected_percent=pace.expected_percent,
        signed_off_percent=pace.signed_off_percent,
        behind=pace.behind,
        green_until=policy.green_until,
        amber_until=policy.amber_until,
    )


def signed_off(figures: Figures, version: Version) -> int:
    """How many KSBs of the version are."""
    return sum(
        1
        for code, needed in required_of(version).items()
        if code in figures.ksbs and figures.ksbs[code].is_signed_off(needed)
    )


async def current_policy(read: Reader) -> ProgressPolicy:
    """The policy of the caller's provider, with the default of whatever was not set."""
    return await read.state(progress_policy, "progress-policy")


async def policy_at(at: datetime, read: Reader) -> ProgressPolicy:
    """The policy that held at a moment."""
    history = await read.history("progress-policy")
    return progress_policy.fold(progress_policy.initial, [item.event for item in history if item.meta.at <= at])


async def get_progress_policy(_request: pb.GetProgressPolicyRequest, read: Reader) -> pb.GetProgressPolicyResponse:
    """All of it."""
    policy = await current_policy(read)
    return pb.GetProgressPolicyResponse(
        green_until=policy.green_until, amber_until=policy.amber_until, programme_days=policy.programme_days
    )
