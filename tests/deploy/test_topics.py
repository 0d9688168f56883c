"""The topics as data fit the code that places streams on them, and the contracts that name them."""

import json
from pathlib import Path
from typing import Any

import pytest
from eventkernel.placement import SLOTS, partitions_of_slot
from mentorstream.contracts import CONTRACTS


@pytest.fixture(scope="module")
def topics(root: Path) -> list[dict[str, Any]]:
    text = (root / "deploy" / "kafka" / "topics.json").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = json.loads(text)["topics"]
    return found


def test_there_is_a_topic_for_each_service_and_no_other(topics: list[dict[str, Any]]) -> None:
    names = [topic["name"] for topic in topics]
    assert len(set(names)) == len(names)
    assert set(names) == {contract.topic for contract in CONTRACTS.values()}


def test_a_relay_slot_owns_whole_partitions(topics: list[dict[str, Any]]) -> None:
    for topic in topics:
        assert topic["partitions"] % SLOTS == 0, topic["name"]
        owned = [partition for slot in range(SLOTS) for partition in partitions_of_slot(slot, topic["partitions"])]
        assert sorted(owned) == list(range(topic["partitions"]))


def test_a_learner_has_the_same_partition_on_every_topic(topics: list[dict[str, Any]]) -> None:
    # One consumer folds a learner's events from several topics: range assignment needs equal numbers.
    assert len({topic["partitions"] for topic in topics}) == 1


def test_no_event_is_ever_dropped(topics: list[dict[str, Any]]) -> None:
    for topic in topics:
        assert topic["config"]["cleanup.policy"] == "delete"
        assert topic["config"]["retention.ms"] == "-1"
