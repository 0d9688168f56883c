"""I2: each stream's events are on the topic in order, exactly once. I4: every projection is the fold of the log."""

from collections import defaultdict
from typing import Any

from eventkernel.projection import Projection
from mentorstream.contracts import SERVICES
from pydantic import BaseModel

from tests.fault.checker.evidence import Evidence, Logged, service_of
from tests.fault.checker.verdict import Verdict

# The store's and the kernel's own fields of a document: bookkeeping, and no part of what is folded.
_BOOKKEEPING = frozenset({"_id", "_rev", "_seen", "tenant"})


def each_once_in_order(evidence: Evidence) -> Verdict:
    """What a reader of committed records finds is the published part of the log: the same events, bytes and order, in one partition."""
    verdict = Verdict("I2")
    for name in SERVICES:
        logged: dict[str, list[tuple[str, int, str, bytes, str]]] = defaultdict(list)
        for one in evidence.events(name):
            if one.published:
                logged[one.meta.stream].append(
                    (one.meta.event_id, one.meta.version, one.meta.type, one.data, one.partition_key)
                )
        seen: dict[str, list[tuple[str, int, str, bytes, str]]] = defaultdict(list)
        partitions: dict[str, set[int]] = defaultdict(set)
        for record in sorted(evidence.records[name], key=lambda one: (one.partition, one.offset)):
            seen[record.stream].append((record.event_id, record.version, record.type, record.value, record.key))
            partitions[record.stream].add(record.partition)
        for stream in logged.keys() | seen.keys():
            expected, found = sorted(logged[stream], key=lambda event: event[1]), seen[stream]
            said = f"{name} {stream}: {[event[1] for event in expected]} in the log, {[event[1] for event in found]} on the topic"
            verdict.hold(expected == found and len(partitions[stream]) <= 1, said)
            verdict.checked += max(0, len(expected) - 1)
    return verdict


def projections_are_folds(evidence: Evidence) -> Verdict:
    """Folds the log with the services' declared folds alone, and compares every document. Parked events are not in it."""
    verdict = Verdict("I4")
    for name in SERVICES:
        service = service_of(name)
        for projection in service.projections:
            expected = _folded(evidence, name, projection)
            found = evidence.documents[name, projection.name]
            for identity in expected.keys() | found.keys():
                stored, fields = found.get(identity), expected.get(identity)
                shown = (
                    None if stored is None else {key: value for key, value in stored.items() if key not in _BOOKKEEPING}
                )
                verdict.hold(shown == fields, f"{name} {projection.name} {identity}: {_difference(fields, shown)}")
    return verdict


def _folded(evidence: Evidence, name: str, projection: Projection[Any]) -> dict[str, dict[str, Any]]:
    first_parked = _first_parked(evidence, name, f"{name}.{projection.name}.v{projection.version}")
    documents: dict[str, BaseModel] = {}
    for source in SERVICES:
        for logged in evidence.events(source):
            fold = projection.folds.get(type(logged.event))
            if fold is None or not logged.published or _is_parked(logged, source, first_parked):
                continue
            key = projection.key_of(logged.event, logged.meta)
            identity = f"{evidence.tenant}/{key}"
            fold(documents.setdefault(identity, projection.new(key)), logged.event, logged.meta)
    return {identity: document.model_dump(warnings=False) for identity, document in documents.items()}


def _first_parked(evidence: Evidence, name: str, subscription: str) -> dict[tuple[str, str], int]:
    """From which version on a stream is set aside, by topic and stream."""
    first: dict[tuple[str, str], int] = {}
    for row in evidence.parked[name]:
        said = dict(row["headers"])
        if row["subscription"] == subscription and "ce_sequence" in said:
            place = (row["topic"], row["stream"])
            first[place] = min(first.get(place, 2**62), int(said["ce_sequence"]))
    return first


def _is_parked(logged: Logged, source: str, first_parked: dict[tuple[str, str], int]) -> bool:
    place = (service_of(source).contract.topic, logged.meta.stream)
    return place in first_parked and logged.meta.version >= first_parked[place]


def _difference(expected: dict[str, Any] | None, shown: dict[str, Any] | None) -> str:
    if expected is None or shown is None:
        return "is there, and nothing was folded" if expected is None else "is missing"
    return "; ".join(
        f"{key} is {shown.get(key)}, not {expected.get(key)}" for key in expected if shown.get(key) != expected[key]
    )
