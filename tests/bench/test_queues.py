"""The simulation's arithmetic: nothing is lost, half a load makes no long queue, and more than a part can take makes one that grows."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.queues import flow, serve

COUNTS = st.lists(st.floats(min_value=0, max_value=10_000), min_size=1, max_size=240)


def poisson(rate: float, seconds: float, learners: int = 1_000) -> list[tuple[float, int]]:
    source, at, found = random.Random(7), 0.0, []
    while (at := at + source.expovariate(rate)) < seconds:
        found.append((at, source.randrange(learners)))
    return found


@given(arrivals=COUNTS, rate=st.floats(min_value=0.1, max_value=200))
def test_what_arrives_in_a_year_is_let_through_or_left(arrivals: list[float], rate: float) -> None:
    served, load = flow(arrivals, rate)
    assert sum(served) + load.left == pytest.approx(sum(arrivals))
    assert max(served) <= rate * 60 * (1 + 1e-9)
    assert load.arrived == pytest.approx(sum(arrivals))


def test_what_a_minute_leaves_over_is_done_in_the_next() -> None:
    served, load = flow([100.0, 0.0, 0.0], 1.0)
    assert served == [60.0, 40.0, 0.0]
    assert (load.queue, load.delay_s, load.left) == (40.0, 40.0, 0.0)


def test_a_year_is_worked_as_much_as_it_brings_and_its_busiest_hour_more() -> None:
    _, load = flow([30.0] * 60 + [0.0] * 60, 1.0)
    assert load.utilisation == pytest.approx(0.25)
    assert load.busiest_hour == pytest.approx(0.5)


@pytest.mark.parametrize("servers", [1, 4])
def test_every_event_is_done_once_after_it_came_and_in_order_at_its_server(servers: int) -> None:
    arrivals = poisson(50, 100)
    done, _ = serve(arrivals, 20.0, servers)
    assert sorted(about for _, about in done) == sorted(about for _, about in arrivals)
    for server in range(servers):
        came = [(at, about) for at, about in arrivals if about % servers == server]
        left = [(at, about) for at, about in done if about % servers == server]
        assert [about for _, about in left] == [about for _, about in came]
        assert all(end >= at + 1 / 20.0 - 1e-9 for (end, _), (at, _) in zip(left, came, strict=True))


@pytest.mark.parametrize("servers", [1, 4])
def test_at_half_load_queues_are_short(servers: int) -> None:
    _, waits = serve(poisson(5.0 * servers, 2_000), 10.0, servers)
    assert waits.waited < 20 * servers
    # Half of what one takes, as the formula for constant service says (M/D/1).
    assert waits.mean_s == pytest.approx(0.05, rel=0.2)


def test_above_what_it_takes_a_queue_grows_as_long_as_that_goes_on() -> None:
    def longest(seconds: float) -> tuple[int, float]:
        waits = serve(poisson(20.0, seconds), 10.0, 1)[1]
        return waits.waited, waits.longest_s

    (short, brief), (long, lasting) = longest(100), longest(400)
    assert long == pytest.approx(4 * short, rel=0.2)
    assert lasting == pytest.approx(4 * brief, rel=0.2)


def test_two_that_come_at_once_wait_one_for_the_other_unless_each_has_its_server() -> None:
    assert serve([(0.0, 0), (0.0, 1)], 2.0, 1)[1].longest_s == 0.5
    assert serve([(0.0, 0), (0.0, 1)], 2.0, 2)[1].longest_s == 0.0
    assert serve([(0.0, 0), (0.0, 2)], 2.0, 2)[1].longest_s == 0.5


@pytest.mark.parametrize("arrivals", [[], [(3.0, 1)]])
def test_nobody_waits_where_there_is_nobody_else(arrivals: Sequence[tuple[float, int]]) -> None:
    done, waits = serve(arrivals, 2.0, 1)
    assert len(done) == len(arrivals)
    assert (waits.mean_s, waits.p99_s, waits.longest_s, waits.waited) == (0.0, 0.0, 0.0, 0)
