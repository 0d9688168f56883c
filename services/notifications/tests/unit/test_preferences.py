"""Preferences: what a person may wish, and what holds where they said nothing."""

from datetime import date, time, timedelta

import pytest
from eventkernel.testing.reading import LaidDown
from eventkernel.testing.scenario import Given, assert_folds_in_pieces, given, person
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.events_pb2 import Occasion
from mentoring.notifications.v1.preferences_events_pb2 import (
    AtOnce,
    CodePolicy,
    DeliveryPolicySet,
    Digest,
    Every,
    Language,
    Lateness,
    Preferences,
    PreferencesSet,
    QuietHours,
    Unsubscribing,
    Weekday,
    Worth,
)
from mentoring.notifications.v1.preferences_events_pb2 import DeliveryPolicy as Rules
from mentoring.notifications.v1.preferences_pb2 import (
    GetDeliveryPolicyRequest,
    GetDeliveryPolicyResponse,
    GetMyPreferencesRequest,
    GetMyPreferencesResponse,
    SetDeliveryPolicyRequest,
    SetMyPreferencesRequest,
)
from notifications.default_delivery import default_delivery, default_rules
from notifications.domain import local_time
from notifications.domain.delivery_policy import delivery_policy
from notifications.domain.preferences import Preferences as State
from notifications.domain.preferences import preferences
from notifications.domain.wishes import Gathering, Wishes
from notifications.projections.delivery import delivery_queries
from pydantic import TypeAdapter

ADA = person("ada")
_MONDAY = date(2026, 3, 2)
DEFAULT = default_delivery()
POLICY = delivery_policy(DEFAULT)
SESSION, CONCERN = InformationKind.INFORMATION_KIND_SESSION, InformationKind.INFORMATION_KIND_CONCERN
SAID = Preferences(
    language=Language.LANGUAGE_CY,
    time_zone="Europe/Paris",
    quiet_hours=QuietHours(begins_at="22:00", ends_at="07:00"),
    digest=Digest(every=Every.EVERY_WEEK, at="08:00", weekday=Weekday.WEEKDAY_MONDAY),
)


def among(*past: Message) -> Given[State]:
    return given(preferences, *past).beside(DEFAULT)


def wish(said: Preferences | None = None, *unsubscribed: InformationKind.ValueType) -> SetMyPreferencesRequest:
    return SetMyPreferencesRequest(person_id="ada", preferences=said, unsubscribed=unsubscribed)


def wished(said: Preferences | None = None, *unsubscribed: InformationKind.ValueType) -> PreferencesSet:
    return PreferencesSet(person_id="ada", preferences=said, unsubscribed=unsubscribed)


def test_whoever_said_nothing_is_told_as_the_provider_has_it() -> None:
    assert among().state.wishes(DEFAULT) == Wishes(language="en", time_zone="Europe/London")


def test_what_was_said_holds() -> None:
    past = among().when(wish(SAID, SESSION), by=ADA).then(wished(SAID, SESSION))
    assert past.state.wishes(DEFAULT) == Wishes(
        "cy", "Europe/Paris", local_time.QuietHours(time(22), time(7)), Gathering(time(8), 1)
    )
    assert past.state.unsubscribed == {SESSION}
    past.when(wish(SAID, SESSION), by=ADA).then_nothing()
    assert_folds_in_pieces(preferences, past.past)
    adapter = TypeAdapter(State)
    assert adapter.validate_json(adapter.dump_json(past.state)) == past.state


def test_each_that_was_not_said_is_the_providers_as_it_is_today() -> None:
    provider = DEFAULT.changed_by(Rules(preferences=Preferences(quiet_hours=SAID.quiet_hours, digest=SAID.digest)))
    state = among(wished(Preferences(language=Language.LANGUAGE_CY))).state
    assert state.wishes(provider) == Wishes(
        "cy", "Europe/London", local_time.QuietHours(time(22), time(7)), Gathering(time(8), 1)
    )
    none = Preferences(quiet_hours=QuietHours(), digest=Digest(every=Every.EVERY_NOTICE))
    assert among(wished(none)).state.wishes(provider) == Wishes("en", "Europe/London")


def test_what_is_set_replaces_all_that_was_set_before() -> None:
    past = among(wished(SAID, SESSION)).when(wish(), by=ADA).then(wished(Preferences()))
    assert past.state.wishes(DEFAULT) == DEFAULT.wishes
    assert past.state.unsubscribed == frozenset()


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        (Preferences(time_zone="Europe/Atlantis"), "TIME_ZONE_UNKNOWN", "preferences.time_zone"),
        (Preferences(time_zone="../etc/passwd"), "TIME_ZONE_UNKNOWN", "preferences.time_zone"),
        (
            Preferences(quiet_hours=QuietHours(begins_at="22:00")),
            "QUIET_HOURS_HALF_GIVEN",
            "preferences.quiet_hours",
        ),
        (
            Preferences(quiet_hours=QuietHours(begins_at="08:00", ends_at="08:00")),
            "QUIET_HOURS_TOO_LONG",
            "preferences.quiet_hours",
        ),
        (
            Preferences(quiet_hours=QuietHours(begins_at="08:00", ends_at="02:01")),
            "QUIET_HOURS_TOO_LONG",
            "preferences.quiet_hours",
        ),
        (Preferences(digest=Digest(every=Every.EVERY_DAY)), "DIGEST_TIME", "preferences.digest.at"),
        (Preferences(digest=Digest(every=Every.EVERY_NOTICE, at="08:00")), "DIGEST_TIME", "preferences.digest.at"),
        (
            Preferences(digest=Digest(every=Every.EVERY_WEEK, at="08:00")),
            "DIGEST_WEEKDAY",
            "preferences.digest.weekday",
        ),
        (
            Preferences(digest=Digest(every=Every.EVERY_DAY, at="08:00", weekday=Weekday.WEEKDAY_MONDAY)),
            "DIGEST_WEEKDAY",
            "preferences.digest.weekday",
        ),
    ],
)
def test_what_is_impossible_is_refused_of_a_person_and_of_a_provider(said: Preferences, code: str, field: str) -> None:
    assert among().when(wish(said), by=ADA).then_refused(code).field == field
    given(POLICY).when(SetDeliveryPolicyRequest(policy=Rules(preferences=said))).then_refused(code)


def test_quiet_hours_last_18_hours_at_the_most() -> None:
    long = Preferences(quiet_hours=QuietHours(begins_at="08:00", ends_at="02:00"))
    among().when(wish(long), by=ADA).then(wished(long))


@pytest.mark.parametrize("kind", [CONCERN, InformationKind.INFORMATION_KIND_DATA_PROTECTION])
def test_what_may_not_be_left_out_is_refused_and_what_may_is_named(kind: InformationKind.ValueType) -> None:
    refused = among().when(wish(None, SESSION, kind), by=ADA).then_refused("MAY_NOT_BE_UNSUBSCRIBED")
    for may_be in DEFAULT.unsubscribing.kinds:
        assert InformationKind.Name(may_be) in refused.text
    assert refused.field == "unsubscribed"


def test_the_platforms_own_rules_say_all_and_can_be_sent_as_they_are() -> None:
    rules = default_rules()
    given(POLICY).when(rules).then_nothing()
    assert {field.name for field, _ in rules.policy.ListFields()} == set(Rules.DESCRIPTOR.fields_by_name)
    assert DEFAULT.changed_by(DEFAULT.rules()) == DEFAULT


def test_a_provider_changes_a_part_and_the_rest_stays_the_platforms() -> None:
    changed = SetDeliveryPolicyRequest(policy=Rules(at_once=AtOnce()))
    past = given(POLICY).when(changed).then(DeliveryPolicySet(policy=changed.policy))
    assert past.state == DEFAULT.changed_by(Rules(at_once=AtOnce()))
    assert past.state.at_once == frozenset()
    assert past.state.worth == DEFAULT.worth
    past.when(changed).then_nothing()
    back = past.when(SetDeliveryPolicyRequest(policy=Rules())).then(DeliveryPolicySet(policy=Rules()))
    assert back.state == DEFAULT
    adapter = TypeAdapter(type(DEFAULT))
    assert adapter.validate_json(adapter.dump_json(past.state)) == past.state


def test_each_part_of_the_rules_can_be_changed_by_itself() -> None:
    worth = Worth(occasion=Occasion.OCCASION_REVIEW_LATE, lasts=Duration(seconds=7200))
    parts: list[Rules] = [
        Rules(codes=CodePolicy(stands_for=Duration(seconds=60), tries=1, a_day=1)),
        Rules(preferences=SAID),
        Rules(unsubscribing=Unsubscribing(kinds=[SESSION], kept=[Occasion.OCCASION_SESSION_MOVED])),
        Rules(at_once=AtOnce(occasions=[Occasion.OCCASION_SESSION_MOVED])),
        Rules(lateness=Lateness(worth=[worth])),
    ]
    for part in parts:
        ((field, value),) = part.ListFields()
        after = given(POLICY).when(SetDeliveryPolicyRequest(policy=part)).after().state.rules()
        assert getattr(after, field.name) == value
        expected = DEFAULT.rules()
        getattr(expected, field.name).CopyFrom(value)
        assert after == expected


@pytest.mark.parametrize("kind", [CONCERN, InformationKind.INFORMATION_KIND_DATA_PROTECTION])
def test_no_provider_lets_anybody_leave_out_a_concern_or_what_is_theirs_to_know(
    kind: InformationKind.ValueType,
) -> None:
    request = SetDeliveryPolicyRequest(policy=Rules(unsubscribing=Unsubscribing(kinds=[SESSION, kind])))
    refused = given(POLICY).when(request).then_refused("NEVER_UNSUBSCRIBED")
    assert InformationKind.Name(kind) in refused.text
    assert InformationKind.Name(SESSION) not in refused.text


def test_an_occasion_has_one_time() -> None:
    twice = [Worth(occasion=Occasion.OCCASION_REVIEW_LATE, lasts=Duration(seconds=3600 * hours)) for hours in (1, 2)]
    request = SetDeliveryPolicyRequest(policy=Rules(lateness=Lateness(worth=twice)))
    given(POLICY).when(request).then_refused("WORTH_TWICE")


async def test_a_person_reads_what_they_said_and_what_holds_and_nobody_elses() -> None:
    get_my_preferences, _ = delivery_queries(POLICY)
    said = Preferences(language=Language.LANGUAGE_CY)
    reader = LaidDown(ADA, {"preferences-ada": [wished(said, SESSION)], "preferences-ben": [wished(SAID)]})
    found = await get_my_preferences(GetMyPreferencesRequest(), reader)
    assert isinstance(found, GetMyPreferencesResponse)
    holding = Preferences()
    holding.CopyFrom(default_rules().policy.preferences)
    holding.language = Language.LANGUAGE_CY
    assert found.own == said
    assert found.holding == holding
    assert list(found.unsubscribed) == [SESSION]
    assert set(found.may_be_unsubscribed) == DEFAULT.unsubscribing.kinds


async def test_a_manager_reads_the_rules_that_hold() -> None:
    _, get_delivery_policy = delivery_queries(POLICY)
    found = await get_delivery_policy(GetDeliveryPolicyRequest(), LaidDown(ADA))
    assert isinstance(found, GetDeliveryPolicyResponse)
    assert found.policy == DEFAULT.rules()


def test_the_days_of_the_week_are_those_of_the_calendar() -> None:
    assert [Weekday.Name(number).removeprefix("WEEKDAY_").title() for number in Weekday.values()[1:]] == [
        f"{day:%A}" for day in (_MONDAY + timedelta(days=days) for days in range(7))
    ]
    assert _MONDAY.isoweekday() == Weekday.WEEKDAY_MONDAY
