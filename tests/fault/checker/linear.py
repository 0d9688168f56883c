"""Is a history of concurrent writers and readers of one list linearizable? The log gives the one order that it has to fit.

An appended text is its command's key, so the order of the log's commits is the order of the texts.
"""

from itertools import permutations

from mentoring.safeguarding.v1.events_pb2 import ConcernAddedTo

from tests.fault.checker.evidence import Evidence
from tests.fault.checker.verdict import Verdict
from tests.fault.history import Operation, Reading


def one_order_fits(evidence: Evidence, concern_id: str) -> Verdict:
    """Every write and every read lies in one order that agrees with the times at which they began and ended."""
    verdict = Verdict("linear")
    order = [
        evidence.told.operations[logged.commit_id.partition("/")[2]]
        for logged in evidence.events("safeguarding")
        if isinstance(logged.event, ConcernAddedTo) and logged.event.concern_id == concern_id
    ]
    readings = [reading for reading in evidence.told.readings if reading.of == concern_id]
    for place, first in enumerate(order):
        for second in order[:place]:
            holds = first.acknowledged is None or first.acknowledged >= second.invoked
            verdict.hold(holds, f"{first.key} was acknowledged before {second.key} began, and comes after it")
    for reading in readings:
        _fits(reading, order, verdict)
    for one, later in permutations(readings, 2):
        holds = one.answered >= later.invoked or len(one.found) <= len(later.found)
        verdict.hold(holds, "a later read showed less than an earlier one")
    return verdict


def _fits(reading: Reading, order: list[Operation], verdict: Verdict) -> None:
    """A read shows a beginning of the log: all that was acknowledged before it began, nothing that began after it ended."""
    shown = len(reading.found)
    verdict.hold(list(reading.found) == [one.key for one in order[:shown]], f"a read showed {reading.found[-3:]}")
    for operation in order[:shown]:
        verdict.hold(operation.invoked <= reading.answered, f"{operation.key} was shown before it was given")
    for operation in order[shown:]:
        holds = operation.acknowledged is None or operation.acknowledged >= reading.invoked
        verdict.hold(holds, f"{operation.key} was acknowledged, and a read that began later did not show it")
