"""Commits to test a store with. Times and ids are given, never taken from the machine."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from eventkernel.messages import Commit, StoredEvent, event_id
from eventkernel.ports import Store

TENANT = "provider-1"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

Reopen = Callable[[], Awaitable[Store]]


def after(milliseconds: int) -> datetime:
    """A time shortly after noon."""
    return NOON + timedelta(milliseconds=milliseconds)


def commit(
    commit_id: str, stream: str, *versions: int, at: datetime = NOON, published: bool = True, partition_key: str = "",
    tenant: str = TENANT, data: bytes = b"\x00\xff\x0aevent",
) -> Commit:  # fmt: skip
    """A commit of one event for each version, all of them published or all internal."""
    return Commit(
        id=f"{tenant}/{commit_id}",
        tenant=tenant,
        stream=stream,
        events=tuple(
            StoredEvent(event_id(commit_id, index), "mentoring.test.happened", version, data, published)
            for index, version in enumerate(versions)
        ),
        partition_key=partition_key or stream,
        at=at,
        actor="person-1",
        published_version=versions[-1] if published else 0,
        fingerprint=b"\x01" * 16,
        correlation_id="correlation-1",
        causation_id="cause-1",
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    )
