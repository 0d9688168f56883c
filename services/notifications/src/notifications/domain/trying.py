"""Trying: which way of a notice comes next. One after another, each again where it failed for now; the inbox where no other is left."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mentoring.notifications.v1.channel_pb2 import Channel

from notifications.domain.notice import Notice
from notifications.domain.ways import Way


@dataclass(frozen=True, slots=True)
class Trying:
    """The ways of a notice, the best first. What is insisted on, an alert, is tried by all of them again and again."""

    ways: Sequence[Way]
    insisted_on: bool

    def next(self, known: Notice) -> Way | None:
        """The way of the next attempt; None where each failed for good."""
        left = self.still_open(known)
        tried = [place for place, way in enumerate(self.ways) if known.attempt and known.went_by(way)]
        further_on = [way for way in left if tried and self.ways.index(way) > tried[-1]]
        return next(iter(further_on or left), None)

    def still_open(self, known: Notice) -> Sequence[Way]:
        """The ways that make a round: those that did not fail for good.

        The inbox is tried first where the person has it first, and else once no other way is left: what mail did not take for now goes
        by mail later.
        """
        left = [way for way in self.ways if (way.channel, way.registration) not in known.useless]
        if not left:
            return self.ways if self.insisted_on else []
        if left[0].channel == Channel.CHANNEL_INBOX:
            return left[:1]
        return [way for way in left if way.channel != Channel.CHANNEL_INBOX] or left

    def is_dead(self, known: Notice) -> bool:
        """Whether each way failed for good."""
        return {(way.channel, way.registration) for way in self.ways} <= known.useless

    def round_of(self, known: Notice) -> int:
        """Which round the next attempt belongs to, from 1. What failed for good used up an attempt of its own, and none of the others'."""
        return math.ceil((known.attempt + 1 - len(known.useless)) / len(self.still_open(known)))

    def is_further_on(self, way: Way, than: Way) -> bool:
        """Whether this way comes behind that one in a round."""
        return self.ways.index(way) > self.ways.index(than)
