"""All that a message says, in whatever form it goes out: made of a notice's codes, the words of a language and the provider's numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from mentoring.notifications.v1.events_pb2 import Occasion
from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest

from notifications.domain.occasions import is_safeguarding
from notifications.domain.provider_details import ProviderDetails
from notifications.texts import MATTERS, Words, page

# The portal's page on which somebody sees their own addresses.
_ADDRESSES = "addresses"


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of a message: what it is, and how it stands. `Category`, `physical`."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Listed:
    """One thing that a digest tells of: the same as in a message of its own, less the greeting and what more there is."""

    subject: str
    sentence: str
    link: str
    why: str


@dataclass(frozen=True, slots=True)
class Content:
    """All that a message says, in its language.

    Args:
        greeting: empty where nobody is greeted by name.
        sentence: what happened.
        calls: whom to call at once, with the numbers.
        more: what the link leads to.
        facts: what an alert may carry beside its link.
        why: the relationship, or the part, by which the recipient is told.
        listed: of a digest, what it tells of.
    """

    language: str
    greeting: str
    subject: str
    sentence: str
    calls: tuple[Fact, ...]
    more: str
    link: str
    facts: tuple[Fact, ...]
    why: str
    listed: tuple[Listed, ...] = ()


def tells_whom_to_call(occasion: Occasion.ValueType) -> bool:
    """Whether the provider's numbers are told with it."""
    return occasion in MATTERS and MATTERS[occasion].calls


def content_of(
    notice: StartNoticeRequest,
    name: str,
    link_base: str,
    words: Words,
    provider: ProviderDetails,
    *,
    listed: Sequence[StartNoticeRequest] = (),
) -> Content:
    """What is said of a notice. Raises KeyError where no text is written for its occasion in its detail.

    Args:
        notice: what is told, in codes.
        name: whom to greet; empty: nobody.
        link_base: where the portal's pages are.
        words: of the recipient's language.
        provider: whose numbers are told where the occasion `tells_whom_to_call`.
        listed: of a digest, what it tells of; nothing that is about a concern is ever among it.
    """
    wording = words.wording(notice.occasion, notice.detail)
    return Content(
        language=words.language,
        greeting=words.layout.hello.format(name=name) if name else "",
        subject=wording.subject,
        sentence=wording.sentence,
        calls=_calls(words, provider) if tells_whom_to_call(notice.occasion) else (),
        more=wording.more,
        link=_link(notice, link_base),
        facts=_facts(notice, words) if is_safeguarding(notice.occasion) else (),
        why=words.why[notice.because],
        listed=tuple(_listed(one, link_base, words) for one in listed if not is_safeguarding(one.occasion)),
    )


def content_of_code(code: str, link_base: str, words: Words) -> Content:
    """What is said with a code that verifies an address. It greets nobody: whose address it is is not known yet."""
    wording = words.code
    return Content(
        language=words.language,
        greeting="",
        subject=wording.subject,
        sentence=wording.sentence.format(code=code),
        calls=(),
        more=wording.more,
        link=f"{link_base.rstrip('/')}/{_ADDRESSES}",
        facts=(),
        why=wording.why,
    )


def one_line(name: str) -> str:
    """A name without line ends and what else cannot be shown."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())


def _link(notice: StartNoticeRequest, link_base: str) -> str:
    where = page(notice.occasion, notice.detail)
    if where == _ADDRESSES:
        return f"{link_base.rstrip('/')}/{_ADDRESSES}"
    about = notice.notice_id if where == "notices" else notice.about_id
    return f"{link_base.rstrip('/')}/{where}/{quote(about, safe='')}"


def _listed(notice: StartNoticeRequest, link_base: str, words: Words) -> Listed:
    wording = words.wording(notice.occasion, notice.detail)
    return Listed(wording.subject, wording.sentence, _link(notice, link_base), words.why[notice.because])


def _calls(words: Words, provider: ProviderDetails) -> tuple[Fact, ...]:
    emergency = Fact(words.layout.emergency_line, provider.emergency_line)
    if not provider.dsl_line:
        return (emergency,)
    name = one_line(provider.provider_name)
    label = words.layout.dsl_line_of.format(provider=name) if name else words.layout.dsl_line
    return (emergency, Fact(label, provider.dsl_line))


def _facts(notice: StartNoticeRequest, words: Words) -> tuple[Fact, ...]:
    """What an alert may carry, and no other message. A code of a later release is told as it is spelled."""
    found = (
        (words.layout.raised_by, notice.raiser_role, words.roles),
        (words.layout.category, notice.category, words.categories),
    )
    return tuple(Fact(label, known.get(code, code.replace("_", " "))) for label, code, known in found if code)
