"""From notices that are gathered to one mail that lists them, by the real runner of due rows over a store in memory."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from eventkernel.messages import derived_id
from eventkernel.testing.scenario import person
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.digests_events_pb2 import DigestBegun, DigestListed
from mentoring.notifications.v1.events_pb2 import Because, ContactReplaced, Occasion
from mentoring.notifications.v1.notifications_pb2 import RecordCircleRequest, RegisterContactRequest
from mentoring.notifications.v1.preferences_events_pb2 import AtOnce, Digest, Every, Preferences, QuietHours, Weekday
from mentoring.notifications.v1.preferences_events_pb2 import DeliveryPolicy as Rules
from mentoring.notifications.v1.preferences_pb2 import SetDeliveryPolicyRequest
from notifications.reactions.digesting import digesting
from notifications.reactions.telling import telling

from .night import SYSTEM, House

# A Saturday.
NOON = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
EIGHT = datetime(2026, 1, 11, 8, 0, tzinfo=UTC)
A_DAY = timedelta(days=1)
DAILY = Preferences(digest=Digest(every=Every.EVERY_DAY, at="08:00"))
MONDAYS = Preferences(digest=Digest(every=Every.EVERY_WEEK, at="08:00", weekday=Weekday.WEEKDAY_MONDAY))
ALERT = (Occasion.OCCASION_CONCERN_ASSIGNED, Because.BECAUSE_DSL_ON_DUTY)
SESSION = InformationKind.INFORMATION_KIND_SESSION


class Gathering(House):
    """The house, whose reactor hears at once that a digest has begun."""

    async def until(self, end: datetime) -> None:
        """Some time after another, as short as what begins in between is to be heard."""
        heard = -1
        while heard != (heard := await self._heard()) or self.now < end:
            due = self._next()
            await super().until(end if due is None else min(end, max(due, self.now)))
        await super().until(end)

    async def _heard(self) -> int:
        found = 0
        for person_id in ("ada", "ben"):
            await self.hear_all(digesting, f"digest-{person_id}")
            found += len(await self.node.reader(SYSTEM).history(f"digest-{person_id}"))
        return found

    async def digests(self, person_id: str = "ada") -> list[str]:
        """The notices that the person's digests went out as."""
        history = await self.node.reader(SYSTEM).history(f"digest-{person_id}")
        return [item.event.notice_id for item in history if isinstance(item.event, DigestBegun)]

    def said(self, place: int = -1) -> str:
        """What a mail said."""
        found = self.mailer.taken[place].get_body(("plain",))
        assert found is not None
        return str(found.get_content())


@pytest.fixture
async def house(tmp_path: Path) -> Gathering:
    found = Gathering(tmp_path, NOON)
    await found.register("ada")
    await found.wish("ada", DAILY)
    return found


async def test_what_is_told_on_a_day_is_one_mail_at_the_hour_that_its_person_chose(house: Gathering) -> None:
    await house.ask("n-1", "ada")
    await house.until(NOON + timedelta(hours=3))
    await house.ask("n-2", "ada", Occasion.OCCASION_EVIDENCE_ACCEPTED, Because.BECAUSE_MENTOR)
    await house.until(EIGHT - timedelta(seconds=1))
    assert house.mails() == []
    await house.until(EIGHT + 3 * A_DAY)
    assert house.mails() == await house.digests()
    assert len(house.mails()) == 1
    assert [await house.outcomes(one) for one in ("n-1", "n-2", *house.mails())] == [
        ["IN_DIGEST"],
        ["IN_DIGEST"],
        ["SENT"],
    ]
    for said in ("A session is planned", "because you are the learner.", "because you are the learner's mentor."):
        assert said in house.said()


async def test_each_day_has_its_own_and_a_day_without_anything_has_none(house: Gathering) -> None:
    await house.ask("n-1", "ada")
    await house.until(EIGHT)
    await house.ask("n-2", "ada")
    await house.until(EIGHT + 5 * A_DAY)
    await house.ask("n-3", "ada")
    await house.until(EIGHT + 9 * A_DAY)
    assert house.mails() == await house.digests()
    assert len(set(house.mails())) == 3


async def test_a_week_ends_on_the_day_that_was_chosen(house: Gathering) -> None:
    await house.wish("ada", MONDAYS)
    await house.ask("n-1", "ada")
    await house.until(EIGHT + A_DAY - timedelta(seconds=1))
    assert house.mails() == []
    await house.until(EIGHT + A_DAY)
    assert len(house.mails()) == 1
    await house.ask("n-2", "ada")
    await house.until(EIGHT + 8 * A_DAY - timedelta(seconds=1))
    assert len(house.mails()) == 1
    await house.until(EIGHT + 8 * A_DAY)
    assert len(house.mails()) == 2


async def test_neither_a_concern_nor_what_is_urgent_waits_for_a_digest(house: Gathering) -> None:
    await house.ask("alert", "ada", *ALERT)
    await house.ask("moved", "ada", Occasion.OCCASION_SESSION_MOVED)
    await house.ask("gap", "ada", Occasion.OCCASION_DUTY_GAP, Because.BECAUSE_SENIOR_LEAD_OF_THE_SITE)
    await house.until(NOON)
    assert set(house.mails()) == {"alert", "moved", "gap"}
    assert await house.digests() == []


async def test_a_digest_whose_time_is_in_quiet_hours_goes_when_they_end(house: Gathering) -> None:
    quiet = QuietHours(begins_at="22:00", ends_at="09:30")
    await house.wish("ada", Preferences(digest=DAILY.digest, quiet_hours=quiet))
    await house.ask("n-1", "ada")
    await house.until(EIGHT + timedelta(minutes=89))
    assert house.mails() == []
    await house.until(EIGHT + timedelta(minutes=90))
    assert len(house.mails()) == 1


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        # Eight o'clock in London is seven in UTC from 29 March 2026, and eight again from 25 October.
        (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 29, 7, tzinfo=UTC)),
        (datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 25, 8, tzinfo=UTC)),
    ],
)
async def test_it_goes_by_the_clock_where_its_person_is(tmp_path: Path, asked: datetime, sent: datetime) -> None:
    house = Gathering(tmp_path, asked)
    await house.register("ada")
    await house.wish("ada", DAILY)
    await house.ask("n-1", "ada")
    await house.until(sent - timedelta(seconds=1))
    assert house.mails() == []
    await house.until(sent)
    assert len(house.mails()) == 1


async def test_whoever_wants_no_digest_any_more_has_what_was_gathered_within_six_hours(house: Gathering) -> None:
    await house.ask("n-1", "ada")
    await house.until(NOON + timedelta(minutes=1))
    await house.wish("ada", Preferences())
    await house.ask("n-2", "ada")
    await house.until(NOON + timedelta(hours=6))
    assert house.mails() == ["n-2", *await house.digests()]
    assert await house.outcomes("n-1") == ["IN_DIGEST"]


async def test_whoever_goes_from_a_day_to_a_week_has_it_at_the_weeks_end(house: Gathering) -> None:
    await house.ask("n-1", "ada")
    await house.until(NOON + timedelta(hours=1))
    await house.wish("ada", MONDAYS)
    await house.until(EIGHT + timedelta(hours=23))
    assert house.mails() == []
    await house.until(EIGHT + A_DAY)
    assert len(house.mails()) == 1


async def test_what_was_left_out_meanwhile_drops_out_with_its_reason_and_the_rest_goes(house: Gathering) -> None:
    await house.tell_circle("t-1", "ada")
    (session,) = await house.put_on_their_way("t-1")
    await house.ask("n-2", "ada", Occasion.OCCASION_SKILL_LAPSING, Because.BECAUSE_OWN_SKILL)
    await house.until(NOON + timedelta(hours=1))
    await house.wish("ada", DAILY, SESSION)
    await house.until(EIGHT)
    assert [await house.outcomes(one) for one in (session, "n-2")] == [["UNSUBSCRIBED"], ["IN_DIGEST"]]
    assert "A session is planned" not in house.said()


async def test_who_left_the_circle_is_not_told_and_an_empty_digest_is_not_sent(house: Gathering) -> None:
    """By then the learner has another mentor: whoever was theirs has no need of it any more."""
    await house.tell_circle("t-1", "liz", actor_id="liz")
    await house.register("mia")
    await house.wish("mia", DAILY)
    (notice_id,) = await house.put_on_their_way("t-1")
    await house.until(NOON + timedelta(hours=1))
    await house.hear_all(digesting, "digest-mia")
    await house.give(RecordCircleRequest(learner_id="liz", mentorship_id="m-1", mentor_id="max"), SYSTEM)
    await house.until(EIGHT + A_DAY)
    (sent_as,) = await house.digests("mia")
    assert house.mails() == []
    assert (await house.outcomes(notice_id), await house.outcomes(sent_as)) == (["NEED_ENDED"], ["NOT_NEEDED"])


async def test_what_mail_does_not_take_for_now_is_sent_later_with_what_came_since(house: Gathering) -> None:
    await house.ask("n-1", "ada")
    house.mailer.refuses = 2
    await house.until(EIGHT)
    await house.ask("n-2", "ada", Occasion.OCCASION_EVIDENCE_ACCEPTED, Because.BECAUSE_MENTOR)
    await house.until(EIGHT + timedelta(hours=1))
    assert len(house.mails()) == 1
    assert await house.outcomes(house.mails()[0]) == ["FAILED_FOR_NOW", "FAILED_FOR_NOW", "SENT"]
    assert [await house.outcomes(one) for one in ("n-1", "n-2")] == [["IN_DIGEST"], ["IN_DIGEST"]]


async def test_two_people_have_a_digest_each(house: Gathering) -> None:
    await house.register("ben")
    await house.wish("ben", DAILY)
    for who in ("ada", "ben"):
        await house.ask(f"n-{who}", who)
    await house.until(EIGHT)
    assert sorted(str(mail["To"]) for mail in house.mailer.taken) == [
        "Name of ada <ada@example.org>", "Name of ben <ben@example.org>",
    ]  # fmt: skip


async def test_a_hundred_notices_are_one_mail_and_all_are_settled(house: Gathering) -> None:
    for number in range(120):
        await house.ask(f"n-{number}", "ada")
    await house.until(EIGHT + A_DAY)
    assert len(house.mails()) == 1
    assert {tuple(await house.outcomes(f"n-{number}")) for number in range(120)} == {("IN_DIGEST",)}


async def test_more_than_a_try_has_time_for_are_dropped_in_several(house: Gathering) -> None:
    tellings = [f"t-{number}" for number in range(70)]
    for telling_id in tellings:
        await house.tell_circle(telling_id, "ada")
    notices = await house.put_on_their_way(*tellings)
    await house.until(NOON + timedelta(hours=1))
    await house.wish("ada", DAILY, SESSION)
    house.now = EIGHT

    async def dropped() -> int:
        return [await house.outcomes(one) for one in notices].count(["UNSUBSCRIBED"])

    await house._work()
    assert 0 < await dropped() < 70
    await house.until(EIGHT + timedelta(hours=1))
    assert (await dropped(), house.mails()) == (70, [])


async def test_that_a_contact_was_replaced_is_told_there_and_in_no_digest_whatever_is_told_at_once(
    house: Gathering,
) -> None:
    """A digest goes to the newest contact: whoever put it there would be told in place of its person."""
    sessions = Rules(at_once=AtOnce(occasions=[Occasion.OCCASION_SESSION_MOVED]))
    await house.give(SetDeliveryPolicyRequest(policy=sessions), person("paula", "provider_manager"))
    taken = RegisterContactRequest(person_id="ada", name="Ada", email="mallory@example.org")
    await house.give(taken, person("paula", "provider_manager"))
    await house.hear_all(telling, "contact-ada")
    (replaced,) = [
        item
        for item in await house.node.reader(SYSTEM).history("contact-ada")
        if isinstance(item.event, ContactReplaced)
    ]
    (notice_id,) = await house.put_on_their_way(derived_id("telling", replaced.meta.event_id))
    await house.until(EIGHT + A_DAY)
    assert house.mails() == [notice_id]
    assert "ada@example.org" in str(house.mailer.taken[0]["To"])


async def told_once(house: Gathering) -> None:
    """Each notice is in the mail of the one digest that listed it last, and in no other, or it is not known whether that went out."""
    history = await house.node.reader(SYSTEM).history("digest-ada")
    sent_as = {item.event.number: item.event.notice_id for item in history if isinstance(item.event, DigestBegun)}
    lists = {item.event.number: item.event.notice_ids for item in history if isinstance(item.event, DigestListed)}
    outcomes = {number: await house.outcomes(notice_id) for number, notice_id in sent_as.items()}
    assert all(outcome in (["SENT"], ["UNKNOWN"]) for outcome in outcomes.values())
    said = {mail: house.said(place) for place, mail in enumerate(house.mails())}
    assert len(said) == len(house.mails())
    for notice_id, subject in {"n-1": "A session is planned", "n-2": "Evidence was accepted"}.items():
        assert await house.outcomes(notice_id) == ["IN_DIGEST"]
        (number,) = [number for number, listed in lists.items() if notice_id in listed]
        shown = [mail for mail, text in said.items() if subject in text]
        went_out = sent_as[number] in said or outcomes[number] == ["SENT"]
        assert shown == ([sent_as[number]] if went_out else [])


@pytest.mark.parametrize("step", range(1, 25, 2))
async def test_wherever_a_process_dies_that_gathers_nothing_is_lost_or_doubled(house: Gathering, step: int) -> None:
    house.dies_at = step
    await house.ask("n-1", "ada")
    await house.ask("n-2", "ada", Occasion.OCCASION_EVIDENCE_ACCEPTED, Because.BECAUSE_MENTOR)
    await house.until(EIGHT)
    await told_once(house)


@pytest.mark.parametrize("step", range(1, 54))
async def test_wherever_a_process_dies_that_sends_what_comes_meanwhile_is_neither_lost_nor_doubled(
    house: Gathering, step: int
) -> None:
    """What died while it was handed over stays as it was listed, and what came since is in the next one."""
    await house.ask("n-1", "ada")
    await house.until(EIGHT - timedelta(hours=1))
    house.dies_at = house.steps + step
    await house.until(EIGHT)
    house.restart()
    await house.ask("n-2", "ada", Occasion.OCCASION_EVIDENCE_ACCEPTED, Because.BECAUSE_MENTOR)
    await house.until(EIGHT + 2 * A_DAY)
    await told_once(house)
