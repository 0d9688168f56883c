"""Whoever sees to the transfer of a file and turns out to be in it: it is to them as one that does not exist, and another is chased."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from eventkernel.access import Denied
from eventkernel.aggregate import NotYet, Refusal
from eventkernel.due import Attempt
from eventkernel.messages import DueRow, Principal
from eventkernel.states import recorded
from eventkernel.testing.scenario import NOON, person
from google.protobuf.message import Message
from mentoring.safeguarding.v1 import safeguarding_pb2 as concern_calls
from mentoring.safeguarding.v1 import transfer_events_pb2 as events
from mentoring.safeguarding.v1 import transfer_pb2 as calls
from mentoring.safeguarding.v1.merging_pb2 import JoinLeadingConcernRequest, MergeConcernsRequest
from safeguarding.effects.file_chasing import chase_file_transfer

from .stories import DEPUTY, DSL, LEAD, LEARNER, SECOND_DEPUTY, a_concern, an_addition, deputy, dsl, lead, mentor
from .test_file_transfer import CALL_OFF, OPEN, RECEIPT, TAKE_OVER, due
from .test_file_transfers import contents, listed, provider, send, told  # noqa: F401
from .test_reading import TENANT, Provider

LAST_RESORT = "person-last-resort"
WHEN_DUE = NOON + timedelta(days=7)


def about(request: Message, transfer_id: str, **changes: str) -> Message:
    """The same of another transfer."""
    found = type(request)()
    found.CopyFrom(request)
    for name, value in {"transfer_id": transfer_id, **changes}.items():
        setattr(found, name, value)
    return found


async def answer_to(call: Awaitable[object]) -> str:
    """Its refusal, or denial, word for word."""
    with pytest.raises((Denied, Refusal)) as refused:
        await call
    return repr((type(refused.value), str(refused.value), getattr(refused.value, "code", "")))


async def chased(provider: Provider, number: int = 0) -> str:  # noqa: F811
    """Whom the platform tells once it is due."""
    provider.now = max(provider.now, WHEN_DUE + timedelta(days=number))
    await provider.project()
    row = DueRow("row", TENANT, provider.now, "", b"")
    doing = Attempt(row, provider.node.commands, provider.node.reader, provider.now)
    await chase_file_transfer(due(number), doing)
    history = await provider.node.reader(Principal.system(TENANT)).history("file-transfer-transfer-1")
    found = [one.event.responsible_id for one in history if isinstance(one.event, events.FileTransferChased)]
    assert len(found) == number + 1
    return found[-1]


@pytest.fixture
async def named(provider: Provider) -> Provider:  # noqa: F811
    """The DSL opened it, and is then named in one of the two concerns that they had of the learner."""
    await provider.give(OPEN, dsl)
    await provider.give(an_addition(DSL), mentor)
    await provider.project()
    return provider


async def test_to_them_every_call_answers_as_of_none(named: Provider) -> None:
    for command in (RECEIPT, CALL_OFF, TAKE_OVER):
        known = await answer_to(named.give(command, dsl))
        assert known == await answer_to(named.give(about(command, "transfer-none"), dsl))
    reads: list[Callable[[], Awaitable[object]]] = [
        lambda: told(named),
        lambda: contents(named),
        lambda: send(named, [events.FilePart(concern_id="concern-2", version=3)]),
    ]
    for read in reads:
        assert "TRANSFER_UNKNOWN" in await answer_to(read())
    assert await listed(named, dsl) == []


async def test_they_open_no_other_of_it(named: Provider) -> None:
    with pytest.raises(Denied):
        await named.give(about(OPEN, "transfer-2"), dsl)
    await named.give(about(OPEN, "transfer-2", person_id="person-friend"), dsl)


async def test_what_merely_names_somebody_else_leaves_it_with_them(provider: Provider) -> None:  # noqa: F811
    await provider.give(OPEN, dsl)
    await provider.give(an_addition("person-aunt"), mentor)
    assert await chased(provider) == DSL
    await send(provider, list((await contents(provider)).parts))


async def test_the_senior_lead_is_chased_instead_and_takes_it_over_with_every_concern(named: Provider) -> None:
    assert await chased(named) == LEAD
    await named.give(TAKE_OVER, lead)
    assert [await listed(named, by) for by in (dsl, lead)] == [[], ["transfer-1"]]
    found = await contents(named, lead)
    assert [one.concern_id for one in found.parts] == ["concern-1", "concern-2"]
    await send(named, list(found.parts), lead)
    assert await chased(named, 1) == LEAD


@pytest.mark.parametrize("command", [an_addition(DSL), TAKE_OVER], ids=["they are named", "it is taken over"])
async def test_what_is_published_does_not_tell_that_whoever_sees_to_it_is_in_it(
    provider: Provider,  # noqa: F811
    command: Message,
) -> None:
    """It is as where another has taken it over."""
    await provider.give(OPEN, dsl)
    await provider.give(command, mentor if command != TAKE_OVER else lead)
    await chased(provider)
    commits = await provider.store.commits.read(TENANT, "file-transfer-transfer-1")
    happened = [item.event for commit in commits for item in recorded(commit, provider.service.contract)]
    stored = [event for commit in commits for event in commit.events]
    published = [event for event, kept in zip(happened, stored, strict=True) if kept.published]
    assert [(type(one).__name__, getattr(one, "responsible_id", "")) for one in published] == [
        ("FileTransferDueSet", ""), ("FileTransferChased", LEAD), ("FileTransferDueSet", ""),
    ]  # fmt: skip


async def test_past_a_senior_lead_who_is_in_it_the_last_resort_is_chased_and_then_who_else_has_it(
    named: Provider,
) -> None:
    await named.give(an_addition(LEAD.upper()), mentor)
    escalate = concern_calls.EscalateConcernRequest(concern_id="concern-1", site_id="site-1", step=1)
    await named.give(escalate, Principal.system(TENANT))
    assert await chased(named) == SECOND_DEPUTY
    policy = concern_calls.SetRoutingPolicyRequest(last_resort_id=LAST_RESORT)
    await named.give(policy, lead)
    assert await chased(named, 1) == LAST_RESORT
    with pytest.raises(Denied):
        await named.give(TAKE_OVER, lead)
    await named.give(TAKE_OVER, person(LAST_RESORT, "senior_lead"))


async def test_nobody_is_told_where_nobody_may_be(named: Provider) -> None:
    await named.give(an_addition(LEAD, SECOND_DEPUTY), mentor)
    assert await chased(named) == ""


async def test_before_its_time_nobody_is_chased(named: Provider) -> None:
    doing = Attempt(DueRow("row", TENANT, NOON, "", b""), named.node.commands, named.node.reader, NOON)
    with pytest.raises(NotYet):
        await chase_file_transfer(due(0), doing)


async def test_who_is_in_what_one_of_its_concerns_was_merged_into_is_in_it(provider: Provider) -> None:  # noqa: F811
    second, platform = person(SECOND_DEPUTY, "deputy_dsl"), Principal.system(TENANT)
    provider.now += timedelta(hours=2)
    escalate = concern_calls.EscalateConcernRequest(concern_id="concern-1", site_id="site-1", step=0)
    await provider.give(escalate, platform)
    await provider.project()
    await provider.give(OPEN, second)
    for concern_id in ("concern-1", "concern-2"):
        await provider.give(concern_calls.AcknowledgeConcernRequest(concern_id=concern_id), dsl)
    merge = MergeConcernsRequest(concern_id="concern-2", duplicate_id="concern-1", reason="the-reason: one matter")
    await provider.give(merge, dsl)
    join = JoinLeadingConcernRequest(concern_id="concern-1", leading_id="concern-2", number=1)
    await provider.give(join, platform)
    assert (await told(provider, second)).transfer.responsible_id == SECOND_DEPUTY
    naming = concern_calls.AddToConcernRequest(concern_id="concern-2", text="more", named_person_ids=[SECOND_DEPUTY])
    await provider.give(naming, mentor)
    assert "TRANSFER_UNKNOWN" in await answer_to(told(provider, second))


class TestWhereOnlyOneHandledIt:
    """The DSL alone handles a concern of the learner, and leaves."""

    @pytest.fixture
    async def left(self, tmp_path: Path) -> AsyncIterator[Provider]:
        made = Provider(tmp_path)
        rota = concern_calls.SetRotaRequest(site_id="site-1", dsl_id=DSL, deputy_ids=[DEPUTY], senior_lead_id=LEAD)
        await made.give(rota, lead)
        await made.give(a_concern(about=LEARNER), mentor)
        await made.project()
        await made.give(OPEN, dsl)
        yield made
        await made.node.appends.close()

    async def test_a_senior_lead_takes_it_over_and_sends_it(self, left: Provider) -> None:
        with pytest.raises(Denied):
            await left.give(TAKE_OVER, deputy)
        with pytest.raises(Denied):
            await left.give(about(TAKE_OVER, "transfer-1", person_id="person-friend"), lead)
        await left.give(TAKE_OVER, lead)
        found = await contents(left, lead)
        assert [one.concern_id for one in found.parts] == ["concern-1"]
        await send(left, list(found.parts), lead)
        await left.give(RECEIPT, lead)
        assert (await told(left, lead)).transfer.status == calls.FILE_TRANSFER_STATUS_ACKNOWLEDGED

    async def test_what_waits_no_more_is_not_theirs_to_take_over(self, left: Provider) -> None:
        await left.give(CALL_OFF, dsl)
        with pytest.raises(Denied):
            await left.give(TAKE_OVER, lead)
