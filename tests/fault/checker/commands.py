"""I1: no acknowledged command is lost. I3: no effect happens twice, and each that follows from an event happens."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from eventkernel.messages import SYSTEM, derived_id
from eventkernel.reaction import Later
from google.protobuf.message import Message
from mentoring.notifications.v1.events_pb2 import NoticeSettled, NoticeStarted
from mentoring.safeguarding.v1.duty_pb2 import LookThroughDutyRequest
from mentoring.safeguarding.v1.events_pb2 import ConcernEscalated
from mentorstream.contracts import SERVICES

from tests.fault.checker.evidence import Evidence, Logged, service_of
from tests.fault.checker.verdict import Verdict


def nothing_is_lost(evidence: Evidence) -> Verdict:
    """Each acknowledged command is in the log as it was acknowledged; no stream has a gap; what was refused is not there."""
    verdict = Verdict("I1")
    commits = {name: _by_commit(evidence, name) for name in SERVICES}
    ends = {name: _ends(evidence, name) for name in SERVICES}
    for operation in evidence.told.operations.values():
        stored = commits[operation.service].get(f"{evidence.tenant}/{operation.key}", [])
        if operation.acknowledged is not None and operation.types:
            kept = tuple(one.meta.type for one in stored)
            as_told = kept == operation.types and stored[-1].meta.version == operation.version
            verdict.hold(as_told, f"{operation.command} {operation.key} was acknowledged, and the log has {kept}")
        elif operation.acknowledged is not None:
            there = ends[operation.service].get(operation.stream, 0) >= operation.version
            verdict.hold(there, f"{operation.command} {operation.key} found {operation.stream}@{operation.version}")
        elif operation.certain:
            verdict.hold(not stored, f"{operation.command} {operation.key} was refused, and is in the log")
        verdict.violations += [text for text in operation.doubts if text.startswith("a repeat")]
    for name in SERVICES:
        for stream, versions in _versions(evidence, name).items():
            whole = sorted(versions) == list(range(1, len(versions) + 1))
            verdict.hold(whole, f"{name} {stream} has versions {sorted(versions)}")
    return verdict


def nothing_happens_twice(evidence: Evidence) -> Verdict:
    """Whatever is in the log has one cause, and each cause one effect: a caller's key, an event that was answered, a due row."""
    verdict = Verdict("I3")
    keys = {f"{evidence.tenant}/{key}" for key in evidence.told.operations}
    for name in SERVICES:
        answers = dict(_answers(evidence, name))
        rows = {f"{evidence.tenant}/~{row['_id']}" for row in evidence.due[name]}
        commits = _by_commit(evidence, name)
        for commit_id, request in answers.items():
            # Where nobody is on duty by shifts there is nothing to look for, and nothing is stored.
            answered = commit_id in commits or issubclass(request, LookThroughDutyRequest)
            verdict.hold(answered, f"{name}: an event was not answered with {request.DESCRIPTOR.name} {commit_id}")
        for commit_id, events in commits.items():
            known = commit_id in keys or commit_id in answers or commit_id in rows
            first = events[0]
            attempt = first.meta.actor == SYSTEM and isinstance(first.event, NoticeStarted | NoticeSettled)
            verdict.hold(
                known or attempt, f"{name}: nobody asked for {commit_id}, {first.meta.type} in {first.meta.stream}"
            )
    for what, times in Counter(_once_only(evidence)).items():
        verdict.hold(times == 1, f"{what} happened {times} times")
    return verdict


def _answers(evidence: Evidence, name: str) -> Iterator[tuple[str, type[Message]]]:
    """The commits by which a service's reactions answer the events that there are, parked ones left out: their ids and what was asked."""
    service = service_of(name)
    for reaction in service.reactions:
        subscription = f"{name}.{reaction.name}.v{reaction.version}"
        parked = {
            (row["topic"], row["partition"], row["offset"])
            for row in evidence.parked[name]
            if row["subscription"] == subscription
        }
        set_aside = {
            seen.event_id
            for source, records in evidence.records.items()
            for seen in records
            if (service_of(source).contract.topic, seen.partition, seen.offset) in parked
        }
        for source in SERVICES:
            for logged in evidence.events(source):
                policy = reaction.policies.get(type(logged.event))
                if policy is None or not logged.published or logged.meta.event_id in set_aside:
                    continue
                for index, reply in enumerate(policy(logged.event, logged.meta)):
                    if not isinstance(reply, Later):
                        yield (
                            f"{evidence.tenant}/~{derived_id(subscription, logged.meta.event_id, str(index))}",
                            type(reply),
                        )


def _once_only(evidence: Evidence) -> Iterator[tuple[str, ...]]:
    """What may be only once, whatever its commit's id."""
    for logged in evidence.events("safeguarding"):
        if isinstance(logged.event, ConcernEscalated):
            yield "escalation", logged.event.concern_id, str(logged.event.step)
    for logged in evidence.events("notifications"):
        if isinstance(logged.event, NoticeStarted):
            yield "attempt", logged.event.notice_id, str(logged.event.attempt)


def _by_commit(evidence: Evidence, name: str) -> dict[str, list[Logged]]:
    commits: dict[str, list[Logged]] = defaultdict(list)
    for logged in evidence.events(name):
        commits[logged.commit_id].append(logged)
    return dict(commits)


def _versions(evidence: Evidence, name: str) -> dict[str, list[int]]:
    versions: dict[str, list[int]] = defaultdict(list)
    for logged in evidence.events(name):
        versions[logged.meta.stream].append(logged.meta.version)
    return dict(versions)


def _ends(evidence: Evidence, name: str) -> dict[str, int]:
    return {stream: max(versions) for stream, versions in _versions(evidence, name).items()}
