"""How long a notice is tried: waiting times that grow, are never the same for all, and come to an end."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest


@dataclass(frozen=True, slots=True)
class Patience:
    """A round tries each way of a notice once. Waits double from `first_seconds` up to the longest. What is insisted on never gives up.

    Args:
        attempts: how many rounds.
        chance: from 0 to 1, anew each time. A wait is between half of its length and all of it: else all that a dead provider kept
            waiting would come back to it at once.
    """

    first_seconds: float = 5.0
    longest_seconds: float = 3600.0
    longest_seconds_safeguarding: float = 60.0
    attempts: int = 12

    chance: Callable[[], float] = random.random

    def gives_up(self, rounds: int, *, insists: bool) -> bool:
        """Whether this round, from 1, was the last."""
        return not insists and rounds >= self.attempts

    def seconds(self, request: StartNoticeRequest, rounds: int, *, dead: bool = False) -> float:
        """How long to wait after this round, from 1. `dead`: no address of the person's is one, so that none takes it in a minute either."""
        urgent = request.safeguarding and not dead
        longest = self.longest_seconds_safeguarding if urgent else self.longest_seconds
        # Beyond 2**30 it is the longest anyway, and a float would overflow some day.
        whole = min(longest, self.first_seconds * 2.0 ** min(rounds - 1, 30))
        return whole * (1 + self.chance()) / 2
