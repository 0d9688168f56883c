"""`mentorstream learner` and `mentorstream cohort`: progress as a provider's manager sees it."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, TypeVar

import grpc
import typer
from eventkernel.client import CallFailed, Client
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.evidence.v1.cohort_pb2 import GetHeatMapRequest, GetHeatMapResponse
from mentoring.evidence.v1.evidence_pb2 import GetKsbProgressRequest, GetKsbProgressResponse
from mentoring.evidence.v1.learner_record_pb2 import (
    RECORD_FORMAT_HTML,
    RECORD_FORMAT_PDF,
    GetLearnerRecordRequest,
    GetLearnerRecordResponse,
)
from mentoring.evidence.v1.progress_pb2 import (
    GetGatewayReadinessRequest,
    GetGatewayReadinessResponse,
    GetKsbGapsRequest,
    GetKsbGapsResponse,
    GetPaceRequest,
    GetPaceResponse,
)

from mentorstream.contracts import CONTRACTS
from mentorstream.listening import address_of
from mentorstream.operate.reach import HERE
from mentorstream.operate.show import as_json, console
from mentorstream.outcome import fail, local_token, run, told
from mentorstream.progress.shown import NOTHING_KNOWN, Learner, show_cohort, show_learner

Answer = TypeVar("Answer")
learner = typer.Typer(no_args_is_help=True, help="One learner's progress.")
Standard = Annotated[str, typer.Option("--standard", help="REFERENCE VERSION, as one word: ST0148/1.0.")]
Address = Annotated[
    str, typer.Option("--address", help="The evidence service, HOST:PORT; the one of `make up` where not given.")
]
Token = Annotated[
    str, typer.Option("--token", envvar="MENTORSTREAM_TOKEN", help="Whose view; a local manager's where not given.")
]
LearnersToken = Annotated[
    str,
    typer.Option(
        "--token", envvar="MENTORSTREAM_TOKEN", help="Whose view; a local one of the learner where not given."
    ),
]
AsKnownAt = Annotated[
    str, typer.Option(help="What was known then: 2026-03-02 (that day's end), or 2026-03-02T14:30 in UTC.")
]
Provider = Annotated[str, typer.Option("--provider", help="The provider's id.")]
DataDir = Annotated[Path, typer.Option(help="Where the local platform keeps its data.", envvar="MENTORSTREAM_DATA")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]
# A cohort of ten thousand is added up anew for each question.
_COHORT_SECONDS = 120.0


@learner.command("show")
def show(
    learner_id: Annotated[str, typer.Argument(help="The learner's id.")], *, standard: Standard = "ST0148/1.0",
    as_known_at: AsKnownAt = "",
    address: Address = "", token: Token = "", provider: Provider = "northfield", data_dir: DataDir = HERE, json: AsJson = False,
) -> None:  # fmt: skip
    """Show a learner's progress in KSBs, the gaps, the pace, and whether the gateway is open."""
    asked = GetKsbProgressRequest(
        learner_id=learner_id, standard=version_of(standard), as_known_at=_moment(as_known_at)
    )
    found = _called(_learner(asked), address, token, provider, data_dir)
    if json:
        answers = (("progress", found.progress), ("gaps", found.gaps), ("gateway", found.gateway), ("pace", found.pace))
        as_json(answers)
        return
    show_learner(console, found)


@learner.command("record")
def record(
    learner_id: Annotated[str, typer.Argument(help="The learner's id.")], *,
    pdf: Annotated[Path | None, typer.Option(help="Write it as PDF here.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write it as HTML here.")] = None, standard: Standard = "ST0148/1.0",
    as_known_at: AsKnownAt = "", address: Address = "", token: LearnersToken = "", provider: Provider = "northfield",
    data_dir: DataDir = HERE,
) -> None:  # fmt: skip
    """Write a learner's progress, evidence and decisions as a document, with the hash of the facts that it was made of."""
    wanted = [(pdf, RECORD_FORMAT_PDF), (html, RECORD_FORMAT_HTML)]
    files = [(path, form) for path, form in wanted if path is not None]
    if not files:
        fail("NO_FILE: give --pdf FILE, --html FILE, or both")
    on, at = version_of(standard), _moment(as_known_at)
    whose = token or local_token(data_dir, learner_id, provider, ["learner"])
    for path, form in files:
        request = GetLearnerRecordRequest(learner_id=learner_id, standard=on, as_known_at=at, format=form)
        answer = _called(_record(request), address, whose, provider, data_dir)
        if not answer.facts:
            console.print(NOTHING_KNOWN)
            return
        try:
            path.write_bytes(answer.content)
        except OSError as error:
            fail(f"FILE_NOT_WRITTEN: {path}: {error.strerror}")
        console.print(f"{path}: of {answer.facts} facts, SHA-256 {answer.facts_hash}", soft_wrap=True)


def cohort(
    *, standard: Standard = "ST0148/1.0", employer: Annotated[str, typer.Option(help="This employer's learners alone.")] = "",
    site: Annotated[str, typer.Option(help="Of the employer's sites, this one.")] = "", address: Address = "", token: Token = "",
    provider: Provider = "northfield", data_dir: DataDir = HERE, json: AsJson = False,
) -> None:  # fmt: skip
    """Show how far a cohort has come with each KSB, without names: nothing tells of fewer than five learners."""
    request = GetHeatMapRequest(standard=version_of(standard), employer_id=employer, site_id=site)
    answer = _called(_cohort(request), address, token, provider, data_dir)
    if json:
        as_json([("cohort", answer)])
        return
    show_cohort(console, request, answer)


def _learner(asked: GetKsbProgressRequest) -> Callable[[Client], Awaitable[Learner]]:
    of, on = asked.learner_id, asked.standard
    at = asked.as_known_at if asked.HasField("as_known_at") else None

    async def call(client: Client) -> Learner:
        gaps = GetKsbGapsRequest(learner_id=of, standard=on, as_known_at=at)
        gateway = GetGatewayReadinessRequest(learner_id=of, standard=on, as_known_at=at)
        pace = GetPaceRequest(learner_id=of, standard=on, as_known_at=at)
        return Learner(
            await client.call(asked, GetKsbProgressResponse),
            await client.call(gaps, GetKsbGapsResponse),
            await client.call(gateway, GetGatewayReadinessResponse),
            (await client.call(pace, GetPaceResponse)).pace,
            at,
        )

    return call


def _record(request: GetLearnerRecordRequest) -> Callable[[Client], Awaitable[GetLearnerRecordResponse]]:
    async def call(client: Client) -> GetLearnerRecordResponse:
        return await client.call(request, GetLearnerRecordResponse)

    return call


def _cohort(request: GetHeatMapRequest) -> Callable[[Client], Awaitable[GetHeatMapResponse]]:
    async def call(client: Client) -> GetHeatMapResponse:
        return await client.call(request, GetHeatMapResponse, seconds=_COHORT_SECONDS)

    return call


def _called(
    call: Callable[[Client], Awaitable[Answer]], address: str, token: str, provider: str, data_dir: Path
) -> Answer:
    """What the evidence service answers; ends the program where it does not, saying why."""
    where = address or address_of("evidence", data_dir)
    whose = token or local_token(data_dir, "manager-1", provider, ["provider_manager"])

    async def over_a_channel() -> Answer:
        async with grpc.aio.insecure_channel(where) as channel:
            return await call(Client(channel, CONTRACTS["evidence"], whose))

    try:
        return run(over_a_channel())
    except CallFailed as failed:
        fail(told(failed, "evidence", where, "--address HOST:PORT"))


def version_of(text: str) -> StandardVersion:
    """The version that `ST0148/1.0` names; ends the program where it names none."""
    found = re.fullmatch(r"([A-Z]{2}[0-9]{4})/([0-9]{1,3}[.][0-9]{1,3})", text)
    if found is None:
        fail(f"STANDARD_NOT_VALID: --standard is {text!r}: give reference and version, ST0148/1.0")
    return StandardVersion(reference=found[1], version=found[2])


def _moment(text: str) -> Timestamp | None:
    """The moment that was typed, in UTC; of a day its end, of today now. None where nothing was typed."""
    if not text:
        return None
    try:
        at = _end_of(date.fromisoformat(text)) if len(text) == len("2026-03-02") else datetime.fromisoformat(text)
    except ValueError:
        fail(f"MOMENT_NOT_VALID: --as-known-at is {text!r}: give 2026-03-02, or 2026-03-02T14:30")
    found = Timestamp()
    found.FromDatetime(at if at.tzinfo else at.replace(tzinfo=UTC))
    return found


def _end_of(day: date) -> datetime:
    now = datetime.now(UTC)
    # The service's clock may be behind this one, and what is to come it does not know.
    if day == now.date():
        return now - timedelta(seconds=1)
    return datetime.combine(day, time.max, UTC)
