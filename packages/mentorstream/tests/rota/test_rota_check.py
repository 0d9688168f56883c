"""A site's duty, looked through before it comes: what is found is said in plain words, in the site's own time."""

import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from eventkernel.timestamps import timestamp
from mentoring.safeguarding.v1.duty_events_pb2 import Leave, Shift
from mentoring.safeguarding.v1.duty_pb2 import CheckDutyResponse, DutyStretch, GetRotaResponse
from mentoring.safeguarding.v1.routing_events_pb2 import RouteRule
from mentoring.safeguarding.v1.routing_pb2 import GetRoutingPolicyResponse
from mentorstream.cli import app
from mentorstream.rota.findings import Finding, Kind, Site, findings
from mentorstream.rota.shown import show_site
from mentorstream.safeguarding_calls import Caller
from rich.console import Console
from typer.testing import CliRunner

MONDAY = datetime(2026, 3, 23, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SHIFTS = [Shift(person_id="dsl-1", begins="09:00", ends="17:00")]


def site(*stretches: tuple[datetime, datetime, list[str]], shifts: list[Shift] = SHIFTS, leaves: list[Leave] | None = None) -> Site:  # fmt: skip
    rota = GetRotaResponse(
        rota_is_set=True, dsl_id="dsl-1", deputy_ids=["deputy-1"], senior_lead_id="lead-1", duty_is_set=bool(shifts or leaves),
        shifts=shifts, leaves=leaves,
    )  # fmt: skip
    told = [DutyStretch(begins_at=timestamp(at), ends_at=timestamp(end), person_ids=who) for at, end, who in stretches]
    return Site(
        "hall",
        rota,
        CheckDutyResponse(time_zone="Europe/London", duty_is_set=rota.duty_is_set, stretches=told),
        GetRoutingPolicyResponse(),
    )


def found(of: Site, days: int = 14) -> list[Finding]:
    return findings(of, MONDAY, MONDAY + days * DAY)


def shown(of: Site, days: int = 14) -> str:
    out = io.StringIO()
    show_site(Console(file=out, width=80), of, found(of, days), days)
    return out.getvalue()


def test_a_gap_that_comes_back_at_the_same_local_times_is_one_finding_also_where_clocks_change_between() -> None:
    # 29 March 2026: what was 22:00 in UTC is 21:00 from then on.
    nights = [MONDAY + 22 * HOUR, MONDAY + DAY + 22 * HOUR, MONDAY + 7 * DAY + 21 * HOUR]
    gaps = [one for one in found(site(*((at, at + 10 * HOUR, []) for at in nights))) if one.kind is Kind.GAP]
    (one,) = gaps
    assert (one.times, f"{one.first:%a %H:%M}", f"{one.last:%a %d %H:%M}") == (3, "Mon 22:00", "Mon 30 22:00")
    assert one.said == "nobody is on duty: a concern goes to lead-1 at once"


def test_two_on_duty_together_are_an_overlap_and_one_alone_is_nothing() -> None:
    stretches = site((MONDAY, MONDAY + HOUR, ["dsl-1", "deputy-1"]), (MONDAY + HOUR, MONDAY + DAY, ["dsl-1"]))
    (one,) = found(stretches, days=1)
    assert (one.kind, one.times) == (Kind.OVERLAP, 1)
    assert "dsl-1, deputy-1" in one.said


def test_where_no_shifts_are_set_all_are_on_duty_together_and_that_is_no_overlap() -> None:
    always = site((MONDAY, MONDAY + DAY, ["dsl-1", "deputy-1"]), shifts=[])
    assert found(always, days=1) == []
    assert "everybody on the rota is on duty at all times" in " ".join(shown(always, days=1).split())


@pytest.mark.parametrize(
    ("begins", "day", "way", "how"),
    [(MONDAY, "2026-03-29 02:00", "forward", "shorter"), (datetime(2026, 10, 19, tzinfo=UTC), "2026-10-25 01:00", "back", "longer")],
)  # fmt: skip
def test_a_change_of_the_clocks_is_told_before_it_comes_with_who_is_on_duty_then(
    begins: datetime, day: str, way: str, how: str
) -> None:
    of = site((begins, begins + 14 * DAY, ["dsl-1"]))
    (one,) = findings(of, begins, begins + 14 * DAY)
    assert (one.kind, f"{one.first:%Y-%m-%d %H:%M}") == (Kind.CLOCKS, day)
    assert one.said == f"they go {way}: dsl-1 is on duty then, 60 minutes {how} than the clock says"


def test_leave_within_the_period_is_told_and_other_leave_is_not() -> None:
    leaves = [
        Leave(person_id="dsl-1", first_day="2026-03-20", last_day="2026-03-23"),
        Leave(person_id="deputy-1", first_day="2026-03-01", last_day="2026-03-22"),
        Leave(person_id="deputy-1", first_day="2026-05-01", last_day="2026-05-02"),
    ]
    (one,) = found(site((MONDAY, MONDAY + DAY, ["dsl-1"]), leaves=leaves), days=1)
    assert (one.kind, one.said.partition(" ")[0]) == (Kind.LEAVE, "dsl-1")


def test_a_site_without_a_rota_is_told_as_such() -> None:
    of = Site("annexe", GetRotaResponse(), CheckDutyResponse(), GetRoutingPolicyResponse(last_resort_id="lead-1"))
    (one,) = found(of)
    assert one.kind is Kind.NO_ROTA
    assert "a concern goes to lead-1" in one.said
    assert "annexe: no rota is set" in shown(of)
    assert "NOBODY" not in shown(of)


def test_a_site_without_a_rota_whose_concerns_nobody_is_asked_about_says_so() -> None:
    of = Site("annexe", GetRotaResponse(), CheckDutyResponse(), GetRoutingPolicyResponse())
    (one,) = found(of)
    assert "a concern goes to NOBODY. Set one with SetRoutingPolicy" in one.said
    assert "a concern goes to NOBODY." in " ".join(shown(of).split())


@pytest.mark.parametrize(
    ("last_resort_id", "goes_to"), [("", "NOBODY. Set one with SetRoutingPolicy"), ("lead-1", "lead-1")]
)
def test_where_no_site_has_a_rota_it_says_whether_the_policy_names_anybody(
    last_resort_id: str, goes_to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = GetRoutingPolicyResponse(last_resort_id=last_resort_id), list[Site]()
    monkeypatch.setattr(Caller, "asks", lambda _caller, _call: answer)
    ended = CliRunner().invoke(app, ["rota", "check", "--as", "lead-1"])
    assert ended.exit_code == 1
    said = " ".join(ended.stdout.split())
    assert said.startswith("no site has a rota, ")
    assert f"a concern goes to {goes_to}." in said


def test_where_a_rule_may_name_somebody_it_is_not_said_that_nobody_ever_is() -> None:
    of = Site("annexe", GetRotaResponse(), CheckDutyResponse(), GetRoutingPolicyResponse(rules=[RouteRule()]))
    assert "goes to NOBODY, unless a rule of it names somebody." in " ".join(shown(of).split())


def test_a_check_fits_80_columns_the_gravest_first_in_plain_words() -> None:
    person = "a-deputy-with-a-long-id-" + "7" * 40
    stretches = [
        (MONDAY, MONDAY + HOUR, ["dsl-1", person]),
        (MONDAY + HOUR, MONDAY + DAY, []),
        (MONDAY + DAY, MONDAY + 14 * DAY, [person]),
    ]
    leave = Leave(person_id=person, first_day="2026-03-20", last_day="2026-03-24")
    text = shown(site(*stretches, leaves=[leave]))
    assert max(map(len, text.splitlines())) <= 80
    kinds = re.findall(r"^ ?(gap|clocks change|leave|overlap) ", text, re.MULTILINE)
    assert kinds == ["gap", "clocks change", "leave", "overlap"]
    assert "Mon 23 Mar 2026" in text
    assert "01:00 to 00:00 +1 d" in text


def test_where_nothing_is_found_that_is_said() -> None:
    assert "Nothing in the next 1 days" in shown(site((MONDAY, MONDAY + DAY, ["dsl-1"])), days=1)


def test_whose_view_it_is_has_to_be_said() -> None:
    ended = CliRunner().invoke(app, ["rota", "check"], env={"MENTORSTREAM_TOKEN": ""})
    assert ended.exit_code == 2
    assert "CALLER_MISSING" in ended.stderr
