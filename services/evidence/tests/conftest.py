"""A reader of streams and documents that a test lays down, in place of a store; and a service that is called over a socket."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from eventkernel.testing.reading import LaidDown

from .uploading import Api, serving


@pytest.fixture
def reader() -> Callable[..., LaidDown]:
    """`reader(principal, streams={...}, documents=[...])`"""
    return LaidDown


@pytest.fixture
async def api(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Api]:
    """A running service with one piece in it; its settings are changed by the fixture's parameter."""
    async with serving(tmp_path, **getattr(request, "param", {})) as found:
        yield found
