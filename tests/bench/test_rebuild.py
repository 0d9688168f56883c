"""What a rebuild is measured on and with: learners who go and come again, and times read off between two samples."""

from collections import defaultdict

import pytest

from bench import histories
from bench.measure import Wrong
from bench.rebuild import Sample, seconds_of

APART = 200


def test_a_learner_s_events_come_each_once_and_each_stream_in_order() -> None:
    seen: defaultdict[str, list[int]] = defaultdict(list)
    learners: defaultdict[str, int] = defaultdict(int)
    for happening in histories.stream(90_000, APART):
        for event in happening.commit.events:
            seen[happening.commit.stream].append(event.version)
        learners[happening.commit.partition_key] += 1
    assert all(versions in ([1], [1, 2]) for versions in seen.values())
    assert learners[histories.learner(0)] == sum(1 for _ in histories.events_of(0)) == 145


def test_between_two_terms_of_a_learner_come_as_many_others_as_are_said() -> None:
    who, others, gaps = histories.learner(420), set[str](), []
    for happening in histories.stream(120_000, APART):
        if happening.commit.partition_key == who:
            gaps.append(len(others))
            others.clear()
        else:
            others.add(happening.commit.partition_key)
    long = [gap for gap in gaps[1:] if gap > histories.AT_WORK]
    assert len(long) == histories.TERMS - 1
    assert all(gap >= 2 * APART for gap in long)


def test_when_counting_begins_there_are_documents_of_every_size() -> None:
    grown = histories.grown_after(APART)
    weeks = [
        int(happening.commit.stream.rpartition("-")[2])
        for number, happening in enumerate(histories.stream(grown + 5_000, APART))
        if number >= grown and happening.commit.stream.startswith("session-")
    ]
    for term in range(histories.TERMS):
        first = term * histories.WEEKS
        assert any(first < week <= first + histories.WEEKS for week in weeks)


def test_times_are_read_off_between_two_samples_in_proportion() -> None:
    samples = [Sample(10.0, 0, 90), Sample(12.0, 100, 95), Sample(12.5, 100, 95), Sample(16.5, 500, 99)]
    assert seconds_of(samples, 50, 500) == pytest.approx(5.5)
    assert seconds_of(samples, 50, 100) == pytest.approx(1.0)
    assert seconds_of(samples, 200, 300) == pytest.approx(1.0)
    with pytest.raises(Wrong):
        seconds_of(samples, 100, 501)
