"""The local copy of a standard's codes."""

from eventkernel.testing.scenario import assert_folds_in_pieces, given
from hypothesis import given as having
from hypothesis import strategies as st
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.evidence.v1.events_pb2 import Ksb, StandardImported
from mentoring.sessions.v1.events_pb2 import StandardLearnt
from mentoring.sessions.v1.sessions_pb2 import LearnStandardRequest
from pydantic import TypeAdapter
from sessions.domain.standard import Standard, standard
from sessions.reactions.learning_standards import learn, learning_standards


def learning(version: str = "1.0", *codes: str) -> LearnStandardRequest:
    return LearnStandardRequest(
        standard=StandardVersion(reference="ST0148", version=version), ksb_codes=codes or ("K1", "S1")
    )


def learnt(version: str = "1.0", *codes: str) -> StandardLearnt:
    return StandardLearnt(
        standard=StandardVersion(reference="ST0148", version=version), ksb_codes=codes or ("K1", "S1")
    )


def test_a_version_heard_of_is_learnt() -> None:
    given(standard).when(learning()).then(learnt())


def test_a_version_heard_of_again_changes_nothing() -> None:
    given(standard, learnt()).when(learning()).then_nothing()


def test_another_version_is_kept_beside_the_first() -> None:
    state = given(standard, learnt()).when(learning("1.1", "K1")).then(learnt("1.1", "K1")).state
    assert state.codes_of("1.0") == ("K1", "S1")
    assert state.codes_of("1.1") == ("K1",)
    assert state.codes_of("2.0") is None


def test_a_version_with_other_codes_is_refused() -> None:
    refusal = given(standard, learnt()).when(learning("1.0", "K1")).then_refused("STANDARD_VERSION_EXISTS")
    assert refusal.field == "standard"


def test_a_standard_imported_elsewhere_is_learnt_in_its_order() -> None:
    event = StandardImported(
        standard=StandardVersion(reference="ST0148", version="1.0"), ksbs=[Ksb(code="S1"), Ksb(code="K1")]
    )
    assert learning_standards.policies[StandardImported] is learn
    assert list(learn(event, None)) == [learning("1.0", "S1", "K1")]  # type: ignore[arg-type]


@having(
    st.lists(
        st.builds(
            lambda version, codes: learning(version, *codes),
            st.sampled_from(["1.0", "1.1"]),
            st.sampled_from([("K1",), ("K1", "S1")]),
        )
    )
)
def test_whatever_is_heard_a_version_keeps_the_codes_it_came_with(commands: list[LearnStandardRequest]) -> None:
    story = given(standard)
    first: dict[str, tuple[str, ...]] = {}
    for command in commands:
        outcome = story.when(command)
        if outcome.refusal is None:
            story = outcome.after()
            story.when(command).then_nothing()
            first.setdefault(command.standard.version, tuple(command.ksb_codes))
        for version, codes in first.items():
            assert story.state.codes_of(version) == codes
    assert_folds_in_pieces(standard, story.past)
    adapter = TypeAdapter(Standard)
    assert adapter.validate_json(adapter.dump_json(story.state)) == story.state
