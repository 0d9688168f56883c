"""Who handles concerns that are merged: asked of all of them as they are now, whatever the leading one has heard of the others yet.

Whoever is kept away from one of them is from all, and whoever handles the leading one reads the others.
"""

import asyncio

from eventkernel.reading import Reader

from safeguarding.domain.concern import concern, stream_of
from safeguarding.domain.concern_state import Concern
from safeguarding.domain.routing import is_among


async def handles(person_id: str, state: Concern, read: Reader) -> bool:
    """Whether this person handles it, by itself or as one of the concerns that are merged.

    What is merged into one that goes past every DSL is handled by those who handle that one alone.
    """
    if await is_kept_away(person_id, state, read):
        return False
    if state.leading is None:
        return state.is_handler(person_id)
    leading = await read.state(concern, stream_of(state.leading.concern_id))
    if state.is_handler(person_id) and not leading.past_every_dsl:
        return True
    return await handles(person_id, leading, read)


async def is_kept_away(person_id: str, state: Concern, read: Reader) -> bool:
    """Whether this person is at risk or named in it, in one that is merged with it, or in another that is merged into the same one."""
    leading = [] if state.leading is None else [await read.state(concern, stream_of(state.leading.concern_id))]
    ids = {one.concern_id for each in (state, *leading) for one in each.merged}
    merged = await asyncio.gather(*(read.state(concern, stream_of(one)) for one in sorted(ids)))
    return any(is_among(person_id, one.excluded_ids) for one in (state, *leading, *merged))


async def leads(person_id: str, state: Concern, read: Reader) -> str:
    """What it is merged into, where this person handles that; else empty."""
    if state.leading is None:
        return ""
    leading = await read.state(concern, stream_of(state.leading.concern_id))
    return leading.concern_id if await handles(person_id, leading, read) else ""
