"""What each step of a command costs alone: the steps of the class that is measured, run one after the other over many commands."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import protovalidate
from eventkernel import metrics
from eventkernel.access import admit
from eventkernel.aggregate import Aggregate, Context
from eventkernel.commands import Commands, Order
from eventkernel.contract import CallContract
from eventkernel.keys import DataKeys, KeyFile
from eventkernel.messages import Appended, Commit
from eventkernel.sealing import Sealer
from eventkernel.service import Service
from eventkernel.states import Loaded
from eventkernel.timing import utc_now
from google.protobuf.message import Message
from sessions.service import build

from bench import samples
from bench.measure import check
from bench.sessions import AS_MENTOR, Measured

SESSIONS, AT_ONCE = 512, 64
_VALIDATION = "validation (of calls through gRPC alone: not in the sum)"
_FINGERPRINT, _SEALING = "of it: the request's keyed hash", "of it: sealing the text of one in two"
_NOT_ADDED = (_VALIDATION, _FINGERPRINT, _SEALING)


@dataclass(frozen=True, slots=True)
class _Case:
    """A command that is on its way: what it was decided on, and what came of it."""

    order: Order
    call: CallContract
    aggregate: Aggregate[Any]
    loaded: Loaded[Any]
    events: Sequence[Message]


class Steps(Commands):
    """Gives commands, and can be asked what their steps cost."""

    def __init__(self, measured: Measured, folder: Path) -> None:
        service, node, kek = build(), measured.node, KeyFile(folder / "key")
        super().__init__(
            service, states=node.states, commits=measured.store.commits, appends=node.appends,
            sealer=Sealer(DataKeys(measured.store.keys, kek), service.name), readers=node.reader, clock=utc_now,
            fingerprint_key=kek.derive("request fingerprint"),
        )  # fmt: skip
        self._of: Service = service
        self._seconds: defaultdict[str, float] = defaultdict(float)

    async def alone(self, run: str) -> dict[str, float]:
        """Microseconds that a command, planned or held, spends in each step where nothing else runs, and in all of them."""
        self._seconds.clear()
        for request in (samples.plan, samples.hold):
            names = [f"{run}-{place}" for place in range(SESSIONS)]
            with self._timed("the caller makes the request"):
                orders = [
                    Order(request(place, name), AS_MENTOR, f"{name}-{request.__name__}")
                    for place, name in enumerate(names)
                ]
            await self._store(await self._decided(orders))
        steps = {name: 1e6 * seconds / (2 * SESSIONS) for name, seconds in self._seconds.items()}
        steps["these added up"] = sum(spent for name, spent in steps.items() if name not in _NOT_ADDED)
        return steps

    async def _decided(self, orders: Sequence[Order]) -> list[_Case]:
        call = self._of.contract.commands[type(orders[0].request)]
        aggregate = self._of.deciders[call.request]
        with self._timed(_VALIDATION):
            for order in orders:
                protovalidate.validate(order.request)
        with self._timed("access"):
            for order in orders:
                admit(order.principal, call)
        found = []
        with self._timed("state, relation, and the streams beside"):
            for order in orders:
                loaded = self._states.known(samples.TENANT, call.stream_of(order.request), aggregate)
                reader = self._reader(order)
                await self._check_relation(order, call, reader)
                beside = [
                    await reader.state(self._of.aggregate(template), stream)
                    for template, stream in zip(call.loads, call.loads_of(order.request), strict=True)
                ]
                found.append((order, loaded, {type(other): other for other in beside}))
        decide, now = aggregate.decisions[call.request], utc_now()
        with self._timed("decide"):
            return [
                _Case(
                    order, call, aggregate, loaded,
                    decide(loaded.state, order.request, Context(order.principal, now, order.commit_id, beside)),
                )
                for order, loaded, beside in found
            ]  # fmt: skip

    async def _store(self, cases: Sequence[_Case]) -> None:
        with self._timed("making the commit: its ids, its bytes"):
            commits = [await self._commit(case.order, case.call, case.loaded, case.events) for case in cases]
        with self._timed(_FINGERPRINT):
            for case in cases:
                self._fingerprint(case.order, case.call)
        sealing = self._of.contract.of(cases[0].events[0]).seals
        copies = [type(case.events[0]).FromString(case.events[0].SerializeToString()) for case in cases if sealing]
        with self._timed(_SEALING):
            for copy in copies:
                await self._seal(
                    copy, samples.TENANT, self._of.contract.of(copy).type, "an-event-id-that-is-as-long-as-36"
                )
        with self._timed(f"append to the memory store, {AT_ONCE} at once"):
            for first in range(0, len(commits), AT_ONCE):
                await asyncio.gather(*(self._append(commit) for commit in commits[first : first + AT_ONCE]))
        with self._timed("evolve, keeping the state, the reply"):
            for case, commit in zip(cases, commits, strict=True):
                self._stored(case.aggregate, case.loaded, commit)
        method = cases[0].call.method
        with self._timed("metrics"):
            for _ in cases:
                with metrics.COMMAND_SECONDS.labels(self._of.name, method).time():
                    metrics.COMMANDS.labels(self._of.name, method, "stored").inc()

    async def _append(self, commit: Commit) -> None:
        check(await self._appends.append_one(commit), Appended.STORED, "an append")

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self._seconds[name] += time.perf_counter() - began
