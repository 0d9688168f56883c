"""A learner goes on by another version: what was done counts there as the mapping says, and stays what it was."""

from datetime import timedelta

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.testing.reading import LaidDown
from eventkernel.testing.scenario import assert_folds_in_pieces, given, person
from evidence.domain.migration import migrations
from evidence.domain.standard import Standard
from evidence.domain.standards import standard
from evidence.projections.ksb_progress import ksb_progress
from evidence.projections.learner_progress import get_ksb_progress
from evidence.projections.migration_preview import preview_migration
from evidence.projections.progress_document import LearnerProgress
from evidence.projections.progress_figures import figures_on, is_on
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.evidence.v1.evidence_pb2 import CarriedPiece, GetKsbProgressRequest
from mentoring.evidence.v1.standard_events_pb2 import KsbMapping, LearnerMigrated, StandardMapped
from mentoring.evidence.v1.standard_pb2 import (
    MIGRATION_FATE_KEPT,
    MIGRATION_FATE_LOST,
    MIGRATION_FATE_MOVED,
    MigrateLearnerRequest,
    PreviewMigrationRequest,
    PreviewMigrationResponse,
)
from mentoring.sessions.v1.mentorship_events_pb2 import StandardChanged
from mentoring.sessions.v1.session_record_events_pb2 import HeldRecord, SessionCorrected

from .progress_stories import (
    BEGAN,
    LEARNER,
    accepted,
    activity,
    facts,
    held,
    hours,
    live,
    planned,
    referred,
    sampled,
    started,
    story,
    submitted,
)
from .test_standard_life import BOTH, NEW, OLD, OTHER, WHOLE, imported, mapping, state

MAPPED = StandardMapped(standard=OLD, to=NEW, mapping=WHOLE, number=1)
MIGRATE = MigrateLearnerRequest(learner_id=LEARNER, standard=OLD, to=NEW)


def went(codes: list[KsbMapping] = WHOLE, number: int = 1) -> LearnerMigrated:
    return LearnerMigrated(learner_id=LEARNER, standard=OLD, to=NEW, mapping=codes, mapping_number=number)


class TestDeciding:
    known: Standard = state(*BOTH, MAPPED)

    def test_a_learner_goes_by_the_newest_mapping_and_a_repeat_changes_nothing(self) -> None:
        past = given(migrations).beside(self.known).when(MIGRATE).then(went())
        past.when(MIGRATE).then_nothing()

    def test_a_newer_mapping_puts_the_migration_right(self) -> None:
        newer = mapping(K1="K3", K2="K2")
        known = state(*BOTH, MAPPED, StandardMapped(standard=OLD, to=NEW, mapping=newer, number=2))
        past = given(migrations, went()).beside(known).when(MIGRATE).then(went(newer, 2))
        assert_folds_in_pieces(migrations, past.past)

    def test_without_a_mapping_or_a_standard_nobody_goes(self) -> None:
        given(migrations).beside(state(*BOTH)).when(MIGRATE).then_refused("NOT_MAPPED")
        given(migrations).beside(Standard()).when(MIGRATE).then_refused("STANDARD_UNKNOWN")

    def test_nobody_goes_in_a_circle_not_even_by_another_version(self) -> None:
        back = MigrateLearnerRequest(learner_id=LEARNER, standard=NEW, to=OLD)
        home = StandardMapped(standard=NEW, to=OLD, mapping=mapping(K1="K1", K2="K2", K3=""), number=1)
        given(migrations, went()).beside(state(*BOTH, home)).when(back).then_refused("MIGRATED_IN_A_CIRCLE")
        onward = LearnerMigrated(learner_id=LEARNER, standard=NEW, to=OTHER, mapping_number=1)
        far = MigrateLearnerRequest(learner_id=LEARNER, standard=OTHER, to=OLD)
        from_other = StandardMapped(standard=OTHER, to=OLD, mapping=mapping(K1="K1"), number=1)
        beside = given(migrations, went(), onward).beside(state(imported(OTHER, "K1"), from_other))
        beside.when(far).then_refused("MIGRATED_IN_A_CIRCLE")

    def test_one_to_the_wrong_version_is_put_right_by_one_to_the_right_one_and_back_again(self) -> None:
        elsewhere = LearnerMigrated(learner_id=LEARNER, standard=OLD, to=OTHER, mapping_number=1)
        past = given(migrations, went(), elsewhere).beside(self.known).when(MIGRATE).then(went())
        past.when(MIGRATE).then_nothing()

    def test_from_where_the_learner_went_on_they_are_not_led_elsewhere(self) -> None:
        onward = LearnerMigrated(learner_id=LEARNER, standard=NEW, to=OTHER, mapping_number=1)
        away = MigrateLearnerRequest(
            learner_id=LEARNER, standard=OLD, to=StandardVersion(reference="ST9002", version="1.0")
        )
        mapped = StandardMapped(standard=OLD, to=away.to, mapping=mapping(K1="", K2=""), number=1)
        known, past = state(*BOTH, MAPPED, mapped), (went(), onward)
        assert given(migrations, *past).beside(known).when(away).then_refused("MIGRATED_ON").field == "standard"
        newer = StandardMapped(standard=OLD, to=NEW, mapping=WHOLE, number=2)
        given(migrations, *past).beside(state(*BOTH, MAPPED, newer)).when(MIGRATE).then(went(WHOLE, 2))


HISTORY: tuple[tuple[str, tuple[Message, ...]], ...] = (
    ("mentorships-learner-1", (started(),)),
    ("session-s1", (planned("s1", "K1"), held("s1", "K1", "K2", minutes=60))),
    ("learning-plans-learner-1", (activity("a1", "K2"), hours("r1", "a1", 30))),
    ("evidence-e1", (submitted("e1", "K1", "K2"), accepted("e1", "K1"), referred("e1", "K2"))),
    ("evidence-e2", (submitted("e2", "K2"), accepted("e2", "K2"))),
    ("sample-e2", (sampled("e2", "K2"),)),
)  # fmt: skip


def after(*migrated: LearnerMigrated, at_days: int = 30) -> LearnerProgress:
    history = [known for stream, events in HISTORY for known in story(stream, *((event, BEGAN) for event in events))]
    history += story(
        "migrations-learner-1", *((event, BEGAN + timedelta(days=at_days + n)) for n, event in enumerate(migrated))
    )
    return live(history)


class TestCarriedOver:
    def test_what_was_done_counts_under_each_code_that_it_became(self) -> None:
        figures = figures_on(after(went()), "ST0148", "2.0")
        shown = {code: (one.practised, one.evidenced, one.assessed, one.sampled) for code, one in figures.ksbs.items()}
        assert shown == {"K1": (1, 1, 1, 0), "K2": (2, 2, 1, 1), "K3": (2, 2, 1, 1)}
        assert (figures.sessions_held, figures.practised_seconds) == (1, 90 * 60)

    def test_the_version_before_stays_what_it_was(self) -> None:
        assert figures_on(after(went()), "ST0148", "1.0") == figures_on(after(), "ST0148", "1.0")
        assert (is_on(after(), "ST0148", "1.0"), is_on(after(went()), "ST0148", "1.0")) == (True, False)

    def test_what_is_dropped_counts_nowhere_and_its_time_is_still_time(self) -> None:
        figures = figures_on(after(went(mapping(K1="", K2=""))), "ST0148", "2.0")
        assert (figures.ksbs, figures.evidence_submitted) == ({}, 0)
        assert (figures.sessions_held, figures.practised_seconds) == (1, 90 * 60)

    def test_two_that_become_one_are_one_piece_and_the_accepted_claim_counts(self) -> None:
        figures = figures_on(after(went(mapping(K1="K3", K2="K3"))), "ST0148", "2.0")
        assert (figures.ksbs["K3"].evidenced, figures.ksbs["K3"].assessed) == (2, 2)
        assert figures.ksbs["K3"].practised_seconds == 60 * 60 + 30 * 60

    def test_a_migration_that_is_put_right_changes_all_that_followed(self) -> None:
        newer = went(mapping(K1="K3", K2="K2"), 2)
        assert figures_on(after(went(), newer), "ST0148", "2.0") == figures_on(after(newer), "ST0148", "2.0")

    def test_it_goes_on_through_a_second_migration(self) -> None:
        onward = LearnerMigrated(
            learner_id=LEARNER, standard=NEW, to=OTHER, mapping=mapping(K1="K1", K2="", K3="K1"), mapping_number=1
        )
        figures = figures_on(after(went(), onward), "ST9001", "1.0")
        assert (figures.ksbs["K1"].evidenced, figures.ksbs["K1"].assessed) == (2, 2)

    def test_one_to_the_wrong_version_counts_there_no_longer_once_it_is_put_right(self) -> None:
        wrong = LearnerMigrated(learner_id=LEARNER, standard=OLD, to=OTHER, mapping=mapping(K1="K1", K2=""))
        document = after(wrong, went())
        assert figures_on(document, "ST9001", "1.0").ksbs == {}
        assert figures_on(document, "ST0148", "2.0") == figures_on(after(went()), "ST0148", "2.0")
        assert (is_on(document, "ST9001", "1.0"), is_on(document, "ST0148", "2.0")) == (False, True)

    def test_each_piece_says_what_it_was_claimed_against_at_first(self) -> None:
        onward = LearnerMigrated(learner_id=LEARNER, standard=NEW, to=OTHER, mapping=mapping(K1="", K2="", K3="K1"))
        document = after(went(), onward)
        assert figures_on(document, "ST0148", "2.0").ksbs["K3"].carried == {
            "e1": ("ST0148", "1.0", "K2"),
            "e2": ("ST0148", "1.0", "K2"),
        }
        assert set(figures_on(document, "ST9001", "1.0").ksbs["K1"].carried.values()) == {("ST0148", "1.0", "K2")}
        assert figures_on(document, "ST0148", "1.0").ksbs["K2"].carried == {}

    def test_a_session_planned_before_and_held_after_touched_what_its_record_says(self) -> None:
        """Its aims are KSBs of the version before, and go by the mapping; what it touched are KSBs of the other already."""
        document = after(went(mapping(K1="K3", K2="K2")))
        record = held("s9", "K1", minutes=30)
        record.standard.CopyFrom(NEW)
        late = BEGAN + timedelta(days=40)
        for known in story("session-s9", (planned("s9", "K1"), BEGAN), (record, late)):
            ksb_progress.folds[type(known.event)](document, known.event, known.meta)
        before, now = figures_on(document, "ST0148", "1.0"), figures_on(document, "ST0148", "2.0")
        assert [(now.ksbs[code].planned, now.ksbs[code].practised) for code in ("K1", "K3")] == [(0, 1), (2, 1)]
        assert (before.sessions_planned, before.sessions_held, before.ksbs["K1"].ahead) == (2, 1, False)
        assert (now.sessions_planned, now.sessions_held) == (2, 2)

    def test_a_record_corrected_after_the_migration_counts_by_the_other_version(self) -> None:
        document = after(went(mapping(K1="K3", K2="K2")))
        record = SessionCorrected(session_id="s1", learner_id=LEARNER, standard=NEW)
        record.held.CopyFrom(HeldRecord(duration=Duration(seconds=1200), ksb_codes=["K1"]))
        for known in story("session-s1", (record, BEGAN)):
            ksb_progress.folds[type(known.event)](document, known.event, known.meta)
        now = figures_on(document, "ST0148", "2.0")
        assert (now.ksbs["K1"].practised_seconds, now.ksbs["K3"].practised, now.held_seconds) == (1200, 0, 1200)
        assert figures_on(document, "ST0148", "1.0").sessions_held == 0

    def test_whoever_was_migrated_is_one_of_the_other_versions_though_their_mentorship_has_ended(self) -> None:
        everything = after(went(mapping(K1="", K2="")))
        assert is_on(everything, "ST0148", "2.0")
        assert not is_on(live(story("migrations-learner-1", (went(), BEGAN))), "ST0148", "2.0")

    async def test_progress_points_each_carried_piece_to_its_origin(self) -> None:
        read = LaidDown(person(LEARNER, "learner"), {"standard-ST0148": [*BOTH, MAPPED]}, [after(went())])
        answer = await get_ksb_progress(GetKsbProgressRequest(learner_id=LEARNER, standard=NEW), read)
        shown = {ksb.code: list(ksb.carried) for ksb in answer.ksbs}
        assert shown["K1"] == [CarriedPiece(evidence_id="e1", standard=OLD, code="K1")]
        assert [(one.evidence_id, one.code) for one in shown["K3"]] == [("e1", "K2"), ("e2", "K2")]

    def test_what_is_done_afterwards_is_added_to_it(self) -> None:
        later = submitted("e9", "K1")
        later.standard.CopyFrom(NEW)
        document = after(went())
        for known in story("evidence-e9", (later, BEGAN + timedelta(days=60))):
            ksb_progress.folds[type(known.event)](document, known.event, known.meta)
        assert figures_on(document, "ST0148", "2.0").ksbs["K1"].evidenced == 2

    def test_the_mentorship_is_on_the_other_version_once_it_has_followed(self) -> None:
        changed = StandardChanged(
            learner_id=LEARNER, mentorship_id=started().mentorship_id, mentor_id="mentor-1", standard=NEW
        )
        history = story("mentorships-learner-1", (started(), BEGAN), (changed, BEGAN + timedelta(days=31)))
        (mentorship,) = live(history).mentorships.values()
        assert (mentorship.reference, mentorship.version) == ("ST0148", "2.0")

    def test_before_it_happened_nothing_of_it_was_known(self) -> None:
        kept = facts(story("migrations-learner-1", (went(), BEGAN)))
        assert [fact.type for one in kept for fact in one.facts] == ["mentoring.evidence.learner-migrated"]


class TestPreview:
    async def report(self, *, given_mapping: list[KsbMapping] = [], stored: bool = True) -> PreviewMigrationResponse:  # noqa: B006
        past = [*BOTH, MAPPED] if stored else [*BOTH]
        read = LaidDown(person("manager", "provider_manager"), {"standard-ST0148": past}, [after()])
        request = PreviewMigrationRequest(learner_id=LEARNER, standard=OLD, to=NEW, mapping=given_mapping)
        return await preview_migration(request, read)

    async def test_it_says_what_is_kept_moved_and_lost_and_what_is_still_required(self) -> None:
        report = await self.report(given_mapping=mapping(K1="", K2="K2 K3"))
        assert [(one.code, one.fate, one.evidenced, one.assessed, list(one.evidence_ids)) for one in report.ksbs] == [
            ("K1", MIGRATION_FATE_LOST, 1, 1, ["e1"]),
            ("K2", MIGRATION_FATE_MOVED, 2, 1, ["e1", "e2"]),
        ]
        assert [(one.code, one.required, one.assessed, list(one.from_codes)) for one in report.required] == [
            ("K1", 1, 0, []), ("K2", 1, 1, ["K2"]), ("K3", 1, 1, ["K2"]),
        ]  # fmt: skip

    async def test_without_a_mapping_of_its_own_the_newest_that_was_set_is_tried(self) -> None:
        report = await self.report()
        assert [one.fate for one in report.ksbs] == [MIGRATION_FATE_KEPT, MIGRATION_FATE_MOVED]

    async def test_it_foretells_the_figures_that_follow(self) -> None:
        report = await self.report()
        figures = figures_on(after(went()), "ST0148", "2.0")
        assert {one.code: one.assessed for one in report.required} == {
            code: one.assessed for code, one in figures.ksbs.items()
        }

    async def test_a_mapping_that_is_not_whole_or_not_there_is_refused(self) -> None:
        for arguments, code in (
            ({"given_mapping": mapping(K1="K1")}, "MAPPING_NOT_WHOLE"),
            ({"stored": False}, "NOT_MAPPED"),
        ):
            with pytest.raises(Refusal) as refused:
                await self.report(**arguments)
            assert refused.value.code == code


def test_the_standard_has_all_its_decisions() -> None:
    assert len(standard.decisions) == 3
