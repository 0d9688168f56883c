"""No test of the embedded parts may leave a process behind."""

import os
from collections.abc import Iterator

import pytest
from mentorstream.embedded.testing import children_of


@pytest.fixture
def no_orphans() -> Iterator[None]:
    """Fails when this process still has a child that it did not have before."""
    before = children_of(os.getpid())
    yield
    left = children_of(os.getpid()) - before
    assert not left, f"processes left behind: {left}"
