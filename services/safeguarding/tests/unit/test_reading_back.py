"""A rota and its duty read back as they were set, the sites that have one, and a concern looked at without its texts."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from eventkernel.messages import Principal
from eventkernel.testing.reading import LaidDown
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import Page
from mentoring.safeguarding.v1 import duty_events_pb2 as duty_events
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1 import handling_events_pb2 as handling
from mentoring.safeguarding.v1 import oversight_pb2 as oversight
from mentoring.safeguarding.v1 import safeguarding_pb2 as calls
from mentoring.safeguarding.v1.duty_pb2 import GetRotaRequest, GetRotaResponse, ListRotasRequest
from safeguarding.concern_file import get_concern
from safeguarding.person_file import list_concern_reads
from safeguarding.projections.rota_sites import RotaSite, changed, list_rotas, rota_sites
from safeguarding.rota_queries import get_rota

from .stories import (
    DEPUTY,
    DSL,
    LEAD,
    LEARNER,
    NARRATIVE,
    SECOND_DEPUTY,
    a_concern,
    acknowledgement,
    an_action,
    dsl,
    lead,
    mentor,
)
from .test_reading import STREAM, TENANT, Provider

DUTY = duty_events.DutySet(
    site_id="site-1", time_zone="Europe/London", notice_days=3,
    shifts=[
        duty_events.Shift(person_id=DSL, weekdays=[duty_events.WEEKDAY_MONDAY, duty_events.WEEKDAY_FRIDAY], begins="08:30", ends="24:00", first_day="2026-03-02"),
        duty_events.Shift(person_id=DEPUTY, weekdays=[duty_events.WEEKDAY_SATURDAY], begins="22:00", ends="07:05", last_day="2026-06-01"),
    ],
    leaves=[duty_events.Leave(person_id=DSL, first_day="2026-03-02", last_day="2026-03-06")],
)  # fmt: skip
STREAMS: dict[str, list[Message]] = {
    "rota-site-1": [events.RotaSet(site_id="site-1", dsl_id=DSL, deputy_ids=[DEPUTY], senior_lead_id=LEAD)],
    "rota-": [events.RotaSet(dsl_id=DSL, senior_lead_id=LEAD)],
    "duty-site-1": [DUTY],
}


async def read_back(site_id: str, by: Principal = lead) -> GetRotaResponse:
    return await get_rota(GetRotaRequest(site_id=site_id), LaidDown(by, STREAMS))


class TestRota:
    async def test_it_is_read_back_as_it_was_set(self) -> None:
        found = await read_back("site-1")
        assert (found.dsl_id, list(found.deputy_ids), found.senior_lead_id) == (DSL, [DEPUTY], LEAD)
        assert (list(found.shifts), list(found.leaves)) == (list(DUTY.shifts), list(DUTY.leaves))
        assert (found.time_zone, found.notice_days) == ("Europe/London", 3)
        assert (found.rota_is_set, found.duty_is_set) == (True, True)

    async def test_who_is_away_is_told_to_the_senior_lead_alone(self) -> None:
        found = await read_back("site-1", dsl)
        assert (len(found.shifts), list(found.leaves)) == (2, [])

    async def test_one_whose_duty_was_not_set_and_one_that_is_not_there_are_told_apart(self) -> None:
        own, none = await read_back(""), await read_back("never-heard-of")
        assert (own.rota_is_set, own.duty_is_set, own.notice_days) == (True, False, 7)
        assert none == GetRotaResponse()

    async def test_the_sites_that_have_one_are_listed_in_pages_the_providers_own_first(self) -> None:
        laid = []
        for stream, site_id in (("rota-site-2", "site-2"), ("rota-", ""), ("rota-site-1", "site-1")):
            document = rota_sites.new(stream)
            changed(document, duty_events.RotaChanged(site_id=site_id), None)  # type: ignore[arg-type]
            laid.append(document)
        assert laid[1] == RotaSite(stream="rota-", site_id="")
        reader, found, cursor = LaidDown(lead, documents=laid), list[str](), ""
        for _ in laid:
            answer = await list_rotas(ListRotasRequest(page=Page(size=1, cursor=cursor)), reader)
            found += answer.site_ids
            cursor = answer.next_cursor
        assert (found, cursor) == (["", "site-1", "site-2"], "")


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    made = Provider(tmp_path)
    rota = calls.SetRotaRequest(site_id="site-1", dsl_id=DSL, deputy_ids=[DEPUTY, SECOND_DEPUTY], senior_lead_id=LEAD)
    await made.give(rota, lead)
    yield made
    await made.node.appends.close()


class TestWithoutTexts:
    async def test_no_text_is_opened_and_that_it_was_looked_at_is_recorded(self, provider: Provider) -> None:
        await provider.give(a_concern(), mentor)
        for command in (acknowledgement, an_action()):
            await provider.give(command, dsl)
        request = calls.GetConcernRequest(concern_id="concern-1", without_texts=True)
        found = await get_concern(request, provider.node.reader(dsl))
        provider.now += timedelta(minutes=1)
        whole = await provider.file_of(dsl)
        assert NARRATIVE not in str(found)
        assert "the-action" not in str(found)
        assert [entry.what for entry in found.chronology] == [entry.what for entry in whole.chronology]
        assert (found.concern, found.person_at_risk_id) == (whole.concern, LEARNER)
        accesses = await provider.store.access_log.about(TENANT, LEARNER)
        assert [(one.actor, one.stream, one.field) for one in accesses] == [
            (DSL, STREAM, "chronology"),
            (DSL, STREAM, "narrative"),
            (DSL, STREAM, "text"),
        ]
        reads = await list_concern_reads(
            oversight.ListConcernReadsRequest(concern_id="concern-1"), provider.node.reader(dsl)
        )
        assert reads.reads[-1].field == "chronology"

    async def test_a_summary_says_what_is_due(self, provider: Provider) -> None:
        await provider.give(a_concern(), mentor)
        (waits,) = await provider.concerns_of(dsl)
        await provider.give(acknowledgement, dsl)
        (taken,) = await provider.concerns_of(dsl)
        assert (waits.due, taken.due) == (handling.CONCERN_DUE_UNSPECIFIED, handling.CONCERN_DUE_ACTION)
