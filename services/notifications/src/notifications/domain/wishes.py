"""Wishes: how somebody is to be told. A person may say each, and what they leave unsaid is as their provider has it."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import available_timezones

from eventkernel.aggregate import Refusal
from mentoring.notifications.v1.preferences_events_pb2 import Digest, Every, Language, Preferences, QuietHours, Weekday

from notifications.domain import local_time

_LANGUAGES = {Language.LANGUAGE_EN: "en", Language.LANGUAGE_CY: "cy"}
# Else there would be days on which nothing can be sent.
_LONGEST_QUIET = timedelta(hours=18)


@dataclass(frozen=True, slots=True)
class Gathering:
    """When a digest goes: each day at a time, or on one day of the week (1: Monday)."""

    at: time
    weekday: int = 0


@dataclass(frozen=True, slots=True)
class Wishes:
    """What holds for somebody. `quiet` None: no quiet hours. `gathering` None: each notice goes by itself."""

    language: str
    time_zone: str
    quiet: local_time.QuietHours | None = None
    gathering: Gathering | None = None

    def quiet_until(self, now: datetime) -> datetime | None:
        """When the quiet hours end that it is in now; None where it is in none."""
        return self.quiet.end(now, self.time_zone) if self.quiet else None

    def digest_at(self, begun: datetime) -> datetime:
        """When a digest goes that was begun then; at once where its person wants none any more."""
        if self.gathering is None:
            return begun
        return local_time.next_at(begun, self.gathering.at, self.time_zone, self.gathering.weekday)


def holding(said: Preferences, default: Wishes) -> Wishes:
    """What was said, and the default's where nothing was."""
    return Wishes(
        language=_LANGUAGES.get(said.language, default.language),
        time_zone=said.time_zone or default.time_zone,
        quiet=_quiet(said.quiet_hours) if said.HasField("quiet_hours") else default.quiet,
        gathering=_gathering(said.digest) if said.HasField("digest") else default.gathering,
    )


def written(wishes: Wishes) -> Preferences:
    """Wishes as a message has them, each given."""
    quiet = QuietHours()
    if wishes.quiet:
        quiet = QuietHours(begins_at=_text(wishes.quiet.begins), ends_at=_text(wishes.quiet.ends))
    digest = Digest(every=Every.EVERY_NOTICE)
    if wishes.gathering:
        weekday = wishes.gathering.weekday
        digest = Digest(
            every=Every.EVERY_WEEK if weekday else Every.EVERY_DAY,
            at=_text(wishes.gathering.at),
            weekday=Weekday.ValueType(weekday),
        )
    language = next(code for code, name in _LANGUAGES.items() if name == wishes.language)
    return Preferences(language=language, time_zone=wishes.time_zone, quiet_hours=quiet, digest=digest)


def refuse_impossible(said: Preferences) -> None:
    """Raises Refusal TIME_ZONE_UNKNOWN, QUIET_HOURS_HALF_GIVEN, QUIET_HOURS_TOO_LONG, DIGEST_TIME or DIGEST_WEEKDAY."""
    if said.time_zone and said.time_zone not in available_timezones():
        raise Refusal(
            "TIME_ZONE_UNKNOWN",
            "This is no name of the IANA time zone database: give one like Europe/London.",
            field="preferences.time_zone",
        )
    _refuse_quiet(said.quiet_hours)
    if said.HasField("digest"):
        _refuse_digest(said.digest)


def _refuse_quiet(said: QuietHours) -> None:
    if bool(said.begins_at) != bool(said.ends_at):
        raise Refusal(
            "QUIET_HOURS_HALF_GIVEN",
            "Quiet hours have a beginning and an end, as 22:00 and 07:00: give both, or neither for none.",
            field="preferences.quiet_hours",
        )
    quiet = _quiet(said)
    if quiet is not None and quiet.lasts > _LONGEST_QUIET:
        raise Refusal(
            "QUIET_HOURS_TOO_LONG",
            f"Quiet hours last {_LONGEST_QUIET.total_seconds() / 3600:.0f} hours at the most, so that there is a time to be told; "
            "to be told once a day, set a digest.",
            field="preferences.quiet_hours",
        )


def _refuse_digest(said: Digest) -> None:
    weekly, by_itself = said.every == Every.EVERY_WEEK, said.every == Every.EVERY_NOTICE
    if bool(said.at) == by_itself:
        raise Refusal(
            "DIGEST_TIME",
            "A digest of a day or a week has a time, as 08:00; EVERY_NOTICE has none.",
            field="preferences.digest.at",
        )
    if bool(said.weekday) != weekly:
        raise Refusal(
            "DIGEST_WEEKDAY",
            "A digest of a week has a day of the week, and no other has one.",
            field="preferences.digest.weekday",
        )


def _quiet(said: QuietHours) -> local_time.QuietHours | None:
    if not said.begins_at:
        return None
    return local_time.QuietHours(time.fromisoformat(said.begins_at), time.fromisoformat(said.ends_at))


def _gathering(said: Digest) -> Gathering | None:
    if said.every not in (Every.EVERY_DAY, Every.EVERY_WEEK):
        return None
    return Gathering(time.fromisoformat(said.at), said.weekday)


def _text(at: time) -> str:
    return at.strftime("%H:%M")
