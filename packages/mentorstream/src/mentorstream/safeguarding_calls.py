"""How the commands about concerns and rotas call the safeguarding service: as somebody, in a role, for nobody else may see any of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import grpc
import typer
from eventkernel.client import CallFailed, Client

from mentorstream.contracts import CONTRACTS
from mentorstream.listening import address_of
from mentorstream.outcome import fail, local_token, run, told
from mentorstream.roles import RoleName

Answer = TypeVar("Answer")
A_PAGE = 500
Person = Annotated[str, typer.Option("--as", help="Whose view: a person's id.")]
Roles = Annotated[
    list[RoleName] | None, typer.Option("--role", help="In which role; dsl where not given.", show_default=False)
]
Address = Annotated[
    str, typer.Option("--address", help="The safeguarding service, HOST:PORT; the one of `make up` where not given.")
]
Token = Annotated[
    str, typer.Option("--token", envvar="MENTORSTREAM_TOKEN", help="In place of --as and --role: a token.")
]
Provider = Annotated[str, typer.Option("--provider", help="The provider's id.")]
DataDir = Annotated[Path, typer.Option(help="Where the local platform keeps its data.", envvar="MENTORSTREAM_DATA")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and where the service is."""

    person: str
    roles: list[RoleName] | None
    address: str
    token: str
    provider: str
    data_dir: Path

    def asks(self, call: Callable[[Client], Awaitable[Answer]]) -> Answer:
        """What the service answers; ends the program where it does not, saying why."""
        if not (self.token or self.person):
            fail(
                "CALLER_MISSING: give --as PERSON, or --token: nobody sees anything of concerns who has no part in them"
            )
        roles = [one.value for one in self.roles or []] or ["dsl"]
        bearer = self.token or local_token(self.data_dir, self.person, self.provider, roles)
        where = self.address or address_of("safeguarding", self.data_dir)

        async def over_a_channel() -> Answer:
            async with grpc.aio.insecure_channel(where) as channel:
                return await call(Client(channel, CONTRACTS["safeguarding"], bearer))

        try:
            return run(over_a_channel())
        except CallFailed as failed:
            fail(told(failed, "safeguarding", where, "--address HOST:PORT"))
