"""An export as it is laid out: what it is, who made it and why, then all that is known, each page marked as confidential."""

from dataclasses import replace

from eventkernel.printing.content import Content
from mentoring.safeguarding.v1.events_pb2 import ConcernCategory, ConcernRaised, Severity
from mentoring.safeguarding.v1.safeguarding_pb2 import ConcernStatus

from safeguarding.export.facts import Facts
from safeguarding.export.sections import sections
from safeguarding.export.words import minute, words

_CHECKING = (
    "How to check it: each hash is SHA-256 of all events up to that one, as they are stored, their texts sealed. Whoever changes, adds or removes "
    "an event changes its hash and every one that follows. The last is the whole concern's; the service that holds it works out the same."
)


def document(facts: Facts) -> Content:
    """All of it, with nobody named who is not to be."""
    state, exported, redacted = facts.state, facts.exported, facts.redaction
    named = redacted.only_about_id
    # Other concerns, and that there was an issue, are no business of whoever is given a document about one of several people.
    merged = [] if named else [one.concern_id for one in state.merged]
    issues = [] if named else [one.from_issue_id for one, _ in _raised(facts) if one.from_issue_id]
    whole = Content(
        title=f"Safeguarding concern {state.concern_id}",
        lines=[
            f"Exported by {exported.exporter_id} at {minute(exported.at)} UTC. Export {exported.export_id}.",
            f"Reason for the export: {facts.text(facts.history[-1])}",
            f"Of those whom it is about, the person at risk and whoever was named in it, only {named} is named: the others are letters. "
            f"Everybody else is named too: {'' if redacted.hides_raiser else 'who raised it, '}who was asked to take it, worked on it or read it."
            f"{' Who raised it is not.' if redacted.hides_raiser else ''} "
            "Texts that were written of others are withheld; what is left may still tell of others in words: read it before it is given on."
            if named
            else "Nothing is left out: everybody who is in it is named.",
            *(
                f"Raised by {one.raiser_id} at {at} UTC. At risk: {one.person_at_risk_id}."
                for one, at in _raised(facts)
            ),
            f"Site: {state.site_id or 'none'}. Category: {words(ConcernCategory.DESCRIPTOR, state.category) or 'not said'}. "
            f"Severity: {words(Severity.DESCRIPTOR, state.severity)}. It is {words(ConcernStatus.DESCRIPTOR, state.status)}; "
            f"{state.held_by_id or 'nobody'} has it.",
            *([f"Merged into it, and exported by themselves: {', '.join(merged)}."] if merged else []),
            *(f"It came from issue {one}." for one in issues),
            f"{len(facts.history)} events, the last at position {facts.history[-1].meta.version}. SHA-256 of them all:",
            facts.hashes[-1].hex(),
        ],
        sections=sections(facts),
        foot=[_CHECKING],
        marked=f"CONFIDENTIAL: safeguarding concern {state.concern_id}",
    )
    return replace(
        whole,
        lines=[redacted.of(one) for one in whole.lines],
        sections=[
            replace(one, rows=[[redacted.of(cell) for cell in row] for row in one.rows]) for one in whole.sections
        ],
    )


def _raised(facts: Facts) -> list[tuple[ConcernRaised, str]]:
    return [(item.event, minute(item.meta.at)) for item in facts.history if isinstance(item.event, ConcernRaised)]
