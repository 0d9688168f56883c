"""The simulated year: its shape, how an event is shared among parts, and which of them breaks first."""

import statistics
from typing import Any

import pytest

from bench import year
from bench.measure import Wrong
from bench.simulation import (
    HEARD,
    Mix,
    Rates,
    Sizing,
    _so_many,
    a_year,
    an_hour,
    busiest_hour,
    headroom,
    mix_of,
    parts_of,
    rates_of,
)

MIX = Mix(
    commits={"sessions": 0.1, "evidence": 0.05, "safeguarding": 0.05, "notifications": 0.6},
    published={"sessions": 0.1, "evidence": 0.05, "safeguarding": 0.05, "notifications": 0.4},
    notices=0.2,
)
RATES = Rates(api=10.0, store=40.0, slot=5.0, projector=10.0, notices=2.0)
SIZING = Sizing(api=2, projectors=4, notifications=2)
COMMANDS = [10.0] * 60 + [20.0] * 60 + [0.0] * 60


def test_a_year_s_minutes_are_the_whole_year_with_its_peak_in_the_morning_of_a_weekday_in_term() -> None:
    shares = list(year.shares())
    assert len(shares) == 52 * 7 * 24 * 60
    assert sum(shares) == pytest.approx(1.0)
    busiest = shares.index(max(shares))
    week, day, hour = busiest // (7 * 24 * 60), busiest // (24 * 60) % 7, busiest // 60 % 24
    assert year.WEEKS[week] == 1.0
    assert day < 5
    assert hour in (9, 10)


@pytest.mark.parametrize("mean", [0.0, 0.2, 20.0, 500.0])
def test_arrivals_are_as_many_as_are_expected_and_scatter_as_chance_does(mean: float) -> None:
    found = year.arrivals([mean] * 5_000, 1)
    assert sum(found) / 5_000 == pytest.approx(mean, rel=0.05)
    assert statistics.pvariance(found) == pytest.approx(mean, rel=0.1)
    assert found == year.arrivals([mean] * 5_000, 1)
    assert not mean or found != year.arrivals([mean] * 5_000, 2)


def test_every_part_gets_what_a_command_leads_to() -> None:
    loads = a_year(parts_of(MIX, RATES, SIZING), COMMANDS)
    commands = sum(COMMANDS)
    assert sum(loads[f"{name}: API"].arrived for name in ("sessions", "evidence", "safeguarding")) == pytest.approx(
        commands
    )
    # A command is a fifth of an event here.
    assert loads["notifications: store"].arrived == pytest.approx(3 * commands)
    assert loads["notifications: relay"].arrived == pytest.approx(2 * commands)
    assert loads["evidence: projections"].arrived == pytest.approx(0.75 * commands)
    assert set(HEARD) == {name.partition(":")[0] for name in loads}


def test_what_a_part_cannot_take_does_not_reach_the_next_in_that_minute() -> None:
    parts = parts_of(MIX, RATES, Sizing(1, 1, 1))
    narrow = a_year(parts, [10_000.0] + [0.0] * 59)
    assert narrow["sessions: store"].arrived == pytest.approx(5_000)
    assert narrow["sessions: store"].queue == 0
    assert narrow["sessions: API"].queue == pytest.approx(5_000 - 600)


def test_the_part_with_least_room_is_the_one_that_breaks() -> None:
    parts = parts_of(MIX, RATES, SIZING)
    hour = busiest_hour(COMMANDS)
    assert sum(hour) == 20.0 * 60
    room = headroom(parts, hour)
    first = min(room, key=room.__getitem__)
    assert first == "notifications: reactions and mail"
    assert room[first] == pytest.approx(2 * 2.0 / (20 / 60))
    assert room["notifications: store"] == pytest.approx(40.0 / (3 * 20 / 60))
    below, above = (an_hour(parts, hour, 1_000, 1, times * room[first]) for times in (0.5, 1.5))
    assert below[first].longest_s < 30
    assert above[first].longest_s > 600
    assert all(waits.longest_s < 60 for name, waits in above.items() if name != first)


@pytest.mark.parametrize("times", [0.25, 1.0, 3.5])
def test_event_by_event_as_many_follow_as_a_command_leads_to(times: float) -> None:
    events = [(float(number), number) for number in range(1_000)]
    found = _so_many(events, times)
    assert len(found) == times * 1_000
    assert found == sorted(found)
    assert {about for _, about in found} <= set(range(1_000))


def test_more_servers_make_more_room() -> None:
    one, four = (headroom(parts, COMMANDS[:60]) for parts in (parts_of(MIX, RATES, Sizing(n, n, n)) for n in (1, 4)))
    assert four["sessions: API"] == pytest.approx(4 * one["sessions: API"])
    assert four["sessions: projections"] == pytest.approx(4 * one["sessions: projections"])
    # There are four slots and one store whatever is chosen.
    assert four["sessions: relay"] == pytest.approx(one["sessions: relay"])
    assert four["sessions: store"] == pytest.approx(one["sessions: store"])


def kept() -> dict[str, Any]:
    def figures(*named: tuple[str, list[float]]) -> dict[str, Any]:
        return {"figures": [{"name": name, "ours": ours} for name, ours in named]}

    def service(events: int, commits: int, published: int, **types: int) -> dict[str, Any]:
        return {"events": events, "commits": commits, "published": published, "types": types}

    return {
        "rpc": figures(("rpc", [1.0, 3.0, 2.0])),
        "append": figures(("append", [7.0])),
        "relay": figures(("relay, commits in memory", [1.0]), ("relay, commits in MongoDB", [8.0])),
        "projector": figures(("projector whole, a document a session", [5.0])),
        "sizes": {
            "found": {
                "notices": {"rate": 9.0},
                "services": {
                    "sessions": service(60, 10, 8), "evidence": service(30, 5, 5), "safeguarding": service(10, 5, 5),
                    "notifications": service(250, 40, 30, **{"notice-settled": 20}),
                },
            }
        },
    }  # fmt: skip


def test_rates_are_the_measured_medians_or_those_that_are_given() -> None:
    assert rates_of(kept(), {}) == Rates(api=2.0, store=7.0, slot=2.0, projector=5.0, notices=9.0)
    assert rates_of(kept(), {"slot": 4.0}).slot == 4.0


def test_an_unknown_rate_and_one_that_was_never_measured_are_refused() -> None:
    with pytest.raises(Wrong, match="no rate relay"):
        rates_of(kept(), {"relay": 1.0})
    never = kept()
    del never["append"]
    with pytest.raises(Wrong, match="python -m bench append"):
        rates_of(never, {})


def test_the_mix_is_of_one_event_by_people() -> None:
    mix = mix_of(kept())
    assert mix.commits["sessions"] == pytest.approx(0.1)
    assert mix.published["notifications"] == pytest.approx(0.3)
    assert mix.notices == pytest.approx(0.2)
