"""How often a broker that is killed right after its acknowledgement comes back without the transaction's marker, and what becomes of it.

    python -m tests.fault.unmarked --kills 40

Each time a relay publishes one event, and the broker is killed in the moment of the acknowledgement and started again. At the end
every event has to be on the topic once. Exit status 0 only where that is so.
"""

import argparse
import asyncio
import logging
import sys
import tempfile
from collections import Counter
from pathlib import Path
from unittest.mock import patch

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from eventkernel.cloudevents import decode
from eventkernel.messages import Commit, StoredEvent, event_id
from eventkernel.relay import Relay
from eventkernel.store.memory import MemoryStore
from eventkernel.timing import utc_now
from mentorstream.embedded import KafkaEmbedded, Topic, create_topics
from structlog.testing import capture_logs

from tests.fault import report

TOPIC = Topic("unmarked.v1", partitions=4)


def main() -> int:
    """Prints the counts; 1 where an event is not on the topic exactly once."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=40, metavar="NUMBER")
    kills: int = parser.parse_args().kills
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # that the broker is away
    with capture_logs() as logs, tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(_kill_and_read(Path(folder), kills))
    closed = sum(entry["event"] == "relay_closes_open_transaction" for entry in logs)
    once = sum(found[_event(number)] == 1 for number in range(kills))
    report.say(
        f"{kills} kills; {closed} transactions were left open and closed; {once} of {kills} events can be read once"
    )
    return int(once != kills or sum(found.values()) != kills)


async def _kill_and_read(folder: Path, kills: int) -> Counter[str]:
    store = MemoryStore()
    commit_transaction = AIOKafkaProducer.commit_transaction
    async with KafkaEmbedded(folder) as kafka:
        await create_topics(kafka.bootstrap, [TOPIC])
        killed = asyncio.Event()

        async def and_kill(producer: AIOKafkaProducer) -> None:
            await commit_transaction(producer)
            if not killed.is_set():
                killed.set()
                kafka.kill(1)

        relay = Relay(
            store.commits,
            store.leases,
            topic=TOPIC.name,
            source="/unmarked",
            bootstrap=kafka.bootstrap,
            service="unmarked",
            holder="one",
            clock=utc_now,
        )
        running = asyncio.create_task(relay.run())
        with patch.object(AIOKafkaProducer, "commit_transaction", and_kill):
            for number in range(kills):
                killed.clear()
                await store.commits.append([_commit(number)])
                relay.wake()
                async with asyncio.timeout(60):
                    await killed.wait()
                    await kafka.revive()
                    while (await store.commits.count_pending())[0]:  # noqa: ASYNC110 - nobody tells when
                        await asyncio.sleep(0.05)
                report.say(f"{number + 1} of {kills}")
        await relay.stop()
        await running
        return await _read(kafka.bootstrap)


def _commit_id(number: int) -> str:
    return f"acme/stream-{number}-1"


def _event(number: int) -> str:
    return event_id(_commit_id(number), 0)


def _commit(number: int) -> Commit:
    event = StoredEvent(id=_event(number), type="test.thing-done", version=1, data=b"", published=True)
    return Commit(
        id=_commit_id(number),
        tenant="acme",
        stream=f"stream-{number}",
        events=(event,),
        partition_key=f"stream-{number}",
        at=utc_now(),
        actor="",
        published_version=1,
        correlation_id="",
        causation_id="",
        traceparent="",
    )


async def _read(bootstrap: str) -> Counter[str]:
    """Every event on the topic, as a reader of committed records finds it, up to the ends: nothing may be open any more."""
    own = [TopicPartition(TOPIC.name, number) for number in range(TOPIC.partitions)]
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as everything:
        ends = await everything.end_offsets(own)
    found: Counter[str] = Counter()
    reader = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    async with reader, asyncio.timeout(60):
        reader.assign(own)
        while any([await reader.position(partition) < ends[partition] for partition in own]):
            for records in (await reader.getmany(timeout_ms=50)).values():
                found.update(decode(record).event_id for record in records)
    return found


if __name__ == "__main__":
    sys.exit(main())
