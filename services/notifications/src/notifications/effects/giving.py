"""Gives the commands of an effect, again and again: an attempt that died between two of them would be lost to doubt."""

import asyncio

import structlog
from eventkernel.aggregate import Refusal
from eventkernel.reaction import Doing
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import CommandReply
from mentoring.options.v1 import options_pb2

_INSIST_AFTER = (0.1, 0.5, 2.0)
_log = structlog.get_logger(__name__)


async def insist(doing: Doing, request: Message) -> CommandReply:
    """Gives a command, and again where it is unknown whether it was stored."""
    for seconds in _INSIST_AFTER:
        try:
            return await doing.command(request)
        except Refusal:
            raise
        except Exception as error:  # whatever the store raises
            _log.warning(
                "command given again", command=request.DESCRIPTOR.name, row=doing.row_id, error=type(error).__name__
            )
            await asyncio.sleep(seconds)
    return await doing.command(request)


def type_of(event: type[Message]) -> str:
    """The stored type of an event, as a reply names it."""
    return str(event.DESCRIPTOR.GetOptions().Extensions[options_pb2.event].type)
