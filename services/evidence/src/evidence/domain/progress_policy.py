"""How a provider judges pace. Each number has a value at all times: the default, until it is set."""

from dataclasses import asdict, dataclass

from eventkernel.aggregate import Aggregate, Context, Refusal
from mentoring.evidence.v1.progress_events_pb2 import ProgressPolicySet
from mentoring.evidence.v1.progress_pb2 import SetProgressPolicyRequest

from evidence.policy_defaults import PROGRESS


@dataclass(frozen=True, slots=True)
class ProgressPolicy:
    """Percentage points behind that are green still, and amber still; how many days a programme takes whose end nobody planned."""

    green_until: int = PROGRESS["green_until"]
    amber_until: int = PROGRESS["amber_until"]
    programme_days: int = PROGRESS["programme_days"]


progress_policy = Aggregate("progress-policy", initial=ProgressPolicy())


@progress_policy.decide
def set_policy(state: ProgressPolicy, command: SetProgressPolicyRequest, _context: Context) -> list[ProgressPolicySet]:
    """Sets all of it. What was known before is still judged by what held then."""
    asked = ProgressPolicy(command.green_until, command.amber_until, command.programme_days)
    if asked.amber_until < asked.green_until:
        raise Refusal(
            "AMBER_BEFORE_GREEN",
            f"amber ends at {asked.amber_until} and green at {asked.green_until}; let amber end where green does, or later",
            field="amber_until",
        )
    return [] if asked == state else [ProgressPolicySet(**asdict(asked))]


@progress_policy.evolve
def policy_set(_state: ProgressPolicy, event: ProgressPolicySet) -> ProgressPolicy:
    """The new numbers replace the old ones."""
    return ProgressPolicy(event.green_until, event.amber_until, event.programme_days)
