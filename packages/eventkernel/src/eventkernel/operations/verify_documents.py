"""I4 on a running service: each document of a read model's serving copy is the fold of the topics that it hears.

Folded are the topics from their beginning, since other services' logs are not this one's to read; that each topic is its log is I2, checked
by its own service. Whoever consumes goes on meanwhile. A document says by the versions that it has seen what it holds, so it is compared
with the fold of just that; what differs in versions is looked at again, a little later, and judged by its checkpoint: what that is past, the
document has to show.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zlib import crc32

from aiokafka import TopicPartition
from google.protobuf.message import DecodeError
from pydantic import BaseModel

from eventkernel.cloudevents import Malformed, decode
from eventkernel.contract import Contract, UnknownEventType
from eventkernel.documents import SEEN, document_id
from eventkernel.inbox import Record
from eventkernel.messages import ParkedStream
from eventkernel.operations.findings import Findings
from eventkernel.operations.topics import Topics
from eventkernel.ports import Store
from eventkernel.projection import Projection, stream_mark, topics_of

_MOST_DOCUMENTS = 20_000
_BUCKETS = 256
_PAGE = 500
_ROUNDS = 20
_ROUND_SECONDS = 0.25
_BOOKKEEPING = frozenset({"tenant", SEEN})


@dataclass(slots=True)
class _Seen:
    """The last event of one stream that was folded into a document, and where it is."""

    version: int
    stream: ParkedStream
    place: TopicPartition
    offset: int


@dataclass(slots=True)
class _Folded:
    """What a document is to be."""

    document: BaseModel
    tenant: str
    seen: dict[str, _Seen] = field(default_factory=dict)
    broken: str = ""


class DocumentCheck:
    """Compares one read model with the fold of its topics.

    Args:
        copy: the copy that serves.
    """

    def __init__(
        self, copy: Projection[Any], *, service: str, contract: Contract, store: Store, topics: Topics
    ) -> None:
        self._copy = copy
        self._subscription = copy.subscription(service)
        self._contract = contract
        self._store = store
        self._topics = topics
        self._of_type = {contract.of(event).type: fold for event, fold in copy.folds.items()}
        self._parked: dict[ParkedStream, tuple[int, int]] = {}
        self._ever_parked: set[ParkedStream] = set()
        self.findings = Findings("I4")

    async def run(self) -> AsyncIterator[Findings]:
        """Checks the documents, a part of them after the other where they are many; yields after each part."""
        partitions = await self._topics.partitions(topics_of(self._copy.folds, self._contract))
        left = set(range(_BUCKETS))
        while left:
            taken = set(left)
            self._parked, self._ever_parked = {}, set()
            await self._learn_parked()
            ends = await self._topics.ends(partitions)
            folded: dict[str, _Folded] = {}
            async for records in self._topics.read({}, ends):
                self._fold(records, folded, taken)
                while len(taken) > 1 and len(folded) > _MOST_DOCUMENTS:
                    gone = max(taken)
                    taken.discard(gone)
                    folded = {identity: made for identity, made in folded.items() if _bucket(identity) != gone}
            await self._compare(folded, taken, ends)
            left -= taken
            self.findings.part = f"{self._copy.collection}, {_BUCKETS - len(left)} of {_BUCKETS} parts"
            yield self.findings

    async def _learn_parked(self) -> None:
        """From where on streams are set aside for this read model, now; and which ever were while it was being checked."""
        self._parked = await self._store.parked.streams(self._subscription)
        self._ever_parked |= self._parked.keys()

    def _fold(self, records: Iterable[Record], folded: dict[str, _Folded], taken: set[int]) -> None:
        for record in records:
            try:
                meta = decode(record)
                if meta.type not in self._of_type:
                    continue
                event = self._contract.parse(meta.type, record.value or b"")
            except (Malformed, UnknownEventType, DecodeError):
                continue
            identity = document_id(meta.tenant, self._copy.key_of(event, meta))
            stream = ParkedStream(record.topic, meta.tenant, meta.stream)
            place = TopicPartition(record.topic, record.partition)
            parked = self._parked.get(stream)
            if _bucket(identity) not in taken or (parked and (record.partition, record.offset) >= parked):
                continue
            if identity not in folded:
                folded[identity] = _Folded(self._copy.new(identity.removeprefix(f"{meta.tenant}/")), meta.tenant)
            made, mark = folded[identity], stream_mark(record.topic, meta.stream)
            if mark in made.seen and meta.version <= made.seen[mark].version:
                continue
            made.seen[mark] = _Seen(meta.version, stream, place, record.offset)
            try:
                self._of_type[meta.type](made.document, event, meta)
            except Exception as failed:
                made.broken = f"{meta.stream}@{meta.version} cannot be folded: {type(failed).__name__}"

    async def _compare(self, folded: dict[str, _Folded], taken: set[int], ends: Mapping[TopicPartition, int]) -> None:
        doubtful = await self._differing(folded, taken)
        before: dict[str, dict[str, int]] = {}
        for _ in range(_ROUNDS):
            if not doubtful:
                return
            await asyncio.sleep(_ROUND_SECONDS)
            await self._learn_parked()
            now = await self._topics.ends(ends)
            async for records in self._topics.read(ends, now):
                # Only what is doubtful is still of interest.
                self._fold([record for record in records if self._is_of(record, doubtful)], folded, taken)
            ends = now
            checkpoints = await self._checkpoints()
            stored = await self._load(doubtful)
            again = {}
            for identity in doubtful:
                body, made = stored.get(identity), folded.get(identity)
                if made is None and body is None:
                    continue
                if self._agrees(identity, made, body):
                    continue
                seen = _seen_in(body)
                # Twice the same: it is not moving, so it can be judged.
                if identity in before and before[identity] == seen:
                    self._judge(identity, made, body, checkpoints)
                else:
                    again[identity] = seen
            before, doubtful = again, set(again)
        self.findings.not_judged += len(doubtful)

    def _is_of(self, record: Record, identities: set[str]) -> bool:
        try:
            meta = decode(record)
            event = self._contract.parse(meta.type, record.value or b"")
        except (Malformed, UnknownEventType, DecodeError):
            return False
        return meta.type in self._of_type and document_id(meta.tenant, self._copy.key_of(event, meta)) in identities

    async def _differing(self, folded: Mapping[str, _Folded], taken: set[int]) -> set[str]:
        """The documents that are not, at first sight, what was folded; all others are counted as checked."""
        doubtful, met, after = set(), set(), ""
        while page := await self._store.documents.page(self._copy.collection, after, _PAGE):
            for identity, body in page:
                if _bucket(identity) in taken:
                    met.add(identity)
                    if not self._agrees(identity, folded.get(identity), body):
                        doubtful.add(identity)
            after = page[-1][0]
        return doubtful | (folded.keys() - met)

    def _agrees(self, identity: str, made: _Folded | None, body: Mapping[str, object] | None) -> bool:
        """Whether a document is its fold, and then it was checked. What has seen other versions is not known to be yet."""
        if made is None or body is None or made.broken:
            return False
        if {mark: seen.version for mark, seen in made.seen.items()} != _seen_in(body):
            return False
        if difference := _difference(made, body):
            self.findings.violated(self._named(identity), difference)
        self.findings.checked += 1
        return True

    def _judge(
        self, identity: str, made: _Folded | None, body: Mapping[str, object] | None, checkpoints: Mapping[TopicPartition, int]
    ) -> None:  # fmt: skip
        """Judges a document that has seen other versions than were folded, and does not move."""
        seen, known = _seen_in(body), made.seen if made else {}
        set_aside = {stream_mark(topic, stream) for topic, _, stream in self._ever_parked}
        if made is not None and made.broken:
            self._violated(identity, made.broken)
            return
        missing = [
            one
            for mark, one in known.items()
            if one.version > seen.get(mark, 0) and mark not in set_aside and checkpoints.get(one.place, 0) > one.offset
        ]
        beyond = [
            mark
            for mark, version in seen.items()
            if mark not in set_aside and version > (known[mark].version if mark in known else 0)
        ]
        if missing:
            one = missing[0]
            told = f"does not show {one.stream[2]}@{one.version}" if body is not None else "is missing"
            where = f"{one.place.topic}/{one.place.partition}@{one.offset}"
            self._violated(identity, f"{told}, and its checkpoint is past {where}")
        elif beyond:
            self._violated(identity, "shows events that are not on the topics")
        else:
            self.findings.not_judged += 1

    def _violated(self, identity: str, text: str) -> None:
        self.findings.checked += 1
        self.findings.violated(self._named(identity), text)

    def _named(self, identity: str) -> str:
        return f"{self._copy.collection} {identity}"

    async def _checkpoints(self) -> dict[TopicPartition, int]:
        found = await self._store.documents.checkpoints(self._copy.collection, self._subscription)
        return {TopicPartition(topic, partition): offset for (topic, partition), offset in found.items()}

    async def _load(self, identities: Iterable[str]) -> dict[str, dict[str, object]]:
        wanted, found = list(identities), {}
        for start in range(0, len(wanted), _PAGE):
            loaded = await self._store.documents.load(self._copy.collection, wanted[start : start + _PAGE])
            found.update({identity: body for identity, (_, body) in loaded.items()})
        return found


def _bucket(identity: str) -> int:
    return crc32(identity.encode()) % _BUCKETS


def _seen_in(body: Mapping[str, object] | None) -> dict[str, int]:
    seen = body.get(SEEN) if body else None
    return dict(seen) if isinstance(seen, dict) else {}


def _difference(made: _Folded, body: Mapping[str, object]) -> str:
    """Which fields differ. What they hold is not told: it may be about a person."""
    expected = {name: _as_stored(value) for name, value in made.document.model_dump(warnings=False).items()}
    shown = {name: value for name, value in body.items() if name not in _BOOKKEEPING}
    fields = sorted(name for name in expected.keys() | shown.keys() if _other(expected, shown, name))
    if body.get("tenant") != made.tenant:
        fields.append("tenant")
    return f"differs from the fold in: {', '.join(fields)}" if fields else ""


def _other(expected: Mapping[str, object], shown: Mapping[str, object], name: str) -> bool:
    return name not in expected or name not in shown or expected[name] != shown[name]


def _as_stored(value: object) -> object:
    """A value as the store gives it back."""
    if isinstance(value, Mapping):
        return {name: _as_stored(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_as_stored(part) for part in value]
    if isinstance(value, datetime):
        return value.replace(microsecond=value.microsecond // 1000 * 1000)
    return value
