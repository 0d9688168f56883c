"""Queues, for the simulation: what a part lets through minute by minute over a year, and event by event in one hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, quantiles

MINUTE_SECONDS = 60.0
MINUTES_AN_HOUR = 60


@dataclass(frozen=True, slots=True)
class Load:
    """What a part had to do over the year, and how far it fell behind.

    Attributes:
        arrived: how many came.
        left: how many were still waiting at the end.
        queue: the most that waited at the end of a minute.
        delay_s: the longest that the last of these had to wait.
        utilisation: the share of the year that it worked.
        busiest_hour: the share that it worked of its busiest hour.
    """

    arrived: float
    left: float
    queue: float
    delay_s: float
    utilisation: float
    busiest_hour: float


def flow(arrivals: Sequence[float], rate: float) -> tuple[list[float], Load]:
    """What a part that does `rate` a second lets through in each minute, where so many come in each.

    What comes within a minute is spread over it, so a queue is there only where a minute brings more than a minute can take.
    """
    capacity, waiting, most = rate * MINUTE_SECONDS, 0.0, 0.0
    served = list(arrivals)
    # In most of the parts no minute of the year brings too many: then what comes is what goes.
    if max(arrivals) > capacity:
        for minute, came in enumerate(arrivals):
            waiting += came
            served[minute] = min(waiting, capacity)
            waiting -= served[minute]
            most = max(most, waiting)
    hours = range(0, len(arrivals), MINUTES_AN_HOUR)
    worked = [sum(served[first : first + MINUTES_AN_HOUR]) for first in hours]
    return served, Load(
        arrived=sum(arrivals), left=waiting, queue=most, delay_s=most / rate, utilisation=sum(served) / (capacity * len(served)),
        busiest_hour=max(worked) / (capacity * MINUTES_AN_HOUR),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Waits:
    """How long events waited before anybody began with them, in seconds, and how many `waited` at once. No event: zeros."""

    mean_s: float
    p99_s: float
    longest_s: float
    waited: int


def serve(arrivals: Sequence[tuple[float, int]], rate: float, servers: int) -> tuple[list[tuple[float, int]], Waits]:
    """When each event is done, in order, and how they waited.

    Each server takes one at a time, in the order of arrival, and `1 / rate` seconds for it.

    Args:
        arrivals: when each comes, in order, and the number of what it is about: `number % servers` has its own server, as a slot
            has its streams and a process its partitions.
    """
    takes = 1 / rate
    free = [0.0] * servers
    waits, done, begins = [], [], []
    for at, about in arrivals:
        server = about % servers
        begin = max(at, free[server])
        free[server] = begin + takes
        waits.append(begin - at)
        begins.append(begin)
        done.append((begin + takes, about))
    if not waits:
        return [], Waits(0.0, 0.0, 0.0, 0)
    p99 = quantiles(waits, n=100)[98] if len(waits) > 1 else waits[0]
    queue = _longest([at for at, _ in arrivals], sorted(begins))
    return sorted(done), Waits(fmean(waits), p99, max(waits), queue)


def _longest(arrivals: Sequence[float], begins: Sequence[float]) -> int:
    """How many had come and were not begun with, at the most."""
    most, begun = 0, 0
    for came, at in enumerate(arrivals, 1):
        while begun < len(begins) and begins[begun] <= at:
            begun += 1
        most = max(most, came - begun)
    return most
