"""A channel's way out: a dead provider is left alone for a while, and no more goes out than it takes."""

import pytest
from notifications.effects.line import Line
from notifications.effects.mailer import NotTaken, Unsure
from purgatory.domain import model


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(model, "time", found)
    return found


class Provider:
    """Counts what it is asked for, and fails as it is told."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.asked = 0

    async def __call__(self) -> None:
        self.asked += 1
        if self.error is not None:
            raise self.error


DEAD = NotTaken("SMTP_UNREACHABLE", passing=True, dead=True)


async def code_of(line: Line, provider: Provider, circuit: str = "mail", *, urgent: bool = False) -> str:
    try:
        await line.through(circuit, provider, urgent=urgent)
    except (NotTaken, Unsure) as error:
        return error.code
    return ""


async def test_a_provider_that_is_dead_is_left_alone_until_one_more_is_tried(clock: Clock) -> None:
    line, provider = Line("EMAIL", failures=3, open_seconds=30), Provider(DEAD)
    assert [await code_of(line, provider) for _ in range(5)] == ["SMTP_UNREACHABLE"] * 3 + ["EMAIL_CIRCUIT_OPEN"] * 2
    assert provider.asked == 3
    clock.now += 31
    assert [await code_of(line, provider) for _ in range(2)] == ["SMTP_UNREACHABLE", "EMAIL_CIRCUIT_OPEN"]
    clock.now += 31
    provider.error = None
    assert [await code_of(line, provider) for _ in range(2)] == ["", ""]


async def test_an_alert_waits_for_a_dead_provider_no_less_so_that_the_next_channel_is_used(clock: Clock) -> None:
    line, provider = Line("EMAIL", failures=1), Provider(DEAD)
    assert [await code_of(line, provider, urgent=True) for _ in range(2)] == ["SMTP_UNREACHABLE", "EMAIL_CIRCUIT_OPEN"]


@pytest.mark.parametrize(
    "error", [NotTaken("SMTP_550", passing=False), NotTaken("SMTP_450", passing=True), Unsure("SMTP_NO_ANSWER")]
)
async def test_a_provider_that_answers_is_not_dead_whatever_it_answers(clock: Clock, error: Exception) -> None:
    line, provider = Line("EMAIL", failures=2), Provider(error)
    assert "EMAIL_CIRCUIT_OPEN" not in [await code_of(line, provider) for _ in range(5)]


async def test_one_dead_receiver_closes_no_other(clock: Clock) -> None:
    line = Line("WEBHOOK", failures=1)
    assert [await code_of(line, Provider(DEAD), "a.example") for _ in range(2)][-1] == "WEBHOOK_CIRCUIT_OPEN"
    assert await code_of(line, Provider(), "b.example") == ""


async def test_more_than_it_takes_is_not_tried_and_an_alert_always_is(clock: Clock) -> None:
    line, provider = Line("EMAIL", per_minute=2), Provider()
    assert [await code_of(line, provider) for _ in range(3)] == ["", "", "EMAIL_RATE_REACHED"]
    assert await code_of(line, provider, urgent=True) == ""
    assert provider.asked == 3
