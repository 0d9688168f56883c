"""The store on a real MongoDB, or the embedded one, keeps every promise of the suite, through either driver."""

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Literal
from uuid import uuid4

import pytest
from eventkernel.messages import DueRow
from eventkernel.ports import Store, StoreUnavailable
from eventkernel.store.mongodb import MongoStore, connect
from eventkernel.testing.store_suite import StoreSuite
from eventkernel.testing.store_suite.examples import NOON, TENANT, Reopen, commit
from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure


@pytest.fixture
def database() -> str:
    return f"test_{uuid4().hex[:16]}"


@pytest.fixture
def driver() -> Literal["pymongo", "motor"]:
    return "pymongo"


@pytest.fixture
async def reopen(mongodb_uri: str, database: str, driver: Literal["pymongo", "motor"]) -> AsyncIterator[Reopen]:
    opened: list[MongoStore] = []

    async def another() -> Store:
        opened.append(MongoStore(connect(mongodb_uri, driver=driver), database))
        await opened[-1].start()
        return opened[-1]

    yield another
    for one in opened:
        await one.close()
    # The embedded one goes with the session, and drops a database document by document: three times the whole suite.
    if "MONGODB_URI" in os.environ:
        async with AsyncMongoClient(mongodb_uri) as client:
            await client.drop_database(database)


@pytest.fixture
async def store(reopen: Reopen) -> Store:
    return await reopen()


class TestMongoStoreThroughPyMongo(StoreSuite):
    async def test_commits_have_two_indexes_beside_their_id(
        self, store: Store, mongodb_uri: str, database: str
    ) -> None:
        async with AsyncMongoClient(mongodb_uri) as client:
            indexes = await client[database]["commits"].index_information()
        assert set(indexes) == {"_id_", "stream_versions", "pending"}
        assert indexes["stream_versions"]["unique"]
        assert indexes["pending"]["partialFilterExpression"] == {"pending": True}

    async def test_a_due_row_that_was_stored_before_there_was_urgency_is_none_of_the_urgent(
        self, store: Store, mongodb_uri: str, database: str
    ) -> None:
        row = DueRow(id="one", tenant=TENANT, due=NOON, request_type="mentoring.test.Remind", request=b"")
        await store.due.schedule([row])
        async with AsyncMongoClient(mongodb_uri) as client:
            (stored,) = await client[database]["due"].find().to_list()
        # Rows of before have no such field; those of now must look the same to be claimed by the same index.
        assert "urgent" not in stored
        assert await store.due.claim(NOON, timedelta(seconds=30), urgent=True) is None
        assert await store.due.claim(NOON, timedelta(seconds=30)) == replace(row, attempts=1)

    async def test_due_rows_are_claimed_by_an_index_that_holds_open_ones_alone(
        self, store: Store, mongodb_uri: str, database: str
    ) -> None:
        async with AsyncMongoClient(mongodb_uri) as client:
            due = client[database]["due"]
            index = (await due.index_information())["open_by_urgency"]
            # What a claim is equal in, then what it sorts by.
            assert index["key"] == [("urgent", 1), ("due", 1), ("_id", 1)]
            assert index["partialFilterExpression"] == {"done": False}
            await due.drop_index("open_by_urgency")
        for urgent in (True, False):
            with pytest.raises(OperationFailure):
                await store.due.claim(NOON, timedelta(seconds=30), urgent=urgent)

    async def test_pending_is_there_only_while_it_is_true(self, store: Store, mongodb_uri: str, database: str) -> None:
        await store.commits.append([commit("one", "s", 1), commit("internal", "t", 1, published=False)])
        await store.commits.append([commit("two", "s", 2)])
        await store.commits.clear([f"{TENANT}/one"])
        async with AsyncMongoClient(mongodb_uri) as client:
            marked = await client[database]["commits"].find({"pending": {"$exists": True}}).to_list()
        assert [document["_id"] for document in marked] == [f"{TENANT}/two"]

    async def test_every_write_waits_for_the_journals_of_a_majority_and_every_read_for_a_majority(
        self, mongodb_uri: str, database: str
    ) -> None:
        for driver in ("pymongo", "motor"):
            opened = connect(mongodb_uri, driver=driver)
            owned = opened.database(database)
            assert owned["commits"].write_concern.document == {"w": "majority", "j": True}
            assert owned["commits"].read_concern.level == "majority"
            await opened.close()

    async def test_a_database_that_cannot_be_reached_fails_the_start(self, free_port) -> None:
        nowhere = f"mongodb://127.0.0.1:{free_port()}/?directConnection=true"
        unreachable = MongoStore(connect(nowhere, timeout=timedelta(milliseconds=300)), "nowhere")
        with pytest.raises(StoreUnavailable):
            await unreachable.start()
        await unreachable.close()


class TestMongoStoreThroughMotor(StoreSuite):
    @pytest.fixture
    def driver(self) -> Literal["pymongo", "motor"]:
        pytest.importorskip("motor")
        return "motor"
