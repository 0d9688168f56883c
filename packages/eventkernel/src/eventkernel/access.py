"""Who may call: the roles that an RPC's contract names, and nobody else. What the contract does not allow is denied."""

from eventkernel.contract import CallContract
from eventkernel.messages import Principal

ANYONE_KNOWN = "anyone_known"


class Denied(Exception):
    """The caller is known, and may not do this. The text tells nothing of what the call was about."""


def denied(call: CallContract) -> Denied:
    """What is said to whoever does not stand to what the call is about as its contract needs."""
    return Denied(f"{call.method} is for {call.for_whom}: check the ids, or ask one of them")


def admit(principal: Principal, call: CallContract) -> None:
    """Raises Denied unless the principal has one of the contract's roles."""
    if ANYONE_KNOWN in call.roles or principal.roles & call.roles:
        return
    raise Denied(f"{call.method} needs one of the roles: {', '.join(sorted(call.roles))}")
