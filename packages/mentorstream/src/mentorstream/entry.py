"""Where the program begins. Ctrl-C while it is still loading ends it without a word; from then on each command answers it itself."""

import signal


def main() -> None:
    """The program."""
    # Nothing has begun yet that would have to be put away. Where SIGINT is ignored it stays so.
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from mentorstream.cli import app  # noqa: PLC0415 - loading is what takes long

    signal.signal(signal.SIGINT, before)
    app()
