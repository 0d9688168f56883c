"""The wiring: complete, and set by the environment."""

import pytest
from mentoring.notifications.v1.channel_pb2 import Channel
from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest
from notifications.effects.outlets import ByMail
from notifications.effects.sending import SendNotice
from notifications.effects.smtp import SmtpMailer
from notifications.service import build


def test_the_service_is_complete() -> None:
    build().check()


def test_the_environment_says_where_mail_goes_and_links_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "SMTP_HOST": "mail.example", "SMTP_PORT": "2525", "LINK_BASE": "https://m.example", "SMTP_PASSWORD": "secret",
        "MAIL_ATTEMPTS": "3",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    effect = build().effects[StartNoticeRequest]
    assert isinstance(effect, SendNotice)
    by_mail = effect.outlets[Channel.CHANNEL_EMAIL]
    assert isinstance(by_mail, ByMail)
    assert isinstance(by_mail.mailer, SmtpMailer)
    assert (by_mail.mailer.host, by_mail.mailer.port, by_mail.link_base) == ("mail.example", 2525, "https://m.example")
    assert effect.patience.attempts == 3
    assert "secret" not in repr(effect)


@pytest.mark.parametrize(("said", "meant"), [("true", True), ("false", False), (None, None)])
def test_the_environment_says_whether_mail_goes_over_tls_alone(
    monkeypatch: pytest.MonkeyPatch, said: str | None, meant: bool | None
) -> None:
    monkeypatch.delenv("SMTP_START_TLS", raising=False)
    if said is not None:
        monkeypatch.setenv("SMTP_START_TLS", said)
    effect = build().effects[StartNoticeRequest]
    assert isinstance(effect, SendNotice)
    by_mail = effect.outlets[Channel.CHANNEL_EMAIL]
    assert isinstance(by_mail, ByMail)
    assert isinstance(by_mail.mailer, SmtpMailer)
    assert by_mail.mailer.start_tls is meant


def test_every_channel_has_an_outlet_and_what_reaches_a_provider_a_line() -> None:
    effect = build().effects[StartNoticeRequest]
    assert isinstance(effect, SendNotice)
    assert set(effect.outlets) == set(Channel.values()) - {Channel.CHANNEL_UNSPECIFIED}
    assert set(effect.lines) == set(effect.outlets) - {Channel.CHANNEL_INBOX}
