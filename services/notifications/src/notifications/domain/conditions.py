"""Conditions: on what else it depends who is told of a learner. What nobody has said is not met, so that nobody is told wrongly."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from eventkernel.aggregate import Aggregate, Context, Refusal
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.conditions_pb2 import Condition
from mentoring.notifications.v1.events_pb2 import Because
from mentoring.notifications.v1.need_to_know_events_pb2 import AgreementGiven, AgreementWithdrawn, LearnerComesOfAgeSet
from mentoring.notifications.v1.need_to_know_pb2 import (
    GiveAgreementRequest,
    SetLearnerComesOfAgeRequest,
    WithdrawAgreementRequest,
)

from notifications.domain.circle import RELATED

# A day begins first at UTC+14. A learner is of age from then: for some hours a guardian is told nothing who might have been,
# and nowhere is one told who may not.
_FIRST_TO_BEGIN_A_DAY = timedelta(hours=14)
# A kind of information, told to a relationship.
Cell = tuple[InformationKind.ValueType, Because.ValueType]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the learner agrees to, and the day on which they come of age; None where it is not known."""

    agreed: tuple[Cell, ...] = ()
    comes_of_age: date | None = None

    def is_met(self, condition: Condition.ValueType, cell: Cell, now: datetime) -> bool:
        """Whether it is met for this cell of the matrix at this time. One that is not known, such as a later release's, is not."""
        match condition:
            case Condition.CONDITION_UNDER_18:
                return self.comes_of_age is not None and (now + _FIRST_TO_BEGIN_A_DAY).date() < self.comes_of_age
            case Condition.CONDITION_LEARNER_AGREES:
                return cell in self.agreed
            case _:
                return False


conditions = Aggregate("conditions", initial=Conditions())


@conditions.decide
def give_agreement(state: Conditions, command: GiveAgreementRequest, _context: Context) -> list[AgreementGiven]:
    """The learner agrees; what they agree to already gives nothing.

    Raises Refusal NOTHING_TO_AGREE_TO for what no agreement can open.
    """
    if command.kind == InformationKind.INFORMATION_KIND_CONCERN:
        raise Refusal(
            "NOTHING_TO_AGREE_TO",
            "No agreement opens a concern: leave INFORMATION_KIND_CONCERN out.",
            field="kind",
        )
    if command.because not in RELATED:
        raise Refusal(
            "NOTHING_TO_AGREE_TO",
            f"{Because.Name(command.because)} is nobody whom a learner can agree to have told: "
            "use mentor, assessor, employer contact, provider manager or guardian.",
            field="because",
        )
    if (command.kind, command.because) in state.agreed:
        return []
    return [AgreementGiven(learner_id=command.learner_id, kind=command.kind, because=command.because)]


@conditions.decide
def withdraw_agreement(
    state: Conditions, command: WithdrawAgreementRequest, _context: Context
) -> list[AgreementWithdrawn]:
    """The learner agrees no more; what they never agreed to gives nothing."""
    if (command.kind, command.because) not in state.agreed:
        return []
    return [AgreementWithdrawn(learner_id=command.learner_id, kind=command.kind, because=command.because)]


@conditions.decide
def set_learner_comes_of_age(
    state: Conditions, command: SetLearnerComesOfAgeRequest, _context: Context
) -> list[LearnerComesOfAgeSet]:
    """The day is known, or is known no more; the same again gives nothing.

    Raises Refusal DAY_UNKNOWN for a day that no calendar has.
    """
    if _day(command.comes_of_age_on) == state.comes_of_age:
        return []
    return [LearnerComesOfAgeSet(learner_id=command.learner_id, comes_of_age_on=command.comes_of_age_on)]


@conditions.evolve
def agreement_given(state: Conditions, event: AgreementGiven) -> Conditions:
    """One cell more."""
    return replace(state, agreed=tuple(sorted({*state.agreed, (event.kind, event.because)})))


@conditions.evolve
def agreement_withdrawn(state: Conditions, event: AgreementWithdrawn) -> Conditions:
    """One cell fewer."""
    return replace(state, agreed=tuple(cell for cell in state.agreed if cell != (event.kind, event.because)))


@conditions.evolve
def learner_comes_of_age_set(state: Conditions, event: LearnerComesOfAgeSet) -> Conditions:
    """The day is the newest one."""
    return replace(state, comes_of_age=_day(event.comes_of_age_on))


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refusal(
            "DAY_UNKNOWN", f"{text} is no day of the calendar: give one as 2027-03-31.", field="comes_of_age_on"
        ) from None
