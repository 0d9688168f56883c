"""What a standard asks of the evidence that is claimed against its KSBs: which kinds, and how old the work may be."""

from calendar import monthrange
from collections.abc import Collection
from datetime import UTC, datetime

from eventkernel.aggregate import Context, Refusal
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.evidence.v1.events_pb2 import EvidenceKind

from evidence.domain.standard import Version


def refuse_methods(version: Version, kind: int, codes: Collection[str]) -> None:
    """Raises Refusal METHOD_NOT_ALLOWED, naming each KSB that takes other kinds and which."""
    wrong = [
        f"{code} takes {', '.join(EvidenceKind.Name(EvidenceKind.ValueType(one)) for one in methods)}"
        for code in codes
        if (methods := version.methods_of(code)) and kind not in methods
    ]
    if wrong:
        raise Refusal(
            "METHOD_NOT_ALLOWED",
            f"{'; '.join(wrong)}: leave those out, or claim them by another piece of such a kind",
            field="ksb_codes",
        )


def refuse_outdated(version: Version, produced_at: Timestamp, codes: Collection[str], context: Context) -> None:
    """Raises Refusal EVIDENCE_NOT_CURRENT where the work was done before the months that each KSB goes back, when it is submitted.

    DOMAIN.md, Rules that carry numbers: 24 months unless the standard says otherwise. What was submitted in time stays current.
    """
    produced = produced_at.ToDatetime(tzinfo=UTC)
    outdated = [
        f"{code} goes back {months} months"
        for code in codes
        if produced < months_before(context.now, months := version.currency_of(code))
    ]
    if outdated:
        raise Refusal(
            "EVIDENCE_NOT_CURRENT",
            f"{', '.join(outdated)}, and the work was done on {produced:%Y-%m-%d}; leave those out, or show newer work",
            field="produced_at",
        )


def months_before(at: datetime, months: int) -> datetime:
    """The same day and time so many calendar months before; the last day of a month that is too short for it."""
    number = at.year * 12 + at.month - 1 - months
    year, month = divmod(number, 12)
    return at.replace(year=year, month=month + 1, day=min(at.day, monthrange(year, month + 1)[1]))
