"""What would be sent, without a platform: each message as it is composed, of made up names, ids and numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage

from mentoring.notifications.v1.conditions_pb2 import Condition
from mentoring.notifications.v1.events_pb2 import Because, Detail, Occasion
from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest

from notifications.default_matrix import default_matrix
from notifications.domain.need_to_know import CIRCLE_RELATIONSHIPS
from notifications.domain.occasions import PARTS_IN_A_CIRCLE, PARTS_TOLD, TOLD_AMONG, is_safeguarding
from notifications.domain.provider_details import ProviderDetails
from notifications.forms import Brief
from notifications.messages import Recipient, brief, compose
from notifications.texts import MATTERS

_MATRIX = default_matrix()
_LINK_BASE = "https://mentoring.example.org"
_SENDER = "mentorstream@example.org"
_RECIPIENT = Recipient("sam@example.org", "Sam Sample")
# Numbers that Ofcom keeps for made up ones.
_PROVIDER = ProviderDetails("Northfield College", "01632 960001")

# Of several relationships, so that each reason is seen.
_LISTED = [
    StartNoticeRequest(
        notice_id=f"notice-{number}", occasion=occasion, because=because, detail=detail, about_id=f"example-{number}"
    )
    for number, (occasion, because, detail) in enumerate(
        [
            (Occasion.OCCASION_SESSION_PLANNED, Because.BECAUSE_LEARNER, Detail.DETAIL_FULL),
            (Occasion.OCCASION_EVIDENCE_ACCEPTED, Because.BECAUSE_MENTOR, Detail.DETAIL_FULL),
            (Occasion.OCCASION_REVIEW_DUE, Because.BECAUSE_EMPLOYER_CONTACT, Detail.DETAIL_OUTLINE),
        ],
        start=2,
    )
]


@dataclass(frozen=True, slots=True)
class Told:
    """In which detail somebody is told by the platform's own matrix or by their part, and on what it depends, in words."""

    detail: Detail.ValueType
    depends: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """One message: the mail, and what a channel with little room is given."""

    mail: EmailMessage
    brief: Brief


def occasions() -> Mapping[str, Occasion.ValueType]:
    """All that is told of, by its name in lower case: `session_planned`."""
    return {Occasion.Name(one).removeprefix("OCCASION_").lower(): one for one in MATTERS}


def told_of(occasion: Occasion.ValueType) -> Mapping[str, tuple[Because.ValueType, Told]]:
    """Who is told of it, by the relationship's or the part's name in lower case: `employer_contact`."""
    parts = PARTS_TOLD.get(occasion, frozenset()) | PARTS_IN_A_CIRCLE.get(occasion, frozenset())
    found = {because: Told(Detail.DETAIL_FULL) for because in sorted(parts)}
    for because in CIRCLE_RELATIONSHIPS:
        rules = [rule for kind in MATTERS[occasion].kinds for rule in _MATRIX.about(kind, because)]
        if rules and because in TOLD_AMONG[occasion]:
            most = max(rules, key=lambda rule: rule.detail)
            found[because] = Told(most.detail, tuple(_words(Condition.Name(one)) for one in most.conditions))
    return {Because.Name(one).removeprefix("BECAUSE_").lower(): (one, told) for one, told in found.items()}


def preview(
    occasion: Occasion.ValueType, because: Because.ValueType, detail: Detail.ValueType, language: str, at: datetime
) -> Preview:
    """The message in all its forms. Raises KeyError where no text is written for the occasion in this detail."""
    notice = StartNoticeRequest(
        notice_id="notice-1",
        occasion=occasion,
        because=because,
        detail=detail,
        about_id="example-1",
        raiser_role="mentor" if _is_alert(because) else "",
        category="neglect" if _is_alert(because) else "",
        safeguarding=is_safeguarding(occasion),
    )
    listed = _LISTED if occasion == Occasion.OCCASION_DIGEST else ()
    return Preview(
        compose(
            notice, _RECIPIENT, sender=_SENDER, link_base=_LINK_BASE, at=at, language=language, provider=_PROVIDER, listed=listed
        ),
        brief(notice, link_base=_LINK_BASE, language=language, provider=_PROVIDER, listed=listed),
    )  # fmt: skip


def _is_alert(because: Because.ValueType) -> bool:
    return because in PARTS_TOLD[Occasion.OCCASION_CONCERN_ASSIGNED]


def _words(condition: str) -> str:
    return condition.removeprefix("CONDITION_").replace("_", " ").lower()
