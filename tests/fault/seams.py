"""Where a process of the suite can be made to die, to dawdle, or to see another time: wrapped around drivers and ports, which stay.

A crash is a SIGKILL of the process itself, at the named point, the switch being off again for whoever follows.
"""

import asyncio
import functools
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from eventkernel import timing
from eventkernel.due import DueRunner
from eventkernel.relay import Relay
from eventkernel.store.mongodb import MongoStore
from eventkernel.store.mongodb.commits import MongoCommits
from eventkernel.store.mongodb.documents import MongoDocuments
from eventkernel.store.mongodb.due import MongoDue
from notifications.effects.smtp import SmtpMailer

from tests.fault.switches import Switches

# What holds work for a process that died: shorter than in production, so that a run need not wait as long.
RELAY_LEASE = timedelta(seconds=4)
DUE_LEASE = timedelta(seconds=8)


@dataclass(frozen=True, slots=True)
class Point:
    """A crash point: its name, the role that passes it, and what it lies between."""

    name: str
    role: str
    between: str


POINTS = (
    Point("before-reply", "api", "after the commit, before the reply"),
    Point("before-publish", "relay", "after the commit was read, before it is published"),
    Point("in-transaction", "relay", "after the records were sent, before their transaction is committed"),
    Point("before-clear", "relay", "after the publishing, before the clearing"),
    Point("before-offset", "projector", "after the projection's write, before the offset"),
    Point("before-reaction-offset", "reactor", "after the reaction's commands, before the offset"),
    Point("before-finish", "reactor", "after what fell due was done, before its row is finished"),
    Point("before-mail", "reactor", "after the start was recorded, before the mail"),
    Point("before-record", "reactor", "after the mail, before the record"),
)


def install(switches: Switches) -> None:
    """Wraps every seam of this process."""
    crash = functools.partial(_crash, switches)
    _around(MongoCommits, "append", after=crash("before-reply"))
    _around(AIOKafkaProducer, "begin_transaction", before=crash("before-publish"))
    _around(AIOKafkaProducer, "commit_transaction", before=crash("in-transaction"), after=crash("before-clear"))
    _around(MongoDocuments, "write", before=_dawdle(switches), after=crash("before-offset"))
    _around(AIOKafkaConsumer, "commit", before=crash("before-reaction-offset"))
    _around(MongoDue, "finish", before=crash("before-finish"))
    _around(SmtpMailer, "send", before=crash("before-mail"), after=crash("before-record"))
    _around(SmtpMailer, "send", before=_dawdle(switches))
    _clocks(switches)
    _default(DueRunner, "lease", DUE_LEASE)
    _default(Relay, "lease_ttl", RELAY_LEASE)


def _around(
    owner: type[Any],
    name: str,
    *,
    before: Callable[[], Awaitable[None]] | None = None,
    after: Callable[[], Awaitable[None]] | None = None,
) -> None:
    inner = getattr(owner, name)

    @functools.wraps(inner)
    async def outer(*given: Any, **named: Any) -> Any:
        if before is not None:
            await before()
        result = await inner(*given, **named)
        if after is not None:
            await after()
        return result

    setattr(owner, name, outer)


def _crash(switches: Switches, point: str) -> Callable[[], Awaitable[None]]:
    passed = 0

    async def at_point() -> None:
        nonlocal passed
        wanted = switches.value(point)
        if wanted is None:
            passed = 0
            return
        passed += 1
        if passed >= wanted:
            switches.off(point)
            os.kill(os.getpid(), signal.SIGKILL)

    return at_point


def _dawdle(switches: Switches) -> Callable[[], Awaitable[None]]:
    async def dawdle() -> None:
        seconds = switches.value("slow")
        if seconds is not None:
            await asyncio.sleep(seconds)

    return dawdle


def _clocks(switches: Switches) -> None:
    """The store's clock and the process's own, each ahead by what its switch says (behind, where that is negative)."""
    inner = MongoStore.time

    async def time(store: MongoStore) -> datetime:
        return await inner(store) + timedelta(seconds=switches.value("store-clock") or 0)

    class Own(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz) + timedelta(seconds=switches.value("own-clock") or 0)

    # mypy knows that a method and a module's name are not for assigning; here that is the point.
    setattr(MongoStore, "time", time)  # noqa: B010
    setattr(timing, "datetime", Own)  # noqa: B010


def _default(owner: type[Any], name: str, value: object) -> None:
    """Another default for one keyword of a constructor. A name that is not there any more is an error here."""
    defaults = owner.__init__.__kwdefaults__
    if name not in defaults:
        raise TypeError(f"{owner.__name__} takes no {name}: the suite has to follow")
    defaults[name] = value
