"""How a figure is taken: rounds of ours and of the bare parts by turns, so that a busy machine slows both. Ratios are of a round."""

import gc
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

ROUNDS = 5
ROUNDS_QUICK = 2
EVENTS, EVENTS_QUICK = 1_000_000, 50_000

Run = Callable[[int], Awaitable[float]]


class Wrong(Exception):
    """A run did not do what it was to do, so its time means nothing."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some runs, and their least and greatest."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """The spread of these values."""
        return cls(median(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. In `ours` and `bare` each place is one round.

    `unit` of a rate ends in `/s`; of anything else less is better. `parts` are medians of what it is made of, by name, in
    `parts_unit` (`unit` where that is empty), unless another unit stands in the name behind a semicolon. What is asked of it: a
    ratio of `least_ratio`, and of ours no more than `most`; nothing where neither is given, and then it is there to be seen.
    """

    name: str
    against: str
    unit: str
    ours: Sequence[float]
    bare: Sequence[float]
    parts: dict[str, float] = field(default_factory=dict)
    least_ratio: float | None = None
    most: float | None = None
    parts_unit: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the median is within what is asked; None where nothing is."""
        if self.least_ratio is None and self.most is None:
            return None
        enough = self.least_ratio is None or self.ratio.median >= self.least_ratio
        return enough and (self.most is None or median(self.ours) <= self.most)

    @property
    def ratio(self) -> Spread:
        """Ours as a part of the bare one's speed: 1 is as fast, below 1 is slower, whatever the unit."""
        pairs = zip(self.ours, self.bare, strict=True)
        return Spread.of([ours / bare if self.unit.endswith("/s") else bare / ours for ours, bare in pairs])


class Parts:
    """What a figure is made of, each measured alone in every round. The first round warms up, and is not kept."""

    def __init__(self) -> None:
        self._found: defaultdict[str, list[float]] = defaultdict(list)

    def note(self, found: Mapping[str, float]) -> None:
        """One round's values by name."""
        for name, value in found.items():
            self._found[name].append(value)

    def medians(self) -> dict[str, float]:
        """Over the rounds, in the order in which they were first noted."""
        return {name: median(values[1:]) for name, values in self._found.items()}


def added_up(*rates: float) -> float:
    """The rate of one thing after the other, each of which alone has this rate."""
    return 1 / sum(1 / rate for rate in rates)


@dataclass(frozen=True, slots=True)
class Asked:
    """How a benchmark is to be run. `events`: of a rebuild; `rates`: a second, of a simulation, instead of what was measured."""

    rounds: int
    folder: str
    events: int = EVENTS
    rates: Mapping[str, float] = field(default_factory=dict)

    @property
    def quick(self) -> bool:
        """Only to see that it runs."""
        return self.rounds < ROUNDS


async def by_turns(rounds: int, ours: Run, bare: Run) -> tuple[list[float], list[float]]:
    """Runs both once to warm up, then `rounds` times each, the first of a round being ours and the bare one by turns.

    A run gets its number, from 0 (the warming up), and returns its rate, or its seconds.
    """
    kept: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        for place in (0, 1) if number % 2 else (1, 0):
            gc.collect()
            value = await (ours, bare)[place](number)
            if number:
                kept[place].append(value)
    return kept


def check(done: object, asked: object, what: str) -> None:
    """Raises Wrong where a run did not do all it was asked to."""
    if done != asked:
        raise Wrong(f"{what}: {done} instead of {asked}")
