"""What was drawn, one document a draw, and the draw made again from the assessor's stream."""

from eventkernel.aggregate import Refusal
from eventkernel.messages import Metadata
from eventkernel.projection import Projection
from eventkernel.reading import Reader
from google.protobuf.message import Message
from mentoring.evidence.v1 import quality_views_pb2 as views
from mentoring.evidence.v1.quality_events_pb2 import DrawnPiece, SampleDrawn, SamplingStage
from pydantic import BaseModel

from evidence.domain.caseload import Caseload, candidates_of, caseload
from evidence.domain.sampling import candidates_hash, choose
from evidence.domain.sampling_plan import sampling_plan
from evidence.projections.times import bounds, ms, stamp


class Draw(BaseModel):
    """One draw; `pieces` counts them."""

    draw_id: str
    plan_id: str = ""
    plan_version: int = 0
    stage: SamplingStage.ValueType = SamplingStage.SAMPLING_STAGE_UNSPECIFIED
    standard_reference: str = ""
    assessor_id: str = ""
    iqa_id: str = ""
    seed: str = ""
    candidates: int = 0
    candidates_hash: str = ""
    pieces: int = 0
    drawn_ms: int = 0


sample_draws = Projection(
    "sample_draws",
    version=1,
    document=Draw,
    key="draw_id",
    indexes=("plan_id", "assessor_id", "standard_reference", "drawn_ms"),
)


@sample_draws.on
def drawn(document: Draw, event: SampleDrawn, meta: Metadata) -> None:
    """All of it."""
    document.plan_id = event.plan_id
    document.plan_version = event.plan_version
    document.stage = event.stage
    document.standard_reference = event.standard_reference
    document.assessor_id = event.assessor_id
    document.iqa_id = event.iqa_id
    document.seed = event.seed
    document.candidates = event.candidates
    document.candidates_hash = event.candidates_hash
    document.pieces = len(event.pieces)
    document.drawn_ms = ms(meta)


async def list_sample_draws(request: views.ListSampleDrawsRequest, read: Reader) -> views.ListSampleDrawsResponse:
    """The draws that were asked for, the newest first. Raises Refusal NO_SUCH_DAY."""
    since, before = bounds(request.first_day, request.last_day)
    asked = {name: getattr(request, name) for name in ("plan_id", "assessor_id", "standard_reference")}
    shown, cursor = await read.page(
        sample_draws,
        request.page,
        order="drawn_ms",
        descending=True,
        since=since,
        before=before,
        **{name: value for name, value in asked.items() if value},
    )
    return views.ListSampleDrawsResponse(draws=map(_shown, shown), next_cursor=cursor)


async def verify_sample_draw(request: views.VerifySampleDrawRequest, read: Reader) -> views.VerifySampleDrawResponse:
    """Draws again: from what stood in the assessor's stream before the draw, by the version of the plan and the seed that it names.

    Raises Refusal DRAW_UNKNOWN.
    """
    state, event = await _before(request, read)
    plan = sampling_plan.fold(
        sampling_plan.initial, [item.event for item in await read.history(f"sampling-plan-{event.plan_id}")]
    )
    version = plan.version(event.plan_version)
    candidates = candidates_of(state, event.plan_id, version, event.iqa_id)
    chosen = choose(candidates, version.rules, event.seed)
    hashed = candidates_hash(candidates)
    newest = {one.evidence_id: one for one in state.decisions}
    sample_ids = {piece.evidence_id: piece.sample_id for piece in event.pieces}
    pieces = [
        DrawnPiece(
            sample_id=sample_ids.get(evidence_id, ""),
            evidence_id=evidence_id,
            learner_id=newest[evidence_id].learner_id,
            rules=rules,
            decision_number=newest[evidence_id].number,
        )
        for evidence_id, rules in chosen.items()
    ]
    return views.VerifySampleDrawResponse(
        agrees=(event.candidates, event.candidates_hash) == (len(candidates), hashed) and list(event.pieces) == pieces,
        candidates=len(candidates),
        candidates_hash=hashed,
        pieces=pieces,
    )


async def _before(request: views.VerifySampleDrawRequest, read: Reader) -> tuple[Caseload, SampleDrawn]:
    """The assessor's stream up to the draw, and the draw."""
    past = list[Message]()
    for item in await read.history(f"caseload-{request.assessor_id}"):
        if isinstance(item.event, SampleDrawn) and item.event.draw_id == request.draw_id:
            return caseload.fold(caseload.initial, past), item.event
        past.append(item.event)
    raise Refusal(
        "DRAW_UNKNOWN",
        f"no draw {request.draw_id} was made of what {request.assessor_id} decided; check both ids",
        field="draw_id",
    )


def _shown(draw: Draw) -> views.SampleDraw:
    return views.SampleDraw(
        **draw.model_dump(exclude={"drawn_ms"}),
        drawn_at=stamp(draw.drawn_ms),
    )
