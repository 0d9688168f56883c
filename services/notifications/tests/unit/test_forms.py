"""The forms of every message: what may be in them is in them, and nothing else of what is known; HTML has the words of the text."""

import re
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from html.parser import HTMLParser
from itertools import groupby

import pytest
from eventkernel.messages import Metadata
from eventkernel.reaction import Later
from eventkernel.testing.scenario import given
from mentoring.notifications.v1.events_pb2 import Because, Detail, NoticeRequested, Occasion
from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest, TellPersonRequest
from notifications.contents import content_of_code
from notifications.domain.contact import Contact
from notifications.domain.occasions import PARTS_TOLD, is_safeguarding
from notifications.domain.provider_details import ProviderDetails
from notifications.domain.telling import telling
from notifications.forms import as_brief, as_html, as_text
from notifications.messages import Recipient, brief, compose
from notifications.reactions.sending import sending
from notifications.texts import words_in

from .rendering import AT, LINKS, MIA, NORTHFIELD, Told, all_told, body

MARKS = re.compile(r"canary[-_ ](\w+)|07700 ?(90000[12])|(424[23])", re.IGNORECASE)
EVERY = [
    pytest.param(list(told), id=f"{Occasion.Name(occasion)}-{language}")
    for (occasion, language), told in groupby(
        sorted(all_told(), key=lambda one: (one.occasion, one.language)), lambda one: (one.occasion, one.language)
    )
]
DANGER = Told(
    Occasion.OCCASION_CONCERN_RECEIVED_IMMEDIATE_DANGER, Because.BECAUSE_RAISED_THE_CONCERN, Detail.DETAIL_FULL, "en"
)
STORY = "He told me what his uncle did, in the kitchen, twice."


def marks(text: str) -> set[str]:
    """Which marked inputs a text shows."""
    return {"".join(found).lower() for found in MARKS.findall(text)}


def may_show(told: Told) -> set[str]:
    """What a mail may show of its inputs, by hand."""
    concern = is_safeguarding(told.occasion)
    of_itself = told.occasion in (Occasion.OCCASION_CONTACT_REPLACED, Occasion.OCCASION_DIGEST)
    led_to_the_notice = told.detail == Detail.DETAIL_OUTLINE or of_itself
    shown = {"notice"} if led_to_the_notice else {"about"}
    shown = set() if told.occasion == Occasion.OCCASION_ADDRESS_SUPPRESSED else shown
    shown |= {"role", "category"} if concern else {"name"}
    return shown | ({"provider", "900001", "900002"} if told.occasion == DANGER.occasion else set())


@pytest.mark.parametrize("every", EVERY)
def test_no_form_of_any_message_shows_an_id_a_name_or_a_code_that_it_may_not(every: list[Told]) -> None:
    for told in every:
        mail = told.mail()
        allowed = may_show(told)
        assert marks(body(mail, "plain")) == allowed
        assert marks(body(mail, "html")) == allowed
        assert marks(told.brief()) == allowed - {"name", "role", "category"}
        assert marks(mail["Subject"]) == set()


@pytest.mark.parametrize("every", EVERY)
def test_the_headers_name_the_recipient_and_the_notice_alone(every: list[Told]) -> None:
    for told in every:
        mail = told.mail()
        shown = {name: marks(str(value)) for name, value in mail.items() if marks(str(value))}
        greeted = set() if is_safeguarding(told.occasion) else {"name"}
        assert shown == {"To": {"mail"} | greeted, "Message-ID": {"notice"}, "X-Notice-Id": {"notice"}}
        assert mail["Content-Language"] == told.language
        assert mail["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize("every", EVERY)
def test_html_has_the_words_of_the_subject_and_the_text_and_no_others(every: list[Told]) -> None:
    for told in every:
        mail = told.mail()
        page = Page(body(mail, "html"))
        assert page.words == mail["Subject"].split() + body(mail, "plain").split()
        assert page.title == mail["Subject"]
        assert page.language == told.language


@pytest.mark.parametrize("every", EVERY)
def test_html_loads_nothing_and_leads_only_where_the_text_does(every: list[Told]) -> None:
    for told in every:
        mail = told.mail()
        page = Page(body(mail, "html"))
        assert page.tags <= {"html", "head", "meta", "title", "style", "body", "main", "h1", "div", "p", "a"}
        links = [word for word in body(mail, "plain").split() if word.startswith(LINKS)]
        calls = ["tel:07700900002", "tel:07700900001"] if told.occasion == DANGER.occasion else []
        assert page.links == calls + links
        assert page.attributes <= {"lang", "dir", "charset", "name", "content", "href", "class"}
        assert not re.search(r"url\(|@import|src=|javascript:", body(mail, "html"))


@pytest.mark.parametrize("every", EVERY)
def test_each_form_says_why_and_where(every: list[Told]) -> None:
    for told in every:
        subject, *_, link, why = told.brief().splitlines()
        assert body(told.mail(), "plain").endswith(f"\n\n{why}\n")
        assert link.startswith(LINKS)
        assert subject == told.mail()["Subject"]
        assert len(told.brief().splitlines()) == (6 if told.occasion == DANGER.occasion else 4)


def test_text_is_first_and_html_second_and_both_are_seven_bits_on_the_way() -> None:
    mail = replace(DANGER, language="cy").mail()
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert mail.get_content_type() == "multipart/alternative"
    assert [part["Content-Transfer-Encoding"] for part in mail.iter_parts()] == ["quoted-printable"] * 2
    assert mail.as_bytes().isascii()
    assert max(map(len, mail.as_bytes().split(b"\r\n"))) <= 78
    assert mail.as_bytes() == replace(DANGER, language="cy").mail().as_bytes()


def test_a_name_cannot_bring_html() -> None:
    told = Told(Occasion.OCCASION_SESSION_PLANNED, Because.BECAUSE_MENTOR, Detail.DETAIL_FULL, "en")
    name = '<b onclick="x">Mia</b> & {{ notice }} {name}'
    mail = compose(told.notice, Recipient("mia@example.org", name), sender="a@b.example", link_base=LINKS, at=AT)
    page = Page(body(mail, "html"))
    assert "b" not in page.tags
    assert f"Hello {name}," in " ".join(page.words)
    assert f"Hello {name},\n" in body(mail, "plain")


@pytest.mark.parametrize("language", ["en", "cy"])
def test_in_immediate_danger_the_numbers_come_before_all_else(language: str) -> None:
    told = replace(DANGER, language=language)
    text = body(told.mail(), "plain")
    assert text.index("07700 900002") < text.index("07700 900001") < text.index(LINKS)
    assert "canary-provider: 07700 900001" in text
    asked, numbers, *_ = text.split("\n\n")
    assert asked.endswith("(DSL) in person." if language == "en" else "(DSL) wyneb yn wyneb.")
    assert len(numbers.splitlines()) == 2


def test_in_immediate_danger_the_emergency_services_are_told_where_the_provider_set_nothing() -> None:
    mail = compose(DANGER.notice, MIA, sender="a@b.example", link_base=LINKS, at=AT)
    assert body(mail, "plain").split("\n\n")[1] == "Emergency services: 999"
    nameless = brief(DANGER.notice, link_base=LINKS, provider=ProviderDetails("", "01632 960001"))
    assert nameless.text.splitlines()[1:] == [
        "Emergency services: 999",
        "Designated safeguarding lead (DSL): 01632 960001",
    ]


def test_a_providers_name_cannot_bring_a_line_of_its_own() -> None:
    provider = ProviderDetails("North\r\n\r\nfield\x00", "01632 960001")
    assert brief(DANGER.notice, link_base=LINKS, provider=provider).text.endswith(", North field: 01632 960001")


@pytest.mark.parametrize("language", ["en", "cy"])
def test_a_code_is_in_each_form_and_in_no_subject_and_html_has_the_words_of_the_text(language: str) -> None:
    content = content_of_code("7K3FM-9QT2X", LINKS, words_in(language))
    assert Page(as_html(content)).words == content.subject.split() + as_text(content).split()
    assert all(form.count("7K3FM-9QT2X") == 1 for form in (as_text(content), as_html(content), as_brief(content).text))
    assert "7K3FM-9QT2X" not in content.subject


@pytest.mark.parametrize("occasion", [one for one in PARTS_TOLD if is_safeguarding(one)])
def test_an_alert_mail_never_holds_the_story(occasion: Occasion.ValueType) -> None:
    """Whatever is given in place of a code, on the whole way from the command to each form."""
    for because in sorted(PARTS_TOLD[occasion]):
        request = TellPersonRequest(
            telling_id="t-1", person_id="dora", occasion=occasion, about_id="c-1", because=because, raiser_role=STORY,
            category=STORY,
        )  # fmt: skip
        events = given(telling).beside(Contact()).when(request).events
        assert events
        for event in events:
            assert isinstance(event, NoticeRequested)
            said = list(forms_of(event))
            assert said
            assert not any(word in one for one in said for word in ("uncle", "kitchen", "twice"))


def forms_of(event: NoticeRequested) -> Iterator[str]:
    meta = Metadata("event-1", "t", "provider-1", "telling-t-1", 1, AT)
    for later in sending.policies[NoticeRequested](event, meta):
        assert isinstance(later, Later)
        assert isinstance(later.request, StartNoticeRequest)
        for language in ("en", "cy"):
            mail = compose(later.request, MIA, sender="a@b.example", link_base=LINKS, at=AT, language=language, provider=NORTHFIELD)  # fmt: skip
            yield from (body(mail, "plain"), body(mail, "html"), _headers(mail))
            yield str(brief(later.request, link_base=LINKS, language=language))


def _headers(mail: EmailMessage) -> str:
    return "\n".join(f"{name}: {value}" for name, value in mail.items())


class Page(HTMLParser):
    """What a reader of a page sees, and where it leads."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.words: list[str] = []
        self.title = self.language = self._inside = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._inside = tag
        said = dict(attrs)
        self.attributes |= set(said)
        self.language = said.get("lang") or self.language
        if "href" in said:
            self.links.append(said["href"] or "")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "title":
            self.title += data
        elif self._inside != "style":
            self.words += data.split()
