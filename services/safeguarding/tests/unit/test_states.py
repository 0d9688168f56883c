"""States survive a snapshot: what is written as JSON is read as the same state."""

from datetime import timedelta

import pytest
from pydantic import TypeAdapter
from safeguarding.domain.policy import RoutingPolicy
from safeguarding.domain.rota import Rota

from .stories import POLICY, ROTA, a_concern, acknowledged, raised


@pytest.mark.parametrize(
    "state",
    [
        Rota(),
        ROTA,
        POLICY,
        RoutingPolicy(timedelta(seconds=1, microseconds=1), timedelta(days=7), timedelta(milliseconds=1500)),
        raised().state,
        raised(a_concern(naming=["person-a", "person-b"], anonymous=True)).state,
        acknowledged().state,
    ],
    ids=lambda state: type(state).__name__,
)
def test_a_state_comes_back_from_its_snapshot_as_it_was(state: object) -> None:
    adapter = TypeAdapter(type(state))
    assert adapter.validate_json(adapter.dump_json(state)) == state
