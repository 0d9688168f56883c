"""A concern may say which issue it comes from: its handlers read that, and nothing that leaves the service tells it."""

from pathlib import Path

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.messages import Principal
from google.protobuf.message import Message
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1 import safeguarding_pb2 as calls
from safeguarding.service import build

from .stories import (
    Tale,
    a_concern,
    a_referral,
    acknowledgement,
    addition,
    an_action,
    closure,
    dsl,
    mentor,
    raised,
    reopening,
)
from .test_reading import STREAM, TENANT, Provider

ISSUE = "issue-17"


def from_an_issue(issue_id: str = ISSUE) -> calls.RaiseConcernRequest:
    command = a_concern()
    command.from_issue_id = issue_id
    return command


def lived() -> Tale:
    """All that happens to a concern until it is closed, reopened, and let go late."""
    tale = raised(from_an_issue())
    tale.miss_the_deadline()
    for command in (acknowledgement, an_action(), a_referral()):
        tale.give(command, dsl)
    tale.miss_what_is_due("referral-r-1")
    rest: tuple[tuple[Message, Principal], ...] = (
        (addition, mentor),
        (acknowledgement, dsl),
        (closure, dsl),
        (reopening, dsl),
    )
    for what, by in rest:
        tale.give(what, by)
    return tale


def test_no_event_but_the_one_that_stays_names_the_issue() -> None:
    contract = build().contract

    def names(event: Message) -> bool:
        return ISSUE.encode() in event.SerializeToString()

    happened = lived().happened
    assert [type(event) for event in happened if names(event)] == [events.ConcernRaised]
    assert not [event for event in happened if contract.of(event).published and names(event)]
    assert ISSUE not in repr(lived().state)


def test_what_is_published_is_the_same_whether_it_comes_from_an_issue_or_not() -> None:
    contract = build().contract

    def published(tale: Tale) -> list[Message]:
        return [event for event in tale.happened if contract.of(event).published]

    assert published(raised(from_an_issue())) == published(raised(a_concern()))


def test_a_repeat_is_one_concern_and_another_issue_is_another_concern() -> None:
    tale = raised(from_an_issue())
    assert list(tale.give(from_an_issue(), mentor)) == []
    for other in (a_concern(), from_an_issue("issue-18")):
        with pytest.raises(Refusal) as caught:
            tale.give(other, mentor)
        assert caught.value.code == "CONCERN_EXISTS"


async def test_its_handlers_are_shown_it_and_no_list_is(tmp_path: Path) -> None:
    provider = Provider(tmp_path)
    rota = calls.SetRotaRequest(site_id="site-1", dsl_id=dsl.person_id, senior_lead_id="person-lead")
    await provider.give(rota, Principal(tenant=TENANT, person_id="person-lead", roles=frozenset({"senior_lead"})))
    await provider.give(from_an_issue(), mentor)
    assert (await provider.file_of(dsl)).from_issue_id == ISSUE
    assert ISSUE not in str(await provider.concerns_of(dsl))
    (commit, *_) = await provider.store.commits.read(TENANT, STREAM)
    assert ISSUE not in commit.partition_key
    assert not any(event.published and ISSUE.encode() in event.data for event in commit.events)
