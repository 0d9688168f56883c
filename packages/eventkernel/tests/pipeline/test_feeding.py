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


class Joining:
    """Subscriptions whose first consumer has joined its group; the next one waits for the broker, or fails, or all are read."""

    def __init__(self, *_: Any) -> None:
        self.log.append("made")

    log: list[str]
    waits_in: str
    leaving: asyncio.Event

    def add(self, sink: Any) -> None: ...

    async def start(self) -> None:
        self.log.append("joined")
        if self.waits_in == "start":
            await asyncio.Event().wait()
        if self.waits_in in {"leave", "pause"}:
            raise OSError("no broker answers")

    async def broken(self) -> None:
        await asyncio.Event().wait()

    async def stop(self) -> None:
        self.log.append("leaves")
        await self.leaving.wait()
        self.log.append("left")


@pytest.mark.parametrize("where", ["start", "read", "leave", "pause"])
async def test_a_feed_that_is_stopped_leaves_its_groups_wherever_it_is(
    monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    Joining.log, Joining.waits_in, Joining.leaving = [], where, asyncio.Event()
    if where != "leave":
        Joining.leaving.set()
    monkeypatch.setattr("eventkernel.feeding.Subscriptions", Joining)
    feed = Feed([], "127.0.0.1:1", "library")
    running = asyncio.create_task(feed.run())
    await until(lambda: _says("leaves" if where == "leave" else "left" if where == "pause" else "joined"))
    stopping = asyncio.create_task(feed.stop())
    await asyncio.sleep(0)
    Joining.leaving.set()
    await stopping
    # As a copy's feed is ended: it is stopped, and then cancelled.
    running.cancel()
    await asyncio.wait([running])
    assert Joining.log == ["made", "joined", "leaves", "left"]


async def _says(word: str) -> bool:
    return word in Joining.log


async def test_a_feed_that_is_cancelled_leaves_its_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    Joining.log, Joining.waits_in, Joining.leaving = [], "start", asyncio.Event()
    Joining.leaving.set()
    monkeypatch.setattr("eventkernel.feeding.Subscriptions", Joining)
    running = asyncio.create_task(Feed([], "127.0.0.1:1", "library").run())
    await until(lambda: _says("joined"))
    running.cancel()
    await asyncio.wait([running])
    assert Joining.log == ["made", "joined", "leaves", "left"]


async def test_a_feed_that_is_stopped_before_it_begins_begins_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    Joining.log = []
    monkeypatch.setattr("eventkernel.feeding.Subscriptions", Joining)
    feed = Feed([], "127.0.0.1:1", "library")
    await feed.stop()
    await feed.run()
    assert Joining.log == []
