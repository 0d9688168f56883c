"""What the sessions service does when the evidence service retires a standard, or migrates a learner."""

from datetime import UTC, datetime

import pytest
from eventkernel.messages import Metadata
from eventkernel.testing.scenario import given
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.evidence.v1.standard_events_pb2 import LearnerMigrated, StandardRetired
from mentoring.sessions.v1.events_pb2 import MentorshipCompleted, MentorshipStarted
from mentoring.sessions.v1.following_pb2 import FollowMigrationRequest, LearnRetirementRequest
from mentoring.sessions.v1.mentorship_events_pb2 import StandardChanged, StandardRetirementLearnt
from sessions.domain.mentorship import mentorships
from sessions.domain.standard import Standard, Version, standard
from sessions.reactions.learning_standards import follow_migration, learn_retirement

from .test_mentorship import KNOWN, start
from .test_standard import learnt

OLD = StandardVersion(reference="ST0148", version="1.0")
NEW = StandardVersion(reference="ST0148", version="1.1")
FOLLOW = FollowMigrationRequest(learner_id="learner-1", standard=OLD, to=NEW)
RETIRE = LearnRetirementRequest(standard=OLD, from_day="2026-03-02")


def started(mentorship_id: str = "mentorship-1", on: StandardVersion = OLD) -> MentorshipStarted:
    request = start(mentorship_id)
    return MentorshipStarted(
        learner_id=request.learner_id, mentorship_id=mentorship_id, mentor_id=request.mentor_id, standard=on,
        employer_id=request.employer_id, site_id=request.site_id, parties=request.parties, ksb_codes=["K1", "K2", "S1"],
    )  # fmt: skip


def test_the_active_mentorship_goes_on_by_the_other_version_with_all_its_people() -> None:
    outcome = given(mentorships, started()).beside(KNOWN).when(FOLLOW)
    (event,) = outcome.events
    assert isinstance(event, StandardChanged)
    assert (event.standard, event.former_standard, list(event.ksb_codes)) == (NEW, OLD, ["K1"])
    assert {party.person_id for party in event.parties} == {"contact-1", "assessor-1"}
    (mentorship,) = outcome.after().state.all
    assert (mentorship.version, mentorship.ksb_codes, mentorship.terms.version) == ("1.1", ("K1",), "1.0")
    outcome.after().when(FOLLOW).then_nothing()


def test_starting_it_again_on_its_first_terms_is_still_a_repeat() -> None:
    past = given(mentorships, started()).beside(KNOWN).when(FOLLOW).after()
    past.when(start()).then_nothing()


def test_one_that_has_ended_stays_on_what_it_was_judged_against() -> None:
    ended = MentorshipCompleted(learner_id="learner-1", mentorship_id="mentorship-1")
    given(mentorships, started(), ended).beside(KNOWN).when(FOLLOW).then_nothing()


RIGHT = StandardVersion(reference="ST9001", version="1.0")
BESIDE_RIGHT = Standard((Version("1.0", ("K1", "K2")),))


def follow(to: StandardVersion, migration: int, standard: StandardVersion = OLD) -> FollowMigrationRequest:
    return FollowMigrationRequest(learner_id="learner-1", standard=standard, to=to, migration=migration)


def test_a_migration_that_is_put_right_takes_the_mentorship_from_where_the_mistaken_one_led() -> None:
    past = given(mentorships, started()).beside(KNOWN).when(follow(NEW, 1)).after()
    outcome = past.beside(BESIDE_RIGHT).when(follow(RIGHT, 2))
    (event,) = outcome.events
    assert isinstance(event, StandardChanged)
    assert (event.standard, event.former_standard, event.migrated_from) == (RIGHT, NEW, OLD)
    again = outcome.after().beside(KNOWN).when(follow(NEW, 3)).after()
    assert [(one.reference, one.version) for one in again.state.all] == [("ST0148", "1.1")]


def test_a_migration_that_comes_late_does_not_undo_the_one_that_put_it_right() -> None:
    past = given(mentorships, started()).beside(BESIDE_RIGHT).when(follow(RIGHT, 2)).after()
    past.beside(KNOWN).when(follow(NEW, 1)).then_nothing()


def test_one_that_went_on_is_not_taken_back_by_a_newer_mapping_of_the_first_way() -> None:
    past = given(mentorships, started()).beside(KNOWN).when(follow(NEW, 1)).after()
    onward = past.beside(BESIDE_RIGHT).when(follow(RIGHT, 2, standard=NEW)).after()
    onward.beside(KNOWN).when(follow(NEW, 3)).then_nothing()


def test_two_active_ones_of_one_standard_there_never_are() -> None:
    other = StandardVersion(reference="ST9001", version="1.0")
    follow = FollowMigrationRequest(learner_id="learner-1", standard=OLD, to=other)
    beside = Standard((Version("1.0", ("K1",)),))
    given(mentorships, started(), started("mentorship-2", other)).beside(beside).when(follow).then_nothing()


def test_a_standard_that_was_not_heard_of_yet_is_waited_for() -> None:
    given(mentorships, started()).beside(Standard()).when(FOLLOW).then_refused("STANDARD_UNKNOWN")
    given(standard).when(RETIRE).then_refused("STANDARD_UNKNOWN")


def test_a_retirement_is_kept_and_the_codes_stay() -> None:
    past = given(standard, learnt()).when(RETIRE).then(StandardRetirementLearnt(standard=OLD, from_day="2026-03-02"))
    past.when(RETIRE).then_nothing()
    assert past.state.codes_of("1.0") is not None


@pytest.mark.parametrize(("day", "starts"), [(1, True), (2, False), (3, False)])
def test_no_mentorship_starts_on_a_version_from_the_day_it_retires(day: int, starts: bool) -> None:
    retired = Standard((Version("1.0", ("K1", "K2", "S1"), "2026-03-02"),))
    outcome = given(mentorships).beside(retired).when(start(), at=datetime(2026, 3, day, 12, tzinfo=UTC))
    if starts:
        outcome.after()
    else:
        assert outcome.then_refused("STANDARD_RETIRED").field == "standard"


def test_what_the_evidence_service_says_leads_to_it() -> None:
    retired = StandardRetired(standard=OLD, from_day="2026-03-02")
    assert list(learn_retirement(retired, None)) == [RETIRE]  # type: ignore[arg-type]
    migrated = LearnerMigrated(learner_id="learner-1", standard=OLD, to=NEW)
    meta = Metadata("event-1", "type", "provider-1", "migrations-learner-1", 3, datetime(2026, 3, 2, tzinfo=UTC))
    assert list(follow_migration(migrated, meta)) == [follow(NEW, 3)]
