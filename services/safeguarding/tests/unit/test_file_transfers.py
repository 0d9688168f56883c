"""Files that go elsewhere, through the whole service on the store in memory: what they are made of, who sees them, and that it is on record."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from eventkernel.access import Denied
from eventkernel.aggregate import Refusal
from eventkernel.messages import Principal
from eventkernel.reading import Reader
from eventkernel.testing.scenario import person
from eventkernel.transfers import Transfer, nothing
from mentoring.common.v1.common_pb2 import Page
from mentoring.safeguarding.v1 import safeguarding_pb2 as concern_calls
from mentoring.safeguarding.v1 import transfer_events_pb2 as events
from mentoring.safeguarding.v1 import transfer_pb2 as calls
from safeguarding import file_contents
from safeguarding.domain.concern_state import Concern
from safeguarding.file_contents import given_to
from safeguarding.projections.file_transfers import list_file_transfers
from safeguarding.transfer_file import get_file_contents, get_file_transfer
from safeguarding.transfers.sent import record_file_sent

from .stories import (
    DEPUTY,
    DSL,
    LEAD,
    LEARNER,
    SECOND_DEPUTY,
    a_concern,
    addition,
    an_addition,
    deputy,
    dsl,
    lead,
    mentor,
    timestamp,
)
from .test_file_transfer import CALL_OFF, OPEN, RECEIPT, TAKE_OVER
from .test_reading import TENANT, Provider


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    """With a concern about the learner, and one about somebody else that the learner is named in."""
    made = Provider(tmp_path)
    rota = concern_calls.SetRotaRequest(
        site_id="site-1", dsl_id=DSL, deputy_ids=[DEPUTY, SECOND_DEPUTY], senior_lead_id=LEAD
    )
    await made.give(rota, lead)
    await made.give(a_concern(naming=[DEPUTY]), mentor)
    await made.give(a_concern(concern_id="concern-2", about="person-friend", naming=[LEARNER]), mentor)
    await made.give(a_concern(concern_id="concern-3", about="person-friend"), mentor)
    await made.project()
    yield made
    await made.node.appends.close()


async def contents(provider: Provider, by: Principal = dsl) -> calls.GetFileContentsResponse:
    return await get_file_contents(calls.GetFileContentsRequest(transfer_id="transfer-1"), provider.node.reader(by))


async def send(
    provider: Provider, parts: list[events.FilePart], by: Principal = dsl, sent_at: datetime | None = None
) -> calls.RecordFileSentResponse:
    transfer = Transfer(
        read=provider.node.reader(by), blobs=provider.node.blobs, commands=provider.node.commands, due=provider.store.due,
        clock=provider.clock, correlation_id="", received=nothing(),
    )  # fmt: skip
    request = calls.RecordFileSentRequest(transfer_id="transfer-1", parts=parts)
    if sent_at is not None:
        request.sent_at.FromDatetime(sent_at)
    return await record_file_sent(request, transfer)


async def told(provider: Provider, by: Principal = dsl) -> calls.GetFileTransferResponse:
    return await get_file_transfer(calls.GetFileTransferRequest(transfer_id="transfer-1"), provider.node.reader(by))


async def listed(provider: Provider, by: Principal, *, overdue: bool = False, size: int = 0) -> list[str]:
    await provider.project()
    found, page = list[str](), Page(size=size)
    while True:
        request = calls.ListFileTransfersRequest(page=page, overdue=overdue)
        response = await list_file_transfers(request, provider.node.reader(by))
        found += [one.transfer_id for one in response.transfers]
        page.cursor = response.next_cursor
        if not page.cursor:
            return found


async def test_who_handles_no_concern_that_the_person_is_in_transfers_nothing(provider: Provider) -> None:
    nobodys = calls.TransferFileRequest()
    nobodys.CopyFrom(OPEN)
    nobodys.person_id = "person-nobody"
    answers = set()
    for command, by in ((OPEN, deputy), (OPEN, lead), (OPEN, person(LEARNER, "dsl")), (nobodys, lead)):
        with pytest.raises(Denied) as denied:
            await provider.give(command, by)
        answers.add(str(denied.value))
    assert len(answers) == 1
    await provider.give(OPEN, dsl)


async def test_it_is_opened_for_the_person_as_the_concern_spells_them_so_that_their_key_seals_it(
    provider: Provider,
) -> None:
    shouted = calls.TransferFileRequest()
    shouted.CopyFrom(OPEN)
    shouted.person_id = LEARNER.upper()
    with pytest.raises(Denied):
        await provider.give(shouted, dsl)


async def test_the_file_is_the_concerns_that_the_person_is_in_each_by_its_events(provider: Provider) -> None:
    await provider.give(OPEN, dsl)
    found = await contents(provider)
    assert [(one.concern_id, one.version) for one in found.parts] == [("concern-1", 3), ("concern-2", 3)]
    assert len({one.sha256 for one in found.parts}) == 2
    assert await contents(provider) == found
    assert await provider.store.access_log.about(TENANT, LEARNER) == [], "nothing is opened for a hash"
    await provider.give(addition, mentor)
    later = await contents(provider)
    assert later.parts[0].version > 3
    assert later.sha256 != found.sha256
    assert later.parts[1] == found.parts[1]


async def test_what_was_sent_stays_known_whatever_is_added_since(provider: Provider) -> None:
    await provider.give(OPEN, dsl)
    prepared = await contents(provider)
    await provider.give(addition, mentor)
    for part in prepared.parts:
        part.sha256 = b""
    sent = await send(provider, list(prepared.parts))
    assert (sent.sha256, [one.version for one in sent.parts]) == (prepared.sha256, [3, 3])
    assert await send(provider, list(prepared.parts)) == sent
    found = await told(provider)
    assert (list(found.parts), found.sha256, found.unaltered) == (list(sent.parts), sent.sha256, True)


async def test_the_hashes_are_the_services_own_and_never_the_callers(provider: Provider) -> None:
    await provider.give(OPEN, dsl)
    (first, *_) = (await contents(provider)).parts
    made_up = events.FilePart(concern_id="concern-1", version=first.version, sha256=b"\x09" * 32)
    assert (await send(provider, [made_up])).parts == [first]


async def test_events_that_were_altered_since_are_told(provider: Provider) -> None:
    await provider.give(OPEN, dsl)
    await send(provider, list((await contents(provider)).parts))
    commits = provider.store.commits
    stored = await commits.read(TENANT, "concern-concern-1")
    event = stored[0].events[0]
    object.__setattr__(event, "data", event.data + b"\x0a\x00")
    assert not (await told(provider)).unaltered


@pytest.mark.parametrize(
    ("concern_id", "version"), [("concern-3", 3), ("concern-9", 1), ("concern-1", 4), ("concern-1", 99)]
)
async def test_no_other_concern_is_sent_and_none_further_than_it_goes(
    provider: Provider, concern_id: str, version: int
) -> None:
    await provider.give(OPEN, dsl)
    with pytest.raises(Refusal) as refusal:
        await send(provider, [events.FilePart(concern_id=concern_id, version=version)])
    assert (refusal.value.code, refusal.value.field) == ("PART_UNKNOWN", "parts")


async def test_it_was_sent_when_it_is_said_and_not_before_what_it_holds_was_written(provider: Provider) -> None:
    await provider.give(OPEN, dsl)
    written, provider.now = provider.now, provider.now + timedelta(hours=2)
    parts = list((await contents(provider)).parts)
    with pytest.raises(Refusal) as refusal:
        await send(provider, parts, sent_at=written - timedelta(seconds=1))
    assert (refusal.value.code, refusal.value.field) == ("SENT_BEFORE_WRITTEN", "sent_at")
    await send(provider, parts, sent_at=written + timedelta(hours=1))
    assert (await told(provider)).sent_at == timestamp(written + timedelta(hours=1))
    with pytest.raises(Refusal) as refusal:
        await provider.give(RECEIPT, dsl)
    assert refusal.value.code == "RECEIVED_BEFORE_SENT"


async def test_a_receipt_is_told_with_what_it_is_about_and_each_reading_is_on_record(provider: Provider) -> None:
    await provider.give(OPEN, dsl)
    await send(provider, list((await contents(provider)).parts))
    await provider.give(RECEIPT, dsl)
    found = await told(provider)
    assert (found.recipient, found.reason) == ("the-recipient", "the-reason")
    assert (found.acknowledged_by, found.reference, found.received_at) == (
        "the-name",
        "the-reference",
        RECEIPT.received_at,
    )
    assert found.transfer.status == calls.FILE_TRANSFER_STATUS_ACKNOWLEDGED
    opened = await provider.store.access_log.about(TENANT, LEARNER)
    assert {(one.actor, one.field) for one in opened} == {
        (DSL, "recipient"), (DSL, "reason"), (DSL, "acknowledged_by"), (DSL, "reference"),
    }  # fmt: skip
    stored = await provider.store.commits.read(TENANT, "file-transfer-transfer-1")
    data = b"".join(event.data for commit in stored for event in commit.events)
    assert not any(text in data for text in (b"the-recipient", b"the-reason", b"the-name", b"the-reference"))


async def test_why_it_was_called_off_is_told(provider: Provider) -> None:
    await provider.give(OPEN, dsl)
    await provider.give(CALL_OFF, dsl)
    assert (await told(provider)).called_off_because == CALL_OFF.reason


async def test_nobody_but_who_sees_to_it_is_told_of_it(provider: Provider) -> None:
    await provider.give(OPEN, dsl)
    for by in (deputy, lead, mentor):
        for ask in (told, contents):
            with pytest.raises(Refusal) as refusal:
                await ask(provider, by)
            assert refusal.value.code == "TRANSFER_UNKNOWN"
        with pytest.raises(Refusal, match="No transfer of a file with this id is yours"):
            await send(provider, [events.FilePart(concern_id="concern-1", version=3)], by)


class TestLists:
    async def test_it_waits_in_the_list_of_who_sees_to_it_and_of_the_senior_lead_until_it_is_acknowledged(
        self, provider: Provider
    ) -> None:
        await provider.give(OPEN, dsl)
        assert [await listed(provider, by) for by in (dsl, lead, deputy)] == [["transfer-1"], ["transfer-1"], []]
        await send(provider, list((await contents(provider)).parts))
        assert await listed(provider, dsl) == ["transfer-1"]
        await provider.give(RECEIPT, dsl)
        assert [await listed(provider, by) for by in (dsl, lead)] == [[], []]

    async def test_what_is_overdue_is_asked_for_alone_and_the_nearest_time_comes_first(
        self, provider: Provider
    ) -> None:
        second = calls.TransferFileRequest()
        second.CopyFrom(OPEN)
        second.transfer_id, second.person_id = "transfer-2", "person-friend"
        await provider.give(second, dsl)
        provider.now += timedelta(days=1)
        await provider.give(OPEN, dsl)
        assert await listed(provider, dsl, size=1) == ["transfer-2", "transfer-1"]
        provider.now += timedelta(days=6)
        assert await listed(provider, dsl, overdue=True) == ["transfer-2"]
        assert await listed(provider, dsl) == ["transfer-2", "transfer-1"]

    async def test_a_senior_lead_sees_none_of_a_file_that_they_are_in_also_where_its_handler_lost_it(
        self, provider: Provider
    ) -> None:
        await provider.give(OPEN, dsl)
        await provider.give(an_addition(LEAD.upper()), mentor)
        assert await listed(provider, lead) == []
        await provider.give(an_addition(DSL), mentor)
        assert await listed(provider, lead) == []
        assert await listed(provider, person("person-another-lead", "senior_lead")) == ["transfer-1"]

    async def test_however_many_wait_each_handlers_concerns_are_looked_at_once(
        self, provider: Provider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        second = calls.TransferFileRequest()
        second.CopyFrom(OPEN)
        second.transfer_id = "transfer-2"
        for request in (OPEN, second):
            await provider.give(request, dsl)
        looked_at = list[str]()

        async def counted(handler_id: str, read: Reader) -> list[Concern]:
            looked_at.append(handler_id)
            return await given_to(handler_id, read)

        monkeypatch.setattr(file_contents, "given_to", counted)
        assert await listed(provider, lead) == ["transfer-1", "transfer-2"]
        assert looked_at == [DSL, LEAD]

    async def test_a_senior_leads_own_file_is_not_in_their_list(self, provider: Provider) -> None:
        own = calls.TransferFileRequest()
        own.CopyFrom(OPEN)
        own.person_id = "person-friend"
        await provider.give(own, dsl)
        assert await listed(provider, person("person-friend", "senior_lead")) == []


class TestAcrossHandlers:
    """One concern about the learner is the DSL's; the other, which names the DSL, is the deputy's."""

    @pytest.fixture
    async def apart(self, tmp_path: Path) -> AsyncIterator[Provider]:
        made = Provider(tmp_path)
        rota = concern_calls.SetRotaRequest(site_id="site-1", dsl_id=DSL, deputy_ids=[DEPUTY], senior_lead_id=LEAD)
        await made.give(rota, lead)
        await made.give(a_concern(), mentor)
        await made.give(a_concern(concern_id="concern-2", naming=[DSL]), mentor)
        await made.project()
        await made.give(OPEN, dsl)
        await send(made, list((await contents(made)).parts))
        yield made
        await made.node.appends.close()

    async def test_who_is_in_a_part_of_a_file_does_not_take_it_over_and_learns_nothing(self, apart: Provider) -> None:
        await apart.give(an_addition(DEPUTY), mentor)
        nobodys = calls.TakeOverFileTransferRequest(transfer_id="transfer-1", person_id="person-nobody")
        answers = set()
        for request in (TAKE_OVER, nobodys):
            with pytest.raises(Denied) as denied:
                await apart.give(request, deputy)
            answers.add(str(denied.value))
        assert len(answers) == 1

    async def test_a_senior_lead_who_is_in_a_part_sees_it_no_more_once_another_took_it_over(
        self, apart: Provider
    ) -> None:
        await apart.give(an_addition(LEAD), mentor)
        await apart.give(TAKE_OVER, deputy)
        assert await listed(apart, lead) == []
        assert await listed(apart, person("person-another-lead", "senior_lead")) == ["transfer-1"]

    async def test_a_list_that_is_behind_shows_it_to_nobody_who_gave_it_up(self, apart: Provider) -> None:
        await listed(apart, dsl)
        await apart.give(TAKE_OVER, deputy)
        request = calls.ListFileTransfersRequest()
        assert not (await list_file_transfers(request, apart.node.reader(dsl))).transfers


async def test_another_who_handles_a_concern_of_the_person_takes_it_over(provider: Provider) -> None:
    await provider.give(OPEN, dsl)
    second = person(SECOND_DEPUTY, "deputy_dsl")
    with pytest.raises(Denied):
        await provider.give(TAKE_OVER, second)
    provider.now += timedelta(hours=2)
    escalate = concern_calls.EscalateConcernRequest(concern_id="concern-1", site_id="site-1", step=0)
    await provider.give(escalate, Principal.system(TENANT))
    await provider.project()
    await provider.give(TAKE_OVER, second)
    assert [await listed(provider, by) for by in (dsl, second)] == [[], ["transfer-1"]]
    assert [one.concern_id for one in (await contents(provider, second)).parts] == ["concern-1"]


async def test_a_text_that_is_sent_again_otherwise_is_not_dropped(provider: Provider) -> None:
    await provider.give(OPEN, dsl)
    other = calls.TransferFileRequest()
    other.CopyFrom(OPEN)
    other.recipient = "somebody else"
    with pytest.raises(Refusal) as refusal:
        await provider.give(other, dsl)
    assert refusal.value.code == "DONE_WITH_OTHER_TEXT"
    assert RECEIPT.received_at == timestamp(provider.now)
