"""A year of a provider's work and of a national system's, through API, store, relay, projections and notifications, as queues.

It is arithmetic and says so: the rates are those measured on one machine, the year's profile is assumed (`bench/year.py`), and what a
command leads to is as in the demo's cohort. The same seed gives the same year.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import Any

from eventkernel.placement import SLOTS

from bench import report, year
from bench.measure import Asked, Wrong
from bench.queues import MINUTE_SECONDS, MINUTES_AN_HOUR, Load, Waits, flow, serve

SEED = 20_260_901
# By people: four a week, of sessions, evidence and concerns. What notifications adds comes on top.
EVENTS_A_LEARNER = 208
SYSTEMS: Mapping[str, int] = {"a provider of 50,000 learners": 50_000, "a national system of 750,000 learners": 750_000}
# Whoever calls; what follows from their events goes to notifications.
CALLED = ("sessions", "evidence", "safeguarding")
TOLD = "notifications"
# Which topics a service's read models read.
HEARD: Mapping[str, tuple[str, ...]] = {
    "sessions": ("sessions",), "evidence": ("sessions", "evidence"), "safeguarding": ("safeguarding",), TOLD: (TOLD,),
}  # fmt: skip
_OVER = 1.1


@dataclass(frozen=True, slots=True)
class Rates:
    """What one replica, one store, one slot, one projecting process does in a second; and the notifications of one process.

    A relay's measure is of all four slots in one process.
    """

    api: float
    store: float
    slot: float
    projector: float
    notices: float


@dataclass(frozen=True, slots=True)
class Sizing:
    """How many of each part every service has. The slots are four whatever is chosen, and the store is one."""

    api: int
    projectors: int
    notifications: int


# Eight is what the partitions allow.
SIZINGS = (Sizing(1, 1, 1), Sizing(2, 4, 4), Sizing(4, 8, 8))


@dataclass(frozen=True, slots=True)
class Mix:
    """What comes of one event that people bring about: commits and published events by service, and notices."""

    commits: Mapping[str, float]
    published: Mapping[str, float]
    notices: float


@dataclass(frozen=True, slots=True)
class Part:
    """One queue: what it is, how many serve it at which rate, and how many come to it for one command that people give."""

    name: str
    servers: int
    rate: float
    per_command: float
    after: str | None

    @property
    def capacity(self) -> float:
        """A second, of all its servers."""
        return self.servers * self.rate


def rates_of(results: Mapping[str, Any], given: Mapping[str, float]) -> Rates:
    """From what was measured here, and from what is given instead. Raises Wrong where neither is there."""
    measured = {
        "api": _median(results, "rpc", "rpc"),
        "store": _median(results, "append", "append"),
        "slot": _median(results, "relay", "relay, commits in MongoDB") / SLOTS,
        "projector": _median(results, "projector", "projector whole, a document a session"),
        "notices": results["sizes"]["found"]["notices"]["rate"],
    }
    if unknown := sorted(given.keys() - measured.keys()):
        raise Wrong(f"no rate {', '.join(unknown)}; there are {', '.join(measured)}")
    return Rates(**{**measured, **given})


def mix_of(results: Mapping[str, Any]) -> Mix:
    """As the demo's cohort left it."""
    services = results["sizes"]["found"]["services"]
    events = sum(services[name]["events"] for name in CALLED)
    return Mix(
        {name: service["commits"] / events for name, service in services.items()},
        {name: service["published"] / events for name, service in services.items()},
        services[TOLD]["types"]["notice-settled"] / events,
    )


def parts_of(mix: Mix, rates: Rates, sizing: Sizing) -> list[Part]:
    """Every part of every service, each after what feeds it."""
    commands = sum(mix.commits[name] for name in CALLED)
    found = []
    for name in CALLED:
        each = mix.commits[name] / commands
        found += [
            Part(f"{name}: API", sizing.api, rates.api, each, None),
            Part(f"{name}: store", 1, rates.store, each, f"{name}: API"),
            Part(f"{name}: relay", SLOTS, rates.slot, mix.published[name] / commands, f"{name}: store"),
        ]
    sent = mix.notices / commands
    found += [
        # What publishes most of what is told; the little that others publish comes with it.
        Part(f"{TOLD}: reactions and mail", sizing.notifications, rates.notices, sent, "sessions: relay"),
        Part(f"{TOLD}: store", 1, rates.store, mix.commits[TOLD] / commands, f"{TOLD}: reactions and mail"),
        Part(f"{TOLD}: relay", SLOTS, rates.slot, mix.published[TOLD] / commands, f"{TOLD}: store"),
    ]
    for name, topics in HEARD.items():
        read = sum(mix.published[topic] for topic in topics) / commands
        found.append(Part(f"{name}: projections", sizing.projectors, rates.projector, read, f"{topics[-1]}: relay"))
    return found


def a_year(parts: Sequence[Part], commands: Sequence[float]) -> dict[str, Load]:
    """Every part's load. What a part is fed is what the one before it lets through, times what follows from one of these."""
    let_through: dict[str, list[float]] = {}
    per_command = {part.name: part.per_command for part in parts}
    loads = {}
    for part in parts:
        if part.after is None:
            came = [part.per_command * each for each in commands]
        else:
            times = part.per_command / per_command[part.after]
            came = [times * each for each in let_through[part.after]]
        let_through[part.name], loads[part.name] = flow(came, part.capacity)
    return loads


def busiest_hour(commands: Sequence[float]) -> Sequence[float]:
    """The sixty minutes, from a full hour on, in which most commands are given."""
    sums = [sum(commands[first : first + MINUTES_AN_HOUR]) for first in range(0, len(commands), MINUTES_AN_HOUR)]
    first = sums.index(max(sums)) * MINUTES_AN_HOUR
    return commands[first : first + MINUTES_AN_HOUR]


def an_hour(
    parts: Sequence[Part], commands: Sequence[float], learners: int, seed: int, times: float = 1.0
) -> dict[str, Waits]:
    """The same parts event by event, each learner's with one server; `times`: so many times the commands."""
    source = random.Random(seed)
    given = sorted(
        ((minute + source.random()) * 60, source.randrange(learners))
        for minute, count in enumerate(commands)
        for _ in range(round(count * times))
    )
    done: dict[str, list[tuple[float, int]]] = {}
    per_command = {part.name: part.per_command for part in parts}
    waits = {}
    for part in parts:
        before = given if part.after is None else done[part.after]
        fed = part.per_command / (1.0 if part.after is None else per_command[part.after])
        done[part.name], waits[part.name] = serve(_so_many(before, fed), part.rate, part.servers)
    return waits


def _so_many(events: Sequence[tuple[float, int]], times: float) -> list[tuple[float, int]]:
    """`times` of each, where that is a fraction by turns: in the end as many as it makes."""
    wholes = [int(sum_) for sum_ in accumulate(times for _ in events)]
    return [
        event for event, before, after in zip(events, [0, *wholes], wholes, strict=False) for _ in range(after - before)
    ]


def _way_to(name: str, parts: Sequence[Part]) -> list[Part]:
    """A part, after those that it is fed by."""
    part = next(each for each in parts if each.name == name)
    return [*([] if part.after is None else _way_to(part.after, parts)), part]


def headroom(parts: Sequence[Part], hour: Sequence[float]) -> dict[str, float]:
    """How many times this hour's commands each part could take, were it fed with all that follows from them."""
    commands_a_second = sum(hour) / (MINUTES_AN_HOUR * MINUTE_SECONDS)
    return {part.name: part.capacity / (part.per_command * commands_a_second) for part in parts}


async def run(asked: Asked) -> dict[str, Any]:
    """Both systems, each with every sizing, at the rates that are kept or given."""
    return simulate(report.load(), asked.rates)


def simulate(results: Mapping[str, Any], given: Mapping[str, float]) -> dict[str, Any]:
    """The same, of these results. Raises Wrong where something was never measured."""
    if "sizes" not in results:
        raise Wrong("what a command leads to is not known yet: run `python -m bench sizes` before")
    rates, mix = rates_of(results, given), mix_of(results)
    return {
        "seed": SEED, "events_a_learner": EVENTS_A_LEARNER, "rates": asdict(rates),
        "systems": {name: _system(learners, mix, rates) for name, learners in SYSTEMS.items()},
    }  # fmt: skip


def _system(learners: int, mix: Mix, rates: Rates) -> dict[str, Any]:
    commands_a_year = EVENTS_A_LEARNER * learners * sum(mix.commits[name] for name in CALLED)
    means = (commands_a_year * share for share in year.shares())
    commands = [float(each) for each in year.arrivals(means, SEED)]
    hour = busiest_hour(commands)
    return {
        "learners": learners, "events": EVENTS_A_LEARNER * learners, "commands": sum(commands), "busiest_hour": sum(hour),
        "busiest_minute": max(commands),
        "sizings": [asdict(sizing) | _sized(parts_of(mix, rates, sizing), commands, hour, learners) for sizing in SIZINGS],
    }  # fmt: skip


def _sized(parts: Sequence[Part], commands: Sequence[float], hour: Sequence[float], learners: int) -> dict[str, Any]:
    loads, waits = a_year(parts, commands), an_hour(parts, hour, learners, SEED)
    room = headroom(parts, hour)
    first = min(room, key=room.__getitem__)
    beyond = an_hour(_way_to(first, parts), hour, learners, SEED, _OVER * room[first])
    return {
        "parts": {
            part.name: {"servers": part.servers, "rate": part.rate, **asdict(loads[part.name]), **asdict(waits[part.name]),
                        "headroom": room[part.name]}
            for part in parts
        },
        "first": first, "times": room[first], "beyond": {"times": _OVER * room[first], **asdict(beyond[first])},
    }  # fmt: skip


def _median(results: Mapping[str, Any], benchmark: str, name: str) -> float:
    for figure in results.get(benchmark, {}).get("figures", ()):
        if figure["name"] == name:
            ours = sorted(figure["ours"])
            return float(ours[len(ours) // 2])
    raise Wrong(f"no figure `{name}` is kept: run `python -m bench {benchmark}` before")
