"""The wiring of the notifications service: the one place that builds adapters and reads settings."""

from collections.abc import Mapping

from eventkernel.contract import Contract, files_of, fill
from eventkernel.reaction import Effect
from eventkernel.reading import Ask
from eventkernel.service import Service
from google.protobuf.message import Message
from mentoring.notifications.v1.addresses_pb2 import SendCodeRequest
from mentoring.notifications.v1.channel_pb2 import Channel
from mentoring.notifications.v1.digests_pb2 import SendDigestRequest
from mentoring.notifications.v1.inbox_pb2 import MarkNoticeReadRequest
from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest

from notifications.default_delivery import default_delivery
from notifications.default_matrix import default_matrix
from notifications.domain import ledger as ledger_domain
from notifications.domain import telling as telling_domain
from notifications.domain.acknowledgements import acknowledgements
from notifications.domain.addresses import addresses
from notifications.domain.circle import circle
from notifications.domain.conditions import conditions
from notifications.domain.contact import contact
from notifications.domain.contact_policy import contact_policy
from notifications.domain.delivery_policy import delivery_policy
from notifications.domain.digest import digest
from notifications.domain.need_to_know import need_to_know
from notifications.domain.notice import notice
from notifications.domain.preferences import preferences
from notifications.domain.provider_details import provider_details
from notifications.domain.reading import reading
from notifications.effects.apprise import AppriseMessenger
from notifications.effects.codes import SendCode
from notifications.effects.digests import SendDigest
from notifications.effects.holding import Holding
from notifications.effects.leaving import PREFIX, Addresses
from notifications.effects.line import Line
from notifications.effects.mailer import Mailer
from notifications.effects.outlets import ByAddress, ByMail, ToTheInbox
from notifications.effects.patience import Patience
from notifications.effects.sending import SendNotice
from notifications.effects.smtp import SmtpMailer
from notifications.effects.webhook import WebhookMessenger
from notifications.projections.delivery import delivery_queries
from notifications.projections.explaining import explaining_queries
from notifications.projections.inbox import inbox, inbox_queries
from notifications.projections.ledger import ledger_queries
from notifications.projections.my_addresses import list_my_addresses
from notifications.projections.notices import list_my_notices, list_notices, notices
from notifications.projections.policy import policy_queries
from notifications.projections.provider_details import get_provider_details
from notifications.projections.suppressed import list_suppressed_addresses, suppressed_addresses
from notifications.projections.unsubscribe_page import unsubscribe_page
from notifications.reactions.acknowledging import acknowledging
from notifications.reactions.circles import circles
from notifications.reactions.digesting import digesting
from notifications.reactions.ledger import ledger
from notifications.reactions.sending import sending
from notifications.reactions.suppressing import suppressing
from notifications.reactions.telling import telling
from notifications.reactions.verifying import verifying
from notifications.settings import Settings


def build(settings: Settings | None = None, mailer: Mailer | None = None) -> Service:
    """The service, with mail by SMTP unless another mailer is given."""
    found = settings or Settings()
    matrix = need_to_know(default_matrix())
    policy = delivery_policy(default_delivery())
    get_my_inbox, follow_my_inbox = inbox_queries(policy)
    return Service(
        name="notifications",
        contract=Contract(
            files_of("mentoring.notifications.v1"),
            heard=files_of("mentoring.sessions.v1", "mentoring.evidence.v1", "mentoring.safeguarding.v1"),
        ),
        aggregates=[
            contact,
            contact_policy,
            provider_details,
            addresses,
            policy,
            preferences,
            circle,
            matrix,
            conditions,
            ledger_domain.ledger,
            telling_domain.telling,
            notice,
            reading,
            acknowledgements,
            digest,
        ],
        projections=[notices, inbox, suppressed_addresses],
        reactions=[circles, telling, ledger, sending, suppressing, verifying, acknowledging, digesting],
        queries=[
            list_notices,
            list_my_notices,
            get_my_inbox,
            list_my_addresses,
            get_provider_details,
            list_suppressed_addresses,
            *policy_queries(matrix),
            *ledger_queries(matrix),
            *delivery_queries(policy),
            *explaining_queries(matrix),
        ],
        followed=[follow_my_inbox],
        effects=_effects(found, mailer or _smtp(found), Holding(matrix, policy)),
        relations={"self": self_, "recipient_of_notice": recipient_of_notice},
        pages={PREFIX: unsubscribe_page(policy)},
    )


async def self_(ask: Ask) -> bool:
    """The caller is the person, or else the learner, whom the request names."""
    whose = next(name for name in ("person_id", "learner_id") if name in ask.request.DESCRIPTOR.fields_by_name)
    return ask.principal.person_id == fill(f"{{{whose}}}", ask.request)


async def recipient_of_notice(ask: Ask) -> bool:
    """The notice stands in the caller's inbox: what is another's, and what is none, is answered alike and leaves nothing behind."""
    if not isinstance(ask.request, MarkNoticeReadRequest):
        raise TypeError(f"{ask.request.DESCRIPTOR.name} is about no notice: give it no relationship to one")
    found = await ask.read.document(inbox, ask.request.notice_id)
    return found is not None and found.recipient_id == ask.principal.person_id


def _smtp(settings: Settings) -> SmtpMailer:
    return SmtpMailer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_username,
        password=settings.smtp_password.get_secret_value(),
        tls=settings.smtp_tls,
        start_tls=settings.smtp_start_tls,
        seconds=settings.smtp_seconds,
        answer_seconds=settings.smtp_answer_seconds,
    )


def _effects(settings: Settings, mailer: Mailer, holding: Holding) -> Mapping[type[Message], Effect]:
    link_base = settings.link_base
    webhook = WebhookMessenger(private=settings.webhook_private)
    apprise = AppriseMessenger(settings.schemas)
    outlets: dict[Channel.ValueType, ByMail | ByAddress] = {
        Channel.CHANNEL_EMAIL: ByMail(mailer, settings.mail_sender, link_base),
        Channel.CHANNEL_WEBHOOK: ByAddress(Channel.CHANNEL_WEBHOOK, webhook, link_base),
        Channel.CHANNEL_APPRISE: ByAddress(Channel.CHANNEL_APPRISE, apprise, link_base),
    }
    lines = {
        Channel.CHANNEL_EMAIL: _line(settings, "EMAIL", settings.mail_per_minute),
        Channel.CHANNEL_WEBHOOK: _line(settings, "WEBHOOK", settings.webhook_per_minute),
        Channel.CHANNEL_APPRISE: _line(settings, "APPRISE", settings.apprise_per_minute),
    }
    notices = SendNotice(
        outlets={**outlets, Channel.CHANNEL_INBOX: ToTheInbox()},
        lines=lines,
        holding=holding,
        leaving=Addresses(settings.unsubscribe_base, holding),
        patience=Patience(
            first_seconds=settings.mail_retry_first_seconds,
            longest_seconds=settings.mail_retry_longest_seconds,
            longest_seconds_safeguarding=settings.mail_retry_longest_seconds_safeguarding,
            attempts=settings.mail_attempts,
        ),
    )
    return {
        StartNoticeRequest: notices,
        SendDigestRequest: SendDigest(notices, holding),
        SendCodeRequest: SendCode(outlets, lines, link_base, holding),
    }


def _line(settings: Settings, name: str, per_minute: float) -> Line:
    return Line(
        name, per_minute=per_minute, failures=settings.circuit_failures, open_seconds=settings.circuit_open_seconds
    )
