"""Who was asked to take it, as an export tells: each request with the acknowledgement that answered that one, and no other."""

from datetime import timedelta

from eventkernel.messages import Metadata, Recorded
from eventkernel.testing.scenario import NOON
from mentoring.safeguarding.v1.events_pb2 import ASSIGNEE_ROLE_DEPUTY_DSL, ConcernAssigned
from mentoring.safeguarding.v1.merging_events_pb2 import ConcernMerged, ConcernSeparated
from safeguarding.domain.concern import concern
from safeguarding.export.asked import asked
from safeguarding.export.words import minute

from .stories import (
    DEPUTY,
    DSL,
    SECOND_DEPUTY,
    Tale,
    a_passing_on,
    acknowledged,
    acknowledgement,
    addition,
    deputy,
    dsl,
    mentor,
    raised,
)

NOT = "not acknowledged"


def told(tale: Tale) -> list[tuple[str, str, str]]:
    """Whom, as what, and the number of the event that answered it."""
    at = {minute(NOON + timedelta(minutes=number)): str(number) for number in range(len(tale.happened) + 1)}
    history = [
        Recorded(event, Metadata(f"id-{number}", "t", "p", "s", number, NOON + timedelta(minutes=number)))
        for number, event in enumerate(tale.happened, 1)
    ]
    return [(who, role, at.get(taken, taken)) for _, who, role, _, taken in asked(history)]


def answering(tale: Tale) -> str:
    """The number of the newest acknowledgement."""
    names = [type(event).__name__ for event in tale.happened]
    return str(len(names) - names[::-1].index("ConcernAcknowledged"))


def test_who_acknowledged_and_is_asked_anew_has_not_acknowledged_that() -> None:
    tale = acknowledged()
    first = answering(tale)
    tale.give(addition, mentor)
    assert told(tale) == [(DSL, "dsl on duty", first), (DSL, "handler", NOT)]
    tale.give(acknowledgement, dsl)
    assert told(tale) == [(DSL, "dsl on duty", first), (DSL, "handler", answering(tale))]


def test_who_is_asked_twice_before_they_take_it_answers_the_later_request() -> None:
    tale = raised()
    tale.give(addition, mentor)
    tale.give(acknowledgement, dsl)
    assert told(tale) == [(DSL, "dsl on duty", NOT), (DSL, "handler", answering(tale))]


def test_who_takes_it_late_answers_what_they_were_asked_and_nobody_else_does() -> None:
    tale = raised()
    tale.miss_the_deadline()
    tale.give(acknowledgement, dsl)
    assert told(tale) == [(DSL, "dsl on duty", answering(tale)), (DEPUTY, "deputy dsl", NOT)]


def test_whom_it_is_passed_on_to_is_told_and_whether_they_took_it() -> None:
    tale = acknowledged()
    first = answering(tale)
    tale.give(a_passing_on(DEPUTY), dsl)
    by = f"passed on to them by {DSL}"
    assert told(tale) == [(DSL, "dsl on duty", first), (DEPUTY, by, NOT)]
    tale.give(acknowledgement, deputy)
    assert told(tale) == [(DSL, "dsl on duty", first), (DEPUTY, by, answering(tale))]


def test_one_passing_on_that_lapsed_is_not_answered_by_the_next() -> None:
    tale = acknowledged()
    tale.give(a_passing_on(DEPUTY), dsl)
    tale.miss_what_is_due("passing-1")
    tale.give(a_passing_on(SECOND_DEPUTY), dsl)
    tale.give(a_passing_on(DEPUTY), dsl)
    tale.give(acknowledgement, deputy)
    assert [(who, taken) for who, _, taken in told(tale)[1:]] == [
        (DEPUTY, NOT),
        (SECOND_DEPUTY, NOT),
        (DEPUTY, answering(tale)),
    ]


def test_who_takes_what_another_had_taken_meanwhile_was_not_asked_anew() -> None:
    tale = raised()
    tale.miss_the_deadline()
    tale.give(acknowledgement, deputy)
    first = answering(tale)
    tale.give(addition, mentor)
    tale.give(acknowledgement, dsl)
    assert told(tale) == [
        (DSL, "dsl on duty", NOT),
        (DEPUTY, "deputy dsl", first),
        (DEPUTY, "handler", NOT),
        (DSL, "not asked anew", answering(tale)),
    ]


def test_whom_a_separation_asks_is_told_and_what_was_asked_before_the_merge_is_answered_no_more() -> None:
    tale = raised()
    tale.happened += [
        ConcernMerged(concern_id="concern-1", leading_id="concern-2", number=1),
        ConcernSeparated(concern_id="concern-1", leading_id="concern-2", number=1),
        ConcernAssigned(concern_id="concern-1", assignee_id=DEPUTY, assignee_role=ASSIGNEE_ROLE_DEPUTY_DSL, step=1),
    ]
    tale.state = concern.fold(concern.initial, tale.happened)
    tale.give(acknowledgement, dsl)
    assert told(tale) == [
        (DSL, "dsl on duty", NOT),
        (DEPUTY, "deputy dsl", NOT),
        (DSL, "not asked anew", answering(tale)),
    ]
