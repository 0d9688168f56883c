"""What the evidence service is made of: the one place that wires it. Who may call is the contract's; who is whose is said here."""

from collections.abc import Callable, Mapping

from eventkernel.contract import fill
from eventkernel.reading import Ask
from eventkernel.service import Service
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import (
    PARTY_RELATIONSHIP_ASSESSOR,
    PARTY_RELATIONSHIP_EMPLOYER_CONTACT,
    PARTY_RELATIONSHIP_PROVIDER_MANAGER,
    PartyRelationship,
)
from mentoring.evidence.v1.artefacts_pb2 import DownloadArtefactRequest, ExpireUploadRequest
from mentoring.evidence.v1.evidence_pb2 import GetEvidenceRequest, GetKsbProgressRequest, SubmitEvidenceRequest
from mentoring.evidence.v1.learner_record_pb2 import GetLearnerRecordRequest
from mentoring.evidence.v1.listing_pb2 import ListEvidenceRequest
from mentoring.evidence.v1.progress_pb2 import GetGatewayReadinessRequest, GetKsbGapsRequest, GetPaceRequest

from evidence.domain.artefact_policy import artefact_policy
from evidence.domain.assessment import assessment
from evidence.domain.caseload import caseload
from evidence.domain.conflicts import conflicts
from evidence.domain.evidence import Evidence, evidence
from evidence.domain.migration import migrations
from evidence.domain.piece import refuse_unknown
from evidence.domain.planned_end import planned_end
from evidence.domain.progress_policy import progress_policy
from evidence.domain.reviews import reviews
from evidence.domain.sample import sample
from evidence.domain.sampling_plan import sampling_plan
from evidence.domain.standards import standard
from evidence.domain.support_policy import support_policy
from evidence.effects.expiry import expire_upload
from evidence.needs import TOLD_OF_ASSESSMENTS, TOLD_OF_EVIDENCE, TOLD_OF_REVIEWS
from evidence.projections.artefact_policy import get_artefact_policy
from evidence.projections.assessment_record import get_assessment
from evidence.projections.assessment_requests import assessment_requests, list_assessments, list_my_assessments
from evidence.projections.assessor_caseload import (
    assessor_caseload,
    get_my_caseload,
    list_assessor_caseloads,
    list_assessor_compliance,
)
from evidence.projections.case_package import export_standard
from evidence.projections.cohort_summary import get_cohort_summary
from evidence.projections.conflicts_of_interest import get_conflicts_of_interest
from evidence.projections.evidence_list import evidence_list, list_evidence, list_evidence_to_judge
from evidence.projections.evidence_record import get_evidence, get_testimony
from evidence.projections.heat_map import get_heat_map
from evidence.projections.ksb_progress import ksb_progress
from evidence.projections.learner_progress import get_ksb_progress
from evidence.projections.learner_record import get_learner_record
from evidence.projections.migration_preview import preview_migration
from evidence.projections.my_learners import list_my_learners
from evidence.projections.pace_of_learner import get_pace, get_progress_policy
from evidence.projections.progress_facts import CONTRACT, progress_facts
from evidence.projections.readiness import get_gateway_readiness, get_ksb_gaps
from evidence.projections.review_record import get_review, get_review_progress, list_reviews
from evidence.projections.reviews_due import list_my_reviews_due, list_reviews_due, reviews_due
from evidence.projections.sample_draws import list_sample_draws, sample_draws, verify_sample_draw
from evidence.projections.sample_record import get_sample
from evidence.projections.samples import list_learner_compliance, list_my_samples, list_samples, samples
from evidence.projections.sampling_plans import list_sampling_plans, sampling_plans
from evidence.projections.standards import get_standard, list_standards, standards
from evidence.projections.support_policy import get_support_policy
from evidence.projections.support_team import SupportTeam, support_team
from evidence.reactions.assessments import chasing
from evidence.reactions.quality import quality
from evidence.reactions.reviews import reviewing
from evidence.reactions.uploads import uploads
from evidence.transfers.download import download_artefact
from evidence.transfers.upload import get_upload, upload_artefact

# The need-to-know matrix of DOMAIN.md, where it says `full`: progress, and evidence judged. Learner and mentor see both.
_PROGRESS_IN_FULL = frozenset(
    {PARTY_RELATIONSHIP_ASSESSOR, PARTY_RELATIONSHIP_EMPLOYER_CONTACT, PARTY_RELATIONSHIP_PROVIDER_MANAGER}
)
TOLD_IN_FULL: Mapping[type[Message], frozenset[PartyRelationship.ValueType]] = {
    GetKsbProgressRequest: _PROGRESS_IN_FULL,
    GetKsbGapsRequest: _PROGRESS_IN_FULL,
    GetGatewayReadinessRequest: _PROGRESS_IN_FULL,
    GetPaceRequest: _PROGRESS_IN_FULL,
    GetEvidenceRequest: TOLD_OF_EVIDENCE,
    GetLearnerRecordRequest: TOLD_OF_EVIDENCE,
    ListEvidenceRequest: TOLD_OF_EVIDENCE,
    DownloadArtefactRequest: TOLD_OF_EVIDENCE,
    **TOLD_OF_REVIEWS,
    **TOLD_OF_ASSESSMENTS,
}


# What is kept as events, what is derived of them to be read, and what answers: each by what it is about.
AGGREGATES = (
    *(standard, migrations),
    *(evidence, artefact_policy),
    *(progress_policy, planned_end, support_policy),
    *(caseload, conflicts, sampling_plan, sample),
    *(reviews, assessment),
)
PROJECTIONS = (
    *(standards, support_team, evidence_list),
    *(ksb_progress, progress_facts),
    *(assessor_caseload, sampling_plans, sample_draws, samples),
    *(reviews_due, assessment_requests),
)
OF_STANDARDS = (list_standards, get_standard, export_standard, preview_migration)
OF_EVIDENCE = (get_evidence, get_testimony, list_evidence, list_evidence_to_judge, get_artefact_policy)
OF_PROGRESS = (
    *(get_ksb_progress, get_ksb_gaps, get_gateway_readiness, get_pace, get_learner_record),
    *(list_my_learners, get_cohort_summary, get_heat_map),
    *(get_progress_policy, get_support_policy),
)
OF_QUALITY = (
    *(list_sampling_plans, list_sample_draws, verify_sample_draw),
    *(list_samples, list_my_samples, get_sample, list_learner_compliance),
    *(list_assessor_caseloads, get_my_caseload, list_assessor_compliance, get_conflicts_of_interest),
)
OF_REVIEWS = (get_review, list_reviews, get_review_progress, list_my_reviews_due, list_reviews_due)
OF_ASSESSMENTS = (get_assessment, list_assessments, list_my_assessments)


def build() -> Service:
    """The service, complete and unstarted."""
    return Service(
        name="evidence",
        contract=CONTRACT,
        aggregates=AGGREGATES,
        projections=PROJECTIONS,
        reactions=[quality, reviewing, chasing, uploads],
        queries=[*OF_STANDARDS, *OF_EVIDENCE, *OF_PROGRESS, *OF_QUALITY, *OF_REVIEWS, *OF_ASSESSMENTS],
        transfers=[get_upload, upload_artefact, download_artefact],
        effects={ExpireUploadRequest: expire_upload},
        relations={
            "self_or_mentor": self_or_mentor,
            "assessor_of_learner": assessor_of_learner,
            "support_team": in_support_team,
        },
    )


async def self_or_mentor(ask: Ask) -> bool:
    """The caller is the request's learner, or mentors them in an active mentorship, in what the request is about.

    That is the mentorship that it names, or one on the standard that it names or that its piece of evidence is of.
    Raises Refusal EVIDENCE_UNKNOWN for a piece of another standard, as for one that is not there.
    """
    if _is_learner(ask):
        return True
    caller = ask.principal.person_id
    return await _holds(ask, lambda team, reference: team.is_mentored_by(caller, reference))


async def assessor_of_learner(ask: Ask) -> bool:
    """The caller is an assessor in an active mentorship of the request's learner, on the standard that its piece of evidence is of.

    Raises Refusal EVIDENCE_UNKNOWN as above.
    """
    caller = ask.principal.person_id
    return await _holds(ask, lambda team, reference: team.has_party(caller, {PARTY_RELATIONSHIP_ASSESSOR}, reference))


async def in_support_team(ask: Ask) -> bool:
    """The caller is the learner, the mentor, or somebody with a legitimate need of what the request asks for.

    A manager of the provider needs no attachment where managers are told; everybody else does, to the mentorship, or to one on the standard,
    that the request is about: an employer is told nothing of what a learner does at another.
    Raises Refusal EVIDENCE_UNKNOWN as above.
    """
    told, caller = TOLD_IN_FULL[type(ask.request)], ask.principal.person_id
    if _is_learner(ask) or ("provider_manager" in ask.principal.roles and PARTY_RELATIONSHIP_PROVIDER_MANAGER in told):
        return True
    return await _holds(
        ask,
        lambda team, reference: team.is_mentored_by(caller, reference) or team.has_party(caller, told, reference),
    )


def _is_learner(ask: Ask) -> bool:
    return ask.principal.person_id == fill("{learner_id}", ask.request)


async def _holds(ask: Ask, holds: Callable[[SupportTeam, str], bool]) -> bool:
    """Whether it holds in the learner's support team, for the standard that the request is about; any of theirs where it is about none."""
    team = await _team(ask)
    if not holds(team, _standard(ask)):
        return False
    fields = ask.request.DESCRIPTOR.fields_by_name
    if "evidence_id" in fields and not isinstance(ask.request, SubmitEvidenceRequest):
        evidence_id, learner_id = fill("{evidence_id}", ask.request), fill("{learner_id}", ask.request)
        piece = await ask.read.state(evidence, f"evidence-{evidence_id}")
        refuse_unknown(piece if holds(team, piece.reference) else Evidence(), evidence_id, learner_id)
    return True


def _standard(ask: Ask) -> str:
    """The reference of the standard that the request names; empty where it names none."""
    return fill("{standard.reference}", ask.request) if "standard" in ask.request.DESCRIPTOR.fields_by_name else ""


async def _team(ask: Ask) -> SupportTeam:
    learner_id = fill("{learner_id}", ask.request)
    team = await ask.read.document(support_team, learner_id) or support_team.new(learner_id)
    names_one = "mentorship_id" in ask.request.DESCRIPTOR.fields_by_name
    return team.within(fill("{mentorship_id}", ask.request)) if names_one else team
