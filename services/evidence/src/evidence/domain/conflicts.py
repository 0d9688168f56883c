"""Who must not judge a learner's evidence, since something stands between them. The reason is sealed for that person."""

from dataclasses import dataclass

from eventkernel.aggregate import Aggregate, Context, Refusal
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.evidence.v1.judging_events_pb2 import ConflictOfInterestDeclared, ConflictOfInterestEnded
from mentoring.evidence.v1.judging_pb2 import DeclareConflictOfInterestRequest, EndConflictOfInterestRequest


@dataclass(frozen=True, slots=True)
class Conflicts:
    """One learner's: the people who must not judge."""

    assessor_ids: frozenset[str] = frozenset()


conflicts = Aggregate("conflicts", initial=Conflicts())


@conflicts.decide
def declare(
    state: Conflicts, command: DeclareConflictOfInterestRequest, context: Context
) -> list[ConflictOfInterestDeclared]:
    """From now on this person judges nothing of the learner's. What they judged before stands until somebody supersedes it."""
    principal = context.principal
    if "provider_manager" not in principal.roles and command.assessor_id != principal.person_id:
        raise Refusal(
            "CONFLICT_OF_ANOTHER",
            "an assessor declares their own conflicts of interest; ask a manager of the provider for another's",
            field="assessor_id",
        )
    if command.assessor_id in state.assessor_ids:
        return []
    return [
        ConflictOfInterestDeclared(
            learner_id=command.learner_id,
            assessor_id=command.assessor_id,
            declared_by=principal.person_id,
            reason=Sealed(to_be_sealed=command.reason),
        )
    ]


@conflicts.decide
def end(state: Conflicts, command: EndConflictOfInterestRequest, context: Context) -> list[ConflictOfInterestEnded]:
    """This person may judge again."""
    if command.assessor_id not in state.assessor_ids:
        return []
    return [
        ConflictOfInterestEnded(
            learner_id=command.learner_id,
            assessor_id=command.assessor_id,
            ended_by=context.principal.person_id,
            reason=Sealed(to_be_sealed=command.reason),
        )
    ]


@conflicts.evolve
def declared(state: Conflicts, event: ConflictOfInterestDeclared) -> Conflicts:
    """One more who must not."""
    return Conflicts(state.assessor_ids | {event.assessor_id})


@conflicts.evolve
def ended(state: Conflicts, event: ConflictOfInterestEnded) -> Conflicts:
    """One fewer."""
    return Conflicts(state.assessor_ids - {event.assessor_id})
