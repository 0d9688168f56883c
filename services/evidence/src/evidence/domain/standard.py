"""A standard in its versions: whole, checked, and once imported never changed.

Within a version each code is there once, says its kind by its letter, and no number is left out.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from eventkernel.aggregate import Aggregate, Context, Refusal
from mentoring.evidence.v1 import events_pb2
from mentoring.evidence.v1.events_pb2 import KSB_KIND_BEHAVIOUR, KSB_KIND_KNOWLEDGE, KSB_KIND_SKILL, StandardImported
from mentoring.evidence.v1.evidence_pb2 import ImportStandardRequest

from evidence.policy_defaults import EVIDENCE_CURRENCY_MONTHS, REQUIRED_EVIDENCE

KIND_OF_LETTER: Mapping[str, events_pb2.KsbKind.ValueType] = {
    "K": KSB_KIND_KNOWLEDGE,
    "S": KSB_KIND_SKILL,
    "B": KSB_KIND_BEHAVIOUR,
}


@dataclass(frozen=True, slots=True)
class Ksb:
    """One statement; `kind` is a KsbKind. What is 0 or empty of the rest is not said: the standard's, or the platform's own, holds.

    `methods` are EvidenceKinds, `currency_months` how old the work may be when it is submitted.
    """

    code: str
    kind: int
    statement: str
    required_evidence: int = 0
    methods: tuple[int, ...] = ()
    currency_months: int = 0
    unit: str = ""
    case_identifier: str = ""
    case_uri: str = ""

    @property
    def required(self) -> int:
        """How many accepted pieces sign it off."""
        return self.required_evidence or REQUIRED_EVIDENCE


@dataclass(frozen=True, slots=True)
class VersionMapping:
    """What each KSB of a version becomes in another, by code; `number` counts those between the same two from 1."""

    reference: str
    version: str
    codes: tuple[tuple[str, tuple[str, ...]], ...]
    succeeds: bool
    number: int


@dataclass(frozen=True, slots=True)
class Licence:
    """Under what it may be used, as CASE has it; `text` is what it says."""

    title: str
    identifier: str = ""
    uri: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the standard, its KSBs in its order. `retired_from` is an ISO day, empty where it is not retired."""

    version: str
    title: str
    level: int
    ksbs: tuple[Ksb, ...]
    currency_months: int = 0
    case_identifier: str = ""
    case_uri: str = ""
    case_creator: str = ""
    # The groups of the CASE package that it came in: title, identifier and URI.
    case_groups: tuple[tuple[str, str, str], ...] = ()
    licence: Licence | None = None
    retired_from: str = ""
    mappings: tuple[VersionMapping, ...] = ()

    def judges_as(self, other: "Version") -> bool:
        """Whether a learner is judged the same by both: who made it, its licence, and what became of it since are left aside."""
        return replace(self, case_creator="", licence=None, retired_from="", mappings=()) == replace(
            other, case_creator="", licence=None, retired_from="", mappings=()
        )

    def mapping_to(self, reference: str, version: str) -> VersionMapping | None:
        """The newest mapping to that version; None where there is none."""
        found = [one for one in self.mappings if (one.reference, one.version) == (reference, version)]
        return found[-1] if found else None

    @property
    def successor(self) -> VersionMapping | None:
        """The mapping to what takes its place, as it was said last."""
        return next((one for one in reversed(self.mappings) if one.succeeds), None)

    def currency_of(self, code: str) -> int:
        """How many months old the work may be that is claimed against this KSB."""
        own = next((ksb.currency_months for ksb in self.ksbs if ksb.code == code), 0)
        return own or self.currency_months or EVIDENCE_CURRENCY_MONTHS

    def methods_of(self, code: str) -> tuple[int, ...]:
        """Which kinds of evidence may be claimed against this KSB; empty: all."""
        return next((ksb.methods for ksb in self.ksbs if ksb.code == code), ())

    @property
    def codes(self) -> frozenset[str]:
        """The codes of its KSBs."""
        return frozenset(ksb.code for ksb in self.ksbs)


@dataclass(frozen=True, slots=True)
class Standard:
    """Every version of one standard that was imported. A learner stays on the one they started with."""

    versions: tuple[Version, ...] = ()

    def find(self, version: str) -> Version | None:
        """One version; None where it was not imported."""
        return next((known for known in self.versions if known.version == version), None)


# Shape 4: what a KSB takes to be signed off, retirement, mappings, licences, and where CASE keeps it all are known.
standard = Aggregate("standard", initial=Standard(), shape=4)


@standard.decide
def import_standard(state: Standard, command: ImportStandardRequest, _context: Context) -> list[StandardImported]:
    """Takes in one version, beside those that are there."""
    known = state.find(command.standard.version)
    if known is not None and known.judges_as(_version(command)):
        return []
    if known is not None:
        raise Refusal(
            "STANDARD_VERSION_EXISTS",
            f"{command.standard.reference} {command.standard.version} was imported with other content, and learners may "
            "be judged against it; import the change under a new version",
            field="standard.version",
        )
    codes = [ksb.code for ksb in command.ksbs]
    _refuse_repeated(codes)
    _refuse_wrong_kinds(command.ksbs)
    _refuse_gaps(codes)
    return [
        StandardImported(
            standard=command.standard,
            title=command.title,
            level=command.level,
            ksbs=command.ksbs,
            currency_months=command.currency_months,
            case_identifier=command.case_identifier,
            case_uri=command.case_uri,
            case_creator=command.case_creator,
            case_groups=command.case_groups,
            case_licence=command.case_licence if command.HasField("case_licence") else None,
        )
    ]


@standard.evolve
def imported(state: Standard, event: StandardImported) -> Standard:
    """One version more."""
    return Standard((*state.versions, _version(event)))


def missing_codes(codes: Iterable[str]) -> list[str]:
    """The codes that whole numbering would have and these have not: `K4` of K1, K2, K3, K5. Each letter counts from 1."""
    given = set(codes)
    return [
        f"{letter}{number}"
        for letter in KIND_OF_LETTER
        for number in range(1, max((int(code[1:]) for code in given if code.startswith(letter)), default=0) + 1)
        if f"{letter}{number}" not in given
    ]


def misnumbered_codes(codes: Iterable[str]) -> list[str]:
    """The codes whose number is 0 or begins with it."""
    return [code for code in codes if code[1:].startswith("0")]


def _version(of: ImportStandardRequest | StandardImported) -> Version:
    return Version(
        version=of.standard.version,
        title=of.title,
        level=of.level,
        ksbs=tuple(
            Ksb(
                ksb.code,
                ksb.kind,
                ksb.statement,
                ksb.required_evidence,
                tuple(sorted(ksb.methods)),
                ksb.currency_months,
                ksb.unit,
                ksb.case_identifier,
                ksb.case_uri,
            )
            for ksb in of.ksbs
        ),
        currency_months=of.currency_months,
        case_identifier=of.case_identifier,
        case_uri=of.case_uri,
        case_creator=of.case_creator,
        case_groups=tuple((group.title, group.identifier, group.uri) for group in of.case_groups),
        licence=_licence(of.case_licence) if of.HasField("case_licence") else None,
    )


def _licence(of: events_pb2.CaseLicence) -> Licence:
    return Licence(of.title, of.identifier, of.uri, of.text)


def _refuse_repeated(codes: Sequence[str]) -> None:
    repeated = [code for code, times in Counter(codes).items() if times > 1]
    if repeated:
        raise Refusal(
            "DUPLICATE_KSB",
            f"{', '.join(repeated)}: there more than once; leave each KSB in once",
            field="ksbs",
        )


def _refuse_wrong_kinds(ksbs: Iterable[events_pb2.Ksb]) -> None:
    wrong = [ksb.code for ksb in ksbs if ksb.kind != KIND_OF_LETTER.get(ksb.code[:1])]
    if wrong:
        raise Refusal(
            "KSB_KIND_MISMATCH",
            f"{', '.join(wrong)}: the kind is not the one that the letter says; "
            "K is knowledge, S a skill, B a behaviour: mend the code or the kind",
            field="ksbs",
        )


def _refuse_gaps(codes: Sequence[str]) -> None:
    wrong = misnumbered_codes(codes)
    if wrong:
        raise Refusal(
            "KSB_NUMBERING", f"{', '.join(wrong)}: numbers count from 1, without a leading 0; renumber", field="ksbs"
        )
    missing = missing_codes(codes)
    if missing:
        raise Refusal(
            "KSB_NUMBERING",
            f"{', '.join(missing)}: missing; a standard is imported whole: add what was left out, or renumber",
            field="ksbs",
        )
