"""Where the program begins. Ctrl-C while code is still loading ends it without a word; from then on each command answers it itself."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """While code loads nothing has begun yet that would have to be put away. Where SIGINT is ignored it stays so."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGINT, before)


def main() -> None:
    """The program."""
    with loading():
        from mentorstream.cli import app  # noqa: PLC0415 - loading is what takes long
    app()
