"""A standard as a 1EdTech CASE 1.1 CFPackage: the document with its licence, an item a KSB and a unit, and which belongs to which.

Identifiers and addresses of document and items that came with an import are kept; others follow from the standard, its version and the code,
so that the same standard is exported the same each time. Within a package the parts do not name their document or package again: the types
CFPckgDocument, CFPckgItem and CFPckgAssociation have no property for it, and take none that they do not have.
"""

import json
from datetime import datetime

from eventkernel.messages import Recorded, derived_id
from eventkernel.reading import Reader
from mentoring.evidence.v1.events_pb2 import EvidenceKind, KsbKind, StandardImported
from mentoring.evidence.v1.standard_pb2 import ExportStandardRequest, ExportStandardResponse

from evidence.domain.standard import Ksb, Licence, Version, standard
from evidence.domain.standard_life import known_version

_TYPES = {
    KsbKind.KSB_KIND_KNOWLEDGE: "Knowledge",
    KsbKind.KSB_KIND_SKILL: "Skill",
    KsbKind.KSB_KIND_BEHAVIOUR: "Behaviour",
}
_NOT_STATED = "Not stated"
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
    units = _unit_links(reference, version)
    ksbs = [
        (ksb, _link(ksb.code, ksb.case_identifier, ksb.case_uri, reference, version.version, ksb.code))
        for ksb in version.ksbs
    ]
    belonging = [
        *((link, document) for link in units.values()),
        *((link, units[ksb.unit] if ksb.unit else document) for ksb, link in ksbs),
    ]
    return {
        "CFDocument": _document(document, reference, version, at),
        "CFItems": [
            *(_item(link, unit, "Unit", at) for unit, link in units.items()),
            *(_ksb(ksb, link, at) for ksb, link in ksbs),
        ],
        "CFAssociations": [_association(place, *ends, at) for place, ends in enumerate(belonging, start=1)],
        **_said(CFDefinitions=_definitions(version.licence, at)),
    }


def _unit_links(reference: str, version: Version) -> dict[str, _Json]:
    groups = {title: (identifier, uri) for title, identifier, uri in version.case_groups}
    units = dict.fromkeys([*groups, *(ksb.unit for ksb in version.ksbs if ksb.unit)])
    return {unit: _link(unit, *groups.get(unit, ("", "")), reference, version.version, "unit", unit) for unit in units}


def _document(link: _Json, reference: str, version: Version, at: str) -> _Json:
    return {
        "identifier": link["identifier"],
        "uri": link["uri"],
        "caseVersion": "1.1",
        "creator": version.case_creator or _NOT_STATED,
        "title": version.title,
        "version": version.version,
        **_said(licenseURI=_licence_link(version.licence)),
        "lastChangeDateTime": at,
        "extensions": {
            "reference": reference,
            "level": version.level,
            **_said(evidenceCurrencyMonths=version.currency_months),
        },
    }


def _ksb(ksb: Ksb, link: _Json, at: str) -> _Json:
    return {
        **_item(link, ksb.statement, _TYPES[KsbKind.ValueType(ksb.kind)], at),
        "humanCodingScheme": ksb.code,
        **_said(extensions=_asked_of(ksb)),
    }


def _association(place: int, child: _Json, parent: _Json, at: str) -> _Json:
    identifier = _identifier("isChildOf", str(child["uri"]), str(parent["uri"]))
    return {
        "identifier": identifier,
        "uri": f"urn:uuid:{identifier}",
        "associationType": "isChildOf",
        "sequenceNumber": place,
        "originNodeURI": child,
        "destinationNodeURI": parent,
        "lastChangeDateTime": at,
    }


def _licence_link(licence: Licence | None) -> _Json:
    return _link(licence.title, licence.identifier, licence.uri, "licence", licence.title) if licence else {}


def _definitions(licence: Licence | None, at: str) -> _Json:
    """Where the package says its licence in full."""
    if licence is None:
        return {}
    said = {**_licence_link(licence), "licenseText": licence.text or licence.title, "lastChangeDateTime": at}
    return {"CFLicenses": [said]}


def _item(link: _Json, statement: str, kind: str, at: str) -> _Json:
    return {
        "identifier": link["identifier"],
        "uri": link["uri"],
        "fullStatement": statement,
        "CFItemType": kind,
        "lastChangeDateTime": at,
    }


def _asked_of(ksb: Ksb) -> _Json:
    return _said(
        requiredEvidence=ksb.required_evidence,
        evidenceMethods=[
            EvidenceKind.Name(EvidenceKind.ValueType(kind)).removeprefix("EVIDENCE_KIND_").lower()
            for kind in ksb.methods
        ],
        evidenceCurrencyMonths=ksb.currency_months,
    )


def _said(**properties: object) -> _Json:
    """Without what the standard does not say: CASE has no empty values."""
    return {name: value for name, value in properties.items() if value}


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
