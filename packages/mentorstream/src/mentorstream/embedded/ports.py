"""Ports on the loopback address: chosen, or checked before a process is started on them.

Invariant: a chosen port lies below the kernel's ephemeral range, so no outgoing connection can take it in between
(and a client that polls a port nobody listens on yet cannot connect to itself).
"""

import random
import socket

from mentorstream.embedded.errors import StartFailure, StartFailureCode

HOST = "127.0.0.1"
LOWEST, HIGHEST = 20_000, 32_000
TRIES = 200

_given: set[int] = set()


def choose_port() -> int:
    """A port that is free now and that this process has not chosen before.

    Raises:
        StartFailure: PORT_IN_USE when many tries found none.
    """
    for _ in range(TRIES):
        port = random.randint(LOWEST, HIGHEST)  # noqa: S311  spreads parallel runs, keeps no secret
        if port not in _given and _free(port):
            _given.add(port)
            return port
    raise StartFailure(
        StartFailureCode.PORT_IN_USE,
        f"No free port was found between {LOWEST} and {HIGHEST} on {HOST}.",
        "Stop what uses them, or name the ports yourself.",
    )


def require_free(port: int, used_for: str, set_by: str) -> int:
    """The port again, if nothing listens on it.

    Args:
        port: the wanted port.
        used_for: who wants it, for the reader.
        set_by: the parameter or variable that names another.

    Raises:
        StartFailure: PORT_IN_USE.
    """
    if _free(port):
        return port
    raise port_in_use(port, used_for, set_by)


def port_in_use(port: int, used_for: str, set_by: str) -> StartFailure:
    """The failure that names the port and how to choose another."""
    return StartFailure(
        StartFailureCode.PORT_IN_USE,
        f"Port {port} on {HOST}, wanted for {used_for}, is in use.",
        f"Stop the process that listens there, or set {set_by} to another port.",
    )


def _free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the servers do: a port in TIME_WAIT is free for a listener.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
