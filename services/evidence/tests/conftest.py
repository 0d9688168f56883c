"""A reader of streams and documents that a test lays down, in place of a store."""

from collections.abc import Callable

import pytest
from eventkernel.testing.reading import LaidDown


@pytest.fixture
def reader() -> Callable[..., LaidDown]:
    """`reader(principal, streams={...}, documents=[...])`"""
    return LaidDown
