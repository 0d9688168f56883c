"""A standard as a 1EdTech CASE 1.1 CFPackage: the document, an item a KSB and a unit, and which belongs to which.

Identifiers and addresses that came with an import are kept; others follow from the provider, the standard and the code, so that the same
standard is exported the same each time.
"""

import json
from datetime import datetime

from eventkernel.messages import Recorded, derived_id
from eventkernel.reading import Reader
from mentoring.evidence.v1.events_pb2 import KsbKind, StandardImported
from mentoring.evidence.v1.standard_pb2 import ExportStandardRequest, ExportStandardResponse

from evidence.domain.standard import Ksb, Version, standard
from evidence.domain.standard_life import known_version

_TYPES = {
    KsbKind.KSB_KIND_KNOWLEDGE: "Knowledge",
    KsbKind.KSB_KIND_SKILL: "Skill",
    KsbKind.KSB_KIND_BEHAVIOUR: "Behaviour",
}
_Json = dict[str, object]


async def export_standard(request: ExportStandardRequest, read: Reader) -> ExportStandardResponse:
    """The package as JSON. Raises Refusal STANDARD_UNKNOWN."""
    asked, stream = request.standard, f"standard-{request.standard.reference}"
    version = known_version(await read.state(standard, stream), asked, "standard")
    changed = _imported_at(await read.history(stream), asked.version)
    return ExportStandardResponse(
        case_package=json.dumps(package(asked.reference, version, changed), ensure_ascii=False, indent=1)
    )


def package(reference: str, version: Version, changed: datetime) -> _Json:
    """The package, of plain values. `changed`: when the version was imported."""
    at = changed.isoformat(timespec="seconds").replace("+00:00", "Z")
    document = _link(version.title, version.case_identifier, version.case_uri, reference, version.version)
    units = list(dict.fromkeys(ksb.unit for ksb in version.ksbs if ksb.unit))
    unit_links = {unit: _link(unit, "", "", reference, version.version, "unit", unit) for unit in units}
    ksb_links = [
        (ksb, _link(ksb.code, ksb.case_identifier, ksb.case_uri, reference, version.version, ksb.code))
        for ksb in version.ksbs
    ]
    associations = [
        *((link, document) for link in unit_links.values()),
        *((link, unit_links[ksb.unit] if ksb.unit else document) for ksb, link in ksb_links),
    ]
    return {
        "CFDocument": {
            "identifier": document["identifier"],
            "uri": document["uri"],
            "creator": reference,
            "title": version.title,
            "version": version.version,
            "lastChangeDateTime": at,
            "CFPackageURI": document,
            "extensions": {
                "reference": reference,
                "level": version.level,
                "evidenceCurrencyMonths": version.currency_months,
            },
        },
        "CFItems": [
            *(_item(link, unit, "Unit", document, at) for unit, link in unit_links.items()),
            *(
                {
                    **_item(link, ksb.statement, _TYPES[KsbKind.ValueType(ksb.kind)], document, at),
                    "humanCodingScheme": ksb.code,
                    "extensions": _asked_of(ksb),
                }
                for ksb, link in ksb_links
            ),
        ],
        "CFAssociations": [
            {
                "identifier": _identifier("isChildOf", str(child["uri"]), str(parent["uri"])),
                "uri": f"urn:uuid:{_identifier('isChildOf', str(child['uri']), str(parent['uri']))}",
                "associationType": "isChildOf",
                "sequenceNumber": place,
                "originNodeURI": child,
                "destinationNodeURI": parent,
                "CFDocumentURI": document,
                "lastChangeDateTime": at,
            }
            for place, (child, parent) in enumerate(associations, start=1)
        ],
    }


def _item(link: _Json, statement: str, kind: str, document: _Json, at: str) -> _Json:
    return {
        "identifier": link["identifier"],
        "uri": link["uri"],
        "fullStatement": statement,
        "CFItemType": kind,
        "CFDocumentURI": document,
        "lastChangeDateTime": at,
    }


def _asked_of(ksb: Ksb) -> _Json:
    return {
        "requiredEvidence": ksb.required_evidence,
        "evidenceMethods": list(ksb.methods),
        "evidenceCurrencyMonths": ksb.currency_months,
    }


def _link(title: str, identifier: str, uri: str, *made_of: str) -> _Json:
    known = identifier or _identifier(*made_of)
    return {"title": title, "identifier": known, "uri": uri or f"urn:uuid:{known}"}


def _identifier(*made_of: str) -> str:
    return derived_id("mentorstream", *made_of)


def _imported_at(history: list[Recorded], version: str) -> datetime:
    return next(
        item.meta.at
        for item in history
        if isinstance(item.event, StandardImported) and item.event.standard.version == version
    )
