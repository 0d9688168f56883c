"""A concern's way over sockets: a rule asks a specialist first, who is alerted by the webhook that they verified; what is passed on, given as
a task, attached, and sent elsewhere as a file.
"""

import hashlib
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from eventkernel.client import CallFailed, Client
from eventkernel.timestamps import timestamp
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import CommandReply
from mentoring.notifications.v1 import addresses_pb2 as addresses
from mentoring.notifications.v1.channel_pb2 import CHANNEL_EMAIL, CHANNEL_WEBHOOK
from mentoring.notifications.v1.notifications_pb2 import RegisterContactRequest
from mentoring.safeguarding.v1 import attachments_pb2 as attachments
from mentoring.safeguarding.v1 import passing_on_tasks_pb2 as tasks
from mentoring.safeguarding.v1 import safeguarding_pb2 as concerns
from mentoring.safeguarding.v1 import transfer_pb2 as transfers
from mentoring.safeguarding.v1.events_pb2 import (
    CONCERN_CATEGORY_EMOTIONAL,
    CONCERN_CATEGORY_FGM,
    CONCERN_CATEGORY_RADICALISATION,
    SEVERITY_SERIOUS,
)
from mentoring.safeguarding.v1.passing_on_pb2 import PassOnRequest
from mentoring.safeguarding.v1.routing_events_pb2 import RouteRule
from mentoring.safeguarding.v1.routing_pb2 import SetRouteRulesRequest
from mentoring.safeguarding.v1.transfer_events_pb2 import FILE_TRANSFER_MEANS_ENCRYPTED_MAIL
from mentorstream.demo.cohort import DEPUTIES, DSL, LEARNERS, MANAGER, MARK, PROVIDER, SENIOR_LEAD, SITES
from mentorstream.demo.journey import Journey, address_of, until
from mentorstream.platform import Platform, platform
from standardwebhooks import Webhook

from .receiving_hooks import Receiver, receiver

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
SPECIALIST, RAISER, STRANGER = "specialist-1", "mentor-1", "mentor-2"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PHOTO = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 6_000
WAITS = "A safeguarding concern waits for you"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hooks(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Receiver]:
    async with receiver(tmp_path_factory.mktemp("hooks")) as received:
        yield received


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory, hooks: Receiver) -> AsyncIterator[Platform]:
    trusted = {"WEBHOOK_PRIVATE": "true", "SSL_CERT_FILE": str(hooks.certificate)}
    async with platform(Path(tmp_path_factory.mktemp("platform")), environment=trusted) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module", scope="module", autouse=True)
async def _acts(journey: Journey) -> None:
    await journey.register_people()
    contact = RegisterContactRequest(person_id=SPECIALIST, name="Siân Price", email=address_of(SPECIALIST))
    await journey.give("notifications", MANAGER, ["provider_manager"], contact)
    await journey.set_rota()
    hour = Duration(seconds=3600)
    rules = [
        RouteRule(categories=[CONCERN_CATEGORY_RADICALISATION], first_ids=[DEPUTIES[1]]),
        RouteRule(categories=[CONCERN_CATEGORY_FGM], first_ids=[SPECIALIST]),
    ]
    for request in (
        concerns.SetRoutingPolicyRequest(immediate_danger=hour, serious=hour, other=hour, last_resort_id=SENIOR_LEAD),
        SetRouteRulesRequest(rules=rules),
    ):
        await journey.give("safeguarding", SENIOR_LEAD, ["senior_lead"], request)


class Staff:
    """Callers of the running platform's services."""

    def __init__(self, running: Platform) -> None:
        self._running = running

    def by(self, person_id: str, role: str, service: str = "safeguarding") -> Client:
        return self._running.client(service, person_id, [role], provider=PROVIDER)

    @property
    def dsl(self) -> Client:
        return self.by(DSL, "dsl")

    async def raised(
        self, concern_id: str, category: int = CONCERN_CATEGORY_EMOTIONAL, about: str = LEARNERS[0]
    ) -> None:
        request = concerns.RaiseConcernRequest(
            concern_id=concern_id,
            site_id=SITES[0],
            category=category,  # type: ignore[arg-type]
            severity=SEVERITY_SERIOUS,
            person_at_risk_id=about,
            narrative=f"What was seen {MARK}",
        )
        await give(self.by(RAISER, "mentor"), request)

    async def mailed(self, person_id: str, subject: str) -> None:
        mailbox = self._running.infrastructure.mailbox
        assert mailbox is not None

        async def came() -> bool:
            mine = [one for one in mailbox.messages if address_of(person_id) in one.recipients]
            return subject in [str(one.message["Subject"]) for one in mine]

        await until(came, f"{person_id} to be mailed: {subject}")
        assert not [one for one in mailbox.messages if MARK in one.message.as_string()]


@pytest.fixture
def staff(running: Platform) -> Staff:
    return Staff(running)


async def give(by: Client, request: Message) -> None:
    await by.call(request, CommandReply)


async def read(by: Client, concern_id: str) -> concerns.GetConcernResponse:
    return await by.call(concerns.GetConcernRequest(concern_id=concern_id), concerns.GetConcernResponse)


async def assert_unknown_to(by: Client, concern_id: str) -> None:
    """The answer is that of a concern that there is not, word for word."""
    answers = []
    for one in (concern_id, "concern-that-is-not"):
        with pytest.raises(CallFailed) as caught:
            await read(by, one)
        answers.append((caught.value.status, caught.value.reason, caught.value.text.replace(one, "")))
    assert answers[0] == answers[1]


async def test_a_rule_asks_a_specialist_before_the_dsl_on_duty_who_learns_nothing_of_it(staff: Staff) -> None:
    await staff.raised("ruled", CONCERN_CATEGORY_RADICALISATION)
    await staff.mailed(DEPUTIES[1], WAITS)
    assert (await read(staff.by(DEPUTIES[1], "deputy_dsl"), "ruled")).concern.assignee_id == DEPUTIES[1]
    await assert_unknown_to(staff.dsl, "ruled")


async def test_what_is_passed_on_is_taken_by_its_receiver_who_gives_a_task_of_it_away(staff: Staff) -> None:
    await staff.raised("passed-on")
    await give(staff.dsl, concerns.AcknowledgeConcernRequest(concern_id="passed-on"))
    await give(staff.dsl, PassOnRequest(concern_id="passed-on", site_id=SITES[0], receiver_id=DEPUTIES[0], reason=MARK))
    await staff.mailed(DEPUTIES[0], WAITS)
    deputy, colleague = (staff.by(one, "deputy_dsl") for one in DEPUTIES)
    await give(deputy, concerns.AcknowledgeConcernRequest(concern_id="passed-on"))
    task: dict[str, Any] = {"concern_id": "passed-on", "task_id": "see-her"}
    due_at = timestamp(datetime.now(UTC) + timedelta(days=2))
    given = tasks.GiveTaskRequest(
        **task, site_id=SITES[0], assignee_id=DEPUTIES[1], text=f"See her {MARK}", due_at=due_at
    )
    await give(deputy, given)
    await staff.mailed(DEPUTIES[1], "You have a safeguarding task")
    listed = await colleague.call(tasks.ListMyConcernTasksRequest(), tasks.ListMyConcernTasksResponse)
    assert [(one.task_id, one.text) for one in listed.tasks] == [("see-her", f"See her {MARK}")]
    await assert_unknown_to(colleague, "passed-on")
    await give(colleague, tasks.FinishTaskRequest(**task, text=f"She is well {MARK}"))
    found = await read(deputy, "passed-on")
    assert found.concern.held_by_id == DEPUTIES[0]
    assert f"She is well {MARK}" in [entry.text for entry in found.chronology]


async def test_what_is_attached_goes_on_after_a_break_and_is_read_by_handlers_alone(
    running: Platform, staff: Staff
) -> None:
    await staff.raised("attached")
    raiser, named = staff.by(RAISER, "mentor"), {"concern_id": "attached", "upload_id": "upload-1"}
    sha256 = hashlib.sha256(PHOTO).digest()
    begin = attachments.BeginAttachmentRequest(
        **named, file_name="photo.png", media_type="image/png", size=len(PHOTO), sha256=sha256
    )
    await give(raiser, begin)

    async def sent(start: int, end: int) -> attachments.UploadAttachmentResponse:
        async def parts() -> AsyncIterator[attachments.UploadAttachmentRequest]:
            for at in range(start, end, 300_000):
                piece = PHOTO[at : min(at + 300_000, end)]
                yield attachments.UploadAttachmentRequest(**named, offset=at, content=piece)

        return await raiser.upload(
            parts(), attachments.UploadAttachmentRequest, attachments.UploadAttachmentResponse, seconds=30
        )

    first = await sent(0, 1_200_000)
    assert 0 < first.offset <= 1_200_000
    assert (await sent(first.offset, len(PHOTO))).attached
    asked = attachments.ListAttachmentsRequest(concern_id="attached")
    (one,) = (await staff.dsl.call(asked, attachments.ListAttachmentsResponse)).attachments
    assert (one.file_name, one.sha256) == ("photo.png", sha256)
    download = attachments.DownloadAttachmentRequest(concern_id="attached", attachment_id=one.attachment_id)
    content = [part.content async for part in staff.dsl.stream(download, attachments.DownloadAttachmentResponse)]
    assert b"".join(content) == PHOTO
    for other in (raiser, staff.by(STRANGER, "mentor"), staff.by(DEPUTIES[1], "deputy_dsl")):
        with pytest.raises(CallFailed):
            _ = [part async for part in other.stream(download, attachments.DownloadAttachmentResponse)]
    kept = [path.read_bytes() for path in (running.data_dir / "blobs" / "safeguarding").rglob("*") if path.is_file()]
    assert kept
    assert not [one for one in kept if PHOTO[:8] in one or PHOTO[-64:] in one]


async def test_a_persons_file_goes_elsewhere_and_its_receipt_is_kept(staff: Staff) -> None:
    await staff.raised("sent-elsewhere", about=LEARNERS[1])
    await give(staff.dsl, concerns.AcknowledgeConcernRequest(concern_id="sent-elsewhere"))
    named: dict[str, Any] = {"transfer_id": "to-the-college"}
    opened = transfers.TransferFileRequest(
        **named, person_id=LEARNERS[1], recipient=f"The DSL of the college {MARK}", means=FILE_TRANSFER_MEANS_ENCRYPTED_MAIL,
        reason=f"She goes there {MARK}",
    )  # fmt: skip
    with pytest.raises(CallFailed):
        await give(staff.by(DEPUTIES[1], "deputy_dsl"), opened)

    async def open_() -> bool:
        # Who handles a concern of the person is known once the read model has it.
        try:
            await give(staff.dsl, opened)
        except CallFailed:
            return False
        return True

    await until(open_, "the transfer to be opened")
    made_of = transfers.GetFileContentsRequest(**named)
    contents = await staff.dsl.call(made_of, transfers.GetFileContentsResponse)
    assert [part.concern_id for part in contents.parts] == ["sent-elsewhere"]
    sent = transfers.RecordFileSentRequest(**named, parts=contents.parts)
    answer = await staff.dsl.call(sent, transfers.RecordFileSentResponse)
    assert answer.sha256 == contents.sha256
    waited_for = await staff.dsl.call(transfers.GetFileTransferRequest(**named), transfers.GetFileTransferResponse)
    receipt = transfers.RecordReceiptRequest(
        **named, acknowledged_by=f"Their DSL {MARK}", received_at=waited_for.sent_at
    )
    await give(staff.dsl, receipt)
    kept = await staff.dsl.call(transfers.GetFileTransferRequest(**named), transfers.GetFileTransferResponse)
    assert (kept.unaltered, kept.acknowledged_by, kept.sha256) == (True, f"Their DSL {MARK}", contents.sha256)


async def test_an_alert_goes_by_the_webhook_that_its_recipient_verified_signed_and_without_the_story(
    staff: Staff, hooks: Receiver
) -> None:
    me = staff.by(SPECIALIST, "dsl", "notifications")
    url = f"{hooks.url}/alerts"
    mine: dict[str, Any] = {"person_id": SPECIALIST, "channel": CHANNEL_WEBHOOK}
    await give(me, addresses.RegisterMyAddressRequest(**mine, address=url, secret=SECRET))

    async def code_came() -> bool:
        return bool(hooks.codes)

    await until(code_came, "the code that verifies the webhook")
    (listed,) = [one for one in await my_addresses(me) if one.channel == CHANNEL_WEBHOOK]
    assert (listed.verified, "alerts" in listed.masked) == (False, False)
    code = addresses.VerifyMyAddressRequest(**mine, registration=listed.registration, code=hooks.codes[-1])
    await give(me, code)
    order = addresses.OrderMyChannelsRequest(person_id=SPECIALIST, channels=[CHANNEL_WEBHOOK, CHANNEL_EMAIL])
    await give(me, order)
    await staff.raised("by-webhook", CONCERN_CATEGORY_FGM)

    async def alerted() -> bool:
        return any(WAITS in body for _, body in hooks.posts)

    await until(alerted, "the alert at the webhook")
    headers, body = next((headers, body) for headers, body in hooks.posts if WAITS in body)
    signed = Webhook(SECRET).verify(body, headers)
    assert signed["data"]["subject"] == WAITS
    assert not re.search(f"{MARK}|{LEARNERS[0]}|{RAISER}", body)


async def my_addresses(me: Client) -> list[addresses.AddressSummary]:
    found = await me.call(addresses.ListMyAddressesRequest(), addresses.ListMyAddressesResponse)
    return list(found.addresses)
