"""The forms of a message: text, HTML, an inbox's and a brief one. All are made of the same content, so none says more than another."""

from dataclasses import asdict, dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from notifications.contents import Content
from notifications.texts import Words


@dataclass(frozen=True, slots=True)
class Brief:
    """What a channel with little room is given: a chat, SMS, a webhook's JSON. It has neither a name nor what is known of a concern.

    `text` is one sentence; where somebody is to be called at once, each number follows in a line of its own.
    """

    subject: str
    text: str
    link: str
    why: str


_TEMPLATES = Environment(
    loader=PackageLoader("notifications", "texts/templates"),
    autoescape=select_autoescape(("html.jinja",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEXT = _TEMPLATES.get_template("mail.txt.jinja")
_HTML = _TEMPLATES.get_template("mail.html.jinja")
_ENTRY = _TEMPLATES.get_template("entry.txt.jinja")
_BRIEF = _TEMPLATES.get_template("brief.txt.jinja")
_PAGE = _TEMPLATES.get_template("unsubscribe.html.jinja")


def as_text(content: Content) -> str:
    """The text that is read without HTML."""
    return _TEXT.render(asdict(content)) + "\n"


def as_html(content: Content) -> str:
    """The same words, the subject as their heading. It loads nothing from anywhere."""
    return _HTML.render(asdict(content)) + "\n"


def as_entry(content: Content) -> str:
    """What is read in an inbox, beside subject and reason: what happened, and what more there is."""
    return _ENTRY.render(asdict(content)).rstrip()


def as_brief(content: Content) -> Brief:
    """The content less the greeting, what more there is, and what is known of a concern."""
    return Brief(content.subject, _BRIEF.render(asdict(content)).rstrip(), content.link, content.why)


def as_page(words: Words, *, done: bool) -> str:
    """The page on which a mail is unsubscribed, before and after. It loads nothing from anywhere."""
    return _PAGE.render(language=words.language, done=done, **asdict(words.unsubscribing)) + "\n"
