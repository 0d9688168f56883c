"""kill -9 of each service in the middle of the journey: it completes, with no event lost or doubled, and nobody told twice."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from mentoring.common.v1.common_pb2 import CommandReply
from mentoring.notifications.v1.events_pb2 import OUTCOME_ACKNOWLEDGED, OUTCOME_SENT, OUTCOME_UNKNOWN, Because, Occasion
from mentorstream.contracts import SERVICES
from mentorstream.demo import checks
from mentorstream.demo.expected import Told, told
from mentorstream.demo.journey import Journey
from mentorstream.embedded import read_topics
from mentorstream.platform import Platform
from mentorstream.topics import topics_file

PARTITIONS = read_topics(topics_file())[0].partitions
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]


async def test_the_journey_survives_kill_9_of_each_service(
    running: Platform, journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    await journey.prepare()
    answered = _count_answers(journey, monkeypatch)
    await _while_killing(running, "sessions", journey.mentor, answered, 10)
    await _while_killing(running, "evidence", journey.judge_evidence, answered, 5)
    await _while_killing(running, "safeguarding", journey.raise_concerns, answered, 1)
    await journey.live_a_year()
    await _while_killing(running, "notifications", journey.settle, answered, 0)
    # What the notifier held when it was killed is leased for half a minute more.
    await journey.settle(quiet_for=60.0)
    found = await checks.look(journey)
    outcomes = {outcome.asked: outcome.faults for outcome in await checks.check(journey, found)}
    about_mail = [asked for asked in outcomes if "notice" in asked]
    assert {asked: faults for asked, faults in outcomes.items() if faults and asked not in about_mail} == {}
    _each_is_told_at_most_once(journey, found)


async def test_each_event_is_on_its_topic_exactly_once_and_in_order(running: Platform, journey: Journey) -> None:
    for service in SERVICES:
        records = await _topic(running.infrastructure.kafka_bootstrap, f"mentoring.{service}.v1")
        assert records, service
        assert [identity for identity, count in Counter(record[0] for record in records).items() if count > 1] == []
        streams: dict[str, list[int]] = {}
        for _, stream, version in records:
            streams.setdefault(stream, []).append(version)
        assert [stream for stream, versions in streams.items() if versions != sorted(versions)] == []


def _count_answers(journey: Journey, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many of the journey's commands each service has answered."""
    give, answered = journey.give, Counter[str]()

    async def counted(service: str, *arguments: Any) -> CommandReply:
        reply = await give(service, *arguments)
        answered[service] += 1
        return reply

    monkeypatch.setattr(journey, "give", counted)
    return answered


async def _while_killing(
    running: Platform, service: str, step: Callable[[], Awaitable[None]], answered: Counter[str], after: int
) -> None:
    """Lets a step begin, kills the service once it has answered so many commands of it, starts it again, and lets the step end."""
    process, wanted = running.processes[service], answered[service] + after
    work = asyncio.ensure_future(step())
    while answered[service] < wanted:
        assert not work.done(), "the step was over before anything was killed"
        await asyncio.sleep(0.001)
    # Held still first: nothing of the step can end between the question and the kill.
    os.kill(process.child.pid, signal.SIGSTOP)
    assert not work.done(), "the step was over before the service was killed"
    os.kill(process.child.pid, signal.SIGKILL)
    assert await process.child.ended_within(10.0)
    await running.start_service(service)
    await work


def _each_is_told_at_most_once(journey: Journey, found: checks.Found) -> None:
    settled = Counter(
        Told(
            notice.recipient_id,
            Occasion.Name(notice.occasion).removeprefix("OCCASION_"),
            found.year.places.get(notice.about_id, notice.about_id),
            Because.Name(notice.because).removeprefix("BECAUSE_"),
        )
        for notice in found.notices
        if notice.outcome in (OUTCOME_SENT, OUTCOME_UNKNOWN, OUTCOME_ACKNOWLEDGED)
    )
    asked = {concern_id: checks.asked_in(answer) for concern_id, answer in found.concerns.items()}
    assert settled == told(journey.as_lived, asked)
    mails = Counter(str(mail.message["X-Notice-Id"]) for mail in found.mails)
    outcomes = {notice.notice_id: notice for notice in found.notices}
    for notice_id, count in mails.items():
        safeguarding = "CONCERN" in Occasion.Name(outcomes[notice_id].occasion)
        assert count == 1 or safeguarding, f"{notice_id} went out {count} times"
    sent = {notice.notice_id for notice in found.notices if notice.outcome == OUTCOME_SENT}
    assert sent <= mails.keys()
    # A notice about a concern is never left in doubt: it goes out again until it is known to have gone, or somebody has the concern.
    done = (OUTCOME_SENT, OUTCOME_ACKNOWLEDGED)
    assert [
        n.notice_id for n in found.notices if "CONCERN" in Occasion.Name(n.occasion) and n.outcome not in done
    ] == []


async def _topic(bootstrap: str, topic: str) -> list[tuple[str, str, int]]:
    """What a reader of committed records sees: event id, stream and version, by partition and offset."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed", enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        found: list[tuple[str, str, int]] = []
        while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    said = {name: value.decode() for name, value in record.headers}
                    found.append((said["ce_id"], f"{said['ce_tenant']}/{said['ce_subject']}", int(said["ce_sequence"])))
        return found
    finally:
        await consumer.stop()
