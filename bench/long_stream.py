"""A long stream: a command on one of 10,000 events against the same on one of 10, with its state at hand and after a cold start."""

import time
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from eventkernel.commands import Order
from eventkernel.messages import Commit, Principal, StoredEvent, event_id
from eventkernel.node import Node
from eventkernel.settings import Settings
from eventkernel.store.mongodb import MongoStore, connect
from eventkernel.timing import utc_now
from mentoring.safeguarding.v1.events_pb2 import RotaSet
from mentoring.safeguarding.v1.safeguarding_pb2 import SetRotaRequest
from safeguarding.domain.rota import rota
from safeguarding.service import build

from bench import samples
from bench.append import drop, store_uri
from bench.measure import Asked, Figure, Spread, by_turns, check

# The newest snapshot is as far back as it is in the middle: they are twenty events apart.
LONG, BEHIND, SHORT, COMMANDS, AT_ONCE = 10_000, 10, 10, 40, 500
_A_FIFTH_MORE = 1 / 1.2
_PEOPLE = 5
_AS_LEAD = Principal(samples.TENANT, "lead", frozenset({"senior_lead"}))
_TYPE = build().contract.of(RotaSet()).type
_DEPUTIES = ("deputy-1", "deputy-2")
_LONG = f"a stream of {LONG:,} events"
_SHORT = f"the same, on streams of {SHORT} events"


async def run(asked: Asked) -> list[Figure]:
    """A site's rota that was set so often is set again."""
    folder = Path(asked.folder)
    async with store_uri(folder / "long") as uri:
        driver, name = connect(uri), f"bench_long_{uuid4().hex[:8]}"
        streams = _Streams(MongoStore(driver, name), folder, uri)
        try:
            return await streams.compare(asked.rounds)
        finally:
            await drop(driver, name)
            await driver.close()


class _Streams:
    """Rotas in one store, and processes that know nothing of them yet."""

    def __init__(self, store: MongoStore, folder: Path, uri: str) -> None:
        self._store = store
        self._settings = Settings(
            kafka_bootstrap="127.0.0.1:9", mongodb_uri=uri, key_file=folder / "key", jwks_file=folder / "none", roles="api"
        )  # fmt: skip
        self._version = LONG + BEHIND

    async def compare(self, rounds: int) -> list[Figure]:
        """With the state at hand, then each command in a process that has just started."""
        await self._store.start()
        await self._fill("long", 1, LONG - 1)
        node = self._process()
        await self._set(node, "long", LONG)
        await node.states.close()
        await self._fill("long", LONG + 1, BEHIND)
        await self._fill("folded", 1, LONG)
        warm = await self._by_turns(rounds, warm=True)
        cold = await self._by_turns(rounds, warm=False)
        folding = Spread.of([await self._fold() for _ in range(rounds)]).median
        return [
            Figure(f"{_LONG}, its state at hand", _SHORT, "ms a command", *warm, least_ratio=_A_FIFTH_MORE),
            Figure(
                f"{_LONG}, cold", _SHORT, "ms a command", *cold, {f"{LONG:,} events folded without a snapshot; ms": folding},
                least_ratio=_A_FIFTH_MORE,
            ),
        ]  # fmt: skip

    async def _by_turns(self, rounds: int, *, warm: bool) -> tuple[list[float], list[float]]:
        async def long(_: int) -> float:
            targets = [("long", self._version + one) for one in range(1, COMMANDS + 1)]
            self._version += COMMANDS
            return await self._milliseconds(targets, warm=warm)

        async def short(number: int) -> float:
            sites = [f"short-{'warm' if warm else 'cold'}-{number}-{one}" for one in range(COMMANDS)]
            for site in sites:
                await self._fill(site, 1, SHORT)
            return await self._milliseconds([(site, SHORT + 1) for site in sites], warm=warm)

        return await by_turns(rounds, long, short)

    async def _milliseconds(self, targets: Sequence[tuple[str, int]], *, warm: bool) -> float:
        """For one command, one after the other: the mean."""
        node, seconds = self._process(), 0.0
        for site, version in targets:
            if warm:
                await node.states.load(samples.TENANT, f"rota-{site}", rota)
            else:
                node = self._process()
            began = time.perf_counter()
            await self._set(node, site, version)
            seconds += time.perf_counter() - began
            # A snapshot is written beside the next command, as in a service; the last one's is waited for.
            await node.states.close()
        return 1000 * seconds / len(targets)

    async def _fold(self) -> float:
        began = time.perf_counter()
        loaded = await self._process().states.load(samples.TENANT, "rota-folded", rota)
        milliseconds = 1000 * (time.perf_counter() - began)
        check(loaded.version, LONG, "the folded stream's version")
        return milliseconds

    def _process(self) -> Node:
        # Not started: what gives commands needs no server of its own.
        return Node(build(), self._settings, self._store, utc_now)

    async def _set(self, node: Node, site: str, version: int) -> None:
        request = SetRotaRequest(site_id=site, dsl_id=_dsl(version), deputy_ids=_DEPUTIES, senior_lead_id="lead")
        reply = await node.commands.give(Order(request, _AS_LEAD, f"{site}-{version}"))
        check(reply.version, version, f"the version of {site}")

    async def _fill(self, site: str, first: int, count: int) -> None:
        commits = [_commit(site, version) for version in range(first, first + count)]
        for start in range(0, count, AT_ONCE):
            await self._store.commits.append(commits[start : start + AT_ONCE])


def _dsl(version: int) -> str:
    """Another one each time, so that each command has something to do; of a few, as a rota remembers all who ever stood on it."""
    return f"dsl-{version % _PEOPLE}"


def _commit(site: str, version: int) -> Commit:
    event = RotaSet(site_id=site, dsl_id=_dsl(version), deputy_ids=_DEPUTIES, senior_lead_id="lead")
    identity, stream = f"{samples.TENANT}/{site}-{version}", f"rota-{site}"
    stored = StoredEvent(event_id(identity, 1), _TYPE, version, event.SerializeToString(), published=False)
    return Commit(
        id=identity, tenant=samples.TENANT, stream=stream, events=(stored,), partition_key=stream, at=utc_now(), actor="lead",
        published_version=0, fingerprint=bytes(32), correlation_id=event_id(identity, 2), traceparent="",
    )  # fmt: skip
