"""What the demo prints: tables that a person reads, from what the services answered."""

from collections import Counter
from collections.abc import Sequence

from mentoring.evidence.v1.evidence_pb2 import GetCohortSummaryResponse
from mentoring.notifications.v1.events_pb2 import OCCASION_CONCERN_ASSIGNED, Because, Detail, Occasion
from mentoring.safeguarding.v1.safeguarding_pb2 import GetConcernResponse
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from mentorstream.demo.checks import Found, Outcome, text_of
from mentorstream.demo.cohort import CONCERNS, UNANSWERED
from mentorstream.demo.path import Step
from mentorstream.ledger.shown import show_ledger


def cohort(console: Console, answer: GetCohortSummaryResponse) -> None:
    """The provider in figures."""
    table = Table(title="The cohort", box=SIMPLE_HEAD, show_header=False)
    names = (
        "learners", "sessions_planned", "sessions_held", "sessions_missed", "minutes",
        "evidence_submitted", "evidence_accepted", "evidence_referred",
    )  # fmt: skip
    for name in names:
        table.add_row(name.replace("_", " ").capitalize(), str(getattr(answer, name)))
    console.print(table)
    counted = "  ".join(f"{count.code} {count.learners}" for count in answer.assessed if count.learners)
    console.print(f"learners with a KSB assessed: {counted}\n")


def concerns(console: Console, found: dict[str, GetConcernResponse]) -> None:
    """Each concern's timeline, as its handler sees it; the narrative is not shown."""
    for plan in CONCERNS:
        answer = found[plan.id]
        table = Table(
            title=f"Timeline of {plan.id}",
            box=SIMPLE_HEAD,
        )
        table.add_column("After", justify="right")
        for name in ("What", "By", "To"):
            table.add_column(name)
        first = answer.chronology[0].at.ToDatetime()
        for entry in answer.chronology:
            after = (entry.at.ToDatetime() - first).total_seconds()
            table.add_row(
                f"{after:.1f} s", entry.what.rpartition(".")[2].replace("-", " "), entry.actor_id, entry.assignee_id
            )
        console.print(table)
    console.print()


def mails(console: Console, found: Found) -> None:
    """Who was told of what, how fully, and why; and one concern's mail as it went out."""
    counted = Counter(
        (
            Occasion.Name(notice.occasion).removeprefix("OCCASION_").replace("_", " ").lower(),
            Because.Name(notice.because).removeprefix("BECAUSE_").replace("_", " ").lower(),
            Detail.Name(notice.detail).removeprefix("DETAIL_").lower(),
        )
        for notice in found.notices
    )
    table = Table(title=f"{len(found.notices)} notices, each to one person for one reason", box=SIMPLE_HEAD)
    for name in ("About", "Told because they are", "Detail"):
        table.add_column(name)
    table.add_column("Notices", justify="right")
    for (occasion, because, detail), count in sorted(counted.items()):
        table.add_row(occasion, because, detail, str(count))
    console.print(table)
    about = {
        notice.notice_id: notice.about_id for notice in found.notices if notice.occasion == OCCASION_CONCERN_ASSIGNED
    }
    for mail in found.mails:
        if str(mail.message["X-Notice-Id"]) in about:
            head = f"To: {mail.recipients[0]}\nSubject: {mail.message['Subject']}\n\n"
            console.print(Panel(Text(head + text_of(mail.message).strip()), title="A concern's mail, whole"))
            return


def ledger(console: Console, found: Found) -> None:
    """Who was told what about the learner at risk, as that learner sees it."""
    console.print(f"Who was told what about {UNANSWERED.person_at_risk_id}, as they see it")
    show_ledger(console, found.ledger.entries, is_all=not found.ledger.next_cursor)


def path(console: Console, steps: Sequence[Step]) -> None:
    """One event on its way: when each step began, and how long it took."""
    table = Table(title="One event's path: a session was held", box=SIMPLE_HEAD)
    table.add_column("Service")
    table.add_column("Step")
    table.add_column("After ms", justify="right")
    table.add_column("Took ms", justify="right")
    for step in steps:
        table.add_row(step.service, "  " * step.depth + step.name, f"{step.begins:.1f}", f"{step.takes:.1f}")
    console.print(table)


def outcomes(console: Console, checked: Sequence[Outcome]) -> None:
    """What was asked for and whether it came."""
    table = Table(title="Asked and checked", box=SIMPLE_HEAD)
    table.add_column("Outcome")
    table.add_column("", justify="center")
    for outcome in checked:
        table.add_row(outcome.asked, "[green]as asked[/]" if outcome.good else "[bold red]differs[/]")
    console.print(table)
    for outcome in checked:
        for fault in outcome.faults[:10]:
            console.print(f"[red]{outcome.asked}:[/] {fault}", markup=True)
