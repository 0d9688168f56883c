"""What was known at a moment: the same folds over what was recorded by then."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.testing.scenario import person
from evidence.projections.ksb_progress import ksb_progress
from evidence.projections.learner_progress import get_ksb_progress
from evidence.projections.progress_facts import progress_as_known, progress_facts
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.evidence.v1.evidence_pb2 import GetKsbProgressRequest, GetKsbProgressResponse

from .progress_stories import (
    BEGAN,
    LEARNER,
    SECRET,
    ST0148,
    STREAMS,
    Known,
    accepted,
    facts,
    interleaved,
    live,
    random_streams,
    story,
    submitted,
)

MANAGER = person("manager-1", "provider_manager")
END = BEGAN + timedelta(days=100)


@pytest.mark.parametrize("seed", range(150))
async def test_as_known_now_is_what_the_live_read_model_shows_in_whatever_order_it_came(
    reader: Callable[..., Any], seed: int
) -> None:
    chance = random.Random(seed)
    streams = random_streams(chance)
    history = interleaved(streams, chance)
    read = reader(MANAGER, documents=facts(interleaved(streams, chance)), now=END)
    assert await progress_as_known(LEARNER, END, read) == live(history)


@pytest.mark.parametrize("seed", range(60))
async def test_as_known_at_a_moment_is_what_the_read_model_would_have_shown_then(
    reader: Callable[..., Any], seed: int
) -> None:
    chance = random.Random(seed)
    streams = random_streams(chance)
    history = interleaved(streams, chance)
    read = reader(MANAGER, documents=facts(history), now=END)
    for day in (-1, 0, 30, 60, 89):
        at = BEGAN + timedelta(days=day)
        assert await progress_as_known(LEARNER, at, read) == live(one for one in history if one.meta.at <= at)


def test_facts_are_kept_of_whatever_progress_is_made_of_and_of_nothing_else() -> None:
    assert progress_facts.folds.keys() == ksb_progress.folds.keys()
    assert progress_facts.version == ksb_progress.version, "what one counts anew the other has to as well"


@pytest.mark.parametrize("seed", range(20))
def test_no_fact_holds_anything_that_is_sealed(seed: int) -> None:
    chance = random.Random(seed)
    history = interleaved(random_streams(chance), chance)
    assert any(SECRET.ciphertext in one.event.SerializeToString() for one in history)
    held = [fact for one in facts(history) for fact in one.facts]
    assert len(held) == len(history)
    assert not any(SECRET.ciphertext in fact.data or SECRET.nonce in fact.data for fact in held)


def asking(days: float) -> GetKsbProgressRequest:
    at = Timestamp()
    at.FromDatetime(BEGAN + timedelta(days=days))
    return GetKsbProgressRequest(learner_id=LEARNER, standard=ST0148, as_known_at=at)


async def answered(
    reader: Callable[..., Any], request: GetKsbProgressRequest, history: list[Known]
) -> GetKsbProgressResponse:
    read = reader(MANAGER, streams=STREAMS, documents=[*facts(history), live(history)], now=END)
    return await get_ksb_progress(request, read)


async def test_a_decision_is_known_from_the_moment_on_in_which_it_was_recorded(reader: Callable[..., Any]) -> None:
    history = story(
        "evidence-e1",
        (submitted("e1", "K1", "K2"), BEGAN + timedelta(days=1)),
        (accepted("e1", "K1", "K2"), BEGAN + timedelta(days=9)),
    )
    before = await answered(reader, asking(8.9), history)
    assert (before.mapped, before.signed_off, before.ksbs[0].decided_by) == (2, 0, "")
    then = await answered(reader, asking(9), history)
    assert (then.mapped, then.signed_off, then.ksbs[0].decided_by) == (2, 2, "assessor-1")
    assert (await answered(reader, asking(0), history)).mapped == 0
    now = await answered(reader, GetKsbProgressRequest(learner_id=LEARNER, standard=ST0148), history)
    assert now == then


async def test_another_learners_facts_are_not_mixed_in(reader: Callable[..., Any]) -> None:
    theirs = facts(story("evidence-e1", (submitted("e1", "K1"), BEGAN)))
    theirs[0].learner_id = "learner-2"
    read = reader(MANAGER, documents=theirs, now=END)
    assert await progress_as_known(LEARNER, END, read) == ksb_progress.new(LEARNER)


async def test_what_will_be_known_is_refused(reader: Callable[..., Any]) -> None:
    with pytest.raises(Refusal) as caught:
        await answered(reader, asking(101), [])
    assert (caught.value.code, caught.value.field) == ("NOT_KNOWN_YET", "as_known_at")
