"""I2 on a running service: each stream's published events are on the topic in order, exactly once.

The log is read first: what is published there is on the topic by now. What is still pending is left out. Then the topic is read once, and
each stream compared by a digest; only streams that do not agree are read again and named. So memory goes with the number of streams, and
where that is too large, some partitions are left for another pass.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from aiokafka import TopicPartition

from eventkernel.cloudevents import Malformed, decode
from eventkernel.messages import Commit
from eventkernel.operations.findings import Findings
from eventkernel.operations.topics import Topics
from eventkernel.operations.verify_log import LogCheck
from eventkernel.placement import partition_of
from eventkernel.ports import CommitStore

_MOST_STREAMS = 100_000
_PAGE = 500
# More than this many streams that do not agree are one thing that went wrong.
_MOST_NAMED = 1000


@dataclass(slots=True)
class _Events:
    """A stream's events as far as they go: how many, up to which version, and a digest of all their versions and ids."""

    partition: int = 0
    last: int = 0
    count: int = 0
    digest: bytes = b""

    def add(self, version: int, identity: str) -> None:
        self.last = version
        self.count += 1
        self.digest = blake2b(self.digest + f"{version}/{identity}".encode(), digest_size=12).digest()


@dataclass(slots=True)
class _OnTopic(_Events):
    """The same of what is on the topic. `odd` says that it has to be looked at closely."""

    odd: bool = False


class TopicCheck:
    """Compares one service's log with its topic.

    Args:
        log: is shown each stream, once.
    """

    def __init__(self, commits: CommitStore, topic: str, topics: Topics, log: LogCheck) -> None:
        self._commits = commits
        self._log = log
        self._topic = topic
        self._topics = topics
        self.findings = Findings("I2")

    async def run(self) -> AsyncIterator[Findings]:
        """Checks some partitions after the other; yields after each."""
        partitions = await self._topics.partitions([self._topic])
        total, left = len(partitions), {partition.partition for partition in partitions}
        while left:
            expected, taken = await self._published(left, total, first=len(left) == total)
            ends = await self._topics.ends(TopicPartition(self._topic, number) for number in sorted(taken))
            on_topic = await self._on_topic(expected, ends)
            differing = sorted(
                stream
                for stream in expected.keys() | on_topic.keys()
                if not _agree(expected.get(stream), on_topic.get(stream))
            )
            await self._name(differing, ends, total)
            left -= taken
            self.findings.part = f"{self._topic}, partitions {', '.join(map(str, sorted(taken)))}"
            yield self.findings

    async def _published(
        self, wanted: Iterable[int], total: int, *, first: bool
    ) -> tuple[dict[str, _Events], set[int]]:
        """What the log says is on these partitions, or on some of them; and on which."""
        taken, after = set(wanted), ""
        by_partition: dict[int, dict[str, _Events]] = {number: {} for number in taken}
        while page := await self._commits.some_streams(after, _PAGE):
            for stream, commits, pending in page:
                if first:
                    await self._log.look(stream, commits)
                number = partition_of(commits[0].partition_key, total)
                if number in taken and (events := _settled(commits, pending, number)).count:
                    by_partition[number][stream] = events
            after = page[-1][0]
            while len(taken) > 1 and sum(map(len, by_partition.values())) > _MOST_STREAMS:
                by_partition.pop(max(taken))
                taken.discard(max(taken))
        return {stream: events for found in by_partition.values() for stream, events in found.items()}, taken

    async def _on_topic(self, expected: dict[str, _Events], ends: dict[TopicPartition, int]) -> dict[str, _OnTopic]:
        found: dict[str, _OnTopic] = {}
        async for records in self._topics.read({}, ends):
            for record in records:
                try:
                    meta = decode(record)
                except Malformed:
                    # No event of the log, and whoever reads the topic sets it aside.
                    self.findings.not_judged += 1
                    continue
                self.findings.checked += 1
                stream = f"{meta.tenant}/{meta.stream}"
                events = found.setdefault(stream, _OnTopic())
                known = expected.get(stream)
                if known is None or record.partition != known.partition or not events.last < meta.version <= known.last:
                    # Elsewhere, again, out of order, or newer than the log was when it was read.
                    events.odd = True
                else:
                    events.add(meta.version, meta.event_id)
        return found

    async def _name(self, streams: Sequence[str], ends: dict[TopicPartition, int], total: int) -> None:
        """Looks closely at streams that do not agree, and says what is wrong where anything is."""
        if not streams:
            return
        looked_at, beyond = set(streams[:_MOST_NAMED]), streams[_MOST_NAMED:]
        # The log first, as before; what was stored since is known by the second look.
        settled = {stream: await self._commits.one_stream(stream) for stream in looked_at}
        now = await self._topics.ends(ends)
        found: dict[str, list[tuple[int, str, TopicPartition, int]]] = defaultdict(list)
        async for records in self._topics.read({}, now):
            for record in records:
                try:
                    meta = decode(record)
                except Malformed:
                    continue
                stream = f"{meta.tenant}/{meta.stream}"
                if stream in looked_at:
                    place = TopicPartition(record.topic, record.partition)
                    found[stream].append((meta.version, meta.event_id, place, record.offset))
        for stream in sorted(looked_at):
            commits, pending = settled[stream]
            known = (await self._commits.one_stream(stream))[0]
            for text in _faults(_settled_events(commits, pending), known, found[stream], total):
                self.findings.violated(f"{self._topic} {stream}", text)
        if beyond:
            self.findings.violated(self._topic, f"{len(beyond)} more streams do not agree with the log")


def _agree(expected: _Events | None, found: _OnTopic | None) -> bool:
    if expected is None or found is None:
        return False
    return not found.odd and (expected.count, expected.digest) == (found.count, found.digest)


def _settled_events(commits: Sequence[Commit], pending: frozenset[str]) -> list[tuple[int, str]]:
    """The published events up to the first commit that is still pending."""
    events = []
    for commit in commits:
        if commit.id in pending:
            break
        events += [(event.version, event.id) for event in commit.events if event.published]
    return events


def _settled(commits: Sequence[Commit], pending: frozenset[str], partition: int) -> _Events:
    made = _Events(partition)
    for version, identity in _settled_events(commits, pending):
        made.add(version, identity)
    return made


def _faults(
    settled: Sequence[tuple[int, str]], log: Sequence[Commit], found: Sequence[tuple[int, str, TopicPartition, int]], total: int
) -> list[str]:  # fmt: skip
    """What is wrong with one stream on the topic, a line an event."""
    known = {event.id: event.version for commit in log for event in commit.events if event.published}
    counts = Counter(identity for _, identity, _, _ in found)
    faults = [f"version {version} is missing" for version, identity in settled if identity not in counts]
    faults += [
        f"version {known[one]} is there {count} times" for one, count in counts.items() if count > 1 and one in known
    ]
    latest, met = 0, set()
    for version, identity, place, offset in found:
        where = f"partition {place.partition}, offset {offset}"
        if known.get(identity) != version:
            faults.append(f"version {version} ({where}) is not in the log")
        elif partition_of(log[0].partition_key, total) != place.partition:
            faults.append(f"version {version} ({where}) is in another partition than its stream")
        elif version < latest and identity not in met:
            faults.append(f"version {version} ({where}) comes behind version {latest}")
        met.add(identity)
        latest = max(latest, version)
    return faults
