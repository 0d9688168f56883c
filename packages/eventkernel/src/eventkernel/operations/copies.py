"""Copies of read models for operators: begins one beside the one that serves, lets it serve, and retires what is no longer wanted.

Only the record of copies is changed here, in one step each. Whoever feeds and reads them follows it (`feeding.py`, `serving.py`), so a
process may die anywhere. A copy only folds: nothing is emitted by building one.
"""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import uuid4

from mentoring.operations.v1 import operations_pb2 as pb

from eventkernel.aggregate import Refusal
from eventkernel.messages import Act, Copies
from eventkernel.operations.operator import Operator
from eventkernel.ports import Store
from eventkernel.projection import Projection
from eventkernel.service import Service
from eventkernel.timing import Clock

_CATCH_UP_SECONDS = 5.0
_LOOK_AGAIN = 0.05


class ReadModels:
    """What operators may do about the read models of one service."""

    def __init__(self, service: Service, store: Store, clock: Clock) -> None:
        self._service = service
        self._store = store
        self._clock = clock

    async def listed(self, _request: pb.ListProjectionsRequest, operator: Operator) -> pb.ListProjectionsResponse:
        """All read models with their copies."""
        operator.require_everywhere()
        told = [await self._told(projection) for projection in self._service.projections]
        return pb.ListProjectionsResponse(projections=told)

    async def rebuild(self, request: pb.RebuildProjectionRequest, operator: Operator) -> pb.RebuildProjectionResponse:
        """Begins a new copy. Where one is being built that goes on, and nothing is changed."""
        projection = self._named(request.name, operator)
        copies = await self._store.copies.load(projection.model)
        if copies.building is None:
            number = copies.highest + 1
            # What served before the last switch goes: two copies beside the serving one would be fed for nothing.
            retired = copies.retired if copies.previous is None else (*copies.retired, copies.previous)
            after = replace(copies, building=number, previous=None, highest=number, retired=retired)
            await self._change(projection, after, f"rebuild as copy {number}", request.reason, operator)
        return pb.RebuildProjectionResponse(projection=await self._told(projection))

    async def switch(self, request: pb.SwitchProjectionRequest, operator: Operator) -> pb.SwitchProjectionResponse:
        """Lets the new copy serve, or the previous one again; refused until it shows all that the serving one does."""
        projection = self._named(request.name, operator)
        copies = await self._store.copies.load(projection.model)
        wanted = copies.previous if request.back else copies.building
        if wanted is None:
            code, text = (
                ("NO_PREVIOUS_COPY", "no copy served before that is still there")
                if request.back
                else ("NOTHING_BUILT", "no copy is being built: rebuild the projection first")
            )
            raise Refusal(code, text)
        await self._require_caught_up(projection.as_copy(copies.serving), projection.as_copy(wanted))
        after = replace(
            copies, serving=wanted, previous=copies.serving, building=copies.building if request.back else None
        )
        await self._change(
            projection, after, f"switch from copy {copies.serving} to {wanted}", request.reason, operator
        )
        return pb.SwitchProjectionResponse(projection=await self._told(projection))

    async def drop(self, request: pb.DropProjectionCopyRequest, operator: Operator) -> pb.DropProjectionCopyResponse:
        """Retires a copy that does not serve; it is dropped when nobody can be reading it any more."""
        projection = self._named(request.name, operator)
        copies = await self._store.copies.load(projection.model)
        number = request.number
        if number == copies.serving:
            raise Refusal("COPY_SERVES", f"copy {number} serves: switch to another one first")
        if number not in copies.fed:
            raise Refusal("COPY_UNKNOWN", f"there is no copy {number} that is fed")
        after = replace(
            copies,
            building=None if copies.building == number else copies.building,
            previous=None if copies.previous == number else copies.previous,
            retired=(*copies.retired, number),
        )
        await self._change(projection, after, f"drop copy {number}", request.reason, operator)
        return pb.DropProjectionCopyResponse(projection=await self._told(projection))

    async def _change(
        self, projection: Projection[Any], after: Copies, about: str, reason: str, operator: Operator
    ) -> None:
        act = Act(
            id=str(uuid4()), tenant=operator.principal.tenant, actor=operator.principal.person_id, action="projections",
            about=f"{projection.model}: {about}", reason=operator.reasoned(reason), at=self._clock(), correlation_id=operator.correlation_id,
        )  # fmt: skip
        await self._store.acts.record(act)
        changed = replace(after, changed_at=self._clock(), revision=after.revision + 1)
        if not await self._store.copies.change(projection.model, changed):
            raise Refusal("CHANGED_MEANWHILE", "somebody else changed its copies in this moment: look again")

    async def _require_caught_up(self, serving: Projection[Any], new: Projection[Any]) -> None:
        """Raises Refusal unless the new copy comes, within moments, to where the serving one is by then."""
        deadline = asyncio.get_running_loop().time() + _CATCH_UP_SECONDS
        while True:
            # The serving copy goes on meanwhile, and what it shows in the end is what counts.
            goal = await self._checkpoints(serving)
            reached = await self._checkpoints(new)
            behind = sum(max(0, offset - reached.get(place, 0)) for place, offset in goal.items())
            if not behind:
                break
            if asyncio.get_running_loop().time() >= deadline:
                raise Refusal("NOT_CAUGHT_UP", f"copy {new.copy} is {behind} records behind the serving one: try later")
            await asyncio.sleep(_LOOK_AGAIN)
        stops, shown = [
            await self._store.parked.streams(copy.subscription(self._service.name)) for copy in (new, serving)
        ]
        held_up = [stream for stream, place in stops.items() if stream not in shown or place < shown[stream]]
        if held_up:
            raise Refusal(
                "COPY_HAS_PARKED",
                f"{len(held_up)} streams are parked for copy {new.copy} of which the serving one shows more: "
                f"replay or discard them first ({new.subscription(self._service.name)})",
            )

    async def _checkpoints(self, copy: Projection[Any]) -> dict[tuple[str, int], int]:
        return await self._store.documents.checkpoints(copy.collection, copy.subscription(self._service.name))

    def _named(self, name: str, operator: Operator) -> Projection[Any]:
        operator.require_everywhere()
        for projection in self._service.projections:
            if projection.name == name:
                return projection
        known = ", ".join(projection.name for projection in self._service.projections)
        raise Refusal("PROJECTION_UNKNOWN", f"{self._service.name} has the projections {known}", field="name")

    async def _told(self, projection: Projection[Any]) -> pb.Projection:
        copies = await self._store.copies.load(projection.model)
        states: dict[int | None, pb.CopyState.ValueType] = {
            copies.serving: pb.COPY_STATE_SERVING,
            copies.building: pb.COPY_STATE_BUILDING,
            copies.previous: pb.COPY_STATE_PREVIOUS,
            **dict.fromkeys(copies.retired, pb.COPY_STATE_RETIRED),
        }
        serving = sum((await self._checkpoints(projection.as_copy(copies.serving))).values())
        parked = await self._store.parked.count()
        told = pb.Projection(name=projection.name, version=projection.version)
        for number, state in states.items():
            if number is not None:
                copy = projection.as_copy(number)
                told.copies.add(
                    number=number, state=state, position=sum((await self._checkpoints(copy)).values()), serving_position=serving,
                    parked=parked.get(copy.subscription(self._service.name), 0),
                )  # fmt: skip
        return told
