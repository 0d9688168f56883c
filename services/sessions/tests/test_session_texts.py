"""What belongs to a session beside its record: the agenda, a mentor's own notes, the learner's own view."""

import pytest
from eventkernel.testing.scenario import person
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.session_record_events_pb2 import LearnerViewAdded, SessionAgendaSet

from .session_stories import (
    ANOTHER_MENTOR,
    CANCELLED,
    TWO_MENTORS,
    asked,
    cancelled,
    digest,
    held,
    hold,
    keep,
    kept,
    missed,
    plan,
    planned,
    set_agenda,
    view,
)
from .test_session_record import corrected

LEARNER = person("learner-1", "learner")


def agenda(*items: str) -> SessionAgendaSet:
    lines = "\n".join(items)
    return SessionAgendaSet(
        session_id="session-1",
        learner_id="learner-1",
        agenda=Sealed(to_be_sealed=lines) if items else None,
        content_digest=digest(f"agenda\n{lines}") if items else "",
    )


def viewed(text: str = "CONFIDENTIAL: it went too fast") -> LearnerViewAdded:
    return LearnerViewAdded(
        session_id="session-1",
        learner_id="learner-1",
        learner_view=Sealed(to_be_sealed=text),
        content_digest=digest(f"learner-view\n{text}"),
    )


def test_a_session_is_planned_with_its_agenda() -> None:
    asked(plan(agenda=["exam nerves", "the placement"])).then(planned(), agenda("exam nerves", "the placement"))


def test_the_agenda_changes_while_the_session_is_planned_and_back_again() -> None:
    story = asked(set_agenda("exam nerves"), planned()).then(agenda("exam nerves"))
    asked(set_agenda("exam nerves"), *story.past).then_nothing()
    story = asked(set_agenda("the placement"), *story.past).then(agenda("the placement"))
    story = asked(set_agenda("exam nerves"), *story.past).then(agenda("exam nerves"))
    story = asked(set_agenda(agenda=[]), *story.past).then(agenda())
    asked(set_agenda(agenda=[]), *story.past).then_nothing()


def test_a_session_without_an_agenda_has_none_to_take_away() -> None:
    asked(set_agenda(agenda=[]), planned()).then_nothing()


@pytest.mark.parametrize("ended", [held(), missed(), cancelled()])
def test_what_is_over_gets_no_other_agenda(ended: Message) -> None:
    asked(set_agenda("else"), planned(), agenda("exam nerves"), ended).then_refused("SESSION_NOT_PLANNED")
    asked(set_agenda("exam nerves"), planned(), agenda("exam nerves"), ended).then_nothing()


def test_notes_are_kept_before_and_after_a_session_one_beside_the_other() -> None:
    story = asked(keep(), planned()).then(kept())
    story = asked(hold(), *story.past).then(held())
    second = asked(keep("CONFIDENTIAL: she seemed relieved"), *story.past)
    assert [type(event).__name__ for event in second.events] == ["PreparationKept"]
    asked(keep(), *second.after().past).then_nothing()
    asked(keep(), planned(), cancelled()).then(kept())


def test_notes_that_were_kept_before_are_not_kept_twice_by_the_record() -> None:
    story = asked(hold(private_preparation="CONFIDENTIAL: ask about home"), planned(), kept()).then(held())
    asked(hold(private_preparation="CONFIDENTIAL: ask about home"), *story.past).then_nothing()
    asked(hold(private_preparation="other"), *story.past).then_refused("SESSION_NOT_PLANNED")


def test_the_same_words_of_another_author_are_their_own_notes() -> None:
    mine = kept()
    mine.author_id, mine.content_digest = "mentor-0", digest("preparation\nmentor-0\nCONFIDENTIAL: ask about home")
    asked(keep(), planned(), mine).then(kept())


def test_only_the_mentor_of_an_active_mentorship_sets_an_agenda_and_keeps_notes() -> None:
    for command in (set_agenda(), keep()):
        asked(command).then_refused("SESSION_NOT_PLANNED")
        asked(command, planned(), by=ANOTHER_MENTOR, beside=TWO_MENTORS).then_refused("SESSION_OF_ANOTHER_MENTOR")
        asked(command, planned(), beside=CANCELLED).then_refused("MENTORSHIP_NOT_ACTIVE")


def test_the_learner_says_how_they_see_it_and_again_otherwise() -> None:
    story = asked(view(), planned(), held(), by=LEARNER).then(viewed())
    asked(view(), *story.past, by=LEARNER).then_nothing()
    story = asked(view("it went well"), *story.past, by=LEARNER).then(viewed("it went well"))
    asked(view(), *story.past, by=LEARNER).then(viewed())


def test_a_learners_view_needs_no_mentorship_that_goes_on_and_outlives_a_correction() -> None:
    asked(view(), planned(), held(), corrected(), by=LEARNER, beside=CANCELLED).then(viewed())


@pytest.mark.parametrize("past", [[planned()], [planned(), missed()], [planned(), cancelled()]])
def test_there_is_no_view_of_a_session_that_was_not_held(past: list[Message]) -> None:
    assert asked(view(), *past, by=LEARNER).then_refused("SESSION_NOT_HELD").field == "session_id"


def test_a_learner_is_told_of_anothers_session_what_they_are_told_of_none() -> None:
    anothers = asked(view(learner_id="learner-2"), planned(), held()).then_refused("SESSION_UNKNOWN")
    assert anothers.text == asked(view(learner_id="learner-2")).then_refused("SESSION_UNKNOWN").text
