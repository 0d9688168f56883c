"""Addresses: only what the person verified is used, and nobody puts theirs in the place of what the person has."""

import base64
from datetime import datetime, timedelta

import protovalidate
import pytest
from eventkernel.sealing import unsealed_fields
from eventkernel.testing.scenario import NOON, Given, assert_folds_in_pieces, given, person
from google.protobuf.message import Message
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from mentoring.notifications.v1.addresses_events_pb2 import (
    AddressCodeMade,
    AddressCodeMissed,
    AddressCodeNotSent,
    AddressRegistered,
    AddressRemoved,
    AddressVerificationAsked,
    AddressVerified,
    ChannelsOrdered,
)
from mentoring.notifications.v1.addresses_pb2 import (
    AskForMyCodeRequest,
    OrderMyChannelsRequest,
    RegisterAddressRequest,
    RegisterMyAddressRequest,
    RemoveAddressRequest,
    RemoveMyAddressRequest,
    SendCodeRequest,
    VerifyMyAddressRequest,
)
from mentoring.notifications.v1.channel_pb2 import Channel
from notifications.default_delivery import default_delivery
from notifications.domain.addresses import addresses
from notifications.domain.addresses_state import Addresses
from notifications.domain.contact import Contact
from pydantic import TypeAdapter

ADA, MANAGER = person("ada", "dsl"), person("paula", "provider_manager")
HOOK, CHAT, MAIL = Channel.CHANNEL_WEBHOOK, Channel.CHANNEL_APPRISE, Channel.CHANNEL_EMAIL
SECRET = "whsec_" + "a" * 32
POLICY = default_delivery()
RIGHT, WRONG = "7K3FM-9QT2X", "00000-00000"


def among(*past: Message, contact: Contact | None = None) -> Given[Addresses]:
    return given(addresses, *past).beside(POLICY, contact or Contact())


def mine(channel: Channel.ValueType = CHAT) -> RegisterMyAddressRequest:
    hook = channel == HOOK
    return RegisterMyAddressRequest(
        person_id="ada",
        channel=channel,
        address="https://hooks.example.org/a" if hook else "msteams://token",
        secret=SECRET if hook else "",
    )


def others(channel: Channel.ValueType = CHAT) -> RegisterAddressRequest:
    own = mine(channel)
    return RegisterAddressRequest(person_id="ada", channel=channel, address=own.address, secret=own.secret)


def send(
    registration: int = 1, asked: int = 1, channel: Channel.ValueType = CHAT, code: str = RIGHT
) -> SendCodeRequest:
    return SendCodeRequest(person_id="ada", channel=channel, registration=registration, asked=asked, code=code)


def verify(registration: int = 1, code: str = RIGHT, channel: Channel.ValueType = CHAT) -> VerifyMyAddressRequest:
    return VerifyMyAddressRequest(person_id="ada", channel=channel, registration=registration, code=code)


def verified(past: Given[Addresses], registration: int, channel: Channel.ValueType = CHAT) -> Given[Addresses]:
    """The story goes on with this address verified."""
    known = past.state.find(channel, registration)
    assert known is not None
    past = past.when(send(registration, known.asked, channel)).after()
    return past.when(verify(registration, channel=channel), by=ADA).after()


def test_an_address_is_kept_for_the_kernel_to_seal_and_a_code_is_asked_for_it() -> None:
    outcome = among().when(mine(HOOK), by=ADA)
    registered, asked = outcome.events
    assert isinstance(registered, AddressRegistered)
    assert unsealed_fields(registered) == ["address", "secret"]
    assert isinstance(asked, AddressVerificationAsked)
    assert (asked.registration, asked.asked, asked.by_another) == (1, 1, False)
    assert "hooks" not in str(asked)


def test_an_address_is_used_once_its_code_is_given() -> None:
    past = among().when(mine(), by=ADA).after()
    assert past.state.usable(CHAT) == ()
    sent = past.when(send()).after()
    after = sent.when(verify(), by=ADA).then(AddressVerified(person_id="ada", channel=CHAT, registration=1))
    assert after.state.usable(CHAT) == (1,)
    after.when(verify(), by=ADA).then_nothing()


def test_of_a_code_only_a_keyed_hash_is_kept_and_it_is_bound_to_its_address() -> None:
    past = among().when(mine(), by=ADA).after().when(others(), by=MANAGER).after()
    one, two = (past.when(send(number)).events[0] for number in (1, 2))
    assert isinstance(one, AddressCodeMade)
    assert isinstance(two, AddressCodeMade)
    assert RIGHT not in str(one)
    assert one.code_digest != two.code_digest
    assert one.expires_at.ToDatetime() == (NOON + POLICY.codes.stands_for).replace(tzinfo=None)


def test_a_wrong_code_is_recorded_and_after_so_many_the_right_one_counts_no_more() -> None:
    past = among().when(mine(), by=ADA).after().when(send()).after()
    for _ in range(POLICY.codes.tries):
        past = past.when(verify(code=WRONG), by=ADA).then(
            AddressCodeMissed(person_id="ada", channel=CHAT, registration=1)
        )
    past.when(verify(), by=ADA).then_refused("CODE_EXPIRED")
    asked = past.when(AskForMyCodeRequest(person_id="ada", channel=CHAT, registration=1), by=ADA).after()
    assert verified(asked, 1).state.usable(CHAT) == (1,)


def test_a_code_counts_until_its_time_is_over_and_not_before_it_was_sent() -> None:
    past = among().when(mine(), by=ADA).after()
    past.when(verify(), by=ADA).then_refused("CODE_EXPIRED")
    sent, end = past.when(send()).after(), NOON + POLICY.codes.stands_for
    sent.when(verify(), by=ADA, at=end).then_refused("CODE_EXPIRED")
    assert sent.when(verify(), by=ADA, at=end - timedelta(seconds=1)).after().state.usable(CHAT) == (1,)


def test_a_code_that_could_not_be_sent_counts_no_more_and_is_said() -> None:
    past = among().when(mine(), by=ADA).after().when(send()).after()
    failed = send()
    failed.code, failed.failure = "", "SMTP_550"
    past = past.when(failed).then(AddressCodeNotSent(person_id="ada", channel=CHAT, registration=1, failure="SMTP_550"))
    past.when(verify(), by=ADA).then_refused("CODE_EXPIRED")
    known = past.state.find(CHAT, 1)
    assert known is not None
    assert known.failure == "SMTP_550"


@pytest.mark.parametrize("written", ["7k3fm-9qt2x", "7K3FM9QT2X", "7K3FM 9QT2X"])
def test_a_code_is_the_same_whichever_way_it_is_written(written: str) -> None:
    past = among().when(mine(), by=ADA).after().when(send()).after()
    past.when(verify(code=written), by=ADA).then(AddressVerified(person_id="ada", channel=CHAT, registration=1))
    protovalidate.validate(verify(code=written))


def test_only_the_newest_code_counts() -> None:
    past = among().when(mine(), by=ADA).after().when(send()).after()
    again = past.when(AskForMyCodeRequest(person_id="ada", channel=CHAT, registration=1), by=ADA).after()
    again.when(send(asked=1, code=WRONG)).then_nothing()
    newer = again.when(send(asked=2, code="11111-22222")).after()
    newer.when(verify(), by=ADA).then(AddressCodeMissed(person_id="ada", channel=CHAT, registration=1))


def test_so_many_codes_are_sent_a_day_and_others_use_up_none_of_the_persons() -> None:
    past = among()
    for _ in range(POLICY.codes.a_day):
        past = past.when(others(), by=MANAGER).after()
    refused = past.when(others(), by=MANAGER).then_refused("TOO_MANY_CODES")
    assert "10 codes" in refused.text
    past.when(mine(), by=ADA).after()
    past.when(others(), by=MANAGER, at=NOON + timedelta(hours=24)).after()


def test_the_persons_own_new_address_replaces_their_old_one_once_it_is_verified_and_not_before() -> None:
    past = verified(among().when(mine(), by=ADA).after(), 1).when(mine(), by=ADA).after()
    assert past.state.usable(CHAT) == (1,)
    assert verified(past, 2).state.usable(CHAT) == (2,)


def test_what_another_put_there_is_not_used_until_verified_and_then_stands_behind_the_persons_own() -> None:
    past = verified(among().when(mine(), by=ADA).after(), 1).when(others(), by=MANAGER).after()
    assert past.state.usable(CHAT) == (1,)
    both = verified(past, 2)
    assert both.state.usable(CHAT) == (1, 2)
    assert verified(both.when(mine(), by=ADA).after(), 3).state.usable(CHAT) == (3, 2)


def test_what_another_registers_again_takes_back_only_what_others_registered_before_and_nobody_verified() -> None:
    past = among().when(mine(), by=ADA).after().when(others(), by=MANAGER).after().when(others(), by=MANAGER).after()
    assert [one.registration for one in past.state.of(CHAT)] == [1, 3]


def test_a_manager_removes_what_others_put_there_unverified_and_nothing_else_and_sees_no_difference() -> None:
    past = verified(among().when(mine(), by=ADA).after(), 1).when(others(), by=MANAGER).after()
    past.when(RemoveAddressRequest(person_id="ada", registration=2), by=MANAGER).then(
        AddressRemoved(person_id="ada", channel=CHAT, registration=2)
    )
    one = past.when(RemoveAddressRequest(person_id="ada", registration=1), by=MANAGER)
    none = past.when(RemoveAddressRequest(person_id="ada", registration=9), by=MANAGER)
    verified_one = verified(past, 2).when(RemoveAddressRequest(person_id="ada", registration=2), by=MANAGER)
    texts = {found.then_refused("ADDRESS_NOT_FOUND").text for found in (one, none, verified_one)}
    assert len(texts) == 1


def test_a_person_removes_any_of_their_own() -> None:
    past = verified(among().when(mine(), by=ADA).after(), 1)
    remove = RemoveMyAddressRequest(person_id="ada", registration=1)
    after = past.when(remove, by=ADA).then(AddressRemoved(person_id="ada", channel=CHAT, registration=1))
    assert after.state.usable(CHAT) == ()
    after.when(remove, by=ADA).then_nothing()
    after.when(verify(), by=ADA).then_refused("ADDRESS_NOT_FOUND")
    past.when(RemoveMyAddressRequest(person_id="ada", registration=2), by=ADA).then_refused("ADDRESS_NOT_FOUND")


def test_mail_is_verified_in_the_same_way_by_the_contacts_number() -> None:
    ask = AskForMyCodeRequest(person_id="ada", channel=MAIL, registration=2)
    among(contact=Contact(newest=1)).when(ask, by=ADA).then_refused("ADDRESS_NOT_FOUND")
    past = among(contact=Contact(newest=2)).when(ask, by=ADA).after()
    assert verified(past, 2, MAIL).state.usable(MAIL) == (2,)


def test_a_code_is_asked_for_no_address_that_is_not_there_or_is_verified() -> None:
    ask = AskForMyCodeRequest(person_id="ada", channel=CHAT, registration=1)
    among().when(ask, by=ADA).then_refused("ADDRESS_NOT_FOUND")
    verified(among().when(mine(), by=ADA).after(), 1).when(ask, by=ADA).then_nothing()


def test_so_many_addresses_of_a_channel_are_used_at_the_most() -> None:
    past = among()
    for number in range(1, 6):
        past = verified(past.when(others(), by=MANAGER).after(), number)
    sixth = past.when(others(), by=MANAGER).after().when(send(6)).after()
    sixth.when(verify(6), by=ADA).then_refused("TOO_MANY_ADDRESSES")


def test_the_order_of_channels_is_the_newest_that_was_said() -> None:
    order = OrderMyChannelsRequest(person_id="ada", channels=[CHAT, MAIL])
    past = among().when(order, by=ADA).then(ChannelsOrdered(person_id="ada", channels=[CHAT, MAIL]))
    past.when(order, by=ADA).then_nothing()
    assert past.state.order == (CHAT, MAIL)
    assert past.when(OrderMyChannelsRequest(person_id="ada"), by=ADA).after().state.order == ()


BAD_HOOKS = [
    "http://hooks.example.org/a", "https:///a", "https://user:word@hooks.example.org/", "https://hooks.example.org/#a",
    "https://hooks.example.org:0/", "https://hooks.example.org/a b", "https://[::1/", "ftp://hooks.example.org/",
]  # fmt: skip


@pytest.mark.parametrize("address", BAD_HOOKS)
def test_a_webhook_is_an_https_url_and_its_refusal_holds_no_word_of_it(address: str) -> None:
    request = mine(HOOK)
    request.address = address
    refused = among().when(request, by=ADA).then_refused("ADDRESS_MALFORMED")
    assert address not in refused.text
    assert refused.field == "address"


def test_a_webhook_has_a_secret() -> None:
    request = mine(HOOK)
    request.secret = ""
    assert among().when(request, by=ADA).then_refused("SECRET_MISSING").field == "secret"


@pytest.mark.parametrize("size", [23, 24, 25, 26, 63, 64, 65, 66])
def test_a_secret_has_24_to_64_bytes(size: int) -> None:
    request = mine(HOOK)
    request.secret = "whsec_" + base64.b64encode(bytes(size)).decode()
    if 24 <= size <= 64:
        protovalidate.validate(request)
    else:
        with pytest.raises(protovalidate.ValidationError):
            protovalidate.validate(request)


def test_an_apprise_url_names_a_service_and_has_no_secret() -> None:
    request = mine()
    request.address = "token"
    among().when(request, by=ADA).then_refused("ADDRESS_MALFORMED")
    request = mine()
    request.secret = SECRET
    among().when(request, by=ADA).then_refused("SECRET_NOT_USED")


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["mine", "others", "send", "right", "wrong", "ask", "remove", "take back", "wait"]),
        st.integers(min_value=1, max_value=6),
    ),
    max_size=25,
)


class Story:
    """What sides did, with what a person would say is used: verified by the person, and not removed by them."""

    def __init__(self) -> None:
        self.given, self.now = among(), NOON
        self.own: list[int] = []
        self.added: list[int] = []
        self.theirs: set[int] = set()

    def step(self, what: str, number: int) -> None:
        known = self.given.state.find(CHAT, number)
        requests: dict[str, Message] = {
            "mine": mine(),
            "others": others(),
            "send": send(number, known.asked if known else 1),
            "right": verify(number),
            "wrong": verify(number, WRONG),
            "ask": AskForMyCodeRequest(person_id="ada", channel=CHAT, registration=number),
            "remove": RemoveMyAddressRequest(person_id="ada", registration=number),
            "take back": RemoveAddressRequest(person_id="ada", registration=number),
        }
        if what == "wait":
            self.now += timedelta(minutes=20)
            return
        by = MANAGER if what in ("others", "take back") else ADA
        outcome = self.given.when(requests[what], by=by, at=self.now)
        if outcome.refusal is not None:
            return
        self.given = outcome.after()
        for event in outcome.events:
            self.hear(event, what)

    def hear(self, event: Message, what: str) -> None:
        if isinstance(event, AddressRegistered) and event.by_another:
            self.theirs.add(event.registration)
        if isinstance(event, AddressVerified):
            assert what == "right"
            if event.registration in self.theirs:
                self.added.insert(0, event.registration)
            else:
                self.own = [event.registration]
        if isinstance(event, AddressRemoved):
            assert what == "remove" or event.registration not in [*self.own, *self.added]
            self.own = [one for one in self.own if one != event.registration]
            self.added = [one for one in self.added if one != event.registration]


@settings(max_examples=60, deadline=None)
@for_all(steps=STEPS)
def test_in_any_history_what_is_used_is_what_the_person_verified_and_did_not_remove_their_own_first(
    steps: list[tuple[str, int]],
) -> None:
    story = Story()
    for what, number in steps:
        story.step(what, number)
    assert story.given.state.usable(CHAT) == (*story.own, *sorted(story.added, reverse=True))
    assert_folds_in_pieces(addresses, story.given.past)
    adapter = TypeAdapter(Addresses)
    assert adapter.validate_json(adapter.dump_json(story.given.state)) == story.given.state


def test_codes_of_long_ago_are_forgotten() -> None:
    past, now = among(), NOON
    for _ in range(4):
        past = past.when(mine(), by=ADA, at=now).after()
        now += timedelta(hours=13)
    assert [one.at for one in past.state.asked] == [_at(26), _at(39)]


def _at(hours: int) -> datetime:
    return NOON + timedelta(hours=hours)
