"""Rebuilding a read model: a million events on two topics, projected by a service's process into a real store.

Asked is that the time is linear in the events, and that the process's memory is bounded: the last tenth goes as fast as the first,
and what is resident after the first half is no more than in it.
"""

import asyncio
import os
import re
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from aiokafka import AIOKafkaProducer
from eventkernel import cloudevents
from eventkernel.issuer import AUDIENCE, ISSUER, LocalIssuer
from eventkernel.placement import partition_of
from eventkernel.store.mongodb import connect
from eventkernel.store.mongodb.documents import MongoDocuments
from evidence.projections.ksb_progress import ksb_progress
from mentorstream.embedded import Infrastructure, create_topics, infrastructure, read_topics
from mentorstream.embedded.child import Child
from mentorstream.embedded.ports import choose_port
from mentorstream.topics import topics_file

from bench import histories
from bench.measure import Asked, Figure, Wrong, check
from bench.report import ROOT

TENTHS = 10
_LINEAR, _FLAT, _MOST_MB = 0.9, 0.9, 300
_LOOK_AGAIN, _STANDS_STILL, _DRAIN = 0.5, 60.0, 30.0
_BYTES, _PAGE = 1 << 18, 500
_CONSUMED = re.compile(r"^mentorstream_records_consumed_total\{[^}]*ksb_progress[^}]*\} (\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Sample:
    """The process at one moment."""

    at: float
    events: int
    resident_mb: float


async def run(asked: Asked) -> list[Figure]:
    """A process of its own, from an empty store; what comes before documents of every size are there is not counted."""
    folder = Path(asked.folder) / "rebuild"
    # A smaller run has fewer learners between two terms of one, and the same share of growing.
    apart = min(histories.APART, histories.APART * asked.events // 1_000_000)
    grown = histories.grown_after(apart)
    async with infrastructure(folder, databases=["evidence"]) as found:
        await create_topics(found.kafka_bootstrap, read_topics(topics_file()))
        began = time.perf_counter()
        await fill(found.kafka_bootstrap, grown + asked.events, apart)
        filling = time.perf_counter() - began
        samples = await _project(folder, found, grown + asked.events)
        documents = await _check_documents(found.mongodb_uris["evidence"], grown + asked.events)
    return _figures(samples, grown, asked.events, documents, filling)


async def fill(bootstrap: str, events: int, apart: int) -> None:
    """Puts the learners' events on the topics of sessions and evidence."""
    partitions = {topic.name: topic.partitions for topic in read_topics(topics_file())}
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=20, max_batch_size=_BYTES) as producer:
        for happening in histories.stream(events, apart):
            commit, topic = happening.commit, f"mentoring.{happening.service}.v1"
            key, value, headers = cloudevents.encode(commit, commit.events[0], f"/mentoring/{happening.service}")
            place = partition_of(commit.partition_key, partitions[topic])
            await producer.send(topic, value, key, partition=place, headers=headers)
        await producer.flush()


async def _project(folder: Path, found: Infrastructure, events: int) -> list[Sample]:
    """The process from its start until it has taken all events, looked at twice a second."""
    port = choose_port()
    environment = await asyncio.to_thread(_environment, folder, found, port)
    child = Child.start(
        [sys.executable, "-m", "bench.rebuild_service"], log=folder / "rebuild.log", directory=folder, environment=environment
    )  # fmt: skip
    samples: list[Sample] = []
    moved = time.perf_counter()
    try:
        while not samples or samples[-1].events < events:
            if child.exit_code is not None or time.perf_counter() - moved > _STANDS_STILL:
                raise Wrong(f"the process takes nothing more: {child.tail()}")
            consumed = await asyncio.to_thread(_consumed, port)
            if consumed is not None:
                if not samples or consumed > samples[-1].events:
                    moved = time.perf_counter()
                samples.append(Sample(time.perf_counter(), consumed, _resident_mb(child.pid)))
            await asyncio.sleep(_LOOK_AGAIN)
    finally:
        await child.stop(_DRAIN)
    check(child.exit_code, 0, "how the process ended")
    return samples


def _environment(folder: Path, found: Infrastructure, metrics_port: int) -> dict[str, str]:
    issuer = LocalIssuer(folder, "local")
    return {
        **os.environ, "PYTHONPATH": str(ROOT), "KAFKA_BOOTSTRAP": found.kafka_bootstrap, "MONGODB_URI": found.mongodb_uris["evidence"],
        "KEY_FILE": str(folder / "key"), "JWKS_FILE": str(issuer.jwks), "TOKEN_ISSUER": ISSUER, "TOKEN_AUDIENCE": AUDIENCE,
        "ROLES": "projector", "METRICS_HOST": "127.0.0.1", "METRICS_PORT": str(metrics_port), "HEALTH_ADDRESS": f"127.0.0.1:{choose_port()}",
    }  # fmt: skip


def _consumed(port: int) -> int | None:
    """Events that it has taken; None while it does not answer yet."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            found = _CONSUMED.search(answer.read().decode())
    except OSError:
        return None
    return int(float(found[1])) if found else 0


def _resident_mb(pid: int) -> float:
    """Linux alone says it so; elsewhere this raises OSError."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def _check_documents(uri: str, events: int) -> int:
    """Every event has counted once, in some document; how many documents there are."""
    driver = connect(uri)
    documents = MongoDocuments(driver.database("evidence"))
    counted, found, after = Counter[str](), 0, ""
    while page := await documents.page(ksb_progress.collection, after, _PAGE):
        after, found = page[-1][0], found + len(page)
        for _, body in page:
            progress = ksb_progress.document.model_validate(body)
            counted["mentorships"] += len(progress.mentorships)
            counted["sessions"] += sum(1 + (one.held or one.missed) for one in progress.sessions.values())
            for piece in progress.pieces.values():
                counted["evidence"] += 1 + any(claim.decision for claim in piece.claims.values())
    await driver.close()
    check(counted.total(), events, "events in the documents")
    return found


def seconds_of(samples: Sequence[Sample], first: int, last: int) -> float:
    """From when so many events were taken until so many were, between two samples in proportion."""
    return _when(samples, last) - _when(samples, first)


def _when(samples: Sequence[Sample], events: int) -> float:
    for before, after in pairwise(samples):
        if before.events < events <= after.events:
            return before.at + (after.at - before.at) * (events - before.events) / (after.events - before.events)
    raise Wrong(f"no sample around {events} events")


def _figures(samples: Sequence[Sample], grown: int, events: int, documents: int, filling: float) -> list[Figure]:
    tenth = events // TENTHS
    rates = [tenth / seconds_of(samples, grown + n * tenth, grown + (n + 1) * tenth) for n in range(TENTHS)]
    whole = seconds_of(samples, grown, grown + TENTHS * tenth)
    half = grown + events // 2
    resident = [sample.resident_mb for sample in samples]
    first_half = max(sample.resident_mb for sample in samples if sample.events <= half)
    name = f"rebuild of {events:,} events"
    speeds = {f"tenth {n}": rate for n, rate in enumerate(rates, 1)}
    return [
        Figure(
            f"{name}, the last tenth", "the first tenth", "events/s", [rates[-1]], [rates[0]],
            {**speeds, "all of them": TENTHS * tenth / whole, "documents, how many": documents, "filling the topics": (grown + events) / filling},
            least_ratio=_LINEAR,
        ),
        Figure(
            f"{name}, resident memory at the most", "the most of the first half", "MB", [max(resident)], [first_half],
            {"at the start": resident[0], "when counting begins": _resident_at(samples, grown), "in the middle": _resident_at(samples, half),
             "at the end": resident[-1]},
            least_ratio=_FLAT, most=_MOST_MB,
        ),
    ]  # fmt: skip


def _resident_at(samples: Sequence[Sample], events: int) -> float:
    return next(sample.resident_mb for sample in samples if sample.events >= events)
