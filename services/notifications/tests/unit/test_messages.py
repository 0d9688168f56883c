"""Messages: every one says why; a concern's holds a role, a category and a link, and an outline says less."""

import re
from datetime import UTC, datetime
from email.message import EmailMessage
from itertools import product

import pytest
from mentoring.notifications.v1.events_pb2 import Because, Detail, Occasion
from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest
from notifications.domain.need_to_know import CIRCLE_RELATIONSHIPS
from notifications.domain.occasions import PARTS_TOLD, is_safeguarding
from notifications.messages import Recipient, Unaddressable, compose
from notifications.texts import page, words_in

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TO = Recipient("mia@example.org", "Mia Mentor")
CIRCLE_OCCASIONS = sorted(set(Occasion.values()) - set(PARTS_TOLD) - {Occasion.OCCASION_UNSPECIFIED})
# Any provider's matrix can give the first; the second is given by parts in a concern.
POSSIBLE = [
    *product(CIRCLE_OCCASIONS, CIRCLE_RELATIONSHIPS, [Detail.DETAIL_FULL, Detail.DETAIL_OUTLINE]),
    *((occasion, because, Detail.DETAIL_FULL) for occasion, parts in PARTS_TOLD.items() for because in sorted(parts)),
]


def notice(
    occasion: Occasion.ValueType = Occasion.OCCASION_SESSION_PLANNED,
    because: Because.ValueType = Because.BECAUSE_MENTOR,
    detail: Detail.ValueType = Detail.DETAIL_FULL,
    about_id: str = "s-1",
) -> StartNoticeRequest:
    return StartNoticeRequest(
        notice_id="n-1",
        attempt=1,
        recipient_id="person-id-of-the-recipient",
        safeguarding=is_safeguarding(occasion),
        telling_id="telling-1",
        occasion=occasion,
        because=because,
        detail=detail,
        about_id=about_id,
    )


def composed(request: StartNoticeRequest, recipient: Recipient = TO) -> EmailMessage:
    return compose(request, recipient, sender="mentor@stream.example", link_base="https://m.example/", at=AT)


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


@pytest.mark.parametrize(("occasion", "because", "detail"), POSSIBLE)
def test_every_notice_that_can_be_requested_has_words_and_says_why(
    occasion: Occasion.ValueType, because: Because.ValueType, detail: Detail.ValueType
) -> None:
    message = composed(notice(occasion, because, detail))
    assert message["Subject"]
    why = words_in("en").why[because]
    assert why in text_of(message)
    assert re.fullmatch(r"You are told this because you .+\.", why)
    assert "https://m.example/" in text_of(message)
    assert "person-id-of-the-recipient" not in message.as_string()
    assert "telling-1" not in message.as_string()


def test_a_message_is_recognisable_at_every_attempt() -> None:
    first, second = notice(), notice()
    second.attempt = 7
    for message in (composed(first), composed(second)):
        assert message["Message-ID"] == "<n-1@stream.example>"
        assert message["X-Notice-Id"] == "n-1"
        assert message["Auto-Submitted"] == "auto-generated"
        assert message["Date"].datetime == AT


def test_a_message_greets_its_recipient_and_links_to_what_it_is_about() -> None:
    text = text_of(composed(notice()))
    assert text.startswith("Hello Mia Mentor,\n")
    assert "\nhttps://m.example/sessions/s-1\n" in text


@pytest.mark.parametrize("occasion", CIRCLE_OCCASIONS)
def test_an_outline_says_less_than_the_full_text(occasion: Occasion.ValueType) -> None:
    full = composed(notice(occasion))
    outline = composed(notice(occasion, detail=Detail.DETAIL_OUTLINE))
    assert "/s-1" in text_of(full)
    assert "s-1" not in outline.as_string()
    assert "https://m.example/notices/n-1" in text_of(outline)
    assert full["Subject"] != outline["Subject"]


def test_an_outline_does_not_tell_how_evidence_was_judged_or_what_became_of_a_session() -> None:
    for first, second in (
        (Occasion.OCCASION_EVIDENCE_ACCEPTED, Occasion.OCCASION_EVIDENCE_REFERRED),
        (Occasion.OCCASION_SESSION_PLANNED, Occasion.OCCASION_SESSION_MISSED),
        (Occasion.OCCASION_SESSION_PLANNED, Occasion.OCCASION_SESSION_MOVED),
        (Occasion.OCCASION_SESSION_PLANNED, Occasion.OCCASION_SESSION_CANCELLED),
    ):
        one, other = (composed(notice(occasion, detail=Detail.DETAIL_OUTLINE)) for occasion in (first, second))
        assert one.as_bytes() == other.as_bytes()


@pytest.mark.parametrize(
    ("occasion", "told", "not_told"),
    [
        (Occasion.OCCASION_SESSION_MOVED, "moved", "cancelled"),
        (Occasion.OCCASION_SESSION_CANCELLED, "cancelled", "moved"),
    ],
)
def test_a_session_moved_and_one_cancelled_are_told_as_such_in_full_and_as_neither_in_outline(
    occasion: Occasion.ValueType, told: str, not_told: str
) -> None:
    full = composed(notice(occasion))
    outline = composed(notice(occasion, detail=Detail.DETAIL_OUTLINE))
    assert full["Subject"] == f"A session was {told}"
    assert f"A planned mentoring session was {told}" in text_of(full)
    assert "https://m.example/sessions/s-1\n" in text_of(full)
    assert not_told not in full.as_string()
    assert not any(word in outline.as_string() for word in (told, not_told, "s-1"))


@pytest.mark.parametrize(
    ("occasion", "because"),
    [
        (occasion, because)
        for occasion in PARTS_TOLD
        for because in sorted(PARTS_TOLD[occasion])
        if is_safeguarding(occasion)
    ],
)
def test_a_concerns_message_holds_role_category_and_link_and_nothing_else_of_what_is_known(
    occasion: Occasion.ValueType, because: Because.ValueType
) -> None:
    request = StartNoticeRequest(
        notice_id="marker-notice",
        attempt=4242,
        recipient_id="marker-recipient",
        safeguarding=True,
        telling_id="marker-telling",
        occasion=occasion,
        because=because,
        detail=Detail.DETAIL_FULL,
        about_id="marker-about",
        raiser_role="marker_role",
        category="marker_category",
    )
    message = composed(request, Recipient("marker-mail@example.org", "marker-name"))
    plain = composed(notice(occasion, because, about_id=""), Recipient("marker-mail@example.org"))
    added = set(text_of(message).split()) - set(text_of(plain).split())
    assert added == {
        f"https://m.example/{page(occasion, Detail.DETAIL_FULL)}/marker-about", "Raised", "by:", "marker", "role", "Category:", "category",
    } - set(text_of(plain).split())  # fmt: skip
    assert "marker" not in message["Subject"]
    headers = {name: str(value) for name, value in message.items() if "marker" in str(value)}
    assert headers == {
        "To": "marker-mail@example.org",
        "Message-ID": "<marker-notice@stream.example>",
        "X-Notice-Id": "marker-notice",
    }
    assert "4242" not in message.as_string()


def test_in_immediate_danger_the_raiser_is_told_first_what_to_do_now() -> None:
    message = composed(
        notice(Occasion.OCCASION_CONCERN_RECEIVED_IMMEDIATE_DANGER, Because.BECAUSE_RAISED_THE_CONCERN, about_id="c-1")
    )
    first = " ".join(text_of(message).split("\n\n")[0].split())
    assert "call the emergency services now" in first
    assert "tell the designated safeguarding lead (DSL) in person" in first
    assert "emergency services now" in message["Subject"]
    calm = text_of(composed(notice(Occasion.OCCASION_CONCERN_RECEIVED, Because.BECAUSE_RAISED_THE_CONCERN)))
    assert "emergency" not in calm


@pytest.mark.parametrize(
    ("language", "says", "in_person", "never"),
    [
        ("en", "not say that anybody has taken it yet", "in person", ("being asked", "with a person")),
        ("cy", "dweud bod neb wedi ei gymryd eto", "wyneb yn wyneb", ("gofynnir i bobl",)),
    ],
)
@pytest.mark.parametrize(
    "occasion", [Occasion.OCCASION_CONCERN_RECEIVED, Occasion.OCCASION_CONCERN_RECEIVED_IMMEDIATE_DANGER]
)
def test_a_raiser_is_told_nothing_that_is_untrue_where_nobody_could_be_asked(
    occasion: Occasion.ValueType, language: str, says: str, in_person: str, never: tuple[str, ...]
) -> None:
    made = notice(occasion, Because.BECAUSE_RAISED_THE_CONCERN, about_id="c-1")
    sent = compose(made, TO, sender="mentor@stream.example", link_base="https://m.example/", at=AT, language=language)
    text = " ".join(text_of(sent).split())
    assert says in text
    assert in_person in text
    assert not any(words in text for words in never)


@pytest.mark.parametrize(
    "email",
    [
        "",
        "mia",
        "mia@",
        "@",
        "mia@x@y",
        "mia@example.org\r\nBcc: eve@example.org",
        "mïa@example.org",
        "mia@exämple.org",
    ],
)
def test_an_address_that_mail_cannot_go_to_is_said_to_be_one_without_being_repeated(email: str) -> None:
    with pytest.raises(Unaddressable) as raised:
        composed(notice(), Recipient(email, "Mia"))
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
    assert not email or email not in str(raised.value) or email == "@"


def test_a_name_cannot_bring_a_header_or_a_line_of_its_own() -> None:
    message = composed(notice(), Recipient("mia@example.org", "Mia\r\nBcc: eve@example.org\r\n\r\n\x00Hello"))
    assert message["Bcc"] is None
    assert [address.addr_spec for address in message["To"].addresses] == ["mia@example.org"]
    assert text_of(message).startswith("Hello Mia Bcc: eve@example.org Hello,\n")


def test_the_link_cannot_be_led_astray_by_an_id() -> None:
    assert "https://m.example/sessions/..%2F..%2Fx%3Fy%23z\n" in text_of(composed(notice(about_id="../../x?y#z")))
