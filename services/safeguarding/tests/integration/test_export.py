"""A concern as PDF over a real socket: what is in it and what is not, its hashes, who may have it, and that it is on the record."""

import hashlib
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from eventkernel.client import Client
from eventkernel.states import recorded
from mentoring.common.v1.common_pb2 import CommandReply
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1 import export_pb2 as export
from mentoring.safeguarding.v1 import handling_pb2 as handling
from mentoring.safeguarding.v1 import oversight_pb2 as oversight
from mentoring.safeguarding.v1 import safeguarding_pb2 as calls
from mentoring.safeguarding.v1.merging_pb2 import MergeConcernsRequest
from mentoring.safeguarding.v1.passing_on_tasks_pb2 import FinishTaskRequest, GiveTaskRequest
from pypdf import PdfReader
from safeguarding.file_contents import part

from ..unit.stories import (
    DEPUTY,
    DSL,
    LEARNER,
    MENTOR,
    NARRATIVE,
    SECOND_DEPUTY,
    a_concern,
    a_link,
    a_referral,
    acknowledgement,
    addition,
    an_action,
    an_answer,
    closure,
    timestamp,
)
from .running import SERVICE, Api, parts, refused

AUNT = "person-aunt"
COURT = "the-order: family court, number 17"
STREAM = "concern-concern-1"


async def handled(api: Api) -> None:
    """From the raise to its close: added to, triaged, somebody linked, advice, a task, a referral, an attachment."""
    triage = handling.TriageConcernRequest(
        concern_id="concern-1", site_id="site-1", category=events.CONCERN_CATEGORY_NEGLECT, severity=events.SEVERITY_SERIOUS
    )  # fmt: skip
    task = GiveTaskRequest(
        concern_id="concern-1", site_id="site-1", task_id="t-1", assignee_id=SECOND_DEPUTY, text="the-task: see the nurse",
        due_at=timestamp(api.clock.now + timedelta(days=1)),
    )  # fmt: skip
    done = FinishTaskRequest(concern_id="concern-1", task_id="t-1", text="the-outcome: the nurse saw him")
    await api.by().call(addition, CommandReply)
    await api.begin()
    await api.send(parts())
    for request in (
        acknowledgement, triage, a_link(AUNT, "the-note: she called on Sunday"), an_action(), task, done, a_referral(), an_answer(), closure
    ):  # fmt: skip
        api.clock.now += timedelta(minutes=1)
        await api.dsl.call(request, CommandReply)


async def exported(api: Api, by: Client | None = None, **changes: Any) -> tuple[export.ConcernExport, bytes]:
    request = export.ExportConcernRequest(**{"concern_id": "concern-1", "reason": COURT, **changes})
    told, content = export.ConcernExport(), b""
    async for one in (by or api.dsl).stream(request, export.ExportConcernResponse):
        if one.HasField("export"):
            told = one.export
        content += one.content
    return told, content


def pages_of(content: bytes) -> list[str]:
    """What a person reads on each page, without the breaks of lines."""
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(content)).pages]


def tight(pages: list[str]) -> str:
    """All of it without blanks: a long word is broken where its column ends."""
    return "".join("".join(pages).split())


async def test_it_has_everything_that_was_written_with_who_what_when_and_why(api: Api) -> None:
    await handled(api)
    _, content = await exported(api)
    text = tight(pages_of(content))
    for told in (
        NARRATIVE, addition.text, "the-note: she called on Sunday", "the-task: see the nurse", "the-outcome: the nurse saw him",
        "the-action: spoke with his aunt", a_referral().text, an_answer().text, closure.reason, COURT,
        MENTOR, DSL, AUNT, LEARNER, DEPUTY, SECOND_DEPUTY, "at risk", "witness", "named, no part given",
        "from physical, serious to neglect, serious", "closed, because", "local authority", "taken on", "Chased", "photo.png",
        "2026-03-02",
    ):  # fmt: skip
        assert "".join(told.split()) in text, told


async def test_every_page_is_marked_and_numbered(api: Api) -> None:
    await handled(api)
    pages = pages_of((await exported(api))[1])
    assert len(pages) > 2
    for number, page in enumerate(pages, 1):
        assert "CONFIDENTIAL: safeguarding concern concern-1" in page
        assert f"page {number} of {len(pages)}" in page


async def test_no_head_of_a_column_is_broken_within_a_word(api: Api) -> None:
    await handled(api)
    words = set(" ".join(pages_of((await exported(api))[1])).split())
    assert {"Chased", "Overdue", "Acknowledged"} <= words


async def test_its_hashes_are_those_of_the_stored_events_and_its_own_is_told(api: Api) -> None:
    await handled(api)
    told, content = await exported(api)
    commits = await api.store.commits.read("provider-1", STREAM)
    history = [item for commit in commits for item in recorded(commit, SERVICE.contract)]
    assert (told.version, told.events_sha256) == (history[-1].meta.version, part(history).sha256)
    assert (told.size, told.sha256) == (len(content), hashlib.sha256(content).digest())
    text = tight(pages_of(content))
    for length in range(1, len(history) + 1):
        assert part(history[:length]).sha256.hex() in text
        assert history[length - 1].meta.event_id in text
    (attached,) = await api.listed(api.dsl)
    assert attached.sha256.hex() in text
    assert str(attached.size) in text


async def test_it_is_in_the_chronology_and_the_reads_with_who_and_why(api: Api) -> None:
    await handled(api)
    told, content = await exported(api)
    file = await api.dsl.call(calls.GetConcernRequest(concern_id="concern-1"), calls.GetConcernResponse)
    last = file.chronology[-1]
    assert (last.what, last.actor_id, last.text) == ("mentoring.safeguarding.concern-exported", DSL, COURT)
    assert len(file.chronology) == told.version
    reads = await api.dsl.call(
        oversight.ListConcernReadsRequest(concern_id="concern-1"), oversight.ListConcernReadsResponse
    )
    of_export = [(one.reader_id, one.field) for one in reads.reads if one.what.endswith("concern-exported")]
    assert (DSL, "export") in of_export
    assert (DSL, "narrative") in {(one.reader_id, one.field) for one in reads.reads}
    reading = re.search(rf"{DSL} {told.version} exported export {LEARNER}", " ".join(pages_of(content)))
    assert reading, "the export's own reading is not in it"
    assert COURT.encode() not in b"".join(
        event.data for commit in await api.store.commits.read("provider-1", STREAM) for event in commit.events
    )
    assert not any(event.published for event in (await api.store.commits.read("provider-1", STREAM))[-1].events)


async def test_an_export_leaves_what_is_due_and_who_has_it_as_it_was(api: Api) -> None:
    await api.dsl.call(acknowledgement, CommandReply)
    before = await api.dsl.call(calls.GetConcernRequest(concern_id="concern-1"), calls.GetConcernResponse)
    await exported(api)
    after = await api.dsl.call(calls.GetConcernRequest(concern_id="concern-1"), calls.GetConcernResponse)
    assert (after.concern, list(after.due)) == (before.concern, list(before.due))


async def test_who_handles_it_not_gets_the_answer_of_one_that_is_not_there_and_leaves_no_trace(api: Api) -> None:
    async def asked(concern_id: str, who: Client) -> tuple[str, str]:
        failed = await refused(exported(api, who, concern_id=concern_id))
        return failed.reason, str(failed)

    stored = len(await api.store.commits.read("provider-1", STREAM))
    for who in (
        api.by(),
        api.by(DEPUTY, "deputy_dsl"),
        api.by(LEARNER, "dsl"),
        api.by("stranger", "dsl", "senior_lead"),
    ):
        assert await asked("concern-1", who) == await asked("concern-9", who)
        assert (await asked("concern-1", who))[0] == "NOT_ALLOWED"
    assert len(await api.store.commits.read("provider-1", STREAM)) == stored
    assert await api.store.access_log.about("provider-1", LEARNER) == []


class TestAboutOne:
    async def test_the_others_are_letters_and_what_was_written_of_them_is_withheld(self, api: Api) -> None:
        await handled(api)
        text = tight(pages_of((await exported(api, only_about_id=LEARNER))[1]))
        assert "".join(NARRATIVE.split()) in text
        for hidden in (AUNT, DEPUTY, "the-note"):
            assert hidden not in text
        assert "personA" in text
        assert "personB" in text
        assert MENTOR in text
        assert f"only{LEARNER}isnamed:theothersareletters.Everybodyelseisnamedtoo:whoraisedit,whowasasked" in text
        of_aunt = tight(pages_of((await exported(api, only_about_id=AUNT.upper()))[1]))
        assert "the-note:shecalledonSunday" in of_aunt
        for hidden in (NARRATIVE, LEARNER, closure.reason, "photo.png"):
            assert "".join(hidden.split()) not in of_aunt
        assert "withheld" in of_aunt

    async def test_why_it_was_exported_about_another_is_withheld(self, api: Api) -> None:
        await api.dsl.call(a_link(AUNT), CommandReply)
        await exported(api, only_about_id=AUNT, reason="the-other-order: the aunt asks")
        text = tight(pages_of((await exported(api, only_about_id=LEARNER))[1]))
        assert ("the-other-order" in text, "".join(COURT.split()) in text) == (False, True)

    async def test_what_is_withheld_is_not_opened(self, api: Api) -> None:
        await handled(api)
        await exported(api, only_about_id=AUNT)
        opened = {one.field for one in await api.store.access_log.about("provider-1", LEARNER)}
        assert opened == {"export", "reason"}
        (note,) = await api.store.access_log.about("provider-1", AUNT)
        assert (note.actor, note.field) == (DSL, "note")

    async def test_who_is_not_in_it_is_refused_and_nothing_is_stored(self, api: Api) -> None:
        stored = len(await api.store.commits.read("provider-1", STREAM))
        failed = await refused(exported(api, only_about_id="somebody-else"))
        assert (failed.reason, list(failed.fields)) == ("PERSON_NOT_IN_CONCERN", ["only_about_id"])
        assert len(await api.store.commits.read("provider-1", STREAM)) == stored


async def test_a_raiser_who_is_anonymous_is_named_to_handlers_and_in_no_part_that_is_about_one(api: Api) -> None:
    hidden = calls.RaiseConcernRequest(
        concern_id="concern-2", site_id="site-1", category=events.CONCERN_CATEGORY_PHYSICAL, severity=events.SEVERITY_SERIOUS,
        person_at_risk_id=LEARNER, narrative=NARRATIVE, anonymous=True,
    )  # fmt: skip
    await api.by().call(hidden, CommandReply)
    whole = tight(pages_of((await exported(api, concern_id="concern-2"))[1]))
    about = tight(pages_of((await exported(api, concern_id="concern-2", only_about_id=LEARNER))[1]))
    assert (MENTOR in whole, MENTOR in about, "whoeverraisedit" in about) == (True, False, True)
    assert "Everybodyelseisnamedtoo:whowasaskedtotakeit,workedonitorreadit.Whoraiseditisnot." in about


async def test_from_which_issue_it_came_is_told_in_whole_and_in_no_part_that_is_about_one(api: Api) -> None:
    raised = a_concern(naming=[AUNT], concern_id="concern-2")
    raised.from_issue_id = "issue-of-well-being"
    await api.by().call(raised, CommandReply)
    whole = tight(pages_of((await exported(api, concern_id="concern-2"))[1]))
    about = tight(pages_of((await exported(api, concern_id="concern-2", only_about_id=AUNT))[1]))
    assert (whole.count("issue-of-well-being"), "issue" in about) == (1, False)


async def test_what_was_merged_with_it_is_told_to_who_handles_both_and_not_what_is_in_it(api: Api) -> None:
    other = a_concern(about="person-brother", narrative="the-other: he has one too", concern_id="concern-2")
    await api.by().call(other, CommandReply)
    for concern_id in ("concern-1", "concern-2"):
        await api.dsl.call(calls.AcknowledgeConcernRequest(concern_id=concern_id), CommandReply)
    merging = MergeConcernsRequest(
        concern_id="concern-1", duplicate_id="concern-2", reason="the-same: one fall, seen twice"
    )
    await api.dsl.call(merging, CommandReply)
    text = tight(pages_of((await exported(api))[1]))
    for told in ("Merged into it, and exported by themselves: concern-2.", "other concern concern-2", merging.reason):
        assert "".join(told.split()) in text
    for hidden in ("person-brother", "the-other"):
        assert hidden not in text
    about_one = tight(pages_of((await exported(api, only_about_id=LEARNER))[1]))
    assert "concern-2" not in about_one


@pytest.mark.parametrize(
    ("text", "piece", "times"), [("word " * 3999, "word", 3999), ("\n" * 9000 + "the end", "theend", 1), ("~" * 20_000, "~", 20_000)]
)  # fmt: skip
async def test_a_text_as_long_as_may_be_goes_over_pages_and_loses_nothing(
    api: Api, text: str, piece: str, times: int
) -> None:
    await api.dsl.call(calls.AddToConcernRequest(concern_id="concern-1", text=text), CommandReply)
    # It is told twice: in the chronology, and among what was added.
    assert tight(pages_of((await exported(api))[1])).count(piece) == 2 * times


async def test_however_wide_its_letters_and_narrow_its_column_a_text_goes_over_pages(api: Api) -> None:
    text = "ЩЖШ МШЫ " * 2000
    await api.dsl.call(acknowledgement, CommandReply)
    referral = a_referral()
    referral.text = text
    task = GiveTaskRequest(
        concern_id="concern-1", site_id="site-1", task_id="t-1", assignee_id=SECOND_DEPUTY, text=text,
        due_at=timestamp(api.clock.now + timedelta(days=1)),
    )  # fmt: skip
    for request in (a_link(AUNT, text), task, referral):
        await api.dsl.call(request, CommandReply)
    # Each is in the chronology and in a table of its own, and the note nowhere else.
    assert tight(pages_of((await exported(api))[1])).count("ЩЖШ") == 2 * 3 * 2000
