"""The same sessions with the library `eventsourcing`, in its own idiom: an aggregate of decorated methods, an application, a repository with its cache."""

from collections.abc import Mapping
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from bench import samples

# As many as the platform keeps.
_CACHE = {"AGGREGATE_CACHE_MAXSIZE": "20000"}


class Session(Aggregate):
    """A session that is planned, and then held, with what the platform's events hold; its text in plain."""

    @event("Planned")
    def __init__(
        self, *, session_id: str, learner_id: str, mentorship_id: str, mentor_id: str, kind: int, starts_at: int, seconds: int,
        ksb_codes: list[str],
    ) -> None:  # fmt: skip
        self.session_id = session_id
        self.learner_id = learner_id
        self.mentorship_id = mentorship_id
        self.mentor_id = mentor_id
        self.kind = kind
        self.starts_at = starts_at
        self.seconds = seconds
        self.ksb_codes = ksb_codes
        self.held = False

    @staticmethod
    def create_id(session_id: str) -> UUID:
        """Where a session is found."""
        return uuid5(NAMESPACE_URL, session_id)

    @event("Held")
    def hold(self, seconds: int, ksb_codes: list[str], techniques: list[int], shared_record: str) -> None:  # noqa: ARG002 - in the event alone
        """It took place."""
        if self.held:
            raise ValueError("it was held before")
        self.held = True
        self.seconds = seconds
        self.ksb_codes = ksb_codes


class Sessions(Application[UUID]):
    """Plans and holds."""

    def plan(self, number: int, name: str) -> None:
        """The session of `samples.plan`."""
        asked = samples.plan(number, name)
        self.save(
            Session(
                session_id=name, learner_id=asked.learner_id, mentorship_id=asked.mentorship_id, mentor_id=samples.MENTOR,
                kind=asked.kind, starts_at=asked.starts_at.seconds, seconds=asked.duration.seconds, ksb_codes=list(asked.ksb_codes),
            )
        )  # fmt: skip

    def hold(self, number: int, name: str) -> None:
        """The session of `samples.hold`."""
        asked = samples.hold(number, name)
        session: Session = self.repository.get(Session.create_id(name))
        session.hold(asked.duration.seconds, list(asked.ksb_codes), list(asked.techniques), asked.shared_record)
        self.save(session)

    def version(self, name: str) -> int:
        """How many events a session has."""
        session: Session = self.repository.get(Session.create_id(name))
        return session.version


def sessions(**settings: str) -> Sessions:
    """The application: in memory, unless the settings name another persistence."""
    environment: Mapping[str, str] = _CACHE | settings
    return Sessions(env=environment)
