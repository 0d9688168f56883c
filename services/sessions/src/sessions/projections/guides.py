"""A provider's own guides, one document a guide; with those that ship, what there is to follow."""

from eventkernel.messages import Metadata
from eventkernel.paging import cut, list_name
from eventkernel.projection import Projection
from eventkernel.reading import Reader
from mentoring.sessions.v1.guide_events_pb2 import GuideRetired, GuideSet, GuideStep
from mentoring.sessions.v1.guide_pb2 import (
    GetGuideRequest,
    GetGuideResponse,
    GuideSummary,
    ListGuidesRequest,
    ListGuidesResponse,
)
from pydantic import BaseModel

from sessions.domain.guide import guide, unknown_guide, versions_of
from sessions.guide_defaults import SHIPPED


class SetGuide(BaseModel):
    """A guide as its provider last set it; version 0 of one that ships and was never set, only retired."""

    guide_id: str
    version: int = 0
    title: str = ""
    retired: bool = False


guides = Projection("guides", version=1, document=SetGuide, key="guide_id")


@guides.on
def was_set(document: SetGuide, event: GuideSet, _meta: Metadata) -> None:
    """The newest version, and in use."""
    document.version = event.version
    document.title = event.title
    document.retired = False


@guides.on
def was_retired(document: SetGuide, _event: GuideRetired, _meta: Metadata) -> None:
    """Out of use."""
    document.retired = True


async def list_guides(request: ListGuidesRequest, read: Reader) -> ListGuidesResponse:
    """What there is to follow, by id."""
    known = {one.guide_id: one for one in await read.documents(guides)}
    found = [
        GuideSummary(
            guide_id=guide_id,
            version=own.version if (own := known.get(guide_id)) and own.version else 1,
            title=own.title if own and own.version else SHIPPED[guide_id].title,
            retired=bool(own and own.retired),
            shipped=not (own and own.version),
        )
        for guide_id in known.keys() | SHIPPED.keys()
    ]
    shown, cursor = cut(
        [one for one in found if request.with_retired or not one.retired],
        request.page,
        key=lambda one: (one.guide_id,),
        of=list_name("guides", request.with_retired),
    )
    return ListGuidesResponse(guides=shown, next_cursor=cursor)


async def get_guide(request: GetGuideRequest, read: Reader) -> GetGuideResponse:
    """One guide as it stands or stood. Raises Refusal GUIDE_UNKNOWN where there is no such guide or version."""
    state = await read.state(guide, f"guide-{request.guide_id}")
    versions = versions_of(state, request.guide_id)
    found = next((one for one in reversed(versions) if request.version in (0, one.version)), None)
    if found is None:
        raise unknown_guide(request.guide_id, "guide_id")
    return GetGuideResponse(
        guide=GuideSummary(
            guide_id=request.guide_id,
            version=found.version,
            title=found.title,
            retired=state.retired,
            shipped=found not in state.own,
        ),
        steps=[GuideStep(step_id=step.step_id, title=step.title, prompts=step.prompts) for step in found.steps],
        newest_version=versions[-1].version,
    )
