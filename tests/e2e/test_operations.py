"""Operating the running platform by the command line: poison parked, discarded and what follows it replayed; a read model rebuilt and
switched to; the invariants verified, and a planted fault found."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from eventkernel.placement import partition_of
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import CommandReply
from mentoring.sessions.v1.events_pb2 import SESSION_KIND_PASTORAL
from mentoring.sessions.v1.sessions_pb2 import (
    HoldSessionRequest,
    ListSessionsRequest,
    ListSessionsResponse,
    PlanSessionRequest,
    SessionSummary,
)
from mentorstream.contracts import SERVICES
from mentorstream.demo import cohort
from mentorstream.demo.journey import Journey, until
from mentorstream.embedded import read_topics
from mentorstream.platform import Platform
from mentorstream.topics import topics_file
from pymongo import AsyncMongoClient

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]
TOPIC = "mentoring.sessions.v1"
PARTITIONS = read_topics(topics_file())[0].partitions
LEARNER, MENTOR = cohort.LEARNERS[0], cohort.MENTORS[0]
SESSION = "to-be-poisoned"
# Everybody who hears a session's events.
SUBSCRIPTIONS = {
    "sessions.learner_sessions.v3",
    "evidence.ksb_progress.v7",
    "notifications.telling.v1",
    "notifications.ledger.v1",
}


@pytest_asyncio.fixture(loop_scope="module", scope="module", autouse=True)
async def _mentorships(journey: Journey) -> None:
    await journey.prepare()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def producer(running: Platform) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(bootstrap_servers=running.infrastructure.kafka_bootstrap) as made:
        yield made


class Ended:
    """How a command ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


async def operate(running: Platform, *arguments: str, **variables: str) -> Ended:
    addresses = ",".join(f"{name}={running.processes[name].addresses.grpc}" for name in SERVICES)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mentorstream", *arguments, "--data-dir", str(running.data_dir), stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, env={**os.environ, "MENTORSTREAM_ADDRESSES": addresses, "COLUMNS": "80", **variables},
    )  # fmt: skip
    out, err = await process.communicate()
    return Ended(process.returncode or 0, out.decode(), err.decode())


async def parked(running: Platform, *arguments: str) -> list[dict[str, Any]]:
    ended = await operate(running, "parked", "list", "--json", *arguments)
    assert ended.code == 0, ended.err
    return [record for answer in ended.json.values() for record in answer["records"]]


async def give(running: Platform, request: Any) -> CommandReply:
    return await running.client("sessions", MENTOR, ["mentor"], provider=cohort.PROVIDER).call(request, CommandReply)


async def sessions(running: Platform) -> Mapping[str, SessionSummary]:
    learner = running.client("sessions", LEARNER, ["learner"], provider=cohort.PROVIDER)
    answer = await learner.call(ListSessionsRequest(learner_id=LEARNER), ListSessionsResponse)
    return {session.session_id: session for session in answer.sessions}


def _plan(session_id: str) -> PlanSessionRequest:
    return PlanSessionRequest(
        session_id=session_id, learner_id=LEARNER, mentorship_id=f"mentorship-{LEARNER}", kind=SESSION_KIND_PASTORAL,
        starts_at=Timestamp(seconds=1_900_000_000), duration=Duration(seconds=1800), ksb_codes=["K1"],
    )  # fmt: skip


def _hold(session_id: str) -> HoldSessionRequest:
    return HoldSessionRequest(
        session_id=session_id, learner_id=LEARNER, duration=Duration(seconds=1500), ksb_codes=["K1"], shared_record="It went well."
    )  # fmt: skip


async def test_poison_is_parked_discarded_and_what_follows_it_is_replayed_in_order(
    running: Platform, producer: AIOKafkaProducer
) -> None:
    await give(running, _plan(SESSION))
    await until(_knows(running, SESSION), "the planned session")
    headers = [("ce_tenant", cohort.PROVIDER.encode()), ("ce_subject", f"session-{SESSION}".encode())]
    await producer.send_and_wait(
        TOPIC, b"\xff\xff", key=LEARNER.encode(), partition=partition_of(LEARNER, PARTITIONS), headers=headers
    )
    await until(_are_parked(running, "MALFORMED_RECORD"), "the poison to be parked")
    await give(running, _hold(SESSION))
    await until(_are_parked(running, "BEHIND_A_PARKED_RECORD"), "what follows to be parked")
    before = (await sessions(running))[SESSION]
    # Another stream of the same learner flows on.
    await give(running, _plan("beside-it"))
    await until(_knows(running, "beside-it"), "a session of another stream")
    assert (await sessions(running))[SESSION] == before

    await _mend(running, "no event of ours", "the poison is gone")
    assert await parked(running) == []
    assert (await sessions(running))[SESSION].status != before.status
    await give(running, _plan("afterwards"))
    await until(_knows(running, "afterwards"), "the stream to go on")
    acts = await operate(running, "parked", "acts", "--json")
    assert {act["reason"] for answer in acts.json.values() for act in answer["acts"]} == {
        "no event of ours", "the poison is gone",
    }  # fmt: skip


async def test_an_operator_of_one_provider_sees_that_provider_alone(running: Platform) -> None:
    ended = await operate(running, "parked", "list", "--provider", "elsewhere", "--json")
    assert ended.code == 0
    token = running.issuer.token("olga", "elsewhere", ["operator"])
    refused = await operate(running, "relay", "status", MENTORSTREAM_TOKEN=token)
    assert (refused.code, refused.err.split(":")[0]) == (2, "NOT_ALLOWED")
    nobody = running.issuer.token("mia", cohort.PROVIDER, ["provider_manager"])
    refused = await operate(running, "parked", "list", MENTORSTREAM_TOKEN=nobody)
    assert (refused.code, refused.err.split(":")[0]) == (2, "NOT_ALLOWED")


async def test_the_relays_slots_are_held_and_nothing_waits(running: Platform) -> None:
    ended = await operate(running, "relay", "status", "--json")
    slots = [slot for answer in ended.json.values() for slot in answer["slots"]]
    assert len(slots) == 4 * len(SERVICES)
    assert all(slot["holder"] for slot in slots)
    shown = await operate(running, "relay", "status")
    assert max(map(len, shown.out.splitlines())) <= 80


async def test_a_read_model_is_rebuilt_beside_the_other_and_switched_to(running: Platform) -> None:
    shown = await sessions(running)
    early = await operate(running, "projections", "switch", "sessions", "learner_sessions", "--reason", "too early")
    assert (early.code, "NOTHING_BUILT" in early.err) == (2, True)
    built = await operate(running, "projections", "rebuild", "sessions", "learner_sessions", "--reason", "to see it")
    assert built.code == 0, built.err
    assert await sessions(running) == shown
    # The topic has not changed: the new copy meets the same poison.
    refused = await operate(running, "projections", "switch", "sessions", "learner_sessions", "--reason", "unseen")
    assert (refused.code, refused.err.split(":")[0]) == (2, "COPY_HAS_PARKED")
    await _mend(running, "no event of ours", "the poison is gone")
    ended = await operate(running, "projections", "switch", "sessions", "learner_sessions", "--reason", "it caught up")
    assert ended.code == 0, ended.err
    assert max(map(len, ended.out.splitlines())) <= 80
    listed = await operate(running, "projections", "list", "--json")
    (model,) = [one for one in listed.json["sessions"]["projections"] if one["name"] == "learner_sessions"]
    assert {copy["number"]: copy["state"] for copy in model["copies"]} == {
        1: "COPY_STATE_SERVING", 0: "COPY_STATE_PREVIOUS",
    }  # fmt: skip
    assert await sessions(running) == shown
    reply = await give(running, _plan("after-the-switch"))
    learner = running.client("sessions", LEARNER, ["learner"], provider=cohort.PROVIDER)
    answer = await learner.call(
        ListSessionsRequest(learner_id=LEARNER), ListSessionsResponse, after=f"{reply.stream}@{reply.published_version}"
    )
    assert "after-the-switch" in {session.session_id for session in answer.sessions}


async def test_the_running_platform_is_sound_until_a_fault_is_planted(
    running: Platform, producer: AIOKafkaProducer, journey: Journey
) -> None:
    await journey.raise_concerns()

    async def sound() -> bool:
        verified = await operate(running, "verify", "--json")
        told = [verdict for one in verified.json.values() for verdict in one["verdicts"]]
        assert verified.code == 0, verified.out
        assert [verdict["invariant"] for verdict in told] == ["I1", "I2", "I4"] * len(SERVICES)
        return all(verdict["checked"] for verdict in told)

    await until(sound, "something of each invariant to check")
    doubled = await _first_record(running)
    await producer.send_and_wait(
        TOPIC, doubled.value, key=doubled.key, partition=doubled.partition, headers=list(doubled.headers)
    )
    async with AsyncMongoClient[dict[str, Any]](running.infrastructure.mongodb_uris["sessions"]) as client:
        edited = await client["sessions"]["learner_sessions_v3_c1"].update_one(
            {"_id": f"{cohort.PROVIDER}/{SESSION}"}, {"$set": {"learner_id": "somebody-else"}}
        )
    assert edited.matched_count == 1
    ended = await operate(running, "verify", "--service", "sessions")
    assert ended.code == 1
    violated = [line for line in ended.out.splitlines() if "VIOLATED" in line]
    assert len(violated) == 2
    assert "I2" in violated[0]
    assert violated[0].endswith("is there 2 times")
    assert violated[1] == (
        f"sessions I4 VIOLATED learner_sessions_v3_c1 {cohort.PROVIDER}/{SESSION}: differs from the fold in: learner_id"
    )


async def _mend(running: Platform, why_discarded: str, why_replayed: str) -> None:
    """Discards the poison wherever it is parked, and has what follows it replayed."""
    poison = [record["id"] for record in await parked(running) if record["reason"] == "MALFORMED_RECORD"]
    shown = await operate(running, "parked", "show", poison[0])
    assert "2 bytes; headers: ce_subject, ce_tenant" in shown.out
    for record_id in poison:
        ended = await operate(running, "parked", "discard", record_id, "--yes", "--reason", why_discarded)
        assert ended.code == 0, (ended.out, ended.err)
    left = await parked(running)
    assert {record["reason"] for record in left} == {"BEHIND_A_PARKED_RECORD"}
    dry = await operate(running, "parked", "replay", "--all", "--dry-run")
    assert dry.code == 0
    assert await parked(running) == left
    ended = await operate(running, "parked", "replay", "--all", "--yes", "--reason", why_replayed)
    assert ended.code == 0, (ended.out, ended.err)


def _knows(running: Platform, session_id: str) -> Any:
    async def known() -> bool:
        return session_id in await sessions(running)

    return known


def _are_parked(running: Platform, reason: str) -> Any:
    async def are() -> bool:
        found = {record["subscription"] for record in await parked(running) if record["reason"] == reason}
        return found >= SUBSCRIPTIONS

    return are


async def _first_record(running: Platform) -> Any:
    place = TopicPartition(TOPIC, partition_of(LEARNER, PARTITIONS))
    bootstrap = running.infrastructure.kafka_bootstrap
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed") as consumer:
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        return await consumer.getone()
