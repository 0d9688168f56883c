"""Assessors' caseloads in figures, one document an assessor, and how the sampling of each stands under a plan."""

import asyncio

from eventkernel.aggregate import Refusal
from eventkernel.messages import Metadata
from eventkernel.projection import Projection
from eventkernel.reading import Reader
from mentoring.evidence.v1 import quality_views_pb2 as views
from mentoring.evidence.v1.events_pb2 import DECISION_REFER, EvidenceKind
from mentoring.evidence.v1.quality_events_pb2 import (
    SAMPLE_STATUS_ACTION_REQUIRED,
    SAMPLE_STATUS_AWAITING,
    SAMPLE_STATUS_CONFIRMED,
    SAMPLE_STATUS_NOT_CONFIRMED,
    AssessorDecisionNoted,
    SampleDrawn,
    SampleOutcomeNoted,
    SampleStatus,
)
from pydantic import BaseModel

from evidence.domain.caseload import caseload
from evidence.domain.compliance import compliance_of
from evidence.domain.sampling_plan import SamplingPlan, sampling_plan
from evidence.projections.times import stamp


class Method(BaseModel):
    """Decisions on one kind of evidence."""

    decisions: int = 0
    referrals: int = 0


class Caseload(BaseModel):
    """One assessor's: methods by the number of their EvidenceKind, samples with their SampleStatus by id; times in milliseconds."""

    assessor_id: str
    decisions: int = 0
    referrals: int = 0
    learners: list[str] = []
    references: list[str] = []
    methods: dict[str, Method] = {}
    samples: dict[str, SampleStatus.ValueType] = {}
    first_decided_ms: int = 0
    last_decided_ms: int = 0


assessor_caseload = Projection(
    "assessor_caseload", version=1, document=Caseload, key="assessor_id", indexes=("references",)
)


@assessor_caseload.on
def decided(document: Caseload, event: AssessorDecisionNoted, _meta: Metadata) -> None:
    """One decision more."""
    referral = int(event.decision == DECISION_REFER)
    at = event.decided_at.ToMilliseconds()
    document.decisions += 1
    document.referrals += referral
    method = document.methods.setdefault(str(event.kind), Method())
    method.decisions += 1
    method.referrals += referral
    _keep(document.learners, event.learner_id)
    _keep(document.references, event.standard.reference)
    document.first_decided_ms = min(document.first_decided_ms or at, at)
    document.last_decided_ms = max(document.last_decided_ms, at)


@assessor_caseload.on
def drawn(document: Caseload, event: SampleDrawn, _meta: Metadata) -> None:
    """Samples more."""
    document.samples.update({piece.sample_id: SAMPLE_STATUS_AWAITING for piece in event.pieces})


@assessor_caseload.on
def outcome(document: Caseload, event: SampleOutcomeNoted, _meta: Metadata) -> None:
    """A sample stands otherwise."""
    document.samples[event.sample_id] = event.status


async def list_assessor_caseloads(
    request: views.ListAssessorCaseloadsRequest, read: Reader
) -> views.ListAssessorCaseloadsResponse:
    """All assessors who decided on anything, by their ids."""
    shown, cursor = await read.page(assessor_caseload, request.page, order="assessor_id")
    return views.ListAssessorCaseloadsResponse(caseloads=map(_figures, shown), next_cursor=cursor)


async def get_my_caseload(_request: views.GetMyCaseloadRequest, read: Reader) -> views.GetMyCaseloadResponse:
    """The caller's figures, zeros before the first decision."""
    me = read.principal.person_id
    document = await read.document(assessor_caseload, me) or assessor_caseload.new(me)
    return views.GetMyCaseloadResponse(caseload=_figures(document))


async def list_assessor_compliance(
    request: views.ListAssessorComplianceRequest, read: Reader
) -> views.ListAssessorComplianceResponse:
    """The assessors who decided on anything of the plan's standard, by their ids, each as their stream says it is now.

    Raises Refusal PLAN_UNKNOWN.
    """
    plan = await read.state(sampling_plan, f"sampling-plan-{request.plan_id}")
    if not plan.versions:
        raise Refusal("PLAN_UNKNOWN", f"there is no sampling plan {request.plan_id}; check the id", field="plan_id")
    reference = plan.version(plan.number).reference
    shown, cursor = await read.page(assessor_caseload, request.page, order="assessor_id", references=reference)
    stands = await asyncio.gather(*(_compliance(one.assessor_id, plan, read) for one in shown))
    return views.ListAssessorComplianceResponse(assessors=stands, next_cursor=cursor)


async def _compliance(assessor_id: str, plan: SamplingPlan, read: Reader) -> views.AssessorCompliance:
    found = compliance_of(await read.state(caseload, f"caseload-{assessor_id}"), plan)
    return views.AssessorCompliance(
        assessor_id=assessor_id,
        compliant=found.compliant,
        candidates=found.candidates,
        drawn=found.drawn,
        to_draw=found.to_draw,
        awaiting=found.awaiting,
        action_required=found.action_required,
    )


def _figures(document: Caseload) -> views.AssessorCaseload:
    statuses = list(document.samples.values())
    return views.AssessorCaseload(
        assessor_id=document.assessor_id,
        decisions=document.decisions,
        referrals=document.referrals,
        referral_percentage=100 * document.referrals // document.decisions if document.decisions else 0,
        learners=len(document.learners),
        methods=[
            views.MethodCount(kind=EvidenceKind.ValueType(int(kind)), decisions=one.decisions, referrals=one.referrals)
            for kind, one in sorted(document.methods.items())
        ],
        first_decided_at=stamp(document.first_decided_ms),
        last_decided_at=stamp(document.last_decided_ms),
        sampled=len(statuses),
        confirmed=statuses.count(SAMPLE_STATUS_CONFIRMED),
        action_required=statuses.count(SAMPLE_STATUS_ACTION_REQUIRED),
        not_confirmed=statuses.count(SAMPLE_STATUS_NOT_CONFIRMED),
    )


def _keep(names: list[str], name: str) -> None:
    if name not in names:
        names.append(name)
