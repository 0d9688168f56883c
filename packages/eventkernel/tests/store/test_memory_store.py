"""The store in memory keeps every promise of the suite."""

import pytest
from eventkernel.ports import Store
from eventkernel.store.memory import MemoryStore
from eventkernel.testing.store_suite import StoreSuite
from eventkernel.testing.store_suite.examples import Reopen


@pytest.fixture
async def store() -> Store:
    memory = MemoryStore()
    await memory.start()
    return memory


@pytest.fixture
def reopen(store: Store) -> Reopen:
    # What is in memory is the object itself: a second one would be another database.
    async def same() -> Store:
        return store

    return same


class TestMemoryStore(StoreSuite):
    pass
