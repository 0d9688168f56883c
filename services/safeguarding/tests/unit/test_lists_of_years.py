"""A handler's lists go on where they hold more than the store gives in one answer."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from eventkernel import reading
from mentoring.safeguarding.v1 import safeguarding_pb2 as calls
from mentoring.safeguarding.v1.oversight_pb2 import ListOpenConcernsRequest
from mentoring.safeguarding.v1.passing_on_tasks_pb2 import ListMyConcernTasksRequest
from safeguarding.projections import every
from safeguarding.projections.concern_tasks import list_my_concern_tasks
from safeguarding.projections.open_concerns import list_open_concerns

from .stories import DEPUTY, DSL, LEAD, SECOND_DEPUTY, a_concern, a_task, acknowledgement, deputy, dsl, lead, mentor
from .test_file_transfer import OPEN
from .test_file_transfers import listed
from .test_reading import Provider

CONCERNS = ["concern-1", "concern-2", "concern-3"]


@pytest.fixture
async def provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Provider]:
    """Three concerns of one handler, where the store gives two documents in one answer."""
    monkeypatch.setattr(reading, "_MOST", 2)
    monkeypatch.setattr(every, "_AT_ONCE", 2)
    made = Provider(tmp_path)
    rota = calls.SetRotaRequest(site_id="site-1", dsl_id=DSL, deputy_ids=[DEPUTY, SECOND_DEPUTY], senior_lead_id=LEAD)
    await made.give(rota, lead)
    for concern_id in CONCERNS:
        await made.give(a_concern(concern_id=concern_id), mentor)
    await made.project()
    yield made
    await made.node.appends.close()


async def test_concerns(provider: Provider) -> None:
    assert [one.concern_id for one in await provider.concerns_of(dsl)] == CONCERNS
    response = await list_open_concerns(ListOpenConcernsRequest(), provider.node.reader(dsl))
    assert len(response.concerns) == len(CONCERNS)


async def test_tasks(provider: Provider) -> None:
    await provider.give(acknowledgement, dsl)
    for number in range(3):
        await provider.give(a_task(DEPUTY, f"t-{number}"), dsl)
    await provider.project()
    response = await list_my_concern_tasks(ListMyConcernTasksRequest(), provider.node.reader(deputy))
    assert [one.task_id for one in response.tasks] == ["t-0", "t-1", "t-2"]


async def test_files(provider: Provider) -> None:
    await provider.give(OPEN, dsl)
    provider.now += timedelta(days=1)
    assert await listed(provider, dsl) == ["transfer-1"]
