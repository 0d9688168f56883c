"""What is added to a concern reaches whoever has it: they are told, and a deadline runs until somebody acknowledges it."""

import pytest
from eventkernel.messages import Metadata
from eventkernel.reaction import Later
from eventkernel.testing.scenario import NOON
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1 import safeguarding_pb2 as calls
from safeguarding.reactions.escalation import escalation
from safeguarding.service import build

from .stories import (
    DEPUTY,
    DSL,
    HOUR,
    MENTOR,
    NO_ROTA,
    Tale,
    a_concern,
    acknowledged,
    acknowledgement,
    addition,
    an_action,
    assignment,
    closure,
    deputy,
    dsl,
    escalation_of,
    mentor,
    platform,
    raised,
    refusal_of,
    timestamp,
)

CONTRACT = build().contract
META = Metadata(event_id="e", type="t", tenant="provider-1", stream="concern-concern-1", version=6, at=NOON)


def in_each_status() -> dict[str, Tale]:
    """Concerns that somebody has acknowledged, each further than the one before."""
    tales = {name: acknowledged() for name in ("acknowledged", "in action", "referred", "closed")}
    tales["in action"].give(an_action(), dsl)
    for name in ("referred", "closed"):
        tales[name].give(an_action(events.REFERRAL_BODY_POLICE), dsl)
    tales["closed"].give(closure, dsl)
    return tales


@pytest.mark.parametrize("status", in_each_status())
def test_what_the_raiser_adds_is_given_to_whoever_acknowledged_it_with_a_deadline_of_its_own(status: str) -> None:
    tale = in_each_status()[status]
    tale.pass_time(86_400)
    _, asked = tale.give(addition, mentor)
    assert CONTRACT.of(asked).published
    assert asked == events.ConcernAssigned(
        concern_id="concern-1",
        site_id="site-1",
        category=events.CONCERN_CATEGORY_PHYSICAL,
        severity=events.SEVERITY_SERIOUS,
        raiser_role="mentor",
        assignee_id=DSL,
        assignee_role=events.ASSIGNEE_ROLE_HANDLER,
        acknowledge_by=timestamp(tale.now + HOUR),
        step=1,
        handling_id=f"concern-1.{DSL}",
    )
    assert tale.state.status == calls.CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT


@pytest.mark.parametrize("status", in_each_status())
def test_its_deadline_is_escalated_like_the_first_one(status: str) -> None:
    tale = in_each_status()[status]
    tale.give(addition, mentor)
    (alarm,) = escalation.policies[events.ConcernAssigned](assignment(tale), META)
    assert isinstance(alarm, Later)
    tale.now = alarm.at
    tale.give(alarm.request, by=platform)
    assert (tale.state.assignee_id, tale.state.step) == (DEPUTY, 2)


@pytest.mark.parametrize(
    ("status", "then"),
    [
        ("acknowledged", calls.CONCERN_STATUS_ACKNOWLEDGED),
        ("in action", calls.CONCERN_STATUS_IN_ACTION),
        ("referred", calls.CONCERN_STATUS_REFERRED),
        # It is open again, and its referral is not forgotten.
        ("closed", calls.CONCERN_STATUS_REFERRED),
    ],
)
def test_once_it_is_acknowledged_the_concern_is_as_far_as_it_was(
    status: str, then: calls.ConcernStatus.ValueType
) -> None:
    tale = in_each_status()[status]
    tale.give(addition, mentor)
    assert refusal_of(tale, closure, dsl).code == "CONCERN_NOT_ACKNOWLEDGED"
    tale.give(acknowledgement, dsl)
    assert (tale.state.status, tale.state.acknowledge_by) == (then, None)
    assert len(tale.give(closure, dsl)) == 2


def test_an_alarm_from_before_the_first_acknowledgement_does_not_escalate_what_was_added_since() -> None:
    tale = acknowledged()
    tale.give(addition, mentor)
    tale.pass_time(86_400)
    assert tale.give(escalation_of(0), platform) == []


def test_while_it_waits_whoever_is_asked_is_told_and_the_deadline_is_not_put_off() -> None:
    tale = raised()
    for _ in range(3):
        tale.pass_time(600)
        _, asked = tale.give(addition, mentor)
        assert isinstance(asked, events.ConcernAssigned)
        assert (asked.assignee_id, asked.step) == (DSL, 0)
        assert asked.acknowledge_by == timestamp(NOON + HOUR)
    tale.miss_the_deadline()
    assert tale.now == NOON + HOUR
    assert (tale.state.assignee_id, tale.state.step) == (DEPUTY, 1)


def test_of_several_who_were_asked_the_one_who_has_it_is_told() -> None:
    tale = raised()
    tale.miss_the_deadline()
    tale.give(addition, mentor)
    assert (assignment(tale).assignee_id, assignment(tale).assignee_role) == (DEPUTY, events.ASSIGNEE_ROLE_HANDLER)
    # Too late, and still in time: whoever missed the deadline takes it after all.
    tale.give(acknowledgement, dsl)
    tale.give(addition, mentor)
    assert assignment(tale).assignee_id == DSL


def test_a_colleague_who_adds_is_heard_too_and_whoever_has_it_need_not_be_told_what_they_wrote() -> None:
    tale = raised()
    tale.miss_the_deadline()
    tale.give(acknowledgement, deputy)
    assert len(tale.give(addition, deputy)) == 1
    tale.give(addition, dsl)
    assert (assignment(tale).assignee_id, assignment(tale).assignee_role) == (DEPUTY, events.ASSIGNEE_ROLE_HANDLER)


def test_where_nobody_has_it_yet_the_deadline_that_runs_is_enough() -> None:
    tale = raised(rota=NO_ROTA)
    assert len(tale.give(addition, mentor)) == 1
    assert tale.state.acknowledge_by == NOON + HOUR


@pytest.mark.parametrize("closed", [False, True])
def test_neither_the_text_nor_an_anonymous_raiser_is_in_what_is_told(closed: bool) -> None:
    tale = raised(a_concern(anonymous=True))
    tale.give(acknowledgement, dsl)
    if closed:
        tale.give(closure, dsl)
    _, asked = tale.give(addition, mentor)
    assert isinstance(asked, events.ConcernAssigned)
    assert asked.raiser_role == "anonymous"
    content = asked.SerializeToString()
    assert MENTOR.encode() not in content
    assert b"the-addition" not in content
