"""A transfer of a file whose time has passed is chased: with whoever sees to it, or past them where they are in the file."""

import asyncio
from collections.abc import AsyncIterator

from eventkernel.reaction import Doing
from eventkernel.reading import Reader
from mentoring.safeguarding.v1.transfer_pb2 import MeetFileTransferDueRequest

from safeguarding.domain.file_transfer import FileTransferState, file_transfer
from safeguarding.domain.policy import policy
from safeguarding.domain.rota import rota
from safeguarding.domain.routing import is_among
from safeguarding.file_contents import given_to_each, may_see_to
from safeguarding.projections.file_transfers import transfer_stream


async def chase_file_transfer(request: MeetFileTransferDueRequest, doing: Doing) -> None:
    """The effect of a MeetFileTransferDueRequest that is due. It reads who is in the file: a decision knows one transfer alone."""
    read = doing.reader()
    transfer = await read.state(file_transfer, transfer_stream(request.transfer_id))
    past = transfer.due_at is not None and not await may_see_to(transfer.responsible_id, transfer, read)
    told_id = await _another(transfer, read) if past else ""
    await doing.command(
        MeetFileTransferDueRequest(
            transfer_id=request.transfer_id, number=request.number, past_responsible=past, told_id=told_id
        )
    )


async def _another(transfer: FileTransferState, read: Reader) -> str:
    """The first of those who may see to it instead; empty where there is none."""
    async for person_id in _others(transfer, read):
        if person_id and await may_see_to(person_id, transfer, read):
            return person_id
    return ""


async def _others(transfer: FileTransferState, read: Reader) -> AsyncIterator[str]:
    """The senior leads of the sites of the file's concerns, the provider's last resort, and whoever else was asked to take one."""
    given = await given_to_each(transfer.seen_to_by_ids, read)
    concerns = [one for each in given.values() for one in each if is_among(transfer.person_id, one.in_it_ids)]
    sites = sorted({one.site_id for one in concerns})
    for found in await asyncio.gather(*(read.state(rota, f"{rota.name}-{one}") for one in sites)):
        yield found.senior_lead_id
    yield (await read.state(policy, "routing-policy")).last_resort_id
    for handler_id in (person_id for one in concerns for person_id in one.asked_ids if one.is_handler(person_id)):
        yield handler_id
