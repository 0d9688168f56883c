"""A file's transfer as decisions: five working days, one content, one receipt, and chased until it is there."""

from datetime import UTC, datetime, timedelta

import pytest
from eventkernel.messages import Metadata, Principal
from eventkernel.reaction import Later
from eventkernel.testing.scenario import NOON, Given, Outcome, assert_folds_in_pieces, given, person
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.safeguarding.v1 import transfer_events_pb2 as events
from mentoring.safeguarding.v1 import transfer_pb2 as calls
from safeguarding.domain.file_transfer import FileTransferState, file_transfer
from safeguarding.reactions.file_chasing import file_chasing

from .stories import DEPUTY, DSL, LEARNER, deputy, dsl, platform, timestamp

# The second of March 2026 is a Monday.
NEXT_MONDAY = NOON + timedelta(days=7)
HASH, OTHER_HASH = b"\x01" * 32, b"\x02" * 32
OPEN = calls.TransferFileRequest(
    transfer_id="transfer-1", person_id=LEARNER, recipient="the-recipient", means=events.FILE_TRANSFER_MEANS_BY_HAND, reason="the-reason",
)  # fmt: skip
RECEIPT = calls.RecordReceiptRequest(
    transfer_id="transfer-1", acknowledged_by="the-name", received_at=timestamp(NOON), reference="the-reference"
)
CALL_OFF = calls.CallOffFileTransferRequest(transfer_id="transfer-1", reason="the-reason: she stays")
TAKE_OVER = calls.TakeOverFileTransferRequest(transfer_id="transfer-1", person_id=LEARNER)
Story = Given[FileTransferState]


def sent(by: str = DSL, sha256: bytes = HASH) -> calls.NoteFileSentRequest:
    parts = [events.FilePart(concern_id="concern-1", version=3, sha256=HASH)]
    return calls.NoteFileSentRequest(transfer_id="transfer-1", sender_id=by, parts=parts, sha256=sha256)


def due(number: int) -> calls.MeetFileTransferDueRequest:
    return calls.MeetFileTransferDueRequest(transfer_id="transfer-1", number=number)


def told(*steps: tuple[Message, Principal]) -> Story:
    story = given(file_transfer)
    for command, by in ((OPEN, dsl), *steps):
        story = story.when(command, by=by).after()
    return story


def asked(story: Story, command: Message, by: Principal = dsl, at: datetime = NOON) -> Outcome[FileTransferState]:
    return story.when(command, by=by, at=at)


def test_it_is_opened_with_five_working_days_and_nothing_of_it_in_plain() -> None:
    given(file_transfer).when(OPEN, by=dsl).then(
        events.FileTransferOpened(
            transfer_id="transfer-1",
            person_id=LEARNER,
            responsible_id=DSL,
            means=events.FILE_TRANSFER_MEANS_BY_HAND,
            recipient=Sealed(to_be_sealed="the-recipient"),
            reason=Sealed(to_be_sealed="the-reason"),
        ),
        events.FileTransferDueSet(transfer_id="transfer-1", due_at=timestamp(NEXT_MONDAY)),
    )


def test_a_weekend_is_none_of_them() -> None:
    friday = datetime(2026, 3, 6, 12, tzinfo=UTC)
    story = given(file_transfer).when(OPEN, by=dsl, at=friday).after()
    assert story.state.due_at == datetime(2026, 3, 13, 12, tzinfo=UTC)


def test_opening_it_again_changes_nothing_and_another_under_its_id_is_refused() -> None:
    asked(told(), OPEN).then_nothing()
    asked(told(), OPEN, deputy).then_refused("TRANSFER_EXISTS")
    other = calls.TransferFileRequest()
    other.CopyFrom(OPEN)
    other.person_id = "person-other"
    asked(told(), other).then_refused("TRANSFER_EXISTS")


def test_what_was_sent_is_recorded_once_and_its_receipt_is_waited_for() -> None:
    story = told((sent(), platform))
    assert story.state.status == calls.FILE_TRANSFER_STATUS_SENT
    assert story.state.due_at == NEXT_MONDAY
    asked(story, sent(), platform).then_nothing()
    asked(story, sent(sha256=OTHER_HASH), platform).then_refused("FILE_SENT")


def test_a_receipt_is_about_what_was_sent_and_ends_the_chase() -> None:
    asked(told(), RECEIPT).then_refused("FILE_NOT_SENT")
    story = asked(told((sent(), platform)), RECEIPT).then(
        events.FileReceiptRecorded(
            transfer_id="transfer-1",
            person_id=LEARNER,
            recorded_by_id=DSL,
            received_at=timestamp(NOON),
            acknowledged_by=Sealed(to_be_sealed="the-name"),
            reference=Sealed(to_be_sealed="the-reference"),
            sha256=HASH,
        ),
        events.FileTransferSettled(transfer_id="transfer-1"),
    )
    assert story.state.status == calls.FILE_TRANSFER_STATUS_ACKNOWLEDGED
    asked(story, due(0), platform, NEXT_MONDAY).then_nothing()
    asked(story, RECEIPT).then_nothing()
    asked(story, sent(sha256=OTHER_HASH), platform).then_refused("TRANSFER_ACKNOWLEDGED")


def test_nothing_is_received_before_its_time() -> None:
    story = told((sent(), platform))
    found = asked(story, RECEIPT, at=NOON - timedelta(seconds=1)).then_refused("RECEIVED_AHEAD")
    assert found.field == "received_at"


def test_nothing_is_received_before_it_was_sent_nor_sent_before_its_time() -> None:
    later = NOON + timedelta(hours=1)
    noted = sent()
    found = asked(asked(told(), noted, platform, later).after(), RECEIPT, at=later).then_refused("RECEIVED_BEFORE_SENT")
    assert found.field == "received_at"
    noted.sent_at.CopyFrom(timestamp(NOON))
    story = asked(told(), noted, platform, later).after()
    assert asked(story, RECEIPT, at=later).after().state.status == calls.FILE_TRANSFER_STATUS_ACKNOWLEDGED
    assert asked(told(), noted, platform, NOON - timedelta(seconds=1)).then_refused("SENT_AHEAD").field == "sent_at"


@pytest.mark.parametrize("was_sent", [False, True])
def test_it_is_chased_when_its_time_is_over_and_each_working_day_from_then_on(was_sent: bool) -> None:
    story = told((sent(), platform)) if was_sent else told()
    asked(story, due(0), platform, NEXT_MONDAY - timedelta(seconds=1)).then_refused("DUE_AHEAD")
    for number in range(3):
        at = NEXT_MONDAY + timedelta(days=number)
        story = asked(story, due(number), platform, at).then(
            events.FileTransferChased(transfer_id="transfer-1", responsible_id=DSL, sent=was_sent),
            events.FileTransferDueSet(
                transfer_id="transfer-1", number=number + 1, due_at=timestamp(at + timedelta(days=1))
            ),
        )  # fmt: skip
        asked(story, due(number), platform, at).then_nothing()


def test_an_alarm_that_rings_late_is_followed_by_one_and_not_by_all_that_were_missed() -> None:
    late = NEXT_MONDAY + timedelta(days=9)
    story = asked(told(), due(0), platform, late).after()
    assert story.state.due_at == late + timedelta(days=1)


def test_every_time_that_is_set_sets_its_alarm() -> None:
    event = events.FileTransferDueSet(transfer_id="transfer-1", number=2, due_at=timestamp(NOON))
    meta = Metadata("id", "type", "provider-1", "file-transfer-transfer-1", 2, NOON)
    assert list(file_chasing.policies[events.FileTransferDueSet](event, meta)) == [Later(NOON, due(2))]


def test_whoever_takes_it_over_is_chased_by_the_same_deadline() -> None:
    story = asked(told(), TAKE_OVER, deputy).then(
        events.FileTransferTakenOver(transfer_id="transfer-1", responsible_id=DEPUTY),
    )
    asked(story, TAKE_OVER, deputy).then_nothing()
    asked(story, sent(DSL), platform).then_refused("TRANSFER_UNKNOWN")
    chased, _ = asked(story, due(0), platform, NEXT_MONDAY).events
    assert isinstance(chased, events.FileTransferChased)
    assert chased.responsible_id == DEPUTY


def test_it_is_taken_over_only_as_the_file_of_whom_it_is() -> None:
    other = calls.TakeOverFileTransferRequest(transfer_id="transfer-1", person_id="person-other")
    asked(told(), other, deputy).then_refused("TRANSFER_UNKNOWN")
    asked(given(file_transfer), TAKE_OVER, deputy).then_refused("TRANSFER_UNKNOWN")


def test_what_is_not_to_be_sent_is_called_off_and_what_was_sent_is_not() -> None:
    story = told((CALL_OFF, dsl))
    assert (story.state.status, story.state.due_at) == (calls.FILE_TRANSFER_STATUS_CALLED_OFF, None)
    asked(story, CALL_OFF).then_nothing()
    asked(story, sent(), platform).then_refused("TRANSFER_CALLED_OFF")
    asked(story, TAKE_OVER, deputy).then_refused("TRANSFER_CALLED_OFF")
    asked(story, due(0), platform, NEXT_MONDAY).then_nothing()
    asked(told((sent(), platform)), CALL_OFF).then_refused("FILE_SENT")


@pytest.mark.parametrize("command", [RECEIPT, CALL_OFF, sent("person-other")], ids=lambda one: type(one).__name__)
def test_of_another_ones_transfer_and_of_none_the_answer_is_the_same(command: Message) -> None:
    other = person("person-other", "dsl", "senior_lead")
    by = platform if isinstance(command, calls.NoteFileSentRequest) else other
    known = asked(told(), command, by).then_refused("TRANSFER_UNKNOWN")
    unknown = asked(given(file_transfer), command, by).then_refused("TRANSFER_UNKNOWN")
    assert (known.text, known.field) == (unknown.text, unknown.field)


def test_it_folds_in_pieces_and_its_state_holds_no_text() -> None:
    story = told((sent(), platform), (RECEIPT, dsl))
    assert_folds_in_pieces(file_transfer, story.past)
    assert "the-" not in repr(story.state)
