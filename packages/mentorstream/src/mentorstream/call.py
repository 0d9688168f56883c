"""`mentorstream call`: any call of a service's contract, with a request as JSON."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, cast

import grpc
import typer
from eventkernel.client import CallFailed, Client
from eventkernel.contract import CallContract
from google.protobuf.descriptor import Descriptor
from google.protobuf.json_format import MessageToJson, Parse, ParseError
from google.protobuf.message import Message

from mentorstream.contracts import CONTRACTS
from mentorstream.fields import fields_of, in_words
from mentorstream.listening import address_of
from mentorstream.operate.reach import HERE
from mentorstream.outcome import fail, local_token, run, told
from mentorstream.roles import RoleName

_ANYONE, _SYSTEM = "anyone_known", "system"
# What moves bytes and has a command of its own.
_COMMANDS = {"ExportConcern": "mentorstream concern export"}


def call(
    service: Annotated[str, typer.Argument(help="One of " + ", ".join(CONTRACTS) + ".")],
    method: Annotated[str, typer.Argument(help="The call, `HoldSession`; without one, all are listed.")] = "",
    request: Annotated[str, typer.Argument(help="The request as JSON; `-` reads it from standard input.")] = "{}",
    *,
    person: Annotated[str, typer.Option("--as", help="Who calls: a person's id.")] = "",
    role: Annotated[list[RoleName] | None, typer.Option(help="In which role; may be given several times.")] = None,
    fields: Annotated[bool, typer.Option("--fields", help="Show the request's fields instead of calling.")] = False,
    key: Annotated[str, typer.Option(help="The idempotency key of a command that may be repeated.")] = "",
    read_after: Annotated[str, typer.Option(help="STREAM@VERSION that the answer has to show.")] = "",
    address: Annotated[str, typer.Option(help="HOST:PORT; the service of `make up` where not given.")] = "",
    token: Annotated[str, typer.Option(envvar="MENTORSTREAM_TOKEN", help="In place of --as and --role: a token.")] = "",
    provider: Annotated[str, typer.Option(help="The provider's id.")] = "northfield",
    data_dir: Annotated[
        Path, typer.Option(help="Where the local platform keeps its data.", envvar="MENTORSTREAM_DATA")
    ] = HERE,
) -> None:
    """Call a service as a person in a role, and print the answer as JSON. docs/CONTRACTS.md says what each call does."""
    if service not in CONTRACTS:
        fail(f"SERVICE_UNKNOWN: {service}: it is one of {', '.join(CONTRACTS)}")
    if not method:
        typer.echo("\n".join(_calls(service)))
        return
    contract = _contract(service, method)
    if fields:
        typer.echo("\n".join(fields_of(cast("Descriptor", contract.request.DESCRIPTOR))))
        return
    if contract.uploads or (contract.transfers and contract.streams):
        command = f"`{_COMMANDS[method]}` does, or " if method in _COMMANDS else ""
        fail(
            f"CALL_OF_BYTES: {method} moves a file's bytes: {command}call it from a program, with eventkernel.client.Client"
        )
    message = _message(contract, sys.stdin.read() if request == "-" else request)
    bearer = token or _token(contract, person, [one.value for one in role or []], provider, data_dir)
    where = address or address_of(service, data_dir)
    try:
        run(_give(where, bearer, service, contract, message, key=key, after=read_after))
    except CallFailed as failed:
        at = "".join(f"\n  field: {name}" for name in failed.fields if name not in failed.text)
        fail(told(failed, service, where, "--address HOST:PORT") + at)


def _contract(service: str, method: str) -> CallContract:
    calls = CONTRACTS[service].calls
    if method not in calls:
        others = [name for name, contract in CONTRACTS.items() if method in contract.calls]
        of = f"it is a call of {others[0]}" if others else f"`mentorstream call {service}` lists those that it has"
        fail(f"CALL_UNKNOWN: {service} has no call {method}: {of}")
    return calls[method]


def _message(contract: CallContract, text: str) -> Message:
    try:
        return Parse(text, contract.request())
    except ParseError as error:
        fail(f"REQUEST_INVALID: {in_words(error)}\n--fields shows what {contract.method} takes")


def _token(contract: CallContract, person: str, roles: list[str], provider: str, data_dir: Path) -> str:
    if not person or not roles:
        fail(
            f"CALLER_MISSING: give --as PERSON and --role ROLE, or --token; {contract.method} is for {_roles(contract)}"
        )
    return local_token(data_dir, person, provider, roles)


async def _give(
    address: str, token: str, service: str, contract: CallContract, request: Message, *, key: str, after: str
) -> None:
    """Prints the answer, or each part of one that comes in parts, until it ends or Ctrl-C does."""
    async with grpc.aio.insecure_channel(address) as channel:
        client = Client(channel, CONTRACTS[service], token)
        if contract.streams:
            async for part in client.stream(request, contract.response):
                typer.echo(MessageToJson(part, preserving_proto_field_name=True))
        else:
            answer = await client.call(request, contract.response, key=key, after=after)
            typer.echo(MessageToJson(answer, preserving_proto_field_name=True))


def _calls(service: str) -> Iterator[str]:
    """A service's calls, but for the platform's own, each with who may give it."""
    for contract in CONTRACTS[service].calls.values():
        if contract.roles != {_SYSTEM}:
            yield f"{contract.method}: {_roles(contract)}"


def _roles(contract: CallContract) -> str:
    return "any role" if _ANYONE in contract.roles else ", ".join(sorted(contract.roles - {_SYSTEM}))
