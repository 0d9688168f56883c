"""What is read of concerns that are merged, by whom, and that a process that dies in between loses nothing: the whole service in memory."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from eventkernel.access import Denied
from eventkernel.messages import Principal, derived_id
from eventkernel.reading import Ask, Reader
from eventkernel.states import recorded
from google.protobuf.message import Message
from mentoring.safeguarding.v1 import oversight_pb2 as oversight
from mentoring.safeguarding.v1 import safeguarding_pb2 as calls
from mentoring.safeguarding.v1.attachments_pb2 import ListAttachmentsRequest
from mentoring.safeguarding.v1.events_pb2 import CONCERN_CATEGORY_STAFF_LOW_LEVEL as STAFF_LOW_LEVEL
from mentoring.safeguarding.v1.handling_pb2 import MeetConcernDueRequest
from safeguarding.concern_file import get_concern
from safeguarding.person_file import get_person_chronology
from safeguarding.projections.open_concerns import list_open_concerns, open_concerns
from safeguarding.relations import handler_of_concern, raiser_or_handler

from .merging_stories import A, B, C, a_merging, a_separation, of, what_follows
from .stories import (
    DEPUTY,
    DSL,
    LEAD,
    LEARNER,
    MENTOR,
    SECOND_DEPUTY,
    a_concern,
    a_link,
    a_passing_on,
    a_task,
    acknowledgement,
    addition,
    an_addition,
    deputy,
    dsl,
    lead,
    mentor,
)
from .test_reading import TENANT, Provider, platform

D = "concern-4"
_NARRATIVE_OF_B = "the-narrative: his sister says the same"
_REASONS = (a_merging().reason, a_separation().reason)


class MergingProvider(Provider):
    """It also carries what one concern says to the other, everything again each time, as after a process that died."""

    async def carry(self) -> None:
        while await self._carry_once():
            pass

    async def _carry_once(self) -> int:
        stored = 0
        for concern_id in (A, B, C, D):
            commits = await self.store.commits.read(TENANT, f"concern-{concern_id}")
            for item in [item for commit in commits for item in recorded(commit, self.service.contract)]:
                for request in what_follows(item.event, item.meta):
                    before = await self._stored()
                    await self.give(request, platform, key=derived_id("merging", item.meta.event_id))
                    stored += await self._stored() - before
        return stored

    async def _stored(self) -> int:
        return sum([len(await self.events_of(one)) for one in (A, B, C)])

    async def ask(self, command: Message, by: Principal) -> None:
        await self.give(command, by)
        await self.carry()

    async def may_read(self, by: Principal, concern_id: str) -> bool:
        request = calls.GetConcernRequest(concern_id=concern_id)
        return await handler_of_concern(Ask(by, request, self.node.reader(by)))

    async def events_of(self, concern_id: str) -> list[str]:
        commits = await self.store.commits.read(TENANT, f"concern-{concern_id}")
        return [event.type.rsplit(".", 1)[1] for commit in commits for event in commit.events]


class Counting:
    """A reader that counts the states it gives."""

    def __init__(self, read: Reader) -> None:
        self._read, self.states = read, 0

    async def state(self, *asked: Any) -> Any:
        self.states += 1
        return await self._read.state(*asked)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._read, name)


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[MergingProvider]:
    """Two concerns of the learner that one DSL acknowledged."""
    made = MergingProvider(tmp_path)
    rota = calls.SetRotaRequest(site_id="site-1", dsl_id=DSL, deputy_ids=[DEPUTY, SECOND_DEPUTY], senior_lead_id=LEAD)
    await made.give(rota, lead)
    await made.give(a_concern(), mentor)
    await made.give(a_concern(concern_id=B, narrative=_NARRATIVE_OF_B, anonymous=True), mentor)
    for concern_id in (A, B):
        await made.give(of(concern_id, acknowledgement), dsl)
    yield made
    await made.node.appends.close()


async def passed_on(provider: MergingProvider) -> None:
    """The leading concern is the deputy's, who was never given the other."""
    await provider.give(a_passing_on(DEPUTY), dsl)
    await provider.give(acknowledgement, deputy)


async def had_by_both(provider: MergingProvider) -> None:
    """The deputy had the other, and gave it back."""
    await provider.give(of(B, a_passing_on(DEPUTY)), dsl)
    await provider.give(of(B, acknowledgement), deputy)
    await provider.give(of(B, a_passing_on(DSL)), deputy)
    await provider.give(of(B, acknowledgement), dsl)


async def test_an_unknown_concern_and_one_that_is_not_ones_own_answer_alike(provider: MergingProvider) -> None:
    await passed_on(provider)
    answers = set()
    commands = [
        a_merging(B, A),
        a_merging("concern-9", A),
        a_merging(A, "concern-9"),
        a_merging("concern-9", "concern-9"),
    ]
    for command in (*commands, a_separation(B, A), a_separation("concern-9", A), a_separation(A, "concern-9")):
        with pytest.raises(Denied) as denied:
            await provider.give(command, deputy)
        answers.add(str(denied.value))
    assert len(answers) == 2, "one for each call"


async def test_whoever_handles_the_leading_concern_reads_the_other_and_nobody_else_reads_more(
    provider: MergingProvider,
) -> None:
    await passed_on(provider)
    assert not await provider.may_read(deputy, B)
    await provider.ask(a_merging(), dsl)
    file = await provider.file_of(deputy, B)
    assert await provider.may_read(deputy, B)
    assert (file.narrative, file.raiser_id, file.concern.merged_into_id) == (_NARRATIVE_OF_B, MENTOR, A)
    assert await raiser_or_handler(Ask(deputy, ListAttachmentsRequest(concern_id=B), provider.node.reader(deputy)))
    for nobody in (lead, mentor):
        assert not await provider.may_read(nobody, A)
        assert not await provider.may_read(nobody, B)


async def test_each_chronology_shows_it_with_its_reason_to_those_who_handle_both(provider: MergingProvider) -> None:
    await provider.ask(a_merging(), dsl)
    await provider.ask(a_separation(), dsl)
    for concern_id, other_id in ((A, B), (B, A)):
        told = [one for one in (await provider.file_of(dsl, concern_id)).chronology if one.other_concern_id]
        assert {one.other_concern_id for one in told} == {other_id}
        assert [(one.actor_id, one.text) for one in told if one.text] == [(DSL, reason) for reason in _REASONS]


async def test_however_often_the_other_was_added_to_it_is_read_as_often(provider: MergingProvider) -> None:
    await provider.ask(a_merging(), dsl)
    read = []
    for _ in range(2):
        await provider.ask(of(B, addition), mentor)
        reading = Counting(provider.node.reader(dsl))
        await get_concern(calls.GetConcernRequest(concern_id=A), cast("Reader", reading))
        read.append(reading.states)
    assert read[0] == read[1] > 0


async def test_without_texts_no_reason_is_opened_in_either(provider: MergingProvider) -> None:
    await provider.ask(a_merging(), dsl)
    shut = calls.GetConcernRequest(concern_id=B, without_texts=True)
    told = [one for one in (await get_concern(shut, provider.node.reader(dsl))).chronology if one.other_concern_id]
    assert [(one.actor_id, one.text) for one in told] == [(DSL, "")]
    opened = await provider.store.access_log.about(TENANT, LEARNER)
    assert "reason" not in {one.field for one in opened}


async def test_who_handles_the_duplicate_alone_sees_that_it_is_merged_and_not_into_what(
    provider: MergingProvider,
) -> None:
    await had_by_both(provider)
    await provider.ask(a_merging(), dsl)
    (shown,) = await provider.concerns_of(deputy)
    assert (shown.concern_id, shown.status, shown.merged_into_id) == (B, calls.CONCERN_STATUS_MERGED, "")
    file = await provider.file_of(deputy, B)
    assert (file.concern.merged_into_id, {one.other_concern_id for one in file.chronology}) == ("", {""})
    assert not {one.text for one in file.chronology} & set(_REASONS)


async def test_lists_show_it_once_under_its_leading_concern(provider: MergingProvider) -> None:
    await provider.ask(a_merging(), dsl)
    (mine,) = await provider.concerns_of(dsl)
    opened = await list_open_concerns(oversight.ListOpenConcernsRequest(), provider.node.reader(lead))
    assert [(one.concern_id, list(one.merged_ids)) for one in (mine, *opened.concerns)] == [(A, [B]), (A, [B])]
    await provider.ask(a_separation(), dsl)
    assert {one.concern_id for one in await provider.concerns_of(dsl)} == {A, B}
    opened = await list_open_concerns(oversight.ListOpenConcernsRequest(), provider.node.reader(lead))
    assert {(one.concern_id, len(one.merged_ids)) for one in opened.concerns} == {(A, 0), (B, 0)}


async def test_trends_count_one_until_it_is_separated(provider: MergingProvider) -> None:
    await provider.ask(a_merging(), dsl)
    assert await counted(provider) == {A}
    await provider.ask(a_separation(), dsl)
    assert await counted(provider) == {A, B}


async def counted(provider: MergingProvider) -> set[str]:
    await provider.project()
    documents = await provider.node.reader(lead).documents(open_concerns)
    return {one.concern_id for one in documents if not one.merged_into}


async def test_a_persons_chronology_has_both_also_for_who_was_given_one(provider: MergingProvider) -> None:
    await passed_on(provider)
    link = a_link("person-sister", "the-note: was there")
    await provider.give(of(B, link), dsl)
    await provider.ask(a_merging(), dsl)
    await provider.project()

    async def said_of(person_id: str) -> set[str]:
        request = oversight.GetPersonChronologyRequest(person_id=person_id)
        found = await get_person_chronology(request, provider.node.reader(deputy))
        return {one.concern_id for one in found.entries}

    assert await said_of(LEARNER) == {A, B}
    assert await said_of("person-sister") == {B}


async def test_whoever_is_named_in_one_loses_both_before_the_other_has_heard_of_it(provider: MergingProvider) -> None:
    await passed_on(provider)
    await provider.give(a_task(SECOND_DEPUTY), deputy)
    await provider.ask(a_merging(), dsl)
    await provider.give(of(B, an_addition(DEPUTY)), mentor)
    assert not await provider.may_read(deputy, A)
    assert not await provider.may_read(deputy, B)
    assert await provider.concerns_of(deputy) == []
    await provider.give(a_link(DSL), dsl)
    assert not await provider.may_read(dsl, A)
    assert not await provider.may_read(dsl, B)
    assert await provider.concerns_of(dsl) == []


async def test_whoever_is_named_in_one_loses_another_that_is_merged_into_the_same(provider: MergingProvider) -> None:
    await had_by_both(provider)
    await provider.give(a_concern(concern_id=C), mentor)
    await provider.give(of(C, acknowledgement), dsl)
    await provider.ask(a_merging(), dsl)
    await provider.ask(a_merging(C), dsl)
    assert await provider.may_read(deputy, B)
    await provider.give(of(C, an_addition(DEPUTY)), mentor)
    assert not await provider.may_read(deputy, B), "before the leading one has heard of it"


async def test_a_lead_who_is_named_in_one_is_shown_neither(provider: MergingProvider) -> None:
    await provider.ask(a_merging(), dsl)
    await provider.give(of(B, an_addition(LEAD)), mentor)
    await provider.project()
    opened = await list_open_concerns(oversight.ListOpenConcernsRequest(), provider.node.reader(lead))
    assert list(opened.concerns) == []


async def test_what_is_carried_again_after_a_process_died_happens_once(provider: MergingProvider) -> None:
    await provider.give(a_merging(), dsl)
    assert "concern-merged" not in await provider.events_of(B)
    await provider.carry()
    await provider.give(of(B, addition), mentor)
    await provider.carry()
    await provider.give(a_separation(), dsl)
    for _ in range(2):
        await provider.carry()
    happened = [*await provider.events_of(A), *await provider.events_of(B)]
    for once in (
        "concern-merge-begun",
        "concern-merged",
        "concern-separated",
        "merged-concern-let-go",
        "merged-concern-heard-of",
    ):
        assert happened.count(once) == 1, once


async def test_what_was_merged_in_between_reads_as_it_was_written(provider: MergingProvider) -> None:
    before = {concern_id: await provider.events_of(concern_id) for concern_id in (A, B)}
    await provider.ask(a_merging(), dsl)
    await provider.ask(a_separation(), dsl)
    for concern_id, events in before.items():
        assert (await provider.events_of(concern_id))[: len(events)] == events
    file = await provider.file_of(dsl, B)
    assert (file.narrative, file.raiser_id, file.person_at_risk_id) == (_NARRATIVE_OF_B, MENTOR, LEARNER)


async def test_of_what_turns_out_to_be_about_a_dsl_the_other_is_read_by_those_who_handle_that_alone(
    provider: MergingProvider,
) -> None:
    for concern_id in (C, D):
        await provider.give(a_concern(concern_id=concern_id, about=MENTOR, category=STAFF_LOW_LEVEL), mentor)
        await provider.give(of(concern_id, acknowledgement), dsl)
    await provider.ask(a_merging(C, D), dsl)
    assert await provider.may_read(dsl, C)
    await provider.give(of(D, a_link(DEPUTY)), dsl)
    looked_at = MeetConcernDueRequest(concern_id=D, site_id="site-1", due_id="rota-1")
    await provider.give(looked_at, platform)
    assert not await provider.may_read(dsl, D)
    assert not await provider.may_read(dsl, C)
    assert await provider.may_read(lead, C)
