"""What a relay did, for its tests: which events came out and in which order, and a store with one of its calls changed."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from eventkernel.cloudevents import decode
from eventkernel.messages import Commit
from prometheus_client import REGISTRY

on_both_stores = pytest.mark.parametrize("store", ["memory", "mongodb"], indirect=True)


def ids(records: Sequence[ConsumerRecord]) -> Counter[str]:
    return Counter(decode(record).event_id for record in records)


def published(commits: Sequence[Commit]) -> Counter[str]:
    return Counter(event.id for commit in commits for event in commit.events if event.published)


def in_order(records: Sequence[ConsumerRecord]) -> bool:
    versions: dict[str, int] = {}
    for meta in map(decode, records):
        if meta.version <= versions.get(meta.stream, 0):
            return False
        versions[meta.stream] = meta.version
    return True


def drained(store: Any) -> Any:
    async def nothing_pending() -> bool:
        return (await store.commits.count_pending())[0] == 0

    return nothing_pending


def metric(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


class Around:
    """A commit store with one call changed."""

    def __init__(self, commits: Any, **changed: Any) -> None:
        self._commits = commits
        self.__dict__.update(changed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._commits, name)
