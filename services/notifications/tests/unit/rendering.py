"""Every message that can be sent, in every language and form, made of inputs that are all marked."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import cache
from itertools import product

from mentoring.notifications.v1.events_pb2 import Because, Detail, Occasion
from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest
from notifications.domain.need_to_know import CIRCLE_RELATIONSHIPS
from notifications.domain.occasions import PARTS_IN_A_CIRCLE, PARTS_TOLD, TOLD_TO_A_CIRCLE, is_safeguarding
from notifications.domain.provider_details import ProviderDetails
from notifications.messages import Recipient, brief, compose
from notifications.texts import LANGUAGES

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LINKS = "https://m.example/"
MIA = Recipient("canary-mail@example.org", "Canary-Name")
NORTHFIELD = ProviderDetails("canary-provider", "07700 900001", "07700 900002")


@dataclass(frozen=True, slots=True)
class Told:
    """One message: what is told, to whom as what, how much of it, in which language."""

    occasion: Occasion.ValueType
    because: Because.ValueType
    detail: Detail.ValueType
    language: str

    @property
    def notice(self) -> StartNoticeRequest:
        """With a mark in every field that has text."""
        return StartNoticeRequest(
            notice_id="canary-notice",
            attempt=4242,
            recipient_id="canary-recipient",
            safeguarding=is_safeguarding(self.occasion),
            telling_id="canary-telling",
            occasion=self.occasion,
            because=self.because,
            detail=self.detail,
            about_id="canary-about",
            raiser_role="canary_role",
            category="canary_category",
            registration=4243,
        )

    @cache  # noqa: B019 - few, and each is asked for by several tests
    def mail(self) -> EmailMessage:
        return compose(
            self.notice, MIA, sender="mentor@stream.example", link_base=LINKS, at=AT, language=self.language, provider=NORTHFIELD
        )  # fmt: skip

    def brief(self) -> str:
        found = brief(self.notice, link_base=LINKS, language=self.language, provider=NORTHFIELD)
        return "\n".join((found.subject, found.text, found.link, found.why))


@cache
def body(mail: EmailMessage, form: str) -> str:
    """One of its two: `plain` or `html`."""
    found = mail.get_body((form,))
    assert found is not None
    return str(found.get_content())


def all_told() -> Iterator[Told]:
    """Whatever any provider's matrix can give, and every part."""
    circle = product(sorted(TOLD_TO_A_CIRCLE), CIRCLE_RELATIONSHIPS, (Detail.DETAIL_FULL, Detail.DETAIL_OUTLINE))
    parts = (
        (occasion, because, Detail.DETAIL_FULL)
        for occasion, all_of_it in (*PARTS_TOLD.items(), *PARTS_IN_A_CIRCLE.items())
        for because in sorted(all_of_it)
    )
    for (occasion, because, detail), language in product((*circle, *parts), LANGUAGES):
        yield Told(occasion, because, detail, language)
