"""What a session's record says, but for its texts: how it was held, or why it was missed. And what a record may say.

Minutes of KSBs are parts of the session: together no longer than it, and only of KSBs that it touched.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from eventkernel.aggregate import Refusal
from google.protobuf.duration_pb2 import Duration
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.events_pb2 import MissReason, ReasonOwner, SessionHeld, SessionMissed
from mentoring.sessions.v1.group_session_pb2 import GroupAbsence, HoldGroupSessionRequest
from mentoring.sessions.v1.session_parts_pb2 import Advice, GivenAdvice, KsbMinutes
from mentoring.sessions.v1.session_record_events_pb2 import FormerHeld, FormerRecord, HeldRecord, MissedRecord
from mentoring.sessions.v1.session_record_pb2 import HeldAccount, MissedAccount
from mentoring.sessions.v1.sessions_pb2 import HoldSessionRequest, MissSessionRequest

from sessions.domain.guide import Followed, followed, guide_followed

# Reasons that say by themselves whose they are.
_OWNERS: Mapping[int, ReasonOwner.ValueType] = {
    MissReason.MISS_REASON_LEARNER_ILL: ReasonOwner.REASON_OWNER_LEARNER,
    MissReason.MISS_REASON_LEARNER_ABSENT: ReasonOwner.REASON_OWNER_LEARNER,
    MissReason.MISS_REASON_MENTOR_UNAVAILABLE: ReasonOwner.REASON_OWNER_MENTOR,
}


@dataclass(frozen=True, slots=True)
class Account:
    """How it was held, but for its texts: nanoseconds, codes, Techniques, minutes by code, the AdviceKind of each piece of advice, and the guide."""

    duration: int
    ksb_codes: tuple[str, ...]
    techniques: tuple[int, ...]
    ksb_minutes: tuple[tuple[str, int], ...]
    advice_kinds: tuple[int, ...]
    guide: Followed | None = None


@dataclass(frozen=True, slots=True)
class Absence:
    """Why it was missed: a MissReason, and the ReasonOwner whose it is."""

    reason: int
    reason_owner: int


def account_of(of: HoldSessionRequest | HeldAccount | SessionHeld | HeldRecord) -> Account:
    """What it says of how the session was held."""
    return Account(
        duration=of.duration.ToNanoseconds(),
        ksb_codes=tuple(of.ksb_codes),
        techniques=tuple(of.techniques),
        ksb_minutes=tuple((one.ksb_code, one.minutes) for one in of.ksb_minutes),
        advice_kinds=tuple(one.kind for one in of.advice),
        guide=followed(of.guide),
    )


def absence_of(of: MissSessionRequest | MissedAccount | SessionMissed | MissedRecord) -> Absence:
    """What it says of why the session was missed, with the owner that the reason says where none was named."""
    return Absence(of.reason, of.reason_owner or _OWNERS.get(of.reason, ReasonOwner.REASON_OWNER_UNSPECIFIED))


def missed_record(absence: Absence) -> MissedRecord:
    """An absence as events tell it."""
    return MissedRecord(
        reason=MissReason.ValueType(absence.reason), reason_owner=ReasonOwner.ValueType(absence.reason_owner)
    )


def former_record(stands: Account | Absence) -> FormerRecord:
    """What was counted of a record, for whoever takes it back."""
    if isinstance(stands, Absence):
        return FormerRecord(missed=missed_record(stands))
    former = FormerHeld(
        ksb_codes=stands.ksb_codes,
        ksb_minutes=[KsbMinutes(ksb_code=code, minutes=minutes) for code, minutes in stands.ksb_minutes],
        guide=guide_followed(stands.guide),
    )
    former.duration.FromNanoseconds(stands.duration)
    former.techniques.extend(stands.techniques)  # type: ignore[arg-type]
    former.advice_kinds.extend(stands.advice_kinds)  # type: ignore[arg-type]
    return FormerRecord(held=former)


def given_advice(advice: Iterable[Advice]) -> list[GivenAdvice]:
    """Advice as a decision gives it to be sealed."""
    return [GivenAdvice(kind=one.kind, text=Sealed(to_be_sealed=one.text)) for one in advice]


def refuse_wrong_minutes(of: HoldSessionRequest | HeldAccount | HoldGroupSessionRequest, within: str = "") -> None:
    """Raises Refusal where minutes are said twice of a KSB, of one that was not touched, or are longer than the session.

    `within`: where the account lies in the request, `held.`.
    """
    field, codes = f"{within}ksb_minutes", [one.ksb_code for one in of.ksb_minutes]
    repeated = [code for code, times in Counter(codes).items() if times > 1]
    if repeated:
        raise Refusal(
            "KSB_MINUTES_REPEATED", f"{', '.join(repeated)}: minutes are there twice; give their sum once", field=field
        )
    untouched = [code for code in codes if code not in of.ksb_codes]
    if untouched:
        raise Refusal(
            "KSB_NOT_TOUCHED",
            f"{', '.join(untouched)}: minutes are given, and ksb_codes does not name it; add the code or leave the minutes out",
            field=field,
        )
    together = sum(one.minutes for one in of.ksb_minutes)
    if together * 60 > of.duration.ToSeconds():
        raise Refusal(
            "KSB_MINUTES_TOO_LONG",
            f"the KSBs' minutes are {together} together, and the session lasted {_minutes(of.duration)}; "
            "share out no more than that",
            field=field,
        )


def refuse_anothers_reason(of: MissSessionRequest | MissedAccount | GroupAbsence, within: str = "") -> None:
    """Raises Refusal where a reason that says whose it is comes with another owner."""
    owner = _OWNERS.get(of.reason)
    if owner is not None and of.reason_owner not in (ReasonOwner.REASON_OWNER_UNSPECIFIED, owner):
        raise Refusal(
            "REASON_OWNER_MISMATCH",
            f"{MissReason.Name(of.reason)} is {ReasonOwner.Name(owner)}'s; leave the owner out, or give another reason",
            field=f"{within}reason_owner",
        )


def _minutes(duration: Duration) -> str:
    return f"{duration.ToSeconds() // 60} minutes"
