"""What a learner brought along from the versions that they were migrated from, as if it had been done by the one they are on.

Nothing is written of it: what was done stays under the version by which it was done, and is looked at through the migration's mapping. So
a migration that is put right changes all that followed from it.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from mentoring.evidence.v1.events_pb2 import DECISION_ACCEPT

from evidence.projections.progress_document import (
    Activity,
    Claim,
    LearnerProgress,
    Piece,
    Report,
    Session,
    Touched,
    Way,
)

Item = TypeVar("Item", Activity, Report, Piece)


def carried_over(document: LearnerProgress, reference: str, version: str) -> LearnerProgress:
    """The learner's progress with all that counts on this version, whichever it was done by. Each piece keeps its id."""
    ways = [way for way in document.ways if way.target == (reference, version)]
    if not ways:
        return document
    sessions, activities = dict(document.sessions), dict(document.activities)
    reports, pieces, confirmed = dict(document.reports), dict(document.pieces), dict(document.confirmed)
    to = {"reference": reference, "version": version}
    for way in ways:
        # Migrations go in no circle, so this ends.
        source = carried_over(document, way.reference, way.version)
        for session_id, session in source.sessions.items():
            if way.source in (session.planned_on, session.recorded_on):
                sessions[session_id] = _session(way, session)
        for activity_id, activity in _on(source.activities, way):
            activities[activity_id] = activity.model_copy(update={**to, "ksb_codes": _codes(way, activity.ksb_codes)})
        for report_id, report in _on(source.reports, way):
            reports[report_id] = report.model_copy(update={**to, "ksb_codes": _codes(way, report.ksb_codes)})
        for evidence_id, piece in _on(source.pieces, way):
            claims = _claims(way, piece)
            if not claims:
                continue
            pieces[evidence_id] = piece.model_copy(update={**to, "claims": claims})
            if evidence_id in source.confirmed:
                confirmed[evidence_id] = _confirmed(way, source.confirmed[evidence_id])
    return document.model_copy(
        update={
            "sessions": sessions,
            "activities": activities,
            "reports": reports,
            "pieces": pieces,
            "confirmed": confirmed,
        }
    )


def has_gone_on(document: LearnerProgress, reference: str, version: str) -> bool:
    """Whether the learner was migrated from this version to another."""
    return any((way.reference, way.version) == (reference, version) for way in document.ways)


def was_on(document: LearnerProgress, reference: str, version: str) -> bool:
    """Whether anything happened on this version, or on one that the learner was brought here from, be it counted here or dropped."""
    parts = (document.mentorships, document.sessions, document.activities, document.pieces)
    if any((one.reference, one.version) == (reference, version) for part in parts for one in part.values()):
        return True
    return any(was_on(document, *way.source) for way in document.ways if way.target == (reference, version))


def _session(way: Way, session: Session) -> Session:
    """What was planned before a migration and recorded after it has aims of the one version, and touched KSBs of the other."""
    update: dict[str, object] = {}
    if session.planned_on == way.source:
        update |= {"reference": way.to_reference, "version": way.to_version, "aims": _codes(way, session.aims)}
    if session.recorded_on == way.source:
        touched = {"touched": _touched(way, session)}
        update |= {"record_reference": way.to_reference, "record_version": way.to_version, **touched}
    return session.model_copy(update=update)


def _on(items: Mapping[str, Item], way: Way) -> list[tuple[str, Item]]:
    return [(identity, one) for identity, one in items.items() if (one.reference, one.version) == way.source]


def _codes(way: Way, codes: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(to for code in codes for to in way.codes.get(code, ())))


def _confirmed(way: Way, confirmed: Mapping[str, list[int]]) -> dict[str, list[int]]:
    """By what each KSB became, the decisions that were confirmed on any that became it."""
    found: dict[str, list[int]] = {}
    for code, numbers in confirmed.items():
        for to in way.codes.get(code, ()):
            found[to] = sorted({*found.get(to, ()), *numbers})
    return found


def _touched(way: Way, session: Session) -> dict[str, Touched]:
    """Of two KSBs that become one the time is added up, and never more than the session took."""
    found: dict[str, Touched] = {}
    for code, touched in session.touched.items():
        for to in way.codes.get(code, ()):
            before = found.get(to, Touched(seconds=0, ms=0))
            seconds = min(before.seconds + touched.seconds, max(session.seconds, touched.seconds))
            found[to] = Touched(seconds=seconds, ms=max(before.ms, touched.ms))
    return found


def _claims(way: Way, piece: Piece) -> dict[str, Claim]:
    """Of two claims that become one the accepted one counts, then the newer decision."""
    found: dict[str, Claim] = {}
    for code, claim in piece.claims.items():
        carried = claim.model_copy(update={"origin": claim.origin or (*way.source, code)})
        for to in way.codes.get(code, ()):
            found[to] = max(found.get(to, carried), carried, key=_weight)
    return found


def _weight(claim: Claim) -> tuple[bool, int]:
    return claim.decision == DECISION_ACCEPT, claim.decided_ms
