"""Who sees what of an issue, who learns that there is one, and what is found in lists."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.messages import Metadata, Principal
from eventkernel.reading import Ask
from eventkernel.testing.scenario import NOON, given, person
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import (
    Page,
)
from mentoring.sessions.v1.events_pb2 import CANCEL_REASON_OTHER
from mentoring.sessions.v1.issue_events_pb2 import (
    ISSUE_KIND_PROGRESS,
    ISSUE_KIND_WELL_BEING,
    ISSUE_OUTCOME_RESOLVED,
    REFERRED_AS_DSL,
    IssueReminderPutOff,
)
from mentoring.sessions.v1.issue_pb2 import (
    ISSUE_PART_LEARNER,
    ISSUE_PART_MENTOR,
    ISSUE_PART_REFERRED_TO,
    ISSUE_STATUS_CLOSED,
    ISSUE_STATUS_OPEN,
    REFERRAL_STATUS_WAITING,
    GetIssueRequest,
    GetIssueResponse,
    ListIssuesRequest,
    ListMyIssuesRequest,
)
from mentoring.sessions.v1.sessions_pb2 import CancelMentorshipRequest
from sessions.domain.issue import issue
from sessions.projections.issue_record import get_issue
from sessions.projections.issues import FoundIssue, issues, list_issues, list_my_issues
from sessions.relations import concerned_with_issue

from .issue_stories import (
    DEPUTY,
    DSL,
    IDLE,
    OF,
    accept,
    add,
    decline,
    next_step,
    outcome,
    past,
    refer,
    reopen,
    report,
    well_being,
    withdraw,
)
from .issues_lived import TO_EMMA, lived
from .plan_stories import (
    ASSESSOR,
    CANCELLED,
    COACH,
    EMPLOYER,
    LEARNER,
    MANAGER,
    MENTOR,
    STRANGER,
    started,
)

Reading = Callable[..., Any]
GET = GetIssueRequest(**OF)
_META = Metadata("event-1", "type", "provider-1", "issue-issue-1", 1, NOON)
EVERYBODY = (LEARNER, MENTOR, MANAGER, EMPLOYER, ASSESSOR, COACH, DSL, STRANGER, person("pat", "provider_manager"))
TO_DANA: dict[str, Any] = {"referred_to_id": "dana", "referred_as": REFERRED_AS_DSL, "ask": "advise us"}
PEOPLE: dict[str, Any] = {"mentorships-learner-1": [started()]}


def progress() -> Any:
    """One of progress: with a manager in full, with the employer in outline; notes by all of them, some private."""
    tale = past(refer(), refer("referral-2", **TO_EMMA), add("m-1", "shared by the mentor"))
    for note, text, by, private in (
        ("m-2", "private to the mentor", MENTOR, True), ("l-1", "by the learner", LEARNER, False),
        ("l-2", "private of the learner", LEARNER, True), ("p-1", "by the manager", MANAGER, False),
        ("p-2", "private of the manager", MANAGER, True), ("e-1", "by the employer", EMPLOYER, False),
    ):  # fmt: skip
        tale = tale.when(add(note, text, private=private), by=by).after()
    tale = tale.when(accept(), by=MANAGER).after().when(next_step(), by=MENTOR).after()
    tale = tale.when(report(tale.state.act), at=IDLE.replace(year=2027)).after()
    return tale.when(outcome(), by=MENTOR).after()


async def read_by(
    reader: Reading, caller: Principal, tale: Any, streams: Any = None
) -> tuple[GetIssueResponse, list[str]]:
    read = reader(caller, streams={**(streams or PEOPLE), "issue-issue-1": tale.past})
    return await get_issue(GET, read), read.opened


def texts(found: GetIssueResponse) -> list[str]:
    return [one.text for one in found.entries if one.text]


WHAT, ASKED_PAULA, ASKED_EMMA = "no time to read at work", "speak to the site", "give an hour"
STEP, CAME = "an hour on Fridays", "there is an hour now"
SHARED = ["shared by the mentor", "by the learner", "by the manager", "by the employer"]


@pytest.mark.parametrize(
    ("caller", "what", "said"),
    [
        (
            MENTOR,
            WHAT,
            [ASKED_PAULA, ASKED_EMMA, SHARED[0], "private to the mentor", SHARED[1], "private of the learner", SHARED[2],
             "private of the manager", SHARED[3], STEP, CAME],
        ),
        (
            LEARNER,
            WHAT,
            [ASKED_PAULA, ASKED_EMMA, SHARED[0], SHARED[1], "private of the learner", SHARED[2], SHARED[3], STEP, CAME],
        ),
        (MANAGER, WHAT, [ASKED_PAULA, SHARED[0], SHARED[1], SHARED[2], "private of the manager", SHARED[3], STEP, CAME]),
        (EMPLOYER, "", [ASKED_EMMA, SHARED[3]]),
    ],
    ids=["the mentor: all", "the learner: all but what others keep private", "in full", "in outline"],
)  # fmt: skip
async def test_everybody_reads_what_they_need_to_know(
    reader: Reading, caller: Principal, what: str, said: list[str]
) -> None:
    found, opened = await read_by(reader, caller, progress())
    assert (found.text, texts(found)) == (what, said)
    # What is not shown is not opened: the access log says no more than was read.
    assert len(opened) == len(said) + bool(what)


async def test_an_outline_says_of_which_kind_it_is_and_what_was_asked(reader: Reading) -> None:
    found, _ = await read_by(reader, EMPLOYER, progress())
    assert (found.issue.kind, found.issue.status) == (ISSUE_KIND_PROGRESS, ISSUE_STATUS_CLOSED)
    assert (found.issue.outcome, found.issue.raised_by_id, list(found.ksb_codes), found.session_id) == (0, "", [], "")
    assert [one.referral_id for one in found.issue.referrals] == ["referral-2"]
    full, _ = await read_by(reader, MANAGER, progress())
    assert (full.issue.outcome, full.issue.raised_by_id) == (ISSUE_OUTCOME_RESOLVED, "mentor-1")
    assert [one.referral_id for one in full.issue.referrals] == ["referral-1"]
    for one in (MENTOR, LEARNER):
        whole, _ = await read_by(reader, one, progress())
        assert [one.referral_id for one in whole.issue.referrals] == ["referral-1", "referral-2"]


async def test_that_nothing_happened_is_for_the_mentor_alone(reader: Reading) -> None:
    tale = past(refer()).when(report(2), at=IDLE).after()
    for one in (MENTOR, LEARNER, MANAGER):
        found, _ = await read_by(reader, one, tale)
        assert found.issue.idle is (one is MENTOR)
        assert len(found.entries) == (2 if one is MENTOR else 1)


async def test_that_nobody_was_reminded_is_no_act(reader: Reading) -> None:
    put_off = IssueReminderPutOff(**OF, referral_id="referral-1", number=1)
    for one in (MENTOR, LEARNER, MANAGER):
        before, _ = await read_by(reader, one, past(refer()))
        found, _ = await read_by(reader, one, given(issue, *past(refer()).past, put_off))
        assert len(found.entries) == len(before.entries)


async def test_of_a_private_note_those_who_may_not_read_it_do_not_learn(reader: Reading) -> None:
    tale = past(refer(), add(private=True))
    assert len((await read_by(reader, MENTOR, tale))[0].entries) == 2
    for one in (LEARNER, MANAGER):
        assert len((await read_by(reader, one, tale))[0].entries) == 1


@pytest.mark.parametrize(
    ("tale", "sees"),
    [
        (past(), {"learner-1", "mentor-1"}),
        (past(refer()), {"learner-1", "mentor-1", "paula"}),
        (past(refer(**TO_EMMA)), {"learner-1", "mentor-1", "emma"}),
        (past(refer()).when(decline(), by=MANAGER).after(), {"learner-1", "mentor-1"}),
        (past(refer(), withdraw()), {"learner-1", "mentor-1"}),
        (well_being(refer(**TO_DANA)), {"learner-1", "mentor-1", "dana"}),
        (well_being(refer(**TO_EMMA, learner_agreed=True)), {"learner-1", "mentor-1", "emma"}),
    ],
    ids=["nobody", "manager", "employer", "declined", "withdrawn", "dsl", "agreed"],
)
@pytest.mark.parametrize("caller", EVERYBODY, ids=lambda one: one.person_id)
async def test_nobody_else_learns_that_there_is_one(
    reader: Reading, caller: Principal, tale: Any, sees: set[str]
) -> None:
    streams = {**PEOPLE, "issue-issue-1": tale.past}
    document = projected(*tale.past)
    may = caller.person_id in sees
    read = reader(caller, streams=streams, documents=[document])
    assert await concerned_with_issue(Ask(caller, GET, read)) is may
    assert await concerned_with_issue(Ask(caller, add(), read)) is may
    mine = (await list_my_issues(ListMyIssuesRequest(), reader(caller, streams=streams, documents=[document]))).issues
    # Which mentorships are a mentor's is in the register, which is laid down elsewhere.
    assert bool(mine) is (may and caller is not MENTOR)
    if may:
        await get_issue(GET, read)
        return
    for streams_of in (streams, PEOPLE):
        with pytest.raises(Refusal) as caught:
            await get_issue(GET, reader(caller, streams=streams_of))
        assert (caught.value.code, read.opened) == ("ISSUE_UNKNOWN", [])


@pytest.mark.parametrize("caller", EVERYBODY, ids=lambda one: one.person_id)
async def test_who_may_give_which_command(reader: Reading, caller: Principal) -> None:
    streams = {**PEOPLE, "issue-issue-1": past(refer()).past}

    async def may(request: Any) -> bool:
        return await concerned_with_issue(Ask(caller, request, reader(caller, streams=streams)))

    mentors: tuple[Message, ...] = (refer("referral-2"), next_step(), outcome())
    for request in mentors:
        assert await may(request) is (caller is MENTOR)
    assert await may(reopen()) is (caller in (MENTOR, LEARNER))
    for answer in (accept(), decline()):
        assert await may(answer) is (caller is MANAGER)
    every: tuple[Any, ...] = (GET, add(), accept(), reopen(), outcome())
    for request in every:
        other = type(request).FromString(request.SerializeToString())
        other.learner_id = "learner-2"
        assert not await may(other)
    assert not await may(accept("referral-9"))


async def test_a_dsl_sees_it_in_that_role_alone(reader: Reading) -> None:
    streams = {**PEOPLE, "issue-issue-1": well_being(refer(**TO_DANA)).past}
    for caller, may in ((DSL, True), (DEPUTY, True), (person("dana", "coach", "learner"), False)):
        assert await concerned_with_issue(Ask(caller, GET, reader(caller, streams=streams))) is may


@pytest.mark.parametrize("people", [[], [started(), CANCELLED], [started("ada")]], ids=["none", "ended", "detached"])
async def test_who_has_left_sees_nothing_and_the_learner_keeps_sight(reader: Reading, people: Any) -> None:
    tale = past(refer())
    streams = {"mentorships-learner-1": people}
    with pytest.raises(Refusal):
        await read_by(reader, MANAGER, tale, streams)
    found, _ = await read_by(reader, LEARNER, tale, streams)
    assert found.text == WHAT


async def test_a_mentorship_of_another_learner_with_the_same_id_opens_nothing(reader: Reading) -> None:
    tale = past(refer())
    streams = {"issue-issue-1": tale.past, "mentorships-learner-2": [started(learner_id="learner-2")]}
    request = GetIssueRequest(issue_id="issue-1", learner_id="learner-2")
    for one in (MENTOR, MANAGER):
        read = reader(one, streams=streams)
        assert not await concerned_with_issue(Ask(one, request, read))
        with pytest.raises(Refusal):
            await get_issue(request, read)


async def test_a_mentor_who_was_replaced_sees_nothing_and_the_new_one_all(reader: Reading) -> None:
    streams = {"mentorships-learner-1": [started(mentor_id="mentor-3")]}
    with pytest.raises(Refusal):
        await read_by(reader, MENTOR, progress(), streams)
    found, _ = await read_by(reader, person("mentor-3", "mentor"), progress(), streams)
    assert len(texts(found)) == 11


def projected(*events: Any, issue_id: str = "issue-1") -> FoundIssue:
    document = issues.new(issue_id)
    for event in events:
        if type(event) in issues.folds:
            issues.folds[type(event)](document, event, _META)
    return FoundIssue.model_validate_json(document.model_dump_json())


def test_a_document_says_where_to_find_it_and_neither_what_nor_of_which_kind_it_is() -> None:
    tale = past(refer(), refer("referral-2", **TO_EMMA))
    assert projected(*tale.past).referred_to_ids == ["paula", "emma"]
    assert projected(*tale.when(decline(), by=MANAGER).after().past).referred_to_ids == ["emma"]
    assert projected(*tale.when(withdraw(), by=MENTOR).after().past).referred_to_ids == ["emma"]
    assert projected(*past(outcome()).past).status == ISSUE_STATUS_CLOSED
    assert projected(*past(outcome(), reopen()).past).status == ISSUE_STATUS_OPEN
    assert "kind" not in FoundIssue.model_fields
    assert projected(*past().past) == projected(*well_being().past)


async def test_a_learners_issues_are_listed_the_oldest_first_filtered_and_in_pages(tmp_path: Path) -> None:
    service = await lived(tmp_path)

    async def ids(by: Principal = MENTOR, **asked: Any) -> list[str]:
        found = await list_issues(ListIssuesRequest(learner_id="learner-1", **asked), service.node.reader(by))
        return [one.issue_id for one in found.issues]

    assert await ids() == await ids(LEARNER) == ["i3", "i1", "i2"]
    assert await ids(status=ISSUE_STATUS_OPEN) == ["i1", "i2"]
    assert await ids(status=ISSUE_STATUS_CLOSED) == ["i3"]
    assert await ids(kind=ISSUE_KIND_WELL_BEING) == ["i2"]
    assert await ids(mentorship_id="mentorship-2") == []
    request = ListIssuesRequest(learner_id="learner-1", page=Page(size=2))
    first = await list_issues(request, service.node.reader(MENTOR))
    request.page.cursor = first.next_cursor
    rest = await list_issues(request, service.node.reader(MENTOR))
    assert [one.issue_id for one in (*first.issues, *rest.issues)] == ["i3", "i1", "i2"]
    request.kind = ISSUE_KIND_PROGRESS
    with pytest.raises(Refusal) as caught:
        await list_issues(request, service.node.reader(MENTOR))
    assert caught.value.code == "CURSOR_INVALID"


async def test_my_issues_are_the_open_ones_that_are_mine_or_were_referred_to_me(tmp_path: Path) -> None:
    service = await lived(tmp_path)

    async def mine(by: Principal, **asked: Any) -> list[str]:
        found = await list_my_issues(ListMyIssuesRequest(**asked), service.node.reader(by))
        return [one.issue_id for one in found.issues]

    assert await mine(MENTOR) == await mine(MENTOR, part=ISSUE_PART_MENTOR) == ["i1", "i2", "i4"]
    assert await mine(MENTOR, part=ISSUE_PART_REFERRED_TO) == await mine(MENTOR, part=ISSUE_PART_LEARNER) == []
    assert await mine(LEARNER) == await mine(LEARNER, part=ISSUE_PART_LEARNER) == ["i1", "i2"]
    assert await mine(MANAGER) == await mine(MANAGER, part=ISSUE_PART_REFERRED_TO) == ["i1", "i4"]
    assert await mine(EMPLOYER) == ["i2"]
    assert await mine(MENTOR, kind=ISSUE_KIND_WELL_BEING) == ["i2"]
    for one in (STRANGER, ASSESSOR, COACH):
        assert await mine(one) == []
    await service.give(decline(issue_id="i1"), MANAGER)
    assert await mine(MANAGER) == ["i4"]
    ended = CancelMentorshipRequest(learner_id="learner-2", mentorship_id="mentorship-2", reason=CANCEL_REASON_OTHER)
    await service.give(ended, MANAGER)
    assert (await mine(MANAGER), await mine(MENTOR)) == ([], ["i1", "i2"])
    assert await service.parked() == []


async def test_whoever_left_learns_from_no_cursor_that_there_is_an_issue(reader: Reading) -> None:
    documents = [projected(*past(refer()).past, issue_id=f"issue-{number}") for number in (1, 2, 3)]
    streams: dict[str, Any] = {"mentorships-learner-1": [started("ada")]}
    streams |= {f"issue-issue-{number}": past(refer()).past for number in (1, 2, 3)}
    read = reader(MANAGER, streams=streams, documents=documents)
    answer = await list_my_issues(ListMyIssuesRequest(page=Page(size=1)), read)
    assert (list(answer.issues), answer.next_cursor) == ([], "")


async def test_no_text_and_no_kind_leaves_the_service_and_no_plain_text_is_stored(tmp_path: Path) -> None:
    service = await lived(tmp_path)
    for command, by in (
        (add("n1", issue_id="i2"), MENTOR), (next_step(issue_id="i2"), MENTOR), (accept(issue_id="i2"), EMPLOYER),
        (decline(issue_id="i2"), EMPLOYER), (outcome(issue_id="i2"), MENTOR), (reopen(issue_id="i2"), LEARNER),
    ):  # fmt: skip
        await service.give(command, by)
    await service.carry()
    commits = await service.store.commits.read("provider-1", "issue-i2")
    stored = [event for commit in commits for event in commit.events]
    for words in (WHAT, ASKED_EMMA, "I asked again", STEP, "I am away", CAME, "taken back"):
        assert words.encode() not in b"".join(event.data for event in stored)
    contract = service.service.contract
    for event in stored:
        fields = contract.parse(event.type, event.data).DESCRIPTOR.fields
        if event.published:
            assert not {"kind", "referred_as", "learner_agreed", "outcome", "session_id", "ksb_codes"} & {
                one.name for one in fields
            }
            assert all(one.message_type is None or one.message_type.name == "Timestamp" for one in fields)
    opened = await get_issue(GetIssueRequest(issue_id="i2", learner_id="learner-1"), service.node.reader(MENTOR))
    assert opened.text == WHAT
    assert opened.issue.referrals[0].status != REFERRAL_STATUS_WAITING


async def test_another_text_under_an_id_that_is_taken_is_refused_and_not_dropped(tmp_path: Path) -> None:
    service = await lived(tmp_path)
    await service.give(add(issue_id="i1"), MENTOR)
    await service.give(add(issue_id="i1"), MENTOR)
    with pytest.raises(Refusal) as caught:
        await service.give(add(issue_id="i1", text="I asked twice"), MENTOR)
    assert caught.value.code == "DONE_WITH_OTHER_TEXT"
