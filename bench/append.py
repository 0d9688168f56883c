"""Appending: what it brings that the commits of 64 callers travel together, each with its own outcome."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from eventkernel.messages import Appended
from eventkernel.store.grouping import GroupedAppends
from eventkernel.store.mongodb import Driver, MongoStore, connect
from eventkernel.store.mongodb.driver import Document
from eventkernel.store.mongodb.layout import commit_document
from mentorstream.embedded import StoreEmbedded

from bench import samples
from bench.measure import Asked, Figure, by_turns, check

CALLERS, EACH = 64, 8


async def run(asked: Asked) -> list[Figure]:
    """Grouped appends against as many single inserts at once: same documents, same indexes, same server."""
    async with store_uri(Path(asked.folder) / "append") as uri:
        driver = connect(uri)
        names = [f"bench_{kind}_{uuid4().hex[:8]}" for kind in ("grouped", "single")]
        try:
            return [await _compare(asked.rounds, driver, *names)]
        finally:
            await drop(driver, *names)
            await driver.close()


@asynccontextmanager
async def store_uri(folder: Path) -> AsyncIterator[str]:
    """The server that MONGODB_URI names, else an embedded one for as long as the context lasts."""
    if given := os.environ.get("MONGODB_URI"):
        yield given
        return
    async with StoreEmbedded(folder) as store:
        yield store.uri


async def drop(driver: Driver, *databases: str) -> None:
    """Removes them from a server that stays; an embedded one's folder is removed with everything in it."""
    if os.environ.get("MONGODB_URI"):
        for name in databases:
            await driver.database(name).client.drop_database(name)


async def _compare(rounds: int, driver: Driver, grouped_name: str, single_name: str) -> Figure:
    grouped, single = MongoStore(driver, grouped_name), MongoStore(driver, single_name)
    await grouped.start()
    await single.start()
    appends = GroupedAppends(grouped.commits)
    plain = driver.database(single_name)["commits"]

    async def ours(number: int) -> float:
        commits = [samples.commit(one, f"run-{number}") for one in range(CALLERS * EACH)]

        async def append(place: int) -> None:
            check(await appends.append_one(commits[place]), Appended.STORED, "an append")

        rate = await _callers(append)
        check((await grouped.commits.count_pending())[0], CALLERS * EACH * (number + 1), "commits stored in groups")
        return rate

    async def bare(number: int) -> float:
        documents: list[Document] = [
            commit_document(samples.commit(one, f"run-{number}")) for one in range(CALLERS * EACH)
        ]

        async def insert(place: int) -> None:
            await plain.insert_one(documents[place])

        rate = await _callers(insert)
        check(await plain.count_documents({}), CALLERS * EACH * (number + 1), "documents inserted one by one")
        return rate

    kept = await by_turns(rounds, ours, bare)
    return Figure(
        "append",
        f"{CALLERS} insert_one at once, same documents, indexes and server",
        "commits/s",
        *kept,
        least_ratio=3,
    )


async def _callers(act: Callable[[int], Awaitable[None]]) -> float:
    """So many callers at once, each acting again when it is answered; acts a second."""

    async def caller(first: int) -> None:
        for place in range(first, CALLERS * EACH, CALLERS):
            await act(place)

    began = time.perf_counter()
    await asyncio.gather(*(caller(first) for first in range(CALLERS)))
    return CALLERS * EACH / (time.perf_counter() - began)
