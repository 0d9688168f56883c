"""How a commit lies in MongoDB. The bytes of its events are stored as they are published."""

from eventkernel.messages import Commit, StoredEvent
from eventkernel.placement import slot_of
from eventkernel.store.mongodb.driver import Document
from eventkernel.store.stored_form import stream_key


def commit_document(commit: Commit) -> Document:
    """A commit as it is stored; `pending` is there only while it is true, and its index holds nothing else."""
    document: Document = {
        "_id": commit.id,
        "stream_key": stream_key(commit.tenant, commit.stream),
        "versions": [event.version for event in commit.events],
        "first_version": commit.first_version,
        "slot": slot_of(commit.partition_key),
        "tenant": commit.tenant,
        "stream": commit.stream,
        "events": [
            {"id": event.id, "type": event.type, "data": event.data, "published": event.published}
            for event in commit.events
        ],
        "partition_key": commit.partition_key,
        "at": commit.at,
        "actor": commit.actor,
        "published_version": commit.published_version,
        "fingerprint": commit.fingerprint,
        "correlation_id": commit.correlation_id,
        "causation_id": commit.causation_id,
        "traceparent": commit.traceparent,
    }
    if commit.pending:
        document["pending"] = True
    return document


def commit_of(document: Document) -> Commit:
    """The commit that was stored."""
    return Commit(
        id=document["_id"],
        tenant=document["tenant"],
        stream=document["stream"],
        events=tuple(
            StoredEvent(event["id"], event["type"], version, event["data"], event["published"])
            for version, event in zip(document["versions"], document["events"], strict=True)
        ),
        partition_key=document["partition_key"],
        at=document["at"],
        actor=document["actor"],
        published_version=document["published_version"],
        fingerprint=document["fingerprint"],
        correlation_id=document["correlation_id"],
        causation_id=document["causation_id"],
        traceparent=document["traceparent"],
    )
