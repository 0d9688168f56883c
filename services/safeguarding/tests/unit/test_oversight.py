"""What is seen beside a concern's own file: what is open, a person's chronology, who read what, and counts that tell of nobody."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from eventkernel.messages import Principal
from eventkernel.testing.reading import LaidDown
from eventkernel.testing.scenario import person
from mentoring.common.v1.common_pb2 import Page
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1 import handling_events_pb2 as handling
from mentoring.safeguarding.v1 import oversight_pb2 as oversight
from mentoring.safeguarding.v1 import safeguarding_pb2 as calls
from safeguarding.person_file import get_person_chronology, list_concern_reads
from safeguarding.projections.open_concerns import (
    OpenConcern,
    get_concern_trends,
    list_open_concerns,
    open_concerns,
)

from .stories import (
    DEPUTY,
    DSL,
    LEAD,
    LEARNER,
    NARRATIVE,
    SECOND_DEPUTY,
    a_concern,
    a_link,
    a_referral,
    acknowledgement,
    addition,
    an_action,
    closure,
    deputy,
    dsl,
    lead,
    mentor,
    reopening,
)
from .test_reading import Provider

MARCH = datetime(2026, 3, 15, tzinfo=UTC)


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    made = Provider(tmp_path)
    rota = calls.SetRotaRequest(site_id="site-1", dsl_id=DSL, deputy_ids=[DEPUTY, SECOND_DEPUTY], senior_lead_id=LEAD)
    await made.give(rota, lead)
    yield made
    await made.node.appends.close()


async def open_ids(provider: Provider, by: Principal = lead, size: int = 0) -> list[str]:
    await provider.project()
    found, cursor = list[str](), ""
    while True:
        request = oversight.ListOpenConcernsRequest(page=Page(size=size, cursor=cursor))
        response = await list_open_concerns(request, provider.node.reader(by))
        found += [one.concern_id for one in response.concerns]
        cursor = response.next_cursor
        if not cursor:
            return found


async def chronology(provider: Provider, whose: str, by: Principal) -> list[tuple[str, str, str]]:
    await provider.project()
    request = oversight.GetPersonChronologyRequest(person_id=whose)
    entries = (await get_person_chronology(request, provider.node.reader(by))).entries
    return [(entry.concern_id, entry.what.rsplit(".", 1)[1], entry.text) for entry in entries]


class TestOpen:
    async def test_all_that_is_open_is_there_the_nearest_deadline_first(self, provider: Provider) -> None:
        await provider.give(a_concern(), mentor)
        await provider.give(a_concern(concern_id="concern-2", severity=events.SEVERITY_IMMEDIATE_DANGER), mentor)
        await provider.give(a_concern(concern_id="concern-3", severity=events.SEVERITY_OTHER), mentor)
        assert await open_ids(provider) == ["concern-2", "concern-1", "concern-3"]
        assert await open_ids(provider, size=1) == ["concern-2", "concern-1", "concern-3"]

    async def test_what_is_closed_is_not_and_what_is_reopened_is(self, provider: Provider) -> None:
        await provider.give(a_concern(), mentor)
        for command in (acknowledgement, an_action(), closure):
            await provider.give(command, dsl)
        assert await open_ids(provider) == []
        await provider.give(reopening, dsl)
        assert await open_ids(provider) == ["concern-1"]

    async def test_a_lead_who_is_in_one_learns_nothing_of_it_from_page_or_cursor(self, provider: Provider) -> None:
        await provider.give(a_concern(severity=events.SEVERITY_OTHER), mentor)
        await provider.give(a_concern(concern_id="concern-2", naming=[LEAD.upper()]), mentor)
        await provider.give(a_concern(concern_id="concern-3", about=LEAD), mentor)
        await provider.project()
        request = oversight.ListOpenConcernsRequest(page=Page(size=1))
        response = await list_open_concerns(request, provider.node.reader(lead))
        assert ([one.concern_id for one in response.concerns], response.next_cursor) == (["concern-1"], "")

    async def test_one_site_is_asked_for_alone(self, provider: Provider) -> None:
        await provider.give(a_concern(), mentor)
        await provider.project()
        request = oversight.ListOpenConcernsRequest(site_id="site-2")
        assert not (await list_open_concerns(request, provider.node.reader(lead))).concerns

    async def test_what_is_due_puts_a_concern_in_front(self, provider: Provider) -> None:
        await provider.give(a_concern(severity=events.SEVERITY_OTHER), mentor)
        await provider.give(a_concern(concern_id="concern-2"), mentor)
        await provider.give(calls.AcknowledgeConcernRequest(concern_id="concern-2"), dsl)
        assert await open_ids(provider) == ["concern-1", "concern-2"]
        (first, second) = await provider.concerns_of(dsl)
        assert (first.HasField("due_at"), second.HasField("due_at")) == (False, True)


class TestChronology:
    async def test_it_has_what_is_said_of_the_person_in_all_that_the_caller_handles(self, provider: Provider) -> None:
        await provider.give(a_concern(), mentor)
        await provider.give(a_concern(concern_id="concern-2", about="person-friend", naming=[LEARNER]), mentor)
        await provider.give(calls.AcknowledgeConcernRequest(concern_id="concern-2"), dsl)
        link = a_link(LEARNER, "the-note: stood by")
        link.concern_id = "concern-2"
        await provider.give(link, dsl)
        assert await chronology(provider, LEARNER, dsl) == [
            ("concern-1", "concern-raised", NARRATIVE),
            ("concern-2", "concern-person-linked", "the-note: stood by"),
        ]
        assert await chronology(provider, "person-friend", dsl) == [("concern-2", "concern-raised", NARRATIVE)]

    async def test_who_handles_none_of_them_or_is_named_in_it_finds_nothing(self, provider: Provider) -> None:
        await provider.give(a_concern(), mentor)
        assert await chronology(provider, LEARNER, deputy) == []
        await provider.give(calls.AddToConcernRequest(concern_id="concern-1", text="x", named_person_ids=[DSL]), mentor)
        assert await chronology(provider, LEARNER, dsl) == []
        assert await chronology(provider, "nobody", dsl) == []

    async def test_only_what_is_shown_is_opened(self, provider: Provider) -> None:
        await provider.give(a_concern(), mentor)
        await provider.give(addition, mentor)
        await provider.project()
        request = oversight.GetPersonChronologyRequest(person_id=LEARNER, page=Page(size=1))
        response = await get_person_chronology(request, provider.node.reader(dsl))
        assert response.next_cursor
        opened = await provider.store.access_log.about("provider-1", LEARNER)
        assert [entry.field for entry in opened] == ["narrative"]


async def test_who_read_what_is_told_newest_first_and_asking_reads_nothing(provider: Provider) -> None:
    await provider.give(a_concern(), mentor)
    await provider.give(addition, mentor)
    await provider.file_of(dsl)
    provider.now += timedelta(hours=1)
    await provider.give(a_concern(concern_id="concern-2"), mentor)
    await provider.file_of(dsl, "concern-2")
    request = oversight.ListConcernReadsRequest(concern_id="concern-1")
    for _ in range(2):
        response = await list_concern_reads(request, provider.node.reader(dsl))
        told = {(one.reader_id, one.what.rsplit(".", 1)[1], one.field, one.subject_id) for one in response.reads}
        assert told == {
            (DSL, "concern-raised", "narrative", LEARNER), (DSL, "concern-added-to", "text", LEARNER)
        }  # fmt: skip
        assert len(response.reads) == 2


class TestTrends:
    @staticmethod
    def documents(month: str, count: int, category: int, site: str = "site-1") -> list[OpenConcern]:
        kind = events.ConcernCategory.ValueType(category)
        return [
            OpenConcern(concern_id=f"{month}-{category}-{site}-{number}", month=month, category=kind, site_id=site)
            for number in range(count)
        ]

    async def counts(self, *documents: OpenConcern, months: int = 0) -> list[tuple[str, int, str, int]]:
        reader = LaidDown(lead, documents=documents, now=MARCH)
        response = await get_concern_trends(oversight.GetConcernTrendsRequest(months=months), reader)
        return [(one.month, one.category, one.site_id, one.at_least) for one in response.counts]

    async def test_nothing_under_five_is_told_and_all_else_is_rounded_down(self) -> None:
        documents = [
            *self.documents("2026-02", 4, events.CONCERN_CATEGORY_PHYSICAL, "site-1"),
            *self.documents("2026-02", 9, events.CONCERN_CATEGORY_NEGLECT, "site-2"),
            *self.documents("2026-01", 5, events.CONCERN_CATEGORY_NEGLECT, ""),
        ]
        assert await self.counts(*documents) == [
            ("2026-01", events.CONCERN_CATEGORY_NEGLECT, "", 5),
            ("2026-02", events.CONCERN_CATEGORY_NEGLECT, "", 5),
            ("2026-02", 0, "site-2", 5),
        ]

    async def test_what_is_merged_counts_as_its_leading_concern(self) -> None:
        kind = events.CONCERN_CATEGORY_NEGLECT
        merged = OpenConcern(concern_id="c-9", month="2026-02", category=kind, site_id="site-1", merged_into="c-1.1")
        assert await self.counts(*self.documents("2026-02", 4, kind), merged) == []

    async def test_a_month_that_is_not_over_and_one_that_was_not_asked_for_are_left_out(self) -> None:
        documents = [
            *self.documents("2026-03", 9, events.CONCERN_CATEGORY_NEGLECT),
            *self.documents("2026-01", 9, events.CONCERN_CATEGORY_NEGLECT),
            *self.documents("2025-02", 9, events.CONCERN_CATEGORY_NEGLECT),
        ]
        assert {month for month, *_ in await self.counts(*documents)} == {"2026-01"}
        assert await self.counts(*documents, months=1) == []
        assert {month for month, *_ in await self.counts(*documents, months=13)} == {"2025-02", "2026-01"}


async def test_a_concern_is_counted_as_it_was_raised_and_once(provider: Provider) -> None:
    await provider.give(a_concern(), mentor)
    for command in (acknowledgement, a_referral(handling.REFERRED_TO_POLICE)):
        await provider.give(command, dsl)
    provider.now += timedelta(days=40)
    await provider.give(addition, mentor)
    await provider.project()
    (document,) = await provider.node.reader(person(LEAD, "senior_lead")).documents(open_concerns)
    assert (document.month, document.category) == ("2026-03", events.CONCERN_CATEGORY_PHYSICAL)
