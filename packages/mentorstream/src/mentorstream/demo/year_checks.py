"""Holds what came of one learner's year, and of the cohort's newest views, against what was planned."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.evidence.v1 import assessment_pb2 as assessments
from mentoring.evidence.v1 import progress_pb2 as progress
from mentoring.evidence.v1 import quality_views_pb2 as quality_views
from mentoring.evidence.v1 import review_views_pb2 as review_views
from mentoring.evidence.v1 import standard_pb2 as standards
from mentoring.evidence.v1.artefacts_pb2 import DownloadArtefactRequest, DownloadArtefactResponse
from mentoring.evidence.v1.assessment_events_pb2 import ASSESSMENT_OUTCOME_MET, ASSESSMENT_OUTCOME_NOT_YET
from mentoring.evidence.v1.cohort_pb2 import GetHeatMapRequest, GetHeatMapResponse
from mentoring.evidence.v1.evidence_pb2 import (
    GetEvidenceRequest,
    GetEvidenceResponse,
    GetKsbProgressRequest,
    GetKsbProgressResponse,
)
from mentoring.evidence.v1.judging_pb2 import EVIDENCE_STATUS_ACCEPTED
from mentoring.evidence.v1.quality_events_pb2 import SAMPLE_STATUS_CONFIRMED
from mentoring.evidence.v1.standard_events_pb2 import KsbMapping
from mentoring.sessions.v1 import action_plan_pb2 as actions
from mentoring.sessions.v1 import learning_plan_pb2 as plans
from mentoring.sessions.v1.group_session_pb2 import GetGroupSessionResponse
from mentoring.sessions.v1.sessions_pb2 import (
    SESSION_STATUS_HELD,
    SESSION_STATUS_MISSED,
    GetSessionRequest,
    GetSessionResponse,
)

from mentorstream.demo import cohort, year_plan
from mentorstream.demo.cohort import CODES, STANDARD, LearnerPlan
from mentorstream.demo.expected import heat_map, ksb_figures
from mentorstream.demo.settling import stamp, until
from mentorstream.demo.year import AGENDA, VIEW, Year
from mentorstream.demo.year_sampling import Sampling
from mentorstream.progress.shown import Learner

if TYPE_CHECKING:
    from mentorstream.demo.journey import Journey

# The default of the platform (DfE apprenticeship funding rules 2025-26).
_MINIMUM_OFF_THE_JOB = 187 * 60
_MOMENT = timedelta(milliseconds=1)


@dataclass
class YearFound:
    """What the services answered. `places`: the platform's ids of the group's sessions, and what they are called in the plans."""

    places: dict[str, str]
    plan: plans.GetLearningPlanResponse
    hours: plans.GetHoursResponse
    group: GetGroupSessionResponse
    session: GetSessionResponse
    actions: list[actions.Action]
    pieces: dict[str, GetEvidenceResponse]
    downloaded: bytes
    assessment: assessments.GetAssessmentResponse
    review: review_views.GetReviewResponse
    samples: list[quality_views.SampleSummary]
    verified: quality_views.VerifySampleDrawResponse
    before: GetKsbProgressResponse
    after: GetKsbProgressResponse
    learner: Learner
    heat: GetHeatMapResponse
    preview: standards.PreviewMigrationResponse


Faults = Iterable[tuple[str, tuple[str, ...]]]


async def look(journey: "Journey") -> YearFound:
    """Asks for everything, once what is on its way has come."""
    year = Year(journey)
    confirmed = year_plan.drawn(journey.as_lived, year.plan.assessor_id)
    expected = heat_map(journey.as_lived, confirmed)
    found: list[GetHeatMapResponse] = []

    async def settled() -> bool:
        found.append(await _heat(year))
        return _told(found[-1]) == expected

    async def acted() -> bool:
        return len(await _actions(year)) >= len(year.owners)

    async def met() -> bool:
        return {place.status for place in (await year.group()).places} <= {SESSION_STATUS_HELD, SESSION_STATUS_MISSED}

    # Where it does not come, the check says what is different.
    await asyncio.gather(*(until(one, one.__name__) for one in (settled, acted, met)), return_exceptions=True)
    evidence, sessions = (year.client(service, year.plan.mentor_id, "mentor") for service in ("evidence", "sessions"))
    manager = year.client("evidence", cohort.MANAGER, "provider_manager")
    iqa = year.client("evidence", year_plan.IQA, "iqa")
    group = await year.group()
    pieces = {
        piece.id: await evidence.call(
            GetEvidenceRequest(evidence_id=piece.id, learner_id=year.plan.learner_id), GetEvidenceResponse
        )
        for piece in (year_plan.IN_PART, year_plan.SUPERSEDED)
    }
    decided_at = pieces[year_plan.IN_PART.id].decisions[-1].decided_at.ToDatetime()
    draws = await iqa.call(
        quality_views.ListSampleDrawsRequest(plan_id=year_plan.SAMPLING_PLAN), quality_views.ListSampleDrawsResponse
    )
    verify = quality_views.VerifySampleDrawRequest(assessor_id=year.plan.assessor_id, draw_id=draws.draws[0].draw_id)
    session = GetSessionRequest(session_id=year_plan.GUIDED.id, learner_id=year.plan.learner_id)
    assessment = assessments.GetAssessmentRequest(**year.ids, assessment_id=year_plan.ASSESSMENT)
    review = review_views.GetReviewRequest(**year.ids, review_id=year_plan.REVIEW)
    return YearFound(
        places={place.session_id: year_plan.place_of(place.learner_id) for place in group.places},
        plan=await sessions.call(
            plans.GetLearningPlanRequest(**year.ids, plan_version=1), plans.GetLearningPlanResponse
        ),
        hours=await sessions.call(plans.GetHoursRequest(**year.ids), plans.GetHoursResponse),
        group=group,
        session=await sessions.call(session, GetSessionResponse),
        actions=await _actions(year),
        pieces=pieces,
        downloaded=await _downloaded(year),
        assessment=await evidence.call(assessment, assessments.GetAssessmentResponse),
        review=await evidence.call(review, review_views.GetReviewResponse),
        samples=await Sampling(journey).samples(),
        verified=await iqa.call(verify, quality_views.VerifySampleDrawResponse),
        before=(await _learner(year, stamp(decided_at - _MOMENT))).progress,
        after=(await _learner(year, stamp(decided_at + _MOMENT))).progress,
        learner=await _learner(year),
        heat=found[-1],
        preview=await manager.call(_preview(year), standards.PreviewMigrationResponse),
    )


def faults(journey: "Journey", found: YearFound) -> Faults:
    """Each outcome of the year: what was asked for, and what came instead."""
    year, plan = Year(journey), journey.as_lived[0]
    yield "a learning plan agreed by the support team, and hours reported on it", tuple(_plan_faults(found))
    yield "a group's session is each learner's own: held, or missed", tuple(_group_faults(found))
    yield "a session with agenda, guide, advice and the learner's own view", tuple(_session_faults(found))
    yield "what it agreed became actions with owners and due days", tuple(_action_faults(year, found))
    yield "evidence referred in part, resubmitted, accepted; a decision superseded", tuple(_piece_faults(found))
    yield (
        "an artefact comes down as it went up",
        (() if found.downloaded == year_plan.ARTEFACT_BYTES else (f"found {len(found.downloaded)} other bytes",)),
    )
    yield "an assessment asked for, and decided KSB by KSB", tuple(_assessment_faults(found))
    yield "a progress review signed by three over one hash", tuple(_review_faults(year, found))
    yield (
        "the sample that the seed draws, confirmed by the IQA and drawn again alike",
        tuple(_sample_faults(journey, year, found)),
    )
    yield "progress as known before and after a decision", tuple(_known_faults(plan, found))
    yield "gaps, gateway and pace of one learner as planned", tuple(_learner_faults(plan, found))
    yield "a heat map of the cohort, and of nobody", tuple(_heat_faults(journey, year, found))
    yield "a mapping to a next version of the standard previewed", tuple(_preview_faults(plan, found))


def _differs(what: str, expected: object, found: object) -> Iterator[str]:
    if expected != found:
        yield f"{what}: expected {expected}, found {found}"


def _plan_faults(found: YearFound) -> Iterator[str]:
    (version,) = found.plan.versions
    yield from _differs("the version's missing signers", [], list(version.missing))
    yield from _differs("who agreed", 3, sum(one.agrees for one in version.signatures))
    for off, done in ((True, found.hours.done_off_the_job), (False, found.hours.done_on_the_job)):
        minutes = sum(one.reported_minutes for one in year_plan.ACTIVITIES if one.off_the_job == off)
        yield from _differs("minutes done", minutes, done.ToSeconds() // 60)


def _group_faults(found: YearFound) -> Iterator[str]:
    expected = dict.fromkeys(year_plan.THERE, SESSION_STATUS_HELD) | dict.fromkeys(
        year_plan.AWAY, SESSION_STATUS_MISSED
    )
    yield from _differs("the group", expected, {place.learner_id: place.status for place in found.group.places})


def _session_faults(found: YearFound) -> Iterator[str]:
    guide = found.session.session.guide
    yield from _differs("the agenda", AGENDA, tuple(found.session.agenda))
    yield from _differs("the guide", (year_plan.GUIDE, year_plan.GUIDE_STEPS), (guide.guide_id, tuple(guide.step_ids)))
    yield from _differs("pieces of advice", 1, len(found.session.advice))
    yield from _differs("the learner's view", VIEW, found.session.learner_view)


def _action_faults(year: Year, found: YearFound) -> Iterator[str]:
    expected = {(f"{year_plan.GUIDED.id}.{place}", owner) for place, owner in enumerate(year.owners, start=1)}
    yield from _differs("actions", expected, {(one.action_id, one.owner_id) for one in found.actions})
    yield from _differs("due days", {year.due_on}, {one.due_on for one in found.actions})


def _piece_faults(found: YearFound) -> Iterator[str]:
    for piece in (year_plan.IN_PART, year_plan.SUPERSEDED):
        answer = found.pieces[piece.id]
        yield from _differs(f"{piece.id}", EVIDENCE_STATUS_ACCEPTED, answer.status)
        yield from _differs(f"decisions on {piece.id}", len(piece.judgings), len(answer.decisions))
    yield from _differs("attempts", 2, len(found.pieces[year_plan.IN_PART.id].attempts))
    superseded = [one.superseded_by for one in found.pieces[year_plan.SUPERSEDED.id].decisions]
    yield from _differs("what stands instead", [2, 0], superseded)


def _assessment_faults(found: YearFound) -> Iterator[str]:
    expected = dict.fromkeys(year_plan.MET, ASSESSMENT_OUTCOME_MET)
    expected |= dict.fromkeys(year_plan.NOT_YET, ASSESSMENT_OUTCOME_NOT_YET)
    outcomes = {one.ksb_code: one.outcome for one in found.assessment.assessment.outcomes}
    yield from _differs("outcomes", expected, outcomes)


def _review_faults(year: Year, found: YearFound) -> Iterator[str]:
    content_hash = found.review.review.content_hash
    expected = {(signatory, person_id, content_hash) for person_id, _, signatory in year.signatories}
    signed = {(one.signatory, one.signed_by, one.content_hash) for one in found.review.signatures}
    yield from _differs("signatures", expected, signed)
    yield from _differs("the review", review_views.REVIEW_STATUS_COMPLETE, found.review.review.status)


def _sample_faults(journey: "Journey", year: Year, found: YearFound) -> Iterator[str]:
    expected = sorted(year_plan.drawn(journey.as_lived, year.plan.assessor_id))
    yield from _differs("drawn", expected, sorted(one.evidence_id for one in found.samples))
    yield from _differs("samples stand", {SAMPLE_STATUS_CONFIRMED}, {one.status for one in found.samples})
    again = sorted(piece.evidence_id for piece in found.verified.pieces)
    yield from _differs("drawn again", (True, expected), (found.verified.agrees, again))


def _known_faults(plan: LearnerPlan, found: YearFound) -> Iterator[str]:
    (code,) = year_plan.IN_PART.judgings[-1].accepted
    final = ksb_figures(plan)[code].assessed
    for when, answer, expected in (("before", found.before, final - 1), ("after", found.after, final)):
        assessed = next(ksb.assessed for ksb in answer.ksbs if ksb.code == code)
        yield from _differs(f"{code} accepted, as known {when}", expected, assessed)


def _learner_faults(plan: LearnerPlan, found: YearFound) -> Iterator[str]:
    missing = [code for code, figures in ksb_figures(plan).items() if not figures.assessed]
    yield from _differs("gaps", missing, [gap.code for gap in found.learner.gaps.gaps])
    off = sum(one.reported_minutes for one in plan.activities if one.off_the_job)
    expected = {
        progress.GATEWAY_CODE_KSBS_SIGNED_OFF: (progress.REQUIREMENT_STATUS_NOT_MET, len(CODES) - len(missing), 27),
        progress.GATEWAY_CODE_OFF_THE_JOB_HOURS: (progress.REQUIREMENT_STATUS_NOT_MET, off, _MINIMUM_OFF_THE_JOB),
        progress.GATEWAY_CODE_REVIEWS_UP_TO_DATE: (progress.REQUIREMENT_STATUS_MET, 0, 0),
    }
    gateway = found.learner.gateway
    yield from _differs("the gateway is open", False, gateway.ready)
    requirements = {one.code: (one.status, one.present, one.needed) for one in gateway.requirements}
    yield from _differs("the gateway", expected, requirements)
    # The mentorship began a moment ago, so nobody is behind.
    pace = found.learner.pace
    signed_off = (len(CODES) - len(missing)) * 100 // len(CODES)
    yield from _differs(
        "the pace", (progress.COLOUR_GREEN, 0, signed_off), (pace.colour, pace.behind, pace.signed_off_percent)
    )


def _heat_faults(journey: "Journey", year: Year, found: YearFound) -> Iterator[str]:
    expected = heat_map(journey.as_lived, year_plan.drawn(journey.as_lived, year.plan.assessor_id))
    for code, told in _told(found.heat).items():
        yield from _differs(code, expected[code], told)
    yield from _differs("learners", len(journey.learners) // 5 * 5, found.heat.learners)


def _preview_faults(plan: LearnerPlan, found: YearFound) -> Iterator[str]:
    for ksb in found.preview.ksbs:
        to = year_plan.BECOMES[ksb.code]
        kept = standards.MIGRATION_FATE_KEPT if to == (ksb.code,) else standards.MIGRATION_FATE_MOVED
        fate = kept if to else standards.MIGRATION_FATE_LOST
        yield from _differs(ksb.code, (to, fate), (tuple(ksb.to_codes), ksb.fate))
    for required in found.preview.required:
        sources = {code for code, to in year_plan.BECOMES.items() if required.code in to}
        accepted = sum(bool(sources & piece.accepted) for piece in plan.evidence)
        yield from _differs(f"{required.code} in the next version", accepted, required.assessed)


def _told(heat: GetHeatMapResponse) -> dict[str, dict[str, int]]:
    bands = ("planned", "practised", "evidenced", "assessed", "sampled")
    return {row.code: {band: getattr(row, band) for band in bands} for row in heat.rows}


async def _heat(year: Year) -> GetHeatMapResponse:
    manager = year.client("evidence", cohort.MANAGER, "provider_manager")
    return await manager.call(GetHeatMapRequest(standard=STANDARD), GetHeatMapResponse)


async def _actions(year: Year) -> list[actions.Action]:
    mentor = year.client("sessions", year.plan.mentor_id, "mentor")
    asked = actions.ListActionPlanRequest(learner_id=year.plan.learner_id, on=year.journey.today.isoformat())
    return list((await mentor.call(asked, actions.ListActionPlanResponse)).actions)


async def _downloaded(year: Year) -> bytes:
    asked = DownloadArtefactRequest(
        evidence_id=year_plan.IN_PART.id, learner_id=year.plan.learner_id, artefact_id=year_plan.ARTEFACT
    )
    assessor = year.client("evidence", year.plan.assessor_id, "assessor")
    return b"".join([part.content async for part in assessor.stream(asked, DownloadArtefactResponse)])


async def _learner(year: Year, at: Timestamp | None = None) -> Learner:
    mentor = year.client("evidence", year.plan.mentor_id, "mentor")
    of: dict[str, Any] = {"learner_id": year.plan.learner_id, "standard": STANDARD, "as_known_at": at}
    return Learner(
        await mentor.call(GetKsbProgressRequest(**of), GetKsbProgressResponse),
        await mentor.call(progress.GetKsbGapsRequest(**of), progress.GetKsbGapsResponse),
        await mentor.call(progress.GetGatewayReadinessRequest(**of), progress.GetGatewayReadinessResponse),
        (await mentor.call(progress.GetPaceRequest(**of), progress.GetPaceResponse)).pace,
        at,
    )


def _preview(year: Year) -> standards.PreviewMigrationRequest:
    return standards.PreviewMigrationRequest(
        learner_id=year.plan.learner_id, standard=STANDARD, to=year_plan.NEXT_VERSION,
        mapping=[KsbMapping(code=code, to_codes=to) for code, to in year_plan.BECOMES.items()],
    )  # fmt: skip
