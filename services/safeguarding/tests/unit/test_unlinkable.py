"""What is stored of a concern joins it with nothing else that its raiser did, and confirms no guess of its words."""

import hashlib
from dataclasses import replace
from pathlib import Path

from eventkernel.commands import Order
from eventkernel.messages import Commit, Principal
from eventkernel.node import Node
from eventkernel.settings import Settings
from eventkernel.store.memory import MemoryStore
from eventkernel.testing.scenario import NOON
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1 import safeguarding_pb2 as calls
from safeguarding.service import build

RAISER = Principal("p", "mia", frozenset({"mentor"}))
CONCERN = calls.RaiseConcernRequest(
    concern_id="c1", site_id="s1", category=events.CONCERN_CATEGORY_PHYSICAL, severity=events.SEVERITY_SERIOUS,
    person_at_risk_id="ada", narrative="Her stepfather hits her", anonymous=True,
)  # fmt: skip


async def test_a_concern_is_stored_without_the_correlation_and_the_trace_of_its_raiser(tmp_path: Path) -> None:
    commit = await _raised(tmp_path)
    assert (commit.correlation_id, commit.traceparent) == ("", "")


async def test_who_has_the_database_and_not_the_key_cannot_confirm_a_guessed_narrative(tmp_path: Path) -> None:
    said = events.ConcernRaised.FromString((await _raised(tmp_path)).events[0].data)
    guessed = hashlib.sha256(b"mia\n" + CONCERN.SerializeToString(deterministic=True)).hexdigest()
    assert said.content_digest
    assert said.content_digest != guessed


async def _raised(folder: Path) -> Commit:
    store = MemoryStore()
    settings = Settings(kafka_bootstrap="-", mongodb_uri="-", key_file=folder / "key", jwks_file=folder / "jwks")
    node = Node(build(), settings, store, clock=lambda: NOON)
    order = Order(CONCERN, RAISER, "k")
    await node.commands.give(replace(order, correlation_id="the-raisers-own"))
    (commit,) = await store.commits.read("p", "concern-c1")
    return commit
