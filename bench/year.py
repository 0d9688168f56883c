"""When people work: a year of a system's commands, minute by minute. The profile is assumed, not measured; it is data, to be changed."""

import math
import random
from collections.abc import Iterable, Iterator
from itertools import chain, repeat

# Weeks from September on, with the share of a full week that they bring: terms, half-terms, Christmas, Easter, summer. Apprentices
# work through most holidays, and are mentored less.
_TERM, _HOLIDAY, _CHRISTMAS = 1.0, 0.35, 0.05
WEEKS: tuple[float, ...] = tuple(
    chain.from_iterable(
        repeat(share, weeks)
        for share, weeks in (
            (_TERM, 7), (_HOLIDAY, 1), (_TERM, 7), (_CHRISTMAS, 2), (_TERM, 6), (_HOLIDAY, 1), (_TERM, 6), (_HOLIDAY, 2), (_TERM, 5),
            (_HOLIDAY, 1), (_TERM, 7), (_HOLIDAY, 7),
        )
    )
)  # fmt: skip
# From Monday on.
DAYS = (1.0, 1.1, 1.1, 1.0, 0.8, 0.08, 0.04)
# The day's hours from midnight: sessions are planned and recorded between nine and eleven, evidence in the afternoon; evenings are quiet.
HOURS = (
    0.0, 0.0, 0.0, 0.0, 0.0, 0.01, 0.05, 0.2, 0.7, 1.8, 1.7, 1.1, 0.6, 0.8, 0.9, 0.8, 0.6, 0.3, 0.15, 0.12, 0.1, 0.08, 0.04, 0.02,
)  # fmt: skip
# Sessions end on the hour, so its first ten minutes bring so much of it.
FIRST_MINUTES, FIRST_SHARE = 10, 0.4

_KNUTH = 30.0


def shares() -> Iterator[float]:
    """Each minute's share of the year; they add up to one."""
    whole = sum(WEEKS) * sum(DAYS) * sum(HOURS)
    rest = (1 - FIRST_SHARE) / (60 - FIRST_MINUTES)
    minutes = [FIRST_SHARE / FIRST_MINUTES] * FIRST_MINUTES + [rest] * (60 - FIRST_MINUTES)
    for week in WEEKS:
        for day in DAYS:
            for hour in HOURS:
                for minute in minutes:
                    yield week * day * hour * minute / whole


def arrivals(means: Iterable[float], seed: int) -> list[int]:
    """How many come in each minute where so many are to be expected: by chance, and the same for the same seed."""
    source = random.Random(seed)
    return [_poisson(source, mean) for mean in means]


def _poisson(source: random.Random, mean: float) -> int:
    if mean > _KNUTH:
        return max(0, round(source.gauss(mean, math.sqrt(mean))))
    if not mean:
        return 0
    least, product, number = math.exp(-mean), source.random(), 0
    while product > least:
        product *= source.random()
        number += 1
    return number
