"""The tables of an export, each made of the facts alone."""

from collections.abc import Sequence

from eventkernel.messages import Recorded
from eventkernel.printing.content import Section
from mentoring.safeguarding.v1.events_pb2 import (
    ActionKind,
    ConcernActionRecorded,
    ConcernAddedTo,
    ConcernCategory,
    ConcernClosureExplained,
    ConcernRaised,
    ReferralBody,
    Severity,
)
from mentoring.safeguarding.v1.handling_events_pb2 import (
    PART_IN_CONCERN_AT_RISK,
    ConcernChased,
    ConcernDueSet,
    ConcernPersonLinked,
    ConcernReferralAnswered,
    ConcernReferralMade,
    ConcernReopeningExplained,
    ConcernTriaged,
    PartInConcern,
    ReferralAnswer,
    ReferredTo,
)
from mentoring.safeguarding.v1.passing_on_tasks_events_pb2 import (
    ConcernTaskDone,
    ConcernTaskExplained,
    ConcernTaskGiven,
    ConcernTaskOverdue,
)

from safeguarding.attachment_file import attached_in
from safeguarding.concern_file import actor_of
from safeguarding.export.asked import ASKED_COLUMNS, asked
from safeguarding.export.facts import Facts
from safeguarding.export.words import details, happened, minute, words


def sections(facts: Facts) -> list[Section]:
    """All of them, in the order in which they are read."""
    return [
        _people(facts),
        _section("Who was asked to take it", ASKED_COLUMNS, asked(facts.history)),
        _chronology(facts),
        _decisions(facts),
        _referrals(facts),
        _tasks(facts),
        _corrections(facts),
        _attachments(facts),
        _reads(facts),
        _events(facts),
    ]


def _people(facts: Facts) -> Section:
    state = facts.state
    parts = {state.person_at_risk_id: PART_IN_CONCERN_AT_RISK} | dict(state.parts)
    notes = {
        item.event.person_id: facts.text(item) for item in facts.history if isinstance(item.event, ConcernPersonLinked)
    }
    rows = [
        (one, words(PartInConcern.DESCRIPTOR, parts.get(one, 0)) or "named, no part given", notes.get(one, ""))
        for one in sorted(state.in_it_ids)
    ]
    raised = [item.event for item in facts.history if isinstance(item.event, ConcernRaised)]
    rows += [
        (one.raiser_id, "raised it, unknown to all but its handlers" if one.anonymous else "raised it", "")
        for one in raised
    ]
    return _section("People in it, and who raised it", {"Person": 25, "Part": 25, "What was written of them": 50}, rows)


def _chronology(facts: Facts) -> Section:
    rows: list[Sequence[str]] = []
    for item, other in zip(facts.history, facts.others, strict=True):
        of_other = f"other concern {other.other_concern_id}" if other.other_concern_id else ""
        said = "\n".join(filter(None, (details(item.event), of_other, facts.text(item), other.text)))
        who = other.actor_id or actor_of(item)
        rows.append((str(item.meta.version), minute(item.meta.at), who, happened(item.meta.type), said))
    columns = {"No.": 5, "When (UTC)": 17, "Who": 18, "What": 17, "In detail, and what was written": 43}
    return _section("Chronology: everything that happened, in its order", columns, rows)


def _decisions(facts: Facts) -> Section:
    rows: list[Sequence[str]] = []
    for item in facts.history:
        match item.event:
            case ConcernActionRecorded() as event:
                to = words(ReferralBody.DESCRIPTOR, event.referred_to)
                kind = words(ActionKind.DESCRIPTOR, event.kind) or "action"
                rows.append(_text(facts, item, f"{kind}{f', to {to}' if to else ''}"))
            case ConcernClosureExplained():
                rows.append(_text(facts, item, "closed, because"))
            case ConcernReopeningExplained():
                rows.append(_text(facts, item, "reopened, because"))
    return _section("Decisions and their reasons, advice and action", _WRITTEN, rows)


def _referrals(facts: Facts) -> Section:
    rows = []
    for item in facts.history:
        if not isinstance(item.event, ConcernReferralMade):
            continue
        due_id = f"referral-{item.event.referral_id}"
        due = [
            one.event for one in facts.history if isinstance(one.event, ConcernDueSet) and one.event.due_id == due_id
        ]
        chased = sum(isinstance(one.event, ConcernChased) and one.event.due_id == due_id for one in facts.history)
        answers = [
            f"{minute(one.meta.at)} {words(ReferralAnswer.DESCRIPTOR, one.event.answer)}: {facts.text(one)}"
            for one in facts.history
            if isinstance(one.event, ConcernReferralAnswered) and one.event.referral_id == item.event.referral_id
        ]
        to = f"{words(ReferredTo.DESCRIPTOR, item.event.body)} ({item.event.referral_id})"
        made = f"{minute(item.meta.at)} {item.event.handler_id}"
        rows.append(
            (
                to,
                made,
                facts.text(item),
                minute(due[0].due_at) if due else "",
                str(chased),
                "\n".join(answers) or "none yet",
            )
        )
    columns = {
        "To": 14,
        "Made (UTC), by": 16,
        "What was sent": 23,
        "Answer due (UTC)": 16,
        "Chased": 8,
        "Answered (UTC)": 23,
    }
    return _section("Referrals, and by when each was to be answered", columns, rows)


def _tasks(facts: Facts) -> Section:
    rows = []
    for item in facts.history:
        if not isinstance(item.event, ConcernTaskGiven):
            continue
        task_id = item.event.task_id
        told = [
            one for one in facts.history if isinstance(one.event, ConcernTaskExplained) and one.event.task_id == task_id
        ]
        done = [one for one in facts.history if isinstance(one.event, ConcernTaskDone) and one.event.task_id == task_id]
        late = sum(isinstance(one.event, ConcernTaskOverdue) and one.event.task_id == task_id for one in facts.history)
        rows.append(
            (
                item.event.assignee_id, "\n".join(map(facts.text, told)), minute(item.event.due_at), str(late),
                "\n".join(f"{minute(one.meta.at)} {actor_of(one)}: {facts.text(one)}" for one in done) or "not done",
            )
        )  # fmt: skip
    columns = {"Given to": 16, "What": 30, "Due (UTC)": 16, "Overdue": 8, "Done (UTC)": 30}
    return _section("Tasks", columns, rows)


def _corrections(facts: Facts) -> Section:
    """What was said otherwise later, and what was added: nothing that was stored is ever changed."""
    rows: list[Sequence[str]] = []
    kind, parts = "", dict[str, str]()
    for item in facts.history:
        match item.event:
            case ConcernRaised() as event:
                kind = _kind(event)
            case ConcernTriaged() as event:
                rows.append((minute(item.meta.at), actor_of(item), "triaged", f"from {kind} to {_kind(event)}"))
                kind = _kind(event)
            case ConcernPersonLinked() as event:
                part = words(PartInConcern.DESCRIPTOR, event.part)
                before = parts.get(event.person_id)
                said = f"{event.person_id}: {f'{before}, now ' if before else ''}{part}"
                rows.append((minute(item.meta.at), actor_of(item), "part in it", said))
                parts[event.person_id] = part
            case ConcernAddedTo():
                rows.append(_text(facts, item, "added"))
    return _section("Corrections and additions", _WRITTEN, rows)


def _attachments(facts: Facts) -> Section:
    rows = [
        (
            minute(one.attached.meta.at), one.announced.author_id, facts.text(one.begun), one.announced.media_type,
            str(one.announced.size), one.announced.sha256.hex(),
        )
        for one in attached_in(facts.history).values()
    ]  # fmt: skip
    columns = {"When (UTC)": 16, "By": 14, "Name": 19, "Kind": 13, "Bytes": 9, "SHA-256": 29}
    return _section("Attachments, which are kept apart and are no part of this document", columns, rows)


def _reads(facts: Facts) -> Section:
    numbers = {item.meta.event_id: f"{item.meta.version} {happened(item.meta.type)}" for item in facts.history}
    rows = [
        (minute(one.at), one.actor, numbers.get(one.event_id, "of a later event"), one.field.replace("_", " "), one.subject_id)
        for one in facts.reads
    ]  # fmt: skip
    columns = {"When (UTC)": 18, "Who read": 22, "Of which event": 28, "What": 14, "Written of": 18}
    return _section("Who read what, and when, up to this export", columns, rows)


def _events(facts: Facts) -> Section:
    rows = [
        (str(item.meta.version), item.meta.type, item.meta.event_id, digest.hex())
        for item, digest in zip(facts.history, facts.hashes, strict=True)
    ]
    columns = {"No.": 5, "Event": 31, "Id": 26, "SHA-256 up to and with this event": 38}
    return _section("Events and their hashes", columns, rows)


_WRITTEN = {"When (UTC)": 17, "Who": 20, "What": 18, "What was written": 45}


def _text(facts: Facts, item: Recorded, what: str) -> Sequence[str]:
    return minute(item.meta.at), actor_of(item), what, facts.text(item)


def _kind(event: ConcernRaised | ConcernTriaged) -> str:
    category = words(ConcernCategory.DESCRIPTOR, event.category) or "not said"
    return f"{category}, {words(Severity.DESCRIPTOR, event.severity) or 'serious'}"


def _section(heading: str, columns: dict[str, int], rows: Sequence[Sequence[str]]) -> Section:
    return Section(heading, tuple(columns), tuple(columns.values()), rows)
