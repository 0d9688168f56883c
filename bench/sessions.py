"""The sessions service to be measured: whole, on a store in memory or a real one, with one standard and a mentorship for each learner."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from eventkernel.commands import Order
from eventkernel.issuer import AUDIENCE, ISSUER, LocalIssuer
from eventkernel.messages import AppendOutcome, Commit, Principal
from eventkernel.node import Node
from eventkernel.ports import CommitStore, Store
from eventkernel.settings import Settings
from eventkernel.store.memory import MemoryStore
from eventkernel.store.mongodb import MongoStore, connect
from mentoring.sessions.v1.sessions_pb2 import LearnStandardRequest, StartMentorshipRequest
from mentorstream.embedded.ports import choose_port
from sessions.service import build

from bench import samples
from bench.append import drop

AS_MENTOR = Principal(samples.TENANT, samples.MENTOR, frozenset({"mentor"}))
_AS_MANAGER = Principal(samples.TENANT, samples.MANAGER, frozenset({"provider_manager"}))


@dataclass(frozen=True, slots=True)
class Measured:
    """A service that runs, with a token of its mentor's."""

    node: Node
    store: Store
    address: str
    token: str
    groups: "Groups"


class Groups:
    """A store's commits, and how many travelled together."""

    def __init__(self, commits: CommitStore) -> None:
        self._commits = commits
        self._writes = self._stored = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._commits, name)

    async def append(self, commits: Sequence[Commit]) -> list[AppendOutcome]:
        """As the port says."""
        self._writes += 1
        self._stored += len(commits)
        return await self._commits.append(commits)

    def mean(self) -> float:
        """Commits in one write, since this was last asked; 0 where there was none."""
        mean = self._stored / max(1, self._writes)
        self._writes = self._stored = 0
        return mean


def in_memory(folder: Path) -> AbstractAsyncContextManager[Measured]:
    """The service's API over a store in memory, running until the context ends."""
    return _running(folder, MemoryStore())


@asynccontextmanager
async def on_store(folder: Path, uri: str) -> AsyncIterator[Measured]:
    """The same over a real store, in a database of its own that is dropped afterwards."""
    name = f"bench_{uuid4().hex[:8]}"
    async with _running(folder, MongoStore(connect(uri), name)) as service:
        yield service
    driver = connect(uri)
    await drop(driver, name)
    await driver.close()


@asynccontextmanager
async def _running(folder: Path, store: Store) -> AsyncIterator[Measured]:
    issuer = LocalIssuer(folder, "local")
    address = f"127.0.0.1:{choose_port()}"
    settings = Settings(
        kafka_bootstrap="127.0.0.1:9", mongodb_uri="mongodb://127.0.0.1:9", grpc_address=address,
        health_address=f"127.0.0.1:{choose_port()}", key_file=folder / "key", jwks_file=issuer.jwks, token_issuer=ISSUER,
        token_audience=AUDIENCE, roles="api",
    )  # fmt: skip
    groups = Groups(store.commits)
    store.commits = cast("CommitStore", groups)
    node = Node(build(), settings, store)
    await node.start()
    try:
        await _prepare(node)
        yield Measured(node, store, address, issuer.token(samples.MENTOR, samples.TENANT, ["mentor"]), groups)
    finally:
        await node.stop()


async def _prepare(node: Node) -> None:
    learn = LearnStandardRequest(standard=samples.STANDARD, ksb_codes=samples.CODES)
    await node.commands.give(Order(learn, Principal.system(samples.TENANT), "learn"))
    starts = [
        StartMentorshipRequest(
            learner_id=samples.learner(number), mentorship_id=samples.mentorship(number), mentor_id=samples.MENTOR,
            standard=samples.STANDARD, employer_id="bakery", site_id="riverside", boundaries=["We write on working days."],
        )
        for number in range(samples.LEARNERS)
    ]  # fmt: skip
    await asyncio.gather(*(node.commands.give(Order(start, _AS_MANAGER, start.mentorship_id)) for start in starts))
