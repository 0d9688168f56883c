"""From a notice that is asked for at night to its mail in the morning, by the real runner of due rows over a store in memory."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.events_pb2 import Because, Occasion
from mentoring.notifications.v1.preferences_events_pb2 import Language, Preferences, QuietHours

from .night import House

NIGHT = datetime(2026, 1, 10, 23, 0, tzinfo=UTC)
SEVEN = datetime(2026, 1, 11, 7, 0, tzinfo=UTC)
QUIET = Preferences(quiet_hours=QuietHours(begins_at="22:00", ends_at="07:00"))
ALERT = (Occasion.OCCASION_CONCERN_ASSIGNED, Because.BECAUSE_DSL_ON_DUTY)


@pytest.fixture
async def house(tmp_path: Path) -> House:
    found = House(tmp_path, NIGHT)
    await found.register("ada")
    return found


async def test_a_notice_of_the_night_is_sent_in_the_morning_once(house: House) -> None:
    await house.wish("ada", QUIET)
    await house.ask("n-1", "ada")
    await house.until(SEVEN - timedelta(seconds=1))
    assert house.mails() == []
    await house.until(SEVEN + timedelta(days=2))
    assert house.mails() == ["n-1"]


async def test_waiting_is_no_attempt_and_uses_none_up(house: House) -> None:
    await house.wish("ada", QUIET)
    await house.ask("n-1", "ada")
    house.mailer.refuses = 3
    await house.until(SEVEN + timedelta(hours=1))
    assert await house.outcomes("n-1") == ["FAILED_FOR_NOW"] * 3 + ["SENT"]
    # The first wait after a failure is the shortest, though the row was claimed each hour of the night.
    assert house.mailer.tried[1] - house.mailer.tried[0] <= timedelta(seconds=5)


async def test_what_is_given_up_is_given_up_after_as_many_attempts_as_by_day(house: House) -> None:
    await house.wish("ada", QUIET)
    await house.ask("n-1", "ada")
    house.mailer.refuses = 1000
    await house.until(SEVEN + timedelta(days=3))
    assert len(house.mailer.tried) == 12
    assert house.mails() == []


async def test_what_is_about_a_concern_goes_at_night(house: House) -> None:
    """Fault of others: an escalation that paused for a time window and was never taken up again."""
    await house.wish("ada", QUIET)
    await house.ask("alert", "ada", *ALERT)
    await house.until(NIGHT)
    assert house.mails() == ["alert"]


async def test_whoever_ends_their_quiet_hours_meanwhile_is_told_within_the_hour(house: House) -> None:
    await house.wish("ada", QUIET)
    await house.ask("n-1", "ada")
    await house.until(NIGHT + timedelta(minutes=10))
    await house.wish("ada", Preferences())
    await house.until(NIGHT + timedelta(hours=1))
    assert house.mails() == ["n-1"]


async def test_whoever_sleeps_longer_meanwhile_is_told_when_they_wake(house: House) -> None:
    await house.wish("ada", QUIET)
    await house.ask("n-1", "ada")
    await house.until(NIGHT + timedelta(hours=2))
    await house.wish("ada", Preferences(quiet_hours=QuietHours(begins_at="22:00", ends_at="09:30")))
    await house.until(SEVEN + timedelta(hours=2, minutes=29))
    assert house.mails() == []
    await house.until(SEVEN + timedelta(hours=2, minutes=30))
    assert house.mails() == ["n-1"]


async def test_what_waits_outlives_the_process_that_had_it(house: House) -> None:
    await house.wish("ada", QUIET)
    await house.ask("n-1", "ada")
    await house.until(NIGHT + timedelta(hours=1))
    house.restart()
    await house.until(SEVEN)
    house.restart()
    await house.until(SEVEN + timedelta(hours=1))
    assert house.mails() == ["n-1"]


@pytest.mark.parametrize("step", range(1, 20))
async def test_wherever_a_process_dies_what_waits_goes_once_or_is_known_to_be_uncertain(
    house: House, step: int
) -> None:
    """Each look of the night and each step of the morning. Who died while handing over leaves it unknown, and it is not sent again."""
    await house.wish("ada", QUIET)
    await house.ask("n-1", "ada")
    await house.until(SEVEN - timedelta(hours=1))
    house.dies_at = house.steps + step
    await house.until(SEVEN + timedelta(hours=1))
    outcomes = await house.outcomes("n-1")
    assert outcomes in (["SENT"], ["UNKNOWN"])
    assert len(house.mails()) <= 1
    assert house.mails() or outcomes == ["UNKNOWN"]


async def test_what_was_left_out_meanwhile_is_settled_so_and_never_sent(house: House) -> None:
    await house.tell_circle("session", "ada")
    await house.wish("ada", QUIET)
    (notice_id,) = await house.put_on_their_way("session")
    await house.until(NIGHT + timedelta(hours=2))
    await house.wish("ada", QUIET, InformationKind.INFORMATION_KIND_SESSION)
    await house.until(SEVEN + timedelta(days=1))
    assert house.mails() == []
    assert await house.outcomes(notice_id) == ["UNSUBSCRIBED"]


async def test_what_is_too_late_when_the_night_is_over_is_settled_so(house: House) -> None:
    await house.wish("ada", QUIET)
    await house.ask("n-1", "ada", at=NIGHT - timedelta(days=14) + timedelta(hours=1))
    await house.until(SEVEN + timedelta(hours=1))
    assert house.mails() == []
    assert await house.outcomes("n-1") == ["TOO_LATE"]


async def test_quiet_hours_are_over_an_hour_earlier_in_utc_from_the_night_on_which_clocks_go_forward(
    tmp_path: Path,
) -> None:
    house = House(tmp_path, datetime(2026, 3, 28, 23, 0, tzinfo=UTC))
    await house.register("ada")
    await house.wish("ada", QUIET)
    await house.ask("n-1", "ada")
    six = datetime(2026, 3, 29, 6, 0, tzinfo=UTC)
    await house.until(six - timedelta(seconds=1))
    assert house.mails() == []
    await house.until(six)
    assert house.mails() == ["n-1"]


@pytest.mark.parametrize("what", [(), ALERT], ids=["a session", "a concern"])
async def test_a_message_is_in_its_recipients_language(
    house: House, what: tuple[Occasion.ValueType, Because.ValueType]
) -> None:
    await house.register("ben")
    await house.wish("ada", Preferences(language=Language.LANGUAGE_CY))
    await house.ask("n-1", "ada", *what)
    await house.ask("n-2", "ben", *what)
    await house.until(NIGHT)
    said = {str(mail["X-Notice-Id"]): mail["Content-Language"] for mail in house.mailer.taken}
    assert said == {"n-1": "cy", "n-2": "en"}
