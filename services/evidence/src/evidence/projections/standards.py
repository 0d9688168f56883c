"""Which standards there are, one document a version; one of them whole; what a migration between two would do; and CASE."""

from eventkernel.messages import Metadata
from eventkernel.projection import Projection
from eventkernel.reading import Reader
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.evidence.v1.events_pb2 import EvidenceKind, KsbKind, StandardImported
from mentoring.evidence.v1.events_pb2 import Ksb as KsbMessage
from mentoring.evidence.v1.standard_events_pb2 import KsbMapping, StandardMapped, StandardRetired
from mentoring.evidence.v1.standard_pb2 import (
    GetStandardRequest,
    GetStandardResponse,
    ListStandardsRequest,
    ListStandardsResponse,
    StandardMapping,
    StandardSummary,
)
from pydantic import BaseModel

from evidence.domain.standard import Version, standard
from evidence.domain.standard_life import known_version


class Known(BaseModel):
    """One version as lists show it."""

    version: str
    title: str = ""
    level: int = 0
    ksbs: int = 0
    retired_from: str = ""
    successor: tuple[str, str] | None = None


class StandardsKnown(BaseModel):
    """One standard's versions, in the order of their import."""

    stream: str
    reference: str = ""
    versions: dict[str, Known] = {}


standards = Projection(
    "standards", version=1, document=StandardsKnown, key="stream", indexes=("reference",), of_streams=True
)


@standards.on
def imported(document: StandardsKnown, event: StandardImported, _meta: Metadata) -> None:
    """One version more."""
    document.reference = event.standard.reference
    document.versions[event.standard.version] = Known(
        version=event.standard.version, title=event.title, level=event.level, ksbs=len(event.ksbs)
    )


@standards.on
def retired(document: StandardsKnown, event: StandardRetired, _meta: Metadata) -> None:
    """From that day on."""
    document.versions[event.standard.version].retired_from = event.from_day


@standards.on
def mapped(document: StandardsKnown, event: StandardMapped, _meta: Metadata) -> None:
    """What takes its place, where the mapping says so."""
    if event.succeeds:
        document.versions[event.standard.version].successor = (event.to.reference, event.to.version)


async def list_standards(request: ListStandardsRequest, read: Reader) -> ListStandardsResponse:
    """By reference, a page of standards at a time, each with all of its versions in the order of their import."""
    asked = {"reference": request.reference} if request.reference else {}
    found, cursor = await read.page(standards, request.page, order="reference", descending=False, **asked)
    return ListStandardsResponse(
        standards=[_summary(one.reference, known) for one in found for known in one.versions.values()],
        next_cursor=cursor,
    )


async def get_standard(request: GetStandardRequest, read: Reader) -> GetStandardResponse:
    """With what holds for each KSB, said or not. Raises Refusal STANDARD_UNKNOWN."""
    asked = request.standard
    version = known_version(await read.state(standard, f"standard-{asked.reference}"), asked, "standard")
    known = Known(
        version=version.version,
        title=version.title,
        level=version.level,
        ksbs=len(version.ksbs),
        retired_from=version.retired_from,
        successor=(version.successor.reference, version.successor.version) if version.successor else None,
    )
    return GetStandardResponse(
        summary=_summary(asked.reference, known), ksbs=_ksbs(version), mappings=_mappings(version)
    )


def _summary(reference: str, known: Known) -> StandardSummary:
    successor = StandardVersion(reference=known.successor[0], version=known.successor[1]) if known.successor else None
    return StandardSummary(
        standard=StandardVersion(reference=reference, version=known.version),
        title=known.title,
        level=known.level,
        ksbs=known.ksbs,
        retired_from=known.retired_from,
        successor=successor,
    )


def _ksbs(version: Version) -> list[KsbMessage]:
    return [
        KsbMessage(
            code=ksb.code,
            kind=KsbKind.ValueType(ksb.kind),
            statement=ksb.statement,
            required_evidence=ksb.required,
            methods=[EvidenceKind.ValueType(kind) for kind in ksb.methods],
            currency_months=version.currency_of(ksb.code),
            unit=ksb.unit,
            case_identifier=ksb.case_identifier,
            case_uri=ksb.case_uri,
        )
        for ksb in version.ksbs
    ]


def _mappings(version: Version) -> list[StandardMapping]:
    return [
        StandardMapping(
            to=StandardVersion(reference=one.reference, version=one.version),
            mapping=[KsbMapping(code=code, to_codes=codes) for code, codes in one.codes],
            number=one.number,
            succeeds=one.succeeds,
        )
        for one in version.mappings
    ]
