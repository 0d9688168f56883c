"""`mentorstream token`: a token for the platform on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from mentorstream.outcome import local_token
from mentorstream.roles import RoleName


def token(
    person: Annotated[str, typer.Argument(help="The person's id.")],
    role: Annotated[list[RoleName], typer.Option(help="May be given several times.")],
    provider: Annotated[str, typer.Option(help="The provider's id.")] = "northfield",
    data_dir: Annotated[
        Path, typer.Option(help="Where everything is kept between runs.", envvar="MENTORSTREAM_DATA")
    ] = Path(".data"),
) -> None:
    """Print a token for the local platform. It is refused outside local mode."""
    print(local_token(data_dir, person, provider, [name.value for name in role]))  # noqa: T201 - it is the command's output
