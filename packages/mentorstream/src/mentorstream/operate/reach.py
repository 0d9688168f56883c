"""Where the services are, and as whom an operator calls them: the local platform, unless options or the environment name another."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import grpc
import typer
from eventkernel.client import CallFailed, Client
from eventkernel.operations.contract import CONTRACT

from mentorstream.contracts import SERVICES
from mentorstream.listening import OPERATIONS_TENANT, address_of
from mentorstream.outcome import fail, local_token, told

Address = Annotated[
    list[str] | None,
    typer.Option(
        "--address",
        help="SERVICE=HOST:PORT, several times; MENTORSTREAM_ADDRESSES separates them by commas. Else `make up`.",
    ),
]
Token = Annotated[
    str, typer.Option("--token", envvar="MENTORSTREAM_TOKEN", help="An operator's; a local one where not given.")
]
Provider = Annotated[
    str, typer.Option("--provider", help="Whose operator a local token is for; of all where not given.")
]
DataDir = Annotated[Path, typer.Option(help="Where the local platform keeps its data.", envvar="MENTORSTREAM_DATA")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]
HERE = Path(".data")


@dataclass(frozen=True, slots=True)
class Reach:
    """A way to the operations RPC of each service."""

    addresses: dict[str, str]
    token: str

    @asynccontextmanager
    async def client(self, service: str) -> AsyncIterator[Client]:
        """A caller of one service; ends the program where that does not do what is asked, saying why."""
        address = self.addresses[service]
        async with grpc.aio.insecure_channel(address) as channel:
            try:
                yield Client(channel, CONTRACT, self.token)
            except CallFailed as failed:
                fail(told(failed, service, address, f"--address {service}=HOST:PORT"))


def reach(address: list[str] | None, token: str, provider: str, data_dir: Path) -> Reach:
    """What the options and the environment say."""
    given = address or [one for one in os.environ.get("MENTORSTREAM_ADDRESSES", "").split(",") if one]
    addresses = dict(one.partition("=")[::2] for one in given)
    if unknown := [name for name, where in addresses.items() if name not in SERVICES or not where]:
        fail(f"ADDRESS_NOT_VALID: {', '.join(unknown)}: give SERVICE=HOST:PORT, with one of {', '.join(SERVICES)}")
    local = {} if given else {service: address_of(service, data_dir) for service in SERVICES}
    return Reach(
        addresses or local, token or local_token(data_dir, "operator-1", provider or OPERATIONS_TENANT, ["operator"])
    )


def one_of(found: Reach, service: str) -> str:
    """The service, where it is one that can be reached."""
    if service not in found.addresses:
        fail(f"SERVICE_UNKNOWN: {service}: it is one of {', '.join(found.addresses)}")
    return service
