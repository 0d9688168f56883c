"""What may happen to a standard."""

from typing import Any

from eventkernel.testing.scenario import Outcome, assert_folds_in_pieces, given
from evidence.domain.standard import Licence, Standard, missing_codes, standard
from google.protobuf.message import Message
from hypothesis import given as having
from hypothesis import strategies as st
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.evidence.v1.events_pb2 import (
    KSB_KIND_BEHAVIOUR,
    KSB_KIND_KNOWLEDGE,
    KSB_KIND_SKILL,
    CaseLicence,
    Ksb,
    StandardImported,
)
from mentoring.evidence.v1.evidence_pb2 import ImportStandardRequest
from pydantic import TypeAdapter

KINDS = {"K": KSB_KIND_KNOWLEDGE, "S": KSB_KIND_SKILL, "B": KSB_KIND_BEHAVIOUR}


def ksbs(*codes: str) -> list[Ksb]:
    return [Ksb(code=code, kind=KINDS[code[0]], statement=f"What {code} says") for code in codes]


def imports(*codes: str, version: str = "1.0", **changes: Any) -> ImportStandardRequest:
    content: dict[str, Any] = {
        "standard": StandardVersion(reference="ST0148", version=version),
        "title": "Learning Mentor",
        "level": 3,
        "ksbs": ksbs(*(codes or ("K1", "K2", "S1", "B1"))),
    }
    return ImportStandardRequest(**{**content, **changes})


def imported(*codes: str, version: str = "1.0") -> StandardImported:
    command = imports(*codes, version=version)
    return StandardImported(standard=command.standard, title=command.title, level=command.level, ksbs=command.ksbs)


def asked(command: Message, *past: Message) -> Outcome[Standard]:
    return given(standard, *past).when(command)


def test_a_whole_standard_is_imported() -> None:
    asked(imports()).then(imported())


def test_importing_the_same_version_again_changes_nothing() -> None:
    asked(imports(), imported()).then_nothing()


def test_an_imported_version_is_never_changed() -> None:
    for other in (imports("K1"), imports(title="Mentor"), imports(level=4), imports("K2", "K1", "S1", "B1")):
        refusal = asked(other, imported()).then_refused("STANDARD_VERSION_EXISTS")
        assert refusal.field == "standard.version"


def test_who_made_it_and_its_licence_are_kept_as_they_were_said_at_first() -> None:
    licence = CaseLicence(title="Open Government Licence v3.0", text="Crown copyright")
    outcome = asked(imports(case_creator="The Institute", case_licence=licence))
    (event,) = outcome.events
    assert isinstance(event, StandardImported)
    assert (event.case_creator, event.case_licence) == ("The Institute", licence)
    version = outcome.after().state.versions[0]
    assert version.licence == Licence(licence.title, text=licence.text)
    asked(imports(), event).then_nothing()
    asked(imports(case_creator="Somebody", case_licence=licence), imported()).then_nothing()


def test_several_versions_are_kept() -> None:
    state = asked(imports("K1", version="1.1"), imported()).then(imported("K1", version="1.1")).state
    first, second = state.find("1.0"), state.find("1.1")
    assert first is not None
    assert second is not None
    assert [ksb.code for ksb in first.ksbs] == ["K1", "K2", "S1", "B1"]
    assert second.codes == {"K1"}
    assert state.find("2.0") is None


def test_a_code_stands_for_one_ksb() -> None:
    refusal = asked(imports("K1", "K1", "S1")).then_refused("DUPLICATE_KSB")
    assert refusal.field == "ksbs"
    assert "K1" in refusal.text


def test_the_letter_says_the_kind() -> None:
    wrong = [Ksb(code="K1", kind=KSB_KIND_SKILL, statement="x"), *ksbs("S1")]
    refusal = asked(imports(ksbs=wrong)).then_refused("KSB_KIND_MISMATCH")
    assert refusal.text.startswith("K1:")
    assert refusal.field == "ksbs"


def test_no_number_is_left_out() -> None:
    refusal = asked(imports("K1", "K4", "S2", "B1")).then_refused("KSB_NUMBERING")
    assert refusal.text.startswith("K2, K3, S1:")
    assert refusal.field == "ksbs"


def test_numbers_have_no_leading_zero() -> None:
    assert asked(imports("K01")).then_refused("KSB_NUMBERING").text.startswith("K01:")
    assert asked(imports("K0", "K1")).then_refused("KSB_NUMBERING").text.startswith("K0:")


def test_what_is_missing_is_counted_for_each_letter() -> None:
    assert missing_codes(["K1", "K2", "S3", "B1"]) == ["S1", "S2"]
    assert missing_codes([]) == []


CODES = st.lists(st.sampled_from(["K1", "K2", "K3", "S1", "S2", "B1", "K01"]), min_size=1, max_size=4)
IMPORTS = st.builds(
    lambda codes, version: imports(*codes, version=version),
    st.one_of(st.sampled_from([["K1"], ["K1", "S1"]]), CODES),
    st.sampled_from(["1.0", "1.1"]),
)


@having(st.lists(IMPORTS, max_size=10))
def test_whatever_is_imported_a_version_stays_as_it_came_and_is_whole(commands: list[ImportStandardRequest]) -> None:
    story = given(standard)
    for command in commands:
        outcome = story.when(command)
        if outcome.refusal is None:
            story = outcome.after()
            story.when(command).then_nothing()
    versions = [event.standard.version for event in story.past if isinstance(event, StandardImported)]
    assert len(versions) == len(set(versions)), "a version was imported twice"
    for event in story.past:
        assert isinstance(event, StandardImported)
        codes = [ksb.code for ksb in event.ksbs]
        for letter in "KSB":
            numbers = sorted(code for code in codes if code.startswith(letter))
            assert numbers == [f"{letter}{n}" for n in range(1, len(numbers) + 1)]
    assert_folds_in_pieces(standard, story.past)
    adapter = TypeAdapter(Standard)
    assert adapter.validate_json(adapter.dump_json(story.state)) == story.state
