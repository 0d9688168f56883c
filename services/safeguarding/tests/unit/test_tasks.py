"""One thing that somebody is to do about a concern that another has: to whom it may be given, what they read of it, and that it is chased."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from eventkernel.access import Denied
from eventkernel.messages import Recorded
from eventkernel.testing.scenario import NOON, person
from hypothesis import given, settings
from mentoring.common.v1.common_pb2 import Page, Sealed
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1 import handling_events_pb2 as handling
from mentoring.safeguarding.v1 import passing_on_tasks_events_pb2 as tasks
from mentoring.safeguarding.v1 import safeguarding_pb2 as calls
from mentoring.safeguarding.v1.passing_on_tasks_pb2 import ListMyConcernTasksRequest
from safeguarding.projections.concern_tasks import list_my_concern_tasks

from .handling_stories import due_of
from .histories import Deed, histories
from .stories import (
    DEPUTY,
    DSL,
    LEAD,
    LEARNER,
    MENTOR,
    SECOND_DEPUTY,
    Tale,
    a_concern,
    a_link,
    a_referral,
    a_task,
    acknowledged,
    acknowledgement,
    addition,
    an_action,
    closure,
    deputy,
    dsl,
    due_comes,
    finishing,
    lead,
    mentor,
    platform,
    raised,
    refusal_of,
    reopening,
    timestamp,
)
from .test_histories import in_it
from .test_reading import TENANT, Provider

DAY = timedelta(days=1)


def with_a_task(to: str = DEPUTY) -> Tale:
    tale = acknowledged()
    tale.give(a_task(to), dsl)
    return tale


class TestGiving:
    def test_it_is_given_with_a_time_and_a_text_that_stays_and_the_concern_stays_where_it_is(self) -> None:
        tale = acknowledged()
        due = timestamp(NOON + 2 * DAY)
        assert tale.give(a_task(DEPUTY), dsl) == [
            tasks.ConcernTaskExplained(
                concern_id="concern-1", person_at_risk_id=LEARNER, task_id="t-1", giver_id=DSL, kind=events.ACTION_KIND_ACTION,
                text=Sealed(to_be_sealed=a_task(DEPUTY).text), at=timestamp(NOON),
            ),
            tasks.ConcernTaskGiven(
                concern_id="concern-1", task_id="t-1", assignee_id=DEPUTY, due_at=due, task_key="concern-1.t-1"
            ),
            handling.ConcernDueSet(
                concern_id="concern-1", site_id="site-1", due_id="task-t-1", kind=handling.CONCERN_DUE_TASK, due_at=due
            ),
        ]  # fmt: skip
        assert (tale.state.held_by_id, tale.state.is_handler(DEPUTY)) == (DSL, False)
        assert tale.state.find_due("action-0") is not None
        assert tale.give(a_task(DEPUTY), dsl) == []

    def test_a_refusal_says_the_same_of_one_who_is_in_it_and_one_who_is_on_no_rota(self) -> None:
        tale = raised(a_concern(naming=[DEPUTY.upper()]))
        tale.give(acknowledgement, dsl)
        tale.give(a_link(SECOND_DEPUTY), dsl)
        refusals = [refusal_of(tale, a_task(to), dsl) for to in (DEPUTY, SECOND_DEPUTY, LEARNER, MENTOR, "nobody")]
        assert {(one.code, one.text, one.field) for one in refusals} == {
            ("ASSIGNEE_NOT_POSSIBLE", refusals[0].text, "assignee_id")
        }

    @pytest.mark.parametrize("within", [timedelta(0), -DAY, timedelta(days=90, seconds=1)])
    def test_its_time_is_to_come_and_not_too_far(self, within: timedelta) -> None:
        assert refusal_of(acknowledged(), a_task(DEPUTY, within=within), dsl).field == "due_at"

    def test_an_id_is_of_one_task(self) -> None:
        assert refusal_of(with_a_task(), a_task(LEAD), dsl).code == "TASK_EXISTS"

    def test_it_is_given_by_a_handler_of_what_is_open(self) -> None:
        assert refusal_of(raised(), a_task(DEPUTY), dsl).code == "CONCERN_NOT_ACKNOWLEDGED"
        assert refusal_of(acknowledged(), a_task(DEPUTY), deputy).code == "CONCERN_NOT_YOURS"
        assert refusal_of(acknowledged(), a_task(DEPUTY, site_id="site-2"), dsl).code == "CONCERN_OF_ANOTHER_SITE"


class TestFinishing:
    def test_whoever_is_to_do_it_says_what_came_of_it_and_that_counts_as_something_done(self) -> None:
        tale = with_a_task()
        (done,) = tale.give(finishing(), deputy)
        assert isinstance(done, tasks.ConcernTaskDone)
        assert (done.done_by_id, done.text.to_be_sealed) == (DEPUTY, finishing().text)
        assert (tale.state.status, due_of(tale)) == (calls.CONCERN_STATUS_IN_ACTION, {})
        assert tale.give(finishing(), deputy) == []

    def test_a_handler_may_too_and_nobody_else(self) -> None:
        tale = with_a_task()
        for other in (mentor, lead):
            assert refusal_of(tale, finishing(), other).code == "CONCERN_NOT_YOURS"
        assert refusal_of(tale, finishing("t-9"), deputy).code == "CONCERN_NOT_YOURS"
        assert refusal_of(tale, finishing("t-9"), dsl).code == "TASK_UNKNOWN"
        assert len(tale.give(finishing(), dsl)) == 1

    def test_what_was_added_meanwhile_waits_for_its_acknowledgement_all_the_same(self) -> None:
        tale = with_a_task()
        tale.give(addition, mentor)
        tale.give(finishing(), deputy)
        assert tale.state.status == calls.CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT
        tale.give(acknowledgement, dsl)
        assert tale.state.status == calls.CONCERN_STATUS_IN_ACTION

    def test_what_was_referred_stays_so(self) -> None:
        tale = with_a_task()
        tale.give(a_referral(), dsl)
        tale.give(finishing(), deputy)
        assert tale.state.status == calls.CONCERN_STATUS_REFERRED

    def test_closing_ends_it_and_reopening_does_not_bring_it_back(self) -> None:
        tale = with_a_task()
        tale.give(an_action(), dsl)
        tale.give(closure, dsl)
        assert (tale.state.has_task(DEPUTY), tale.state.due) == (False, ())
        tale.give(reopening, dsl)
        assert not tale.state.has_task(DEPUTY)


class TestOverdue:
    def test_it_is_chased_each_working_day_with_whoever_has_the_concern(self) -> None:
        tale = with_a_task()
        tale.give(an_action(), dsl)
        for _ in range(3):
            late, again = tale.miss_what_is_due("task-t-1")
            assert late == tasks.ConcernTaskOverdue(
                concern_id="concern-1", task_id="t-1", assignee_id=DEPUTY, handler_id=DSL
            )
            assert isinstance(again, handling.ConcernDueSet)
        assert due_of(tale)["task-t-1"] == NOON + 7 * DAY  # Wednesday, Thursday, Friday, Monday

    def test_one_who_is_in_it_by_now_is_told_nothing_and_finishes_nothing(self) -> None:
        tale = with_a_task()
        tale.give(a_link(DEPUTY), dsl)
        assert refusal_of(tale, finishing(), deputy).code == "CONCERN_NOT_YOURS"
        tale.give(an_action(), dsl)
        late, _ = tale.miss_what_is_due("task-t-1")
        assert isinstance(late, tasks.ConcernTaskOverdue)
        assert (late.assignee_id, late.handler_id) == ("", DSL)


@settings(max_examples=200, deadline=None)
@given(histories())
def test_a_task_is_due_until_it_is_done_and_its_assignee_is_never_in_the_concern(
    history: tuple[Tale, list[Deed]],
) -> None:
    tale, deeds = history
    for deed in deeds:
        decided = deed(tale)
        for event in decided:
            if isinstance(event, tasks.ConcernTaskGiven | tasks.ConcernTaskOverdue):
                assert event.assignee_id not in in_it(tale.happened)
        todo = {f"task-{task.task_id}" for task in tale.state.given if task.is_open}
        assert todo == {one.due_id for one in tale.state.due if one.kind == handling.CONCERN_DUE_TASK}
        assert not any(tale.state.has_task(person_id) for person_id in in_it(tale.happened))


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    made = Provider(tmp_path)
    rota = calls.SetRotaRequest(site_id="site-1", dsl_id=DSL, deputy_ids=[DEPUTY], senior_lead_id=LEAD)
    await made.give(rota, lead)
    await made.give(a_concern(), mentor)
    await made.give(acknowledgement, dsl)
    yield made
    await made.node.appends.close()


async def my_tasks(provider: Provider, cursor: str = "") -> tuple[list[tuple[str, str]], str]:
    await provider.project()
    request = ListMyConcernTasksRequest(page=Page(size=1, cursor=cursor))
    found = await list_my_concern_tasks(request, provider.node.reader(deputy))
    return [(one.task_id, one.text) for one in found.tasks], found.next_cursor


async def test_whoever_is_to_do_it_reads_that_and_nothing_else_and_it_is_in_the_access_log(provider: Provider) -> None:
    await provider.give(a_task(DEPUTY, "t-2"), dsl)
    await provider.give(a_task(DEPUTY, within=DAY), dsl)
    await provider.give(a_task(LEAD, "t-3"), dsl)
    first, cursor = await my_tasks(provider)
    assert (first, bool(cursor)) == ([("t-1", a_task(DEPUTY).text)], True)
    opened = await provider.store.access_log.about(TENANT, LEARNER)
    assert [(entry.actor, entry.field) for entry in opened] == [(DEPUTY, "text")]
    assert await my_tasks(provider, cursor) == ([("t-2", a_task(DEPUTY).text)], "")
    assert await provider.concerns_of(deputy) == []
    with pytest.raises(Denied):
        await provider.give(addition, deputy)


async def test_a_concern_is_read_once_however_many_tasks_of_it_are_listed(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    for task_id in ("t-1", "t-2", "t-3"):
        await provider.give(a_task(DEPUTY, task_id), dsl)
    await provider.project()
    reader, read = provider.node.reader(deputy), list[str]()
    whole = reader.history

    async def counted(stream: str) -> list[Recorded]:
        read.append(stream)
        return await whole(stream)

    monkeypatch.setattr(reader, "history", counted)
    assert len((await list_my_concern_tasks(ListMyConcernTasksRequest(), reader)).tasks) == 3
    assert read == [f"concern-{a_concern().concern_id}"]


async def test_what_is_done_and_what_is_of_a_concern_that_names_them_is_in_nobodys_list(provider: Provider) -> None:
    await provider.give(a_task(DEPUTY), dsl)
    await provider.give(a_task(DEPUTY, "t-2"), dsl)
    await provider.give(finishing("t-2"), deputy)
    assert [task_id for task_id, _ in (await my_tasks(provider))[0]] == ["t-1"]
    await provider.give(a_link(DEPUTY), dsl)
    assert await my_tasks(provider) == ([], "")
    with pytest.raises(Denied):
        await provider.give(finishing(), deputy)


async def test_the_handlers_see_who_is_to_do_what_and_by_when(provider: Provider) -> None:
    await provider.give(a_task(DEPUTY), dsl)
    due = {one.due_id: (one.kind, one.assignee_id) for one in (await provider.file_of(dsl)).due}
    assert due["task-t-1"] == (handling.CONCERN_DUE_TASK, DEPUTY)
    assert due["action-0"] == (handling.CONCERN_DUE_ACTION, "")
    with pytest.raises(Denied):
        await provider.give(finishing(), person("person-stranger", "dsl"))
    provider.now += 2 * DAY
    await provider.give(due_comes("task-t-1"), platform)
