"""Commits on MongoDB: one insert is the whole of a command. Unique indexes decide; nothing is read before it is written."""

from collections.abc import Sequence
from datetime import datetime

from pymongo import UpdateOne
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from eventkernel.messages import Appended, AppendOutcome, Commit, Repeated, Snapshot
from eventkernel.placement import SLOTS
from eventkernel.ports import CommitStore
from eventkernel.store.mongodb.driver import Database, Document, Driver
from eventkernel.store.mongodb.inserts import insert_new
from eventkernel.store.mongodb.layout import commit_document, commit_of
from eventkernel.store.mongodb.unavailable import translated
from eventkernel.store.stored_form import stream_key

_PENDING = "pending"
_READ_BATCH = 1000
_NO_LATER = 2**63 - 1


@translated
class MongoCommits(CommitStore):
    """Commits and snapshots."""

    def __init__(self, driver: Driver, database: Database) -> None:
        self._driver = driver
        self._commits = database["commits"]
        self._snapshots = database["snapshots"]

    async def prepare(self) -> None:
        """Makes the two indexes. A third would cost every command."""
        # A key for each version, not for the first alone: so commits that overlap anywhere refuse each other.
        await self._commits.create_index([("stream_key", 1), ("versions", 1)], unique=True, name="stream_versions")
        await self._commits.create_index(
            [("slot", 1), ("at", 1), ("first_version", 1)], name=_PENDING, partialFilterExpression={_PENDING: True}
        )

    async def append(self, commits: Sequence[Commit]) -> list[AppendOutcome]:
        """As the port says. Raises StoreUnavailable, and then any of the commits may be stored or not."""
        refused = await insert_new(self._commits, [commit_document(commit) for commit in commits])
        outcomes: list[AppendOutcome] = [Appended.STORED] * len(commits)
        if refused:
            known = await self._by_id([commits[place].id for place in refused])
            for place in refused:
                stored = known.get(commits[place].id)
                outcomes[place] = Appended.CONFLICT if stored is None else Repeated(stored)
        return outcomes

    async def _by_id(self, ids: Sequence[str]) -> dict[str, Commit]:
        found = await self._commits.find({"_id": {"$in": ids}}).to_list(None)
        return {document["_id"]: commit_of(document) for document in found}

    async def read(self, tenant: str, stream: str, after: int = 0) -> list[Commit]:
        """As the port says."""
        return (await self.newer([(tenant, stream)], after)).get((tenant, stream), [])

    async def newer(self, streams: Sequence[tuple[str, str]], after: int) -> dict[tuple[str, str], list[Commit]]:
        """As the port says."""
        keys = [stream_key(tenant, stream) for tenant, stream in streams]
        wanted: Document = {"stream_key": keys[0] if len(keys) == 1 else {"$in": keys}}
        if after:
            # The upper bound keeps nothing out. Without it the embedded store walks the whole stream (`python -m bench long_stream`).
            wanted["versions"] = {"$gt": after, "$lte": _NO_LATER}
        found = await self._commits.find(wanted).batch_size(_READ_BATCH).to_list(None)
        answer: dict[tuple[str, str], list[Commit]] = {}
        # Sorted here: no index gives this order together with the range, and a server's sort has a limit of memory.
        for commit in sorted(map(commit_of, found), key=lambda commit: commit.first_version):
            answer.setdefault((commit.tenant, commit.stream), []).append(commit)
        return answer

    async def find(self, commit_id: str) -> Commit | None:
        """As the port says."""
        document = await self._commits.find_one({"_id": commit_id})
        return None if document is None else commit_of(document)

    async def pending(self, slots: Sequence[int], limit: int, leave_out: frozenset[str] = frozenset()) -> list[Commit]:
        """As the port says."""
        if limit < 1:
            return []
        # Reading some more and dropping them here: `$nin` with hundreds of ids is slow, on the embedded store very slow.
        enough = limit + len(leave_out)
        # One moment's view: else a scan that a stream's first commit was inserted behind could still meet its second.
        at_one_moment = self._commits.with_options(read_concern=ReadConcern("snapshot"))
        query = at_one_moment.find({_PENDING: True, "slot": {"$in": list(slots)}})
        # `first_version` keeps a stream's order where two of its commits fall in one millisecond.
        found = await query.sort([("at", 1), ("first_version", 1)]).limit(enough).batch_size(enough).to_list(None)
        return [commit_of(document) for document in found if document["_id"] not in leave_out][:limit]

    async def clear(self, commit_ids: Sequence[str]) -> None:
        """As the port says."""
        if commit_ids:
            # One update for each: on the embedded store an update by a long `$in` is slow.
            unset = {"$unset": {_PENDING: ""}}
            await self._commits.bulk_write([UpdateOne({"_id": one}, unset) for one in commit_ids], ordered=False)

    async def count_pending(self) -> tuple[int, datetime | None]:
        """As the port says."""
        # Naming the slots is what lets the server use the partial index.
        waiting = {_PENDING: True, "slot": {"$in": list(range(SLOTS))}}
        counted = await self._driver.aggregate(
            self._commits,
            [{"$match": waiting}, {"$group": {"_id": None, "count": {"$sum": 1}, "oldest": {"$min": "$at"}}}],
        )
        return (counted[0]["count"], counted[0]["oldest"]) if counted else (0, None)

    async def pending_by_slot(self) -> dict[int, tuple[int, datetime]]:
        """As the port says."""
        waiting = {_PENDING: True, "slot": {"$in": list(range(SLOTS))}}
        each = {"$group": {"_id": "$slot", "count": {"$sum": 1}, "oldest": {"$min": "$at"}}}
        counted = await self._driver.aggregate(self._commits, [{"$match": waiting}, each])
        return {slot["_id"]: (slot["count"], slot["oldest"]) for slot in counted}

    async def some_streams(self, after: str, limit: int) -> list[tuple[str, list[Commit], frozenset[str]]]:
        """As the port says."""
        query = self._commits.find({"stream_key": {"$gt": after}}).sort("stream_key", 1).limit(limit)
        found = await query.batch_size(limit).to_list(None)
        if len(found) == limit:
            # Of the last one there may be more: it is read whole, by itself where it is the only one.
            last = found[-1]["stream_key"]
            found = [document for document in found if document["stream_key"] != last]
            if not found:
                return [(last, *await self.one_stream(last))]
        streams: dict[str, list[Document]] = {}
        for document in found:
            streams.setdefault(document["stream_key"], []).append(document)
        return [(key, *_whole(commits)) for key, commits in streams.items()]

    async def one_stream(self, key: str) -> tuple[list[Commit], frozenset[str]]:
        """As the port says."""
        return _whole(await self._commits.find({"stream_key": key}).batch_size(_READ_BATCH).to_list(None))

    async def load_snapshot(self, tenant: str, stream: str) -> Snapshot | None:
        """As the port says."""
        document = await self._snapshots.find_one({"_id": stream_key(tenant, stream)})
        if document is None:
            return None
        return Snapshot(
            tenant=tenant,
            stream=stream,
            version=document["version"],
            shape=document["shape"],
            state=document["state"],
            head=commit_of(document["head"]),
        )

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """As the port says."""
        key = stream_key(snapshot.tenant, snapshot.stream)
        document: Document = {
            "_id": key,
            "version": snapshot.version,
            "shape": snapshot.shape,
            "state": snapshot.state,
            "head": commit_document(snapshot.head),
        }
        not_newer = {"_id": key, "version": {"$lte": snapshot.version}}
        try:
            await self._snapshots.replace_one(not_newer, document, upsert=True)
        except DuplicateKeyError:
            # One is there: a newer one, or one that was made in this moment and may be older.
            await self._snapshots.replace_one(not_newer, document)


def _whole(documents: Sequence[Document]) -> tuple[list[Commit], frozenset[str]]:
    """A stream's commits in order, and the ids of those that are pending."""
    commits = sorted((commit_of(document) for document in documents), key=lambda commit: commit.first_version)
    return commits, frozenset(document["_id"] for document in documents if _PENDING in document)
