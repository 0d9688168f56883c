"""The whole platform for tests over sockets: real Kafka, real stores, a real mail server, four service processes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from mentorstream.demo.journey import Journey
from mentorstream.demo.path import new_traceparent
from mentorstream.platform import Platform, platform
from mentorstream.standards import ST0148, load_standard


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    """A platform of its own for each module of tests, with data that nobody else has."""
    folder: Path = tmp_path_factory.mktemp("platform")
    async with platform(folder) as started:
        yield started


@pytest.fixture(scope="module")
def journey(running: Platform) -> Journey:
    """The demo's cohort on that platform."""
    return Journey(running, load_standard(ST0148), traceparent=new_traceparent())
