"""Issues over sockets: a referral is told by mail and answered, one that nobody answers is chased, and a concern raised from an issue leaves no
trace in it.
"""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition
from eventkernel.client import CallFailed, Client
from mentoring.notifications.v1.events_pb2 import Occasion
from mentoring.notifications.v1.notifications_pb2 import ListNoticesRequest, ListNoticesResponse
from mentoring.safeguarding.v1.events_pb2 import CONCERN_CATEGORY_EMOTIONAL, SEVERITY_SERIOUS
from mentoring.safeguarding.v1.safeguarding_pb2 import (
    GetConcernRequest,
    GetConcernResponse,
    ListMyConcernsRequest,
    ListMyConcernsResponse,
    RaiseConcernRequest,
)
from mentoring.sessions.v1 import issue_pb2 as calls
from mentoring.sessions.v1.issue_events_pb2 import (
    ISSUE_KIND_PROGRESS,
    ISSUE_KIND_WELL_BEING,
    ISSUE_OUTCOME_RESOLVED,
    REFERRED_AS_ASSESSOR,
    REFERRED_AS_DSL,
)
from mentorstream.demo import cohort
from mentorstream.demo.journey import Journey, address_of, until
from mentorstream.embedded import read_topics
from mentorstream.embedded.child import Child
from mentorstream.platform import Platform, serving
from mentorstream.topics import topics_file

from tests.fault.switches import FOLDER, PROCESS, Switches

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
ROOT = Path(__file__).resolve().parents[2]
PARTITIONS = read_topics(topics_file())[0].partitions
LEARNER, OTHER = [plan for plan in cohort.cohort() if plan.mentor_id == "mentor-1"][:2]
_DAY = 86_400.0
ISSUE, UNANSWERED, PRIVATE = "issue-told", "issue-unanswered", "issue-private"


@pytest_asyncio.fixture(loop_scope="module", scope="module", autouse=True)
async def _acts(journey: Journey) -> None:
    await journey.prepare()
    await raised(journey, LEARNER, ISSUE)
    await referred(journey, LEARNER, ISSUE, LEARNER.assessor_id, REFERRED_AS_ASSESSOR)


async def raised(journey: Journey, of: cohort.LearnerPlan, issue_id: str, kind: int = ISSUE_KIND_PROGRESS) -> None:
    issue = calls.RaiseIssueRequest(
        issue_id=issue_id,
        learner_id=of.learner_id,
        mentorship_id=of.mentorship_id,
        kind=kind,  # type: ignore[arg-type]
        text=f"No time to read at work {cohort.MARK}",
    )
    await journey.give("sessions", of.mentor_id, ["mentor"], issue)


async def referred(journey: Journey, of: cohort.LearnerPlan, issue_id: str, person_id: str, as_whom: int) -> None:
    referral = calls.ReferIssueRequest(
        issue_id=issue_id,
        learner_id=of.learner_id,
        referral_id=f"{issue_id}-referral",
        referred_to_id=person_id,
        referred_as=as_whom,  # type: ignore[arg-type]
        ask=f"Please look at the plan {cohort.MARK}",
    )
    await journey.give("sessions", of.mentor_id, ["mentor"], referral)


def caller(running: Platform, person_id: str, role: str, service: str = "sessions") -> Client:
    return running.client(service, person_id, [role], provider=cohort.PROVIDER)


async def mine(by: Client) -> list[calls.IssueSummary]:
    found = await by.call(calls.ListMyIssuesRequest(), calls.ListMyIssuesResponse)
    return list(found.issues)


async def read(by: Client, issue_id: str, learner_id: str = LEARNER.learner_id) -> calls.GetIssueResponse:
    return await by.call(calls.GetIssueRequest(issue_id=issue_id, learner_id=learner_id), calls.GetIssueResponse)


def mails_to(running: Platform, person_id: str) -> list[str]:
    mailbox = running.infrastructure.mailbox
    assert mailbox is not None
    return [str(one.message["Subject"]) for one in mailbox.messages if address_of(person_id) in one.recipients]


async def mailed(running: Platform, person_id: str, subject: str) -> None:
    async def came() -> bool:
        return subject in mails_to(running, person_id)

    await until(came, f"{person_id} to be mailed: {subject}")


async def test_a_referral_is_told_by_mail_to_whoever_is_asked_and_to_the_learner_and_to_nobody_else(
    running: Platform,
) -> None:
    for person_id in (LEARNER.assessor_id, LEARNER.learner_id):
        await mailed(running, person_id, "An issue was referred to a colleague")
    await mailed(running, LEARNER.learner_id, "An issue was raised")
    for person_id in (LEARNER.contact_id, cohort.MANAGER, LEARNER.mentor_id, cohort.DSL):
        assert not [subject for subject in mails_to(running, person_id) if "issue" in subject]
    manager = caller(running, cohort.MANAGER, "provider_manager", "notifications")
    listed = (await manager.call(ListNoticesRequest(limit=1000), ListNoticesResponse)).notices
    assert not [one for one in listed if "ISSUE" in Occasion.Name(one.occasion)]
    mailbox = running.infrastructure.mailbox
    assert mailbox is not None
    assert not [one for one in mailbox.messages if cohort.MARK in one.message.as_string()]


async def test_whoever_is_asked_reads_what_is_asked_and_answers_and_the_mentor_closes_it(
    running: Platform, journey: Journey
) -> None:
    assessor = caller(running, LEARNER.assessor_id, "assessor")

    async def listed() -> bool:
        return [one.issue_id for one in await mine(assessor)] == [ISSUE]

    await until(listed, "the issue in the assessor's list")
    outline = await read(assessor, ISSUE)
    assert (outline.text, [one.text for one in outline.entries]) == ("", [f"Please look at the plan {cohort.MARK}"])
    ids = {"issue_id": ISSUE, "learner_id": LEARNER.learner_id}
    accepts = calls.AcceptReferralRequest(**ids, referral_id=f"{ISSUE}-referral")
    await journey.give("sessions", LEARNER.assessor_id, ["assessor"], accepts)
    await mailed(running, LEARNER.mentor_id, "A referral of an issue was answered")
    closes = calls.RecordOutcomeRequest(**ids, outcome=ISSUE_OUTCOME_RESOLVED, account=f"An hour a week {cohort.MARK}")
    await journey.give("sessions", LEARNER.mentor_id, ["mentor"], closes)
    for person_id in (LEARNER.assessor_id, LEARNER.learner_id):
        await mailed(running, person_id, "An issue has its outcome")
    for person_id, role in (
        (LEARNER.contact_id, "employer_contact"),
        (cohort.MANAGER, "provider_manager"),
        ("mentor-2", "mentor"),
    ):
        stranger = caller(running, person_id, role)
        refused = []
        for issue_id in (ISSUE, "issue-that-is-not"):
            with pytest.raises(CallFailed) as caught:
                await read(stranger, issue_id)
            refused.append((caught.value.status, caught.value.reason, caught.value.text))
        assert refused[0] == refused[1]
        assert await mine(stranger) == []


async def test_a_concern_raised_from_an_issue_leaves_no_trace_in_it_and_none_on_any_topic(
    running: Platform, journey: Journey
) -> None:
    await raised(journey, LEARNER, PRIVATE, ISSUE_KIND_WELL_BEING)
    await referred(journey, LEARNER, PRIVATE, cohort.DSL, REFERRED_AS_DSL)
    await mailed(running, cohort.DSL, "An issue was referred to a colleague")
    readers = [caller(running, *who) for who in ((LEARNER.mentor_id, "mentor"), (LEARNER.learner_id, "learner"))]
    before = [await read(one, PRIVATE) for one in readers]
    told = await records(running, "mentoring.sessions.v1")
    concern = RaiseConcernRequest(
        concern_id="from-an-issue",
        site_id=LEARNER.site,
        category=CONCERN_CATEGORY_EMOTIONAL,
        severity=SEVERITY_SERIOUS,
        person_at_risk_id=LEARNER.learner_id,
        narrative=f"What was said there {cohort.MARK}",
        from_issue_id=PRIVATE,
    )
    await journey.give("safeguarding", LEARNER.mentor_id, ["mentor"], concern)
    dsl = caller(running, cohort.DSL, "dsl", "safeguarding")

    async def with_the_dsl() -> bool:
        found = await dsl.call(ListMyConcernsRequest(), ListMyConcernsResponse)
        return "from-an-issue" in [one.concern_id for one in found.concerns]

    await until(with_the_dsl, "the concern with the DSL")
    handled = await dsl.call(GetConcernRequest(concern_id="from-an-issue"), GetConcernResponse)
    assert handled.from_issue_id == PRIVATE
    await mailed(running, cohort.DSL, "A safeguarding concern waits for you")
    assert [await read(one, PRIVATE) for one in readers] == before
    assert await records(running, "mentoring.sessions.v1") == told
    safeguarding = await records(running, "mentoring.safeguarding.v1")
    assert safeguarding
    assert not [record for record in safeguarding if PRIVATE.encode() in record]


@pytest_asyncio.fixture(loop_scope="module")
async def later(running: Platform, tmp_path: Path) -> AsyncIterator[Switches]:
    """The sessions service again, with a clock that can be set ahead, and as it was in the end."""
    switches = Switches(tmp_path, "sessions")
    await running.processes["sessions"].drain()
    process = running.processes["sessions"]
    environment = {
        **running._environment("sessions", process.addresses),
        "PYTHONPATH": str(ROOT),
        FOLDER: str(switches.folder),
        PROCESS: switches.process,
    }
    command = [sys.executable, "-m", "tests.fault.process", "sessions"]
    process.child = Child.start(
        command, log=running.log_of("sessions-ahead"), directory=running.data_dir, environment=environment
    )

    async def ready() -> bool:
        assert process.child.exit_code is None, process.child.tail()
        return await serving(process.addresses.health)

    await until(ready, "the sessions service with another clock")
    yield switches


async def test_a_referral_that_nobody_answers_is_chased_by_mail(
    running: Platform, journey: Journey, later: Switches
) -> None:
    await raised(journey, OTHER, UNANSWERED)
    await referred(journey, OTHER, UNANSWERED, OTHER.assessor_id, REFERRED_AS_ASSESSOR)
    await mailed(running, OTHER.assessor_id, "An issue was referred to a colleague")
    subject = "A referral of an issue waits for an answer"
    assert subject not in mails_to(running, OTHER.assessor_id)
    # Three working days are over, and ten are not.
    later.on("store-clock", 7 * _DAY)
    for person_id in (OTHER.assessor_id, OTHER.mentor_id):
        await mailed(running, person_id, subject)
    assert "Nothing happens to an issue" not in mails_to(running, OTHER.mentor_id)
    later.on("store-clock", 21 * _DAY)
    await mailed(running, OTHER.mentor_id, "Nothing happens to an issue")


async def records(running: Platform, topic: str) -> list[bytes]:
    """The keys, headers and values of all that readers of committed records see."""
    places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    async with AIOKafkaConsumer(
        bootstrap_servers=running.infrastructure.kafka_bootstrap,
        isolation_level="read_committed",
        enable_auto_commit=False,
    ) as consumer:
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        found = list[bytes]()
        while any([await consumer.position(place) < ends[place] for place in places]):
            for some in (await consumer.getmany(timeout_ms=500)).values():
                found += [_bytes(record.key, record.value, record.headers) for record in some]
        return sorted(found)


def _bytes(key: bytes | None, value: bytes | None, headers: object) -> bytes:
    return b"\n".join([key or b"", value or b"", repr(headers).encode()])
