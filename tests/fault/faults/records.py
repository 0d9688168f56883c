"""What no consumer can handle comes on a topic: bytes that are no event, a type that nobody knows; and what a newer release wrote.

The stream that it is in stands still, in order, for each subscription that meets it. Everything else flows.
"""

from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaProducer
from eventkernel.messages import Commit, StoredEvent, event_id
from eventkernel.placement import partition_of
from eventkernel.store.mongodb.layout import commit_document
from google.protobuf.duration_pb2 import Duration
from mentoring.operations.v1 import operations_pb2 as pb
from mentoring.sessions.v1.events_pb2 import SESSION_KIND_VOCATIONAL, SessionPlanned
from mentoring.sessions.v1.sessions_pb2 import HoldSessionRequest, PlanSessionRequest
from pymongo import AsyncMongoClient

from tests.fault.checker.evidence import INJECTED, Evidence, gather, service_of
from tests.fault.checker.verdict import Verdict
from tests.fault.fault import Run, fault
from tests.fault.load import MENTORS, STANDARD

_LEARNER, _MENTOR, _POISONED, _NEWER = "learner-0", MENTORS[0], "session-poisoned", "session-newer"
_PARTITIONS = 8
# Field 999 of no message of today, with five bytes in it.
_UNKNOWN_FIELD = b"\xba\x3e\x05later"
# Who reads the topic of sessions, and what of the poisoned stream each has to set aside: the unknown type, and what it handles of the rest.
_SET_ASIDE = {
    ("sessions", "sessions.learner_sessions.v3"): 2,
    ("evidence", "evidence.ksb_progress.v7"): 2,
    ("evidence", "evidence.support_team.v4"): 1,
    ("evidence", "evidence.reviewing.v1"): 1,
    ("notifications", "notifications.telling.v1"): 2,
    ("notifications", "notifications.ledger.v1"): 2,
    ("notifications", "notifications.circles.v2"): 1,
}


@fault("poison bytes, an unknown event type in a stream, and an event of a newer release", short=True)
async def poison(run: Run) -> None:
    await run.under_way(0.1)
    await run.load.give("sessions", _MENTOR, "mentor", _plan())
    await _published(run, f"session-{_POISONED}", 1)
    await _put(run, b"\x00\xff no event at all", key=None, headers=[])
    await _put(run, b"", key=_LEARNER, headers=_headers(run.tenant, "mentoring.sessions.session-dreamt", 2))
    run.note("bytes that are no event, and an event of an unknown type, lie on the topic of sessions")
    held = HoldSessionRequest(
        session_id=_POISONED, learner_id=_LEARNER, duration=Duration(seconds=1800), ksb_codes=["K1"], shared_record="We talked."
    )  # fmt: skip
    await run.load.give("sessions", _MENTOR, "mentor", held)
    await _write_as_a_newer_release(run)
    run.note("an event with a field that nobody knows yet was stored as a newer release would")

    async def set_aside() -> bool:
        evidence = await gather(run.world, run.history, run.tenant)
        return not _parked_in_order(evidence).violations

    await run.until(set_aside, "the poisoned stream to be set aside by everyone who reads it", within=90.0)
    run.extra.append(_parked_in_order(await gather(run.world, run.history, run.tenant)))
    for (service, subscription), count in _SET_ASIDE.items():
        await _mend(run, service, subscription, followed=count > 1)
    run.note("an operator discarded the unknown event, and what followed it was handled again")


async def _mend(run: Run, service: str, subscription: str, *, followed: bool) -> None:
    """As an operator does: the record that nobody can handle is given up, and what follows it is replayed."""
    operator = run.world.operator(service, run.tenant)

    async def parked() -> list[str]:
        found = await operator.call(pb.ListParkedRequest(subscription=subscription), pb.ListParkedResponse)
        return [record.id for record in found.records]

    first = (await parked())[0]
    chosen = pb.Selection(record_id=first)
    seen = await operator.call(pb.DiscardParkedRequest(selection=chosen, dry_run=True), pb.DiscardParkedResponse)
    discard = pb.DiscardParkedRequest(selection=chosen, reason="no release knows this type", seen=seen.seen)
    await operator.call(discard, pb.DiscardParkedResponse)

    async def discarded() -> bool:
        return first not in await parked()

    await run.until(discarded, f"{subscription} to discard {first}")
    if followed:
        stream = pb.StreamSelection(subscription=subscription, stream=f"session-{_POISONED}")
        replay = pb.ReplayParkedRequest(selection=pb.Selection(stream=stream), reason="what was in its way is gone")
        await operator.call(replay, pb.ReplayParkedResponse)

    async def replayed() -> bool:
        return not await parked()

    await run.until(replayed, f"{subscription} to replay what followed")


def _parked_in_order(evidence: Evidence) -> Verdict:
    verdict = Verdict("parked")
    for (service, subscription), count in _SET_ASIDE.items():
        rows = [row for row in evidence.parked[service] if row["subscription"] == subscription]
        rows.sort(key=lambda row: (row["partition"], row["offset"]))
        reasons = [str(row["reason"]).partition(":")[0] for row in rows]
        expected = ["UNKNOWN_EVENT_TYPE", "BEHIND_A_PARKED_RECORD"][:count]
        verdict.hold(reasons == expected, f"{subscription} has set aside {reasons}, not {expected}")
        streams = {row["stream"] for row in rows}
        verdict.hold(streams <= {f"session-{_POISONED}"}, f"{subscription} has set aside {streams}")
    return verdict


async def _published(run: Run, stream: str, version: int) -> None:
    async def there() -> bool:
        evidence = await gather(run.world, run.history, run.tenant)
        return any(seen.stream == stream and seen.version == version for seen in evidence.records["sessions"])

    await run.until(there, f"{stream}@{version} on its topic")


async def _put(run: Run, value: bytes, *, key: str | None, headers: list[tuple[str, bytes]]) -> None:
    topic = service_of("sessions").contract.topic
    async with AIOKafkaProducer(bootstrap_servers=run.world.kafka.bootstrap) as producer:
        await producer.send_and_wait(
            topic, value, key.encode() if key else None, partition=partition_of(key or _LEARNER, _PARTITIONS),
            headers=[*headers, (INJECTED, b"poison")],
        )  # fmt: skip


def _headers(tenant: str, kind: str, version: int) -> list[tuple[str, bytes]]:
    said = {
        "specversion": "1.0", "id": f"{tenant}-dreamt", "source": "/mentoring/sessions", "type": kind,
        "time": datetime.now(UTC).isoformat(), "subject": f"session-{_POISONED}", "sequence": str(version), "tenant": tenant,
    }  # fmt: skip
    return [
        ("content-type", b"application/protobuf"),
        *((f"ce_{name}", value.encode()) for name, value in said.items()),
    ]


async def _write_as_a_newer_release(run: Run) -> None:
    """Stores a commit as the sessions service would whose contract has one field more; its relay publishes it."""
    key, stream = f"{run.tenant}.newer", f"session-{_NEWER}"
    commit_id = f"{run.tenant}/{key}"
    event = SessionPlanned(
        session_id=_NEWER, learner_id=_LEARNER, mentorship_id="mentorship-0", mentor_id=_MENTOR, kind=SESSION_KIND_VOCATIONAL,
        duration=Duration(seconds=3600), ksb_codes=["K2"], standard=STANDARD,
    )  # fmt: skip
    kind = "mentoring.sessions.session-planned"
    stored = StoredEvent(
        event_id(f"mentoring.sessions.v1/{commit_id}", 1), kind, 1, event.SerializeToString() + _UNKNOWN_FIELD, True
    )
    commit = Commit(
        id=commit_id, tenant=run.tenant, stream=stream, events=(stored,), partition_key=_LEARNER, actor=_MENTOR,
        at=datetime.now(UTC).replace(microsecond=0), published_version=1,
    )  # fmt: skip
    named = {"tenant": run.tenant, "key": key}
    run.history.write("invoked", **named, service="sessions", command="PlanSessionRequest", by="a newer release")
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(run.world.stores["sessions"].uri)
    try:
        await client["sessions"]["commits"].insert_one(commit_document(commit))
    finally:
        await client.close()
    run.history.write("acknowledged", **named, stream=stream, version=1, types=[kind])


def _plan() -> PlanSessionRequest:
    request = PlanSessionRequest(
        session_id=_POISONED, learner_id=_LEARNER, mentorship_id="mentorship-0", kind=SESSION_KIND_VOCATIONAL,
        duration=Duration(seconds=3600), ksb_codes=["K1"],
    )  # fmt: skip
    request.starts_at.GetCurrentTime()
    return request
