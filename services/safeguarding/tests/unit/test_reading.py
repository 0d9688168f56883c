"""Who reads a concern, what they read, and that each reading is in the access log: the whole service on the store in memory."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from aiokafka import ConsumerRecord
from eventkernel.access import Denied
from eventkernel.aggregate import NotYet, Refusal
from eventkernel.cloudevents import encode
from eventkernel.commands import Order
from eventkernel.documents import document_id
from eventkernel.messages import Checkpoint, DocumentWrite, Principal
from eventkernel.node import Node
from eventkernel.projector import Projector
from eventkernel.reading import Ask
from eventkernel.settings import Settings
from eventkernel.store.memory import MemoryStore
from eventkernel.testing.scenario import NOON, person
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import CommandReply, Page
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1 import safeguarding_pb2 as calls
from safeguarding.concern_file import get_concern
from safeguarding.projections.handled_concerns import handled_concerns, list_my_concerns
from safeguarding.relations import handler_of_concern, raiser_or_handler
from safeguarding.service import build

from .stories import (
    DEPUTY,
    DSL,
    LEAD,
    LEARNER,
    MENTOR,
    NARRATIVE,
    SECOND_DEPUTY,
    a_concern,
    acknowledgement,
    addition,
    an_action,
    closure,
    deputy,
    dsl,
    escalation_of,
    lead,
    mentor,
)

TENANT = "provider-1"
STREAM = "concern-concern-1"
TOPIC = "mentoring.safeguarding.v1"
platform = Principal.system(TENANT)


class Provider:
    """The service of one provider, without a broker: commands are stored, and `project` brings the read model up to them."""

    def __init__(self, folder: Path) -> None:
        self.now = NOON
        self.store = MemoryStore()
        settings = Settings(kafka_bootstrap="-", mongodb_uri="-", key_file=folder / "key", jwks_file=folder / "jwks")
        self.service = build()
        self.node = Node(self.service, settings, self.store, clock=self.clock)
        self._keys = count()

    def clock(self) -> datetime:
        return self.now

    async def give(self, request: Message, by: Principal, key: str = "") -> CommandReply:
        return await self.node.commands.give(Order(request, by, key or f"key-{next(self._keys)}"))

    async def file_of(self, by: Principal, concern_id: str = "concern-1") -> calls.GetConcernResponse:
        return await get_concern(calls.GetConcernRequest(concern_id=concern_id), self.node.reader(by))

    async def concerns_of(self, by: Principal) -> list[calls.ConcernSummary]:
        await self.project()
        return list((await list_my_concerns(calls.ListMyConcernsRequest(), self.node.reader(by))).concerns)

    async def project(self) -> None:
        """Gives each projection every published event of every concern, as the relay and the subscription would."""
        records: list[ConsumerRecord[bytes, bytes]] = []
        transfers = ("file-transfer-transfer-1", "file-transfer-transfer-2")
        for stream in (STREAM, "concern-concern-2", "concern-concern-3", *transfers):
            for commit in await self.store.commits.read(TENANT, stream):
                for event in commit.events:
                    if event.published:
                        key, value, headers = encode(commit, event, "/mentoring/safeguarding")
                        records.append(
                            ConsumerRecord(TOPIC, 0, len(records), 0, 0, key, value, 0, len(key), len(value), headers)
                        )
        for projection in self.service.projections if records else ():
            projector = Projector(
                projection, service="safeguarding", contract=self.service.contract, documents=self.store.documents,
                parked=self.store.parked, clock=self.clock,
            )  # fmt: skip
            await projector.take(TOPIC, 0, records)


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    made = Provider(tmp_path)
    rota = calls.SetRotaRequest(site_id="site-1", dsl_id=DSL, deputy_ids=[DEPUTY, SECOND_DEPUTY], senior_lead_id=LEAD)
    await made.give(rota, lead)
    yield made
    await made.node.appends.close()


async def test_a_handler_reads_the_whole_concern_and_its_chronology(provider: Provider) -> None:
    await provider.give(a_concern(naming=["person-stepfather"]), mentor)
    acted = an_action(events.REFERRAL_BODY_POLICE)
    for command, by in ((acknowledgement, dsl), (addition, mentor), (acknowledgement, dsl), (acted, dsl)):
        provider.now += timedelta(minutes=1)
        await provider.give(command, by)
    await provider.give(closure, dsl)
    file = await provider.file_of(dsl)
    assert (file.narrative, file.raiser_id, file.person_at_risk_id) == (NARRATIVE, MENTOR, LEARNER)
    assert list(file.named_person_ids) == ["person-stepfather"]
    assert file.concern.status == calls.CONCERN_STATUS_CLOSED
    told = [(entry.actor_id, entry.what.rsplit(".", 1)[1], entry.text) for entry in file.chronology]
    assert told == [
        (MENTOR, "concern-raised", ""),
        (MENTOR, "concern-received", ""),
        (MENTOR, "concern-assigned", ""),
        (DSL, "concern-acknowledged", ""),
        (DSL, "concern-due-set", ""),
        (DSL, "concern-due-set", ""),
        (MENTOR, "concern-added-to", addition.text),
        (MENTOR, "concern-assigned", ""),
        (DSL, "concern-acknowledged", ""),
        (DSL, "concern-due-set", ""),
        (DSL, "concern-due-set", ""),
        (DSL, "concern-action-recorded", "the-action: spoke with his aunt"),
        (DSL, "concern-closure-explained", closure.reason),
        (DSL, "concern-closed", ""),
    ]
    assert [entry.at.seconds for entry in file.chronology] == sorted(entry.at.seconds for entry in file.chronology)


async def test_marks_on_a_body_are_sealed_and_read_by_handlers_alone(provider: Provider) -> None:
    marks = [calls.BodyMark(diagram=calls.BODY_DIAGRAM_BACK, x=250, y=1000, note="the-mark: four bruises")]
    request = a_concern()
    request.body_marks.extend(marks)
    await provider.give(request, mentor)
    (commit,) = await provider.store.commits.read(TENANT, STREAM)
    assert all(b"bruises" not in event.data for event in commit.events)
    assert list((await provider.file_of(dsl)).body_marks) == marks
    assert {entry.field for entry in await provider.store.access_log.about(TENANT, LEARNER)} == {
        "narrative",
        "body_map",
    }


async def test_a_concern_that_names_no_site_goes_by_the_providers_own_rota(provider: Provider) -> None:
    own = calls.SetRotaRequest(dsl_id="central", senior_lead_id=LEAD)
    await provider.give(own, lead)
    request = a_concern()
    request.site_id = ""
    await provider.give(request, mentor)
    assert (await provider.file_of(person("central", "dsl"))).concern.site_id == ""
    provider.now += timedelta(hours=1)
    await provider.give(escalation_of(0, site_id=""), platform)
    assert (await provider.file_of(lead)).concern.step == 1


async def test_every_text_that_is_read_is_in_the_access_log(provider: Provider) -> None:
    await provider.give(a_concern(), mentor)
    await provider.give(addition, mentor)
    assert await provider.store.access_log.about(TENANT, LEARNER) == []
    await provider.file_of(dsl)
    entries = await provider.store.access_log.about(TENANT, LEARNER)
    assert [(entry.actor, entry.stream, entry.field) for entry in entries] == [
        (DSL, STREAM, "narrative"),
        (DSL, STREAM, "text"),
    ]


async def test_handlers_know_who_raised_a_concern_that_is_anonymous_to_all_others(provider: Provider) -> None:
    await provider.give(a_concern(anonymous=True), mentor)
    file = await provider.file_of(dsl)
    assert (file.raiser_id, file.raiser_anonymous) == (MENTOR, True)


async def test_handlers_are_told_of_no_wish_to_stay_unknown_that_nobody_had(provider: Provider) -> None:
    await provider.give(a_concern(), mentor)
    assert not (await provider.file_of(dsl)).raiser_anonymous


async def test_nothing_that_was_said_is_stored_in_plain(provider: Provider) -> None:
    await provider.give(a_concern(), mentor)
    await provider.give(acknowledgement, dsl)
    for command in (addition, an_action(), closure):
        await provider.give(command, dsl)
    stored = b"".join(
        event.data for commit in await provider.store.commits.read(TENANT, STREAM) for event in commit.events
    )
    for text in (NARRATIVE, addition.text, closure.reason, "the-action"):
        assert text.encode() not in stored


@pytest.mark.parametrize("who", [MENTOR, LEARNER, DEPUTY, LEAD, "person-stranger"])
async def test_nobody_but_a_handler_is_one(provider: Provider, who: str) -> None:
    await provider.give(a_concern(), mentor)
    everything = person(who, "dsl", "deputy_dsl", "senior_lead")
    request = calls.GetConcernRequest(concern_id="concern-1")
    assert not await handler_of_concern(Ask(everything, request, provider.node.reader(everything)))


async def test_a_handler_of_another_provider_is_none_here(provider: Provider) -> None:
    await provider.give(a_concern(), mentor)
    same_name = person(DSL, "dsl", tenant="provider-2")
    request = calls.GetConcernRequest(concern_id="concern-1")
    assert not await handler_of_concern(Ask(same_name, request, provider.node.reader(same_name)))
    assert await handler_of_concern(Ask(dsl, request, provider.node.reader(dsl)))


async def test_the_raiser_may_add_and_may_not_read_or_act(provider: Provider) -> None:
    await provider.give(a_concern(), mentor)
    reader = provider.node.reader(mentor)
    assert await raiser_or_handler(Ask(mentor, addition, reader))
    assert not await handler_of_concern(Ask(mentor, calls.GetConcernRequest(concern_id="concern-1"), reader))
    with pytest.raises(Denied):
        await provider.give(acknowledgement, person(MENTOR, "dsl"))


async def test_a_concern_that_is_not_there_is_denied_like_one_that_is_anothers(provider: Provider) -> None:
    await provider.give(a_concern(concern_id="concern-2"), mentor)
    denials = []
    for concern_id in ("concern-1", "concern-2"):
        with pytest.raises(Denied) as denied:
            await provider.give(calls.AddToConcernRequest(concern_id=concern_id, text="x"), deputy)
        denials.append(str(denied.value))
    assert denials[0] == denials[1]


async def test_whoever_missed_the_deadline_and_whoever_was_asked_next_both_read_it(provider: Provider) -> None:
    await provider.give(a_concern(), mentor)
    provider.now += timedelta(hours=1)
    await provider.give(escalation_of(0), platform)
    for who in (dsl, deputy):
        assert [shown.concern_id for shown in await provider.concerns_of(who)] == ["concern-1"]
    assert await provider.concerns_of(lead) == []


async def test_an_alarm_that_rings_early_waits_and_then_escalates_under_the_same_key(provider: Provider) -> None:
    await provider.give(a_concern(), mentor)
    provider.now += timedelta(minutes=59)
    with pytest.raises(NotYet):
        await provider.give(escalation_of(0), platform, key="due-row-1")
    provider.now += timedelta(minutes=1)
    reply = await provider.give(escalation_of(0), platform, key="due-row-1")
    assert [kind.rsplit(".", 1)[1] for kind in reply.event_types] == ["concern-escalated", "concern-assigned"]


async def test_a_list_shows_each_concern_as_it_is_now_the_most_urgent_first(provider: Provider) -> None:
    await provider.give(a_concern(concern_id="concern-1"), mentor)
    await provider.give(a_concern(concern_id="concern-2", severity=events.SEVERITY_OTHER), mentor)
    await provider.give(a_concern(concern_id="concern-3", severity=events.SEVERITY_IMMEDIATE_DANGER), mentor)
    await provider.give(acknowledgement, dsl)
    await provider.give(an_action(events.REFERRAL_BODY_HEALTH), dsl)
    shown = await provider.concerns_of(dsl)
    assert [(summary.concern_id, summary.status) for summary in shown] == [
        ("concern-3", calls.CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT),
        ("concern-2", calls.CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT),
        ("concern-1", calls.CONCERN_STATUS_REFERRED),
    ]
    assert shown[0].acknowledge_by.ToDatetime(tzinfo=NOON.tzinfo) == NOON + timedelta(minutes=15)
    assert not shown[2].HasField("acknowledge_by")


async def test_what_the_raiser_adds_puts_the_concern_back_among_those_that_wait(provider: Provider) -> None:
    await provider.give(a_concern(), mentor)
    await provider.give(acknowledgement, dsl)
    await provider.give(closure, dsl)
    (before,) = await provider.concerns_of(dsl)
    provider.now += timedelta(days=3)
    await provider.give(addition, mentor)
    (shown,) = await provider.concerns_of(dsl)
    assert not before.HasField("added_to_at")
    assert shown.added_to_at.ToDatetime(tzinfo=NOON.tzinfo) == provider.now
    assert shown.status == calls.CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT
    assert shown.acknowledge_by.ToDatetime(tzinfo=NOON.tzinfo) == provider.now + timedelta(hours=1)
    assert (await provider.file_of(dsl)).concern == shown


async def test_a_concern_about_the_dsl_is_in_no_list_of_theirs(provider: Provider) -> None:
    await provider.give(a_concern(naming=[DSL]), mentor)
    assert await provider.concerns_of(dsl) == []
    assert [shown.concern_id for shown in await provider.concerns_of(deputy)] == ["concern-1"]


async def test_a_handlers_list_comes_in_pages_in_the_same_order(provider: Provider) -> None:
    for number in (1, 2, 3):
        await provider.give(a_concern(concern_id=f"concern-{number}"), mentor)
    whole = [shown.concern_id for shown in await provider.concerns_of(dsl)]
    reader, found, cursor = provider.node.reader(dsl), list[str](), ""
    for _ in whole:
        page = await list_my_concerns(calls.ListMyConcernsRequest(page=Page(size=1, cursor=cursor)), reader)
        found += [shown.concern_id for shown in page.concerns]
        cursor = page.next_cursor
    assert (found, cursor) == (whole, "")


async def test_a_list_believes_the_concern_and_not_the_read_model(provider: Provider) -> None:
    await provider.give(a_concern(), mentor)
    wrong = handled_concerns.new(f"concern-1.{LEAD}").model_copy(
        update={"concern_id": "concern-1", "assignee_id": LEAD}
    )
    write = DocumentWrite(document_id(TENANT, wrong.handling_id), 0, {**wrong.model_dump(), "tenant": TENANT})
    await provider.store.documents.write(handled_concerns.collection, [write], [Checkpoint("by-hand", TOPIC, 0, 1)])
    assert await provider.concerns_of(lead) == []


async def test_raising_again_after_a_lost_answer_changes_nothing(provider: Provider) -> None:
    first = await provider.give(a_concern(), mentor, key="one")
    assert (await provider.give(a_concern(), mentor, key="one")) == first
    again = await provider.give(a_concern(), mentor, key="another")
    assert (again.version, list(again.event_types)) == (first.version, [])


async def test_raising_again_with_the_names_in_another_order_is_no_other_concern(provider: Provider) -> None:
    first = await provider.give(a_concern(naming=["uncle", "aunt"]), mentor)
    again = await provider.give(a_concern(naming=["aunt", "uncle"]), mentor)
    assert (again.stream, again.version, list(again.event_types)) == (first.stream, first.version, [])
    with pytest.raises(Refusal) as refused:
        await provider.give(a_concern(naming=["aunt", "uncle"], narrative="other words"), mentor)
    assert refused.value.code == "CONCERN_EXISTS"
