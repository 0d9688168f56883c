"""A library over a store in memory: processes of it, a clock in the hand, and a bus that makes records of commits."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eventkernel.commands import Order
from eventkernel.node import Node
from eventkernel.store.memory import MemoryStore
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import CommandReply

from .library import Bus, Hand, process, someone


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def another(tmp_path: Path, store: MemoryStore, clock: Hand) -> Callable[..., Node]:
    """One more process on the same store."""
    return lambda **changed: process(tmp_path, changed.pop("store", store), changed.pop("clock", clock), **changed)


class Giver:
    """Gives commands to one process, each under a key of its own where none is named."""

    _keys = itertools.count()

    def __init__(self, node: Node) -> None:
        self.node = node

    async def __call__(self, request: Message, key: str = "", by: Any = None, **order: Any) -> CommandReply:
        return await self.node.commands.give(Order(request, by or someone(), key or f"key-{next(self._keys)}", **order))


@pytest.fixture
def node(another: Callable[..., Node]) -> Node:
    return another()


@pytest.fixture
def give(node: Node) -> Giver:
    return Giver(node)
