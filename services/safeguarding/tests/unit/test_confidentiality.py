"""What leaves the service tells nobody who is at risk, who is named, who raised it anonymously, or what was said."""

import pytest
from eventkernel.cloudevents import encode
from eventkernel.contract import EventContract
from eventkernel.messages import Commit, ParkedRecord, StoredEvent
from eventkernel.operations.shown import content
from eventkernel.testing.scenario import NOON
from google.protobuf.message import Message
from hypothesis import given, settings
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.options.v1 import options_pb2
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1 import safeguarding_pb2 as calls
from mentoring.safeguarding.v1.passing_on_events_pb2 import ConcernPassedOn
from mentoring.safeguarding.v1.passing_on_tasks_events_pb2 import ConcernTaskGiven
from safeguarding.domain.concern import concern
from safeguarding.service import build

from .histories import Deed, histories
from .merging_stories import a_separation, merged, of
from .stories import (
    DEPUTY,
    MENTOR,
    NARRATIVE,
    Tale,
    a_concern,
    a_file,
    a_passing_on,
    a_referral,
    a_task,
    acknowledged,
    addition,
    an_action,
    closure,
    dsl,
    mentor,
    raised,
    reopening,
)
from .test_histories import in_it

CONTRACT = build().contract
PUBLISHED = [event for event in CONTRACT.own_events.values() if event.published]
TEXTS = (
    "the-narrative", "the-addition", "the-action", "the-reason", "the-note", "the-reopening", "the-referral", "the-answer",
    "the-passing",
    "the-file",
    "the-passing", "the-task", "the-outcome",
)  # fmt: skip


def published(happened: list[Message]) -> list[Message]:
    return [event for event in happened if CONTRACT.of(event).published]


@settings(max_examples=400, deadline=None)
@given(histories())
def test_the_bytes_that_leave_hold_no_text_and_nobody_at_risk_named_or_anonymous(
    history: tuple[Tale, list[Deed]],
) -> None:
    tale, deeds = history
    for deed in deeds:
        deed(tale)
    raise_ = tale.happened[0]
    assert isinstance(raise_, events.ConcernRaised)
    hidden = {*TEXTS, raise_.content_digest}
    # A raiser who is on the rota may be asked to take the concern, or to do something about it; that says nothing of who raised it.
    asked = {
        event.receiver_id if isinstance(event, ConcernPassedOn) else event.assignee_id
        for event in tale.happened
        if isinstance(event, events.ConcernAssigned | ConcernPassedOn | ConcernTaskGiven)
    }
    if raise_.anonymous and raise_.raiser_id not in asked:
        hidden.add(raise_.raiser_id)
    for number, event in enumerate(tale.happened):
        if not published([event]):
            continue
        content = event.SerializeToString()
        # One who turned out to be in it later may have been asked before.
        for secret in hidden | in_it(tale.happened[: number + 1]):
            assert secret.encode() not in content, f"{secret} in {event.DESCRIPTOR.name}"


@settings(max_examples=200, deadline=None)
@given(histories())
def test_an_anonymous_raiser_is_in_no_published_field_but_that_of_who_is_asked(
    history: tuple[Tale, list[Deed]],
) -> None:
    tale, deeds = history
    for deed in deeds:
        deed(tale)
    raise_ = tale.happened[0]
    assert isinstance(raise_, events.ConcernRaised)
    if not raise_.anonymous:
        return
    for event in published(tale.happened):
        if isinstance(event, events.ConcernReceived):
            assert event.raiser_id == ""
        if isinstance(event, events.ConcernAssigned):
            assert event.raiser_role == "anonymous"


def test_every_kind_of_published_event_was_looked_at() -> None:
    """The histories above prove nothing of a kind of event that they never make."""
    tale = acknowledged()
    for command in (a_referral(), addition, closure, reopening, closure):
        tale.give(command, dsl)
    chased = acknowledged()
    chased.give(a_referral(), dsl)
    chased.miss_what_is_due("referral-r-1")
    lapsed = acknowledged()
    lapsed.miss_what_is_due("action-0")
    lapsed.miss_the_deadline()
    passed_on = acknowledged()
    passed_on.give(a_passing_on(DEPUTY), dsl)
    passed_on.give(a_task(DEPUTY), dsl)
    passed_on.miss_what_is_due("task-t-1")
    matter = merged()
    matter.give(of("concern-2", addition), mentor)
    matter.give(a_separation(), dsl)
    told = tale.happened + chased.happened + lapsed.happened + passed_on.happened
    made = {
        type(event)
        for event in published([*told, *(matter.tales["concern-1"].happened), *matter.tales["concern-2"].happened])
    }
    of_concerns = {event.message for event in PUBLISHED if "concern-" in event.type}
    assert made == of_concerns
    # What else is published is about sites: which person stands there is said of the senior lead alone, who is told of a gap.
    others = {event.message for event in PUBLISHED} - of_concerns
    assert {field.name for message in others for field in message.DESCRIPTOR.fields} == {
        "site_id", "begins_at", "ends_at", "senior_lead_id", "next_at",
        # And about transfers of files: who sees to one, and not whose it is.
        "transfer_id", "responsible_id", "number", "due_at", "sent",
    }  # fmt: skip


@pytest.mark.parametrize("event", PUBLISHED, ids=lambda event: event.type)
def test_a_published_event_has_no_place_for_a_sealed_text_or_for_whose_data_it_is(event: EventContract) -> None:
    for field in event.message.DESCRIPTOR.fields:
        assert field.message_type is not Sealed.DESCRIPTOR
        assert not field.GetOptions().Extensions[options_pb2.field].subject


@pytest.mark.parametrize(
    "command", [a_concern(anonymous=True), a_concern(about=MENTOR)], ids=["anonymous raiser", "raiser at risk"]
)
def test_the_headers_that_leave_do_not_tell_who_raised_it(command: calls.RaiseConcernRequest) -> None:
    tale = Tale()
    decided = tale.give(command, mentor)
    stored = tuple(
        StoredEvent(
            f"e{version}", CONTRACT.of(event).type, version, event.SerializeToString(), CONTRACT.of(event).published
        )
        for version, event in enumerate(decided, start=1)
    )
    commit = Commit(
        id="provider-1/key", tenant="provider-1", stream="concern-concern-1", events=stored,
        partition_key="concern-concern-1", at=NOON, actor=mentor.person_id, published_version=3,
    )  # fmt: skip
    for event in stored:
        if event.published:
            key, _, headers = encode(commit, event, "/mentoring/safeguarding")
            assert MENTOR.encode() not in b"\n".join([key, *(value for _, value in headers)])


def test_the_state_holds_no_text() -> None:
    tale = raised(a_concern(naming=["person-other"]))
    tale.give(addition, mentor)
    tale.give(a_file(), mentor)
    assert NARRATIVE not in repr(tale.state)
    assert not any(text in repr(tale.state) for text in TEXTS)


def test_the_state_is_the_same_when_every_text_is_taken_away() -> None:
    """Folding never looks into what is sealed, so erasure and snapshots change nothing of it."""
    tale = acknowledged()
    tale.give(an_action(), dsl)
    tale.give(closure, dsl)
    bare = []
    for event in tale.happened:
        copy = type(event).FromString(event.SerializeToString())
        for field in copy.DESCRIPTOR.fields:
            if field.message_type is Sealed.DESCRIPTOR:
                copy.ClearField(field.name)
        bare.append(copy)
    assert concern.fold(concern.initial, bare) == tale.state


@settings(max_examples=50, deadline=None)
@given(histories())
def test_an_operator_is_shown_which_concern_an_event_is_of_and_nobody_in_it(history: tuple[Tale, list[Deed]]) -> None:
    tale, deeds = history
    for deed in deeds:
        deed(tale)
    raise_ = tale.happened[0]
    assert isinstance(raise_, events.ConcernRaised)
    state = tale.state
    people = {raise_.person_at_risk_id, *raise_.named_person_ids, raise_.raiser_id, state.assignee_id, *state.asked_ids}
    for event in tale.happened:
        shown = content(_parked(event), CONTRACT)
        assert f'"concern_id": "{raise_.concern_id}"' in shown
        assert [person for person in people if f'"{person}"' in shown] == [], shown


def _parked(event: Message) -> ParkedRecord:
    return ParkedRecord(
        subscription="notifications.telling.v1", tenant="p", stream="concern-concern-1", topic=CONTRACT.topic, partition=0, offset=7,
        key=b"", value=event.SerializeToString(), headers=(("ce_type", CONTRACT.of(event).type.encode()),), reason="UNREADABLE_EVENT",
        attempts=1, at=NOON,
    )  # fmt: skip
