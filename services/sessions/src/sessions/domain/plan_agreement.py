"""Who agrees to a plan: the learner, the employer, and the assessor and the provider where there is one, to one and the same content.

A version is agreed once each of them agreed by one of their people and nobody objects. A plan that changed is agreed by nobody until it
is proposed again: agreeing names the content that was read.
"""

from collections.abc import Mapping

from eventkernel.aggregate import Context, Refusal
from google.protobuf.duration_pb2 import Duration
from mentoring.common.v1.common_pb2 import (
    PARTY_RELATIONSHIP_ASSESSOR,
    PARTY_RELATIONSHIP_EMPLOYER_CONTACT,
    PARTY_RELATIONSHIP_PROVIDER_MANAGER,
    Sealed,
)
from mentoring.sessions.v1.learning_plan_events_pb2 import (
    PLAN_SIGNER_ASSESSOR,
    PLAN_SIGNER_EMPLOYER_CONTACT,
    PLAN_SIGNER_LEARNER,
    PLAN_SIGNER_PROVIDER_MANAGER,
    LearningPlanAgreed,
    LearningPlanAgreedTo,
    LearningPlanObjectedTo,
    LearningPlanProposed,
    PlanSigner,
)
from mentoring.sessions.v1.learning_plan_pb2 import (
    AgreeToLearningPlanRequest,
    ObjectToLearningPlanRequest,
    ProposeLearningPlanRequest,
)

from sessions.domain.learning_plan_state import LearningPlans, Signature, Version, signature_of
from sessions.domain.mentoring_policy import MentoringPolicy
from sessions.domain.mentorship_state import Mentorship
from sessions.domain.support_team import active, active_of_mentor, relationships

# The support team that a plan is agreed with. The learner is attached to nothing: it is their plan.
SIGNERS: Mapping[int, PlanSigner.ValueType] = {
    PARTY_RELATIONSHIP_EMPLOYER_CONTACT: PLAN_SIGNER_EMPLOYER_CONTACT,
    PARTY_RELATIONSHIP_ASSESSOR: PLAN_SIGNER_ASSESSOR,
    PARTY_RELATIONSHIP_PROVIDER_MANAGER: PLAN_SIGNER_PROVIDER_MANAGER,
}


def propose(state: LearningPlans, command: ProposeLearningPlanRequest, context: Context) -> list[LearningPlanProposed]:
    """Makes a version of the plan as it stands. The same content, needed by the same, is no new version, unless somebody objects.

    Who objected may be attached no more, and could never agree.
    """
    mentorship = active_of_mentor(context, command.mentorship_id)
    plan = state.plan(command.mentorship_id)
    if not plan.standing:
        raise Refusal("NOTHING_PLANNED", "the plan has no activity; plan one first", field="mentorship_id")
    needed, content_hash, newest = _needed(mentorship), plan.content_hash(command.mentorship_id), plan.newest
    same = newest is not None and (newest.content_hash, newest.needed) == (content_hash, needed)
    if newest is not None and same and not newest.objected_to:
        return []
    minimum = context.state(MentoringPolicy).minimum(mentorship.reference, mentorship.version)
    event = LearningPlanProposed(
        learner_id=command.learner_id,
        mentorship_id=command.mentorship_id,
        plan_version=len(plan.versions) + 1,
        content_hash=content_hash,
        needed=needed,
        planned_off_the_job=_duration(plan.planned_off_the_job),
        planned_on_the_job=_duration(plan.planned_on_the_job),
        minimum_figure=minimum.figure,
    )
    event.minimum_off_the_job.FromTimedelta(minimum.hours)
    return [event]


def agree(
    state: LearningPlans, command: AgreeToLearningPlanRequest, context: Context
) -> list[LearningPlanAgreedTo | LearningPlanAgreed]:
    """One agrees; where that is the last who was missing, the version is agreed in the same commit."""
    version, signs_as = _asked(state, command, context)
    event = LearningPlanAgreedTo(
        learner_id=command.learner_id,
        mentorship_id=command.mentorship_id,
        plan_version=version.number,
        content_hash=version.content_hash,
        person_id=context.principal.person_id,
        signs_as=signs_as,
    )
    signature = signature_of(event, agrees=True)
    if signature in version.signatures:
        return []
    after = version.signed(signature)
    if version.agreed or after.missing or after.objected_to:
        return [event]
    return [
        event,
        LearningPlanAgreed(
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            plan_version=version.number,
            content_hash=version.content_hash,
        ),
    ]


def object_to(
    state: LearningPlans, command: ObjectToLearningPlanRequest, context: Context
) -> list[LearningPlanObjectedTo]:
    """One objects, and the version is not agreed while they do. What was agreed by all is changed by a new version alone."""
    version, signs_as = _asked(state, command, context)
    if Signature(context.principal.person_id, tuple(signs_as), agrees=False) in version.signatures:
        return []
    if version.agreed:
        raise Refusal(
            "PLAN_AGREED",
            f"version {version.number} was agreed by all who are needed; ask the mentor to propose another version",
            field="plan_version",
        )
    return [
        LearningPlanObjectedTo(
            learner_id=command.learner_id,
            mentorship_id=command.mentorship_id,
            plan_version=version.number,
            content_hash=version.content_hash,
            person_id=context.principal.person_id,
            signs_as=signs_as,
            reason=Sealed(to_be_sealed=command.reason),
        )
    ]


def _needed(mentorship: Mentorship) -> tuple[PlanSigner.ValueType, ...]:
    attached = {party.relationship for party in mentorship.people.parties}
    if PARTY_RELATIONSHIP_EMPLOYER_CONTACT not in attached:
        raise Refusal(
            "EMPLOYER_CONTACT_MISSING",
            "a plan is agreed with the employer, and no employer contact is attached to the mentorship; attach one first",
            field="mentorship_id",
        )
    return (PLAN_SIGNER_LEARNER, *(signer for kind, signer in SIGNERS.items() if kind in attached))


def _asked(
    state: LearningPlans, command: AgreeToLearningPlanRequest | ObjectToLearningPlanRequest, context: Context
) -> tuple[Version, list[PlanSigner.ValueType]]:
    """The version that the caller read, and as what the caller is needed for it."""
    person, mentorship = context.principal.person_id, active(context, command.mentorship_id)
    newest = state.plan(command.mentorship_id).newest
    if newest is None:
        raise Refusal(
            "NOTHING_PROPOSED",
            "no version of the plan was proposed yet; ask the mentor to propose it, then read it and agree",
            field="plan_version",
        )
    if newest.number != command.plan_version:
        raise Refusal(
            "NOT_THE_NEWEST_VERSION",
            f"version {command.plan_version} is not the one that is proposed now; read the newest version first",
            field="plan_version",
        )
    if newest.content_hash != command.content_hash:
        raise Refusal(
            "OTHER_CONTENT",
            f"version {newest.number} has other content than what was agreed to here; read that version, and send its content_hash",
            field="content_hash",
        )
    held = [PLAN_SIGNER_LEARNER] if person == command.learner_id else []
    held += [SIGNERS[kind] for kind in sorted(relationships(mentorship, person)) if kind in SIGNERS]
    signs_as = [signer for signer in held if signer in newest.needed]
    if not signs_as:
        raise Refusal(
            "NOT_ASKED_TO_AGREE",
            f"version {newest.number} was proposed before you were attached; ask the mentor to propose it again",
            field="plan_version",
        )
    return newest, signs_as


def _duration(nanoseconds: int) -> Duration:
    found = Duration()
    found.FromNanoseconds(nanoseconds)
    return found
