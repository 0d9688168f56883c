"""Sinks are fed for as long as the process runs, whatever becomes of the consumers."""

import asyncio
from typing import Any

import pytest
from eventkernel.feeding import Feed

from .library import until


class Breaking:
    """Subscriptions, of which the first made have a consumer that has ended inside."""

    made: list["Breaking"]

    def __init__(self, *_: Any) -> None:
        self.made.append(self)
        self.sinks: list[Any] = []
        self.stopped = False
        self._ended = asyncio.Event()
        if len(self.made) == 1:
            self._ended.set()

    def add(self, sink: Any) -> None:
        self.sinks.append(sink)

    async def start(self) -> None:
        """Nothing to join."""

    async def broken(self) -> None:
        await self._ended.wait()

    async def stop(self) -> None:
        self.stopped = True
        raise OSError("it does not end in order")


class Sink:
    """A sink of which only the name matters."""

    subscription = "library.loans.v1"


async def test_a_consumer_that_has_ended_inside_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    Breaking.made = []
    monkeypatch.setattr("eventkernel.feeding.Subscriptions", Breaking)
    sink: Any = Sink()
    feeding = asyncio.create_task(Feed([sink], "127.0.0.1:1", "library").run())

    async def made_anew() -> bool:
        return len(Breaking.made) == 2 and bool(Breaking.made[1].sinks)

    await until(made_anew)
    first, second = Breaking.made
    assert first.stopped
    assert first.sinks == second.sinks == [sink]
    feeding.cancel()
    await asyncio.wait([feeding])
