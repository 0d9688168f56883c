"""Keys and a sealer in memory."""

from pathlib import Path

import pytest
from eventkernel.keys import DataKeys, KeyFile
from eventkernel.sealing import Sealer
from eventkernel.store.memory.sealed import MemoryKeys


@pytest.fixture
def store() -> MemoryKeys:
    return MemoryKeys()


@pytest.fixture
def keys(store: MemoryKeys, tmp_path: Path) -> DataKeys:
    return DataKeys(store, KeyFile(tmp_path / "kek"))


@pytest.fixture
def sealer(keys: DataKeys) -> Sealer:
    return Sealer(keys, "unit")
