"""Verifying: a sound service is found sound, in however many passes, and a gap or a fork in the log is found and named."""

from collections.abc import Iterable

import pytest
from aiokafka import TopicPartition
from eventkernel.messages import Commit, StoredEvent
from eventkernel.operations import verify_documents, verify_topic

from .library import NOON, TENANT
from .world import PARTITIONS, World, texts


async def test_a_sound_service_is_found_sound(world: World) -> None:
    log, topic = await world.i1_and_i2()
    documents = await world.i4()
    assert (log.checked, log.violations, log.not_judged) == (16, 0, 0)
    assert (topic.checked, topic.violations, topic.not_judged) == (16, 0, 0)
    assert (documents.checked, documents.violations, documents.not_judged) == (4, 0, 0)


async def test_much_is_checked_in_several_passes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_topic, "_MOST_STREAMS", 3)
    monkeypatch.setattr(verify_topic, "_PAGE", 2)
    monkeypatch.setattr(verify_documents, "_MOST_DOCUMENTS", 1)
    monkeypatch.setattr(verify_documents, "_PAGE", 1)
    ends, passes = world.topics.ends, 0

    async def counted(partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        nonlocal passes
        passes += 1
        return await ends(partitions)

    monkeypatch.setattr(world.topics, "ends", counted)
    log, topic = await world.i1_and_i2()
    assert passes == PARTITIONS
    documents = await world.i4()
    assert (log.checked, log.violations) == (16, 0)
    assert (topic.checked, topic.violations) == (16, 0)
    assert (documents.checked, documents.violations) == (4, 0)


def stored(*versions: int) -> Commit:
    """A commit by hand, with internal events of these versions."""
    events = tuple(StoredEvent(f"e{each}", "sample.library.limit-set", each, b"", published=False) for each in versions)
    return Commit(f"p/{versions}", TENANT, "limit-ada", events, "limit-ada", NOON, "mia", 0)


@pytest.mark.parametrize(
    ("versions", "found"),
    [
        ([(1, 2), (3,)], []),
        ([(1,), (3, 5)], ["version 2 is missing", "version 4 is missing"]),
        ([(2,)], ["version 1 is missing"]),
        ([(1, 2), (2, 3)], ["version 2 is there 2 times"]),
    ],
)
async def test_a_gap_and_a_fork_in_a_stream_are_found(
    world: World, versions: list[tuple[int, ...]], found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = world.store.commits._streams
    monkeypatch.setitem(kept, f"{TENANT}/limit-ada", [stored(*each) for each in versions])
    assert texts(await world.i1()) == [f"{TENANT}/limit-ada: {text}" for text in found]
