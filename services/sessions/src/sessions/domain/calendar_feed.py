"""The address at which a person's calendar is open: one at a time, never one that was closed before. Of its secret only the hash is kept."""

import hashlib
from dataclasses import dataclass, replace

from eventkernel.aggregate import Aggregate, AlreadyDone, Context, Refusal
from mentoring.sessions.v1.calendar_feed_events_pb2 import CalendarFeedClosed, CalendarFeedOpened
from mentoring.sessions.v1.calendar_feed_pb2 import (
    CloseCalendarFeedRequest,
    OpenCalendarFeedRequest,
    RevokeCalendarFeedRequest,
)


@dataclass(frozen=True, slots=True)
class CalendarFeed:
    """Which secret opens it now, by its hash ("": none), and which ever did."""

    open_with: str = ""
    used: frozenset[str] = frozenset()

    def is_opened_by(self, secret: str) -> bool:
        """Whether this is the secret of the address as it is now. Hashes are compared: how long that takes tells nothing of the secret."""
        return self.open_with != "" and _hash(secret) == self.open_with


calendar_feed = Aggregate("calendar-feed", initial=CalendarFeed())


@calendar_feed.decide
def open_feed(state: CalendarFeed, command: OpenCalendarFeedRequest, _context: Context) -> list[CalendarFeedOpened]:
    """The new address replaces the old one. A secret that was ever closed stays so: it was closed since others may have it."""
    opened = CalendarFeedOpened(person_id=command.person_id, secret_sha256=_hash(command.secret))
    if opened.secret_sha256 == state.open_with:
        return AlreadyDone()
    if opened.secret_sha256 in state.used:
        raise Refusal("SECRET_USED", "this secret was closed before; make a new one of 32 random bytes", field="secret")
    return [opened]


@calendar_feed.decide
def close_feed(state: CalendarFeed, command: CloseCalendarFeedRequest, _context: Context) -> list[CalendarFeedClosed]:
    """By the person themself."""
    return _closed(state, command.person_id)


@calendar_feed.decide
def revoke_feed(state: CalendarFeed, command: RevokeCalendarFeedRequest, _context: Context) -> list[CalendarFeedClosed]:
    """By a manager of the provider."""
    return _closed(state, command.person_id)


@calendar_feed.evolve
def opened(state: CalendarFeed, event: CalendarFeedOpened) -> CalendarFeed:
    """Open with this one alone."""
    return CalendarFeed(event.secret_sha256, state.used | {event.secret_sha256})


@calendar_feed.evolve
def closed(state: CalendarFeed, _event: CalendarFeedClosed) -> CalendarFeed:
    """Open with none."""
    return replace(state, open_with="")


def _closed(state: CalendarFeed, person_id: str) -> list[CalendarFeedClosed]:
    return [CalendarFeedClosed(person_id=person_id)] if state.open_with else []


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
