"""The ledger: what was told about a learner, entered once; and how much of it is theirs to know."""

from datetime import datetime

import pytest
from eventkernel.messages import Metadata, derived_id
from eventkernel.testing.scenario import NOON, assert_folds_in_pieces, given
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.notifications.v1.events_pb2 import (
    NoticeRequested,
    Occasion,
)
from mentoring.notifications.v1.ledger_events_pb2 import EnteredInLedger
from mentoring.notifications.v1.ledger_pb2 import (
    EnterInLedgerRequest,
)
from mentoring.notifications.v1.notifications_pb2 import TellCircleRequest, TellPersonRequest
from notifications.default_matrix import default_matrix
from notifications.domain.ledger import Ledger, Sight, ledger, sight_of
from notifications.domain.occasions import TOLD_TO_A_CIRCLE
from notifications.reactions.ledger import ledger as entering
from notifications.reactions.telling import telling as telling_policies
from notifications.service import build
from pydantic import TypeAdapter

from .house import HAPPENINGS, KIND

META = Metadata(event_id="e", type="", tenant="provider-1", stream="", version=1, at=NOON)


def moment(at: datetime) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(at)
    return found


def enter(telling_id: str = "t-1", kind: KIND.ValueType = KIND.INFORMATION_KIND_SESSION) -> EnterInLedgerRequest:
    return EnterInLedgerRequest(learner_id="ada", telling_id=telling_id, kind=kind, happened_at=moment(NOON))


def entered(telling_id: str = "t-1") -> EnteredInLedger:
    kind = KIND.INFORMATION_KIND_SESSION
    return EnteredInLedger(learner_id="ada", telling_id=telling_id, kind=kind, happened_at=moment(NOON))


def test_a_telling_is_entered_once() -> None:
    once = given(ledger).when(enter()).then(entered())
    once.when(enter()).then_nothing()
    once.when(enter("t-2")).then(entered("t-2"))


def test_a_concern_is_never_entered() -> None:
    refusal = given(ledger).when(enter(kind=KIND.INFORMATION_KIND_CONCERN)).then_refused("CONCERN_NOT_IN_LEDGER")
    assert refusal.field == "kind"


def test_of_two_kinds_that_it_may_be_of_a_learner_has_to_be_told_of_both() -> None:
    told, untold = KIND.INFORMATION_KIND_PROGRESS, KIND.INFORMATION_KIND_ACTION
    occasion = Occasion.OCCASION_SESSION_PLANNED
    assert sight_of([told, told], occasion, default_matrix(), was_told=False) is Sight.ALL
    for kinds in ([told, untold], [untold, told]):
        assert sight_of(kinds, occasion, default_matrix(), was_told=False) is Sight.NOTHING
    concern = enter()
    concern.or_kind = KIND.INFORMATION_KIND_CONCERN
    given(ledger).when(concern).then_refused("CONCERN_NOT_IN_LEDGER")


def test_a_ledger_folds_in_pieces_and_survives_its_snapshot() -> None:
    events = [entered(f"t-{number}") for number in range(4)]
    assert_folds_in_pieces(ledger, events)
    adapter, state = TypeAdapter(Ledger), given(ledger, *events).state
    assert adapter.validate_json(adapter.dump_json(state)) == state


# What a learner is shown of what they were not told themself, by the default matrix: by hand.
STAFF = {"SAMPLE_ACTION_REQUIRED", "SAMPLE_ACTION_OVERDUE", "SAMPLE_ACTION_CLOSED"}
NOT_FOR_LEARNERS = {
    "LEARNING_PLAN_OBJECTED_TO", "ASSESSMENT_ASKED", "ASSESSMENT_ACCEPTED", "ASSESSMENT_DECLINED", "ASSESSMENT_CHASED",
    "ASSESSMENT_CALLED_OFF", "ISSUE_ANSWERED", "ISSUE_CHASED", "ISSUE_IDLE",
}  # fmt: skip


@pytest.mark.parametrize("occasion", sorted(TOLD_TO_A_CIRCLE))
@pytest.mark.parametrize("kind", [kind for kind in KIND.values() if kind])
def test_a_learner_sees_whole_what_they_may_be_told_of_and_of_the_rest_that_it_was_told(
    occasion: Occasion.ValueType, kind: KIND.ValueType
) -> None:
    name = Occasion.Name(occasion).removeprefix("OCCASION_")
    untold = {KIND.INFORMATION_KIND_ACTION, KIND.INFORMATION_KIND_CONCERN}
    expected = (
        Sight.NOTHING if name in STAFF or kind in untold else Sight.OUTLINE if name in NOT_FOR_LEARNERS else Sight.ALL
    )
    assert sight_of([kind], occasion, default_matrix(), was_told=False) is expected
    assert sight_of([kind], occasion, default_matrix(), was_told=True) is Sight.ALL


def test_the_ledger_hears_no_concern_and_all_that_a_circle_is_told() -> None:
    assert not any("safeguarding" in event.DESCRIPTOR.file.package for event in entering.policies)
    for event in set(telling_policies.policies) - set(entering.policies):
        requests = telling_policies.policies[event](event(), META)
        assert all(isinstance(one, TellPersonRequest) for one in requests)


@pytest.mark.parametrize("event", HAPPENINGS)
def test_what_is_entered_is_what_is_told_under_the_same_name(event: Message) -> None:
    tellings = [
        one for one in telling_policies.policies[type(event)](event, META) if isinstance(one, TellCircleRequest)
    ]
    entries = list(entering.policies[type(event)](event, META))
    assert [one.telling_id for one in tellings] == [derived_id("telling", "e")]
    assert entries == [
        EnterInLedgerRequest(learner_id="ada", telling_id=one.telling_id, kind=one.kind, happened_at=moment(NOON)) for one in tellings
    ]  # fmt: skip


def test_no_event_of_a_ledger_leaves_the_service() -> None:
    assert not build().contract.of(EnteredInLedger).published
    assert "learner_id" not in NoticeRequested.DESCRIPTOR.fields_by_name
