"""The network fails: connections are cut, answers do not come back, or nothing passes at all. The processes all live."""

from tests.fault.fault import Run, Skipped, fault
from tests.fault.proxy import Proxy

# Longer than the driver's patience (ten seconds).
_SILENCE = 12.0


@fault("every connection to brokers, stores and mail is cut, and new ones are too")
async def connections_cut(run: Run) -> None:
    await run.under_way()
    for proxy in _all(run):
        proxy.cut()
    run.note(f"all connections cut after {run.load.gate.begun} operations")
    await run.further(0.65)
    for proxy in _all(run):
        proxy.heal()
    run.note("connections are accepted again")


@fault("half-open to the brokers: what is sent arrives, and no answer comes back")
async def brokers_half_open(run: Run) -> None:
    await _half_open(run, run.world.broker_proxies, "brokers")


@fault("half-open to the stores: what is written arrives, and no answer comes back")
async def stores_half_open(run: Run) -> None:
    await _half_open(run, list(run.world.store_proxies.values()), "stores")


@fault("the mail server takes messages, and its answers do not come back")
async def mail_half_open(run: Run) -> None:
    proxy = run.world.mail_proxy
    if proxy is None:
        raise Skipped("there is no mail server")
    await run.under_way(0.2)
    # The server's leave to go on: what follows it is the message, which it takes.
    proxy.silent_after(b"354")
    run.note(f"no answer after a message for {_SILENCE:.0f} s after {run.load.gate.begun} operations")
    await run.last(_SILENCE)
    proxy.heal(reset=True)
    run.note("answers come back")


@fault("a black hole: nothing passes to brokers, stores and mail, and then all that was held back")
async def black_hole(run: Run) -> None:
    await run.under_way()
    for proxy in _all(run):
        proxy.black_hole()
    run.note(f"nothing passes for {_SILENCE:.0f} s after {run.load.gate.begun} operations")
    await run.last(_SILENCE)
    for proxy in _all(run):
        proxy.heal()
    run.note("all passes again")


async def _half_open(run: Run, proxies: list[Proxy], what: str, seconds: float = _SILENCE) -> None:
    await run.under_way()
    for proxy in proxies:
        proxy.half_open()
    run.note(f"no answer from the {what} for {seconds:.0f} s after {run.load.gate.begun} operations")
    await run.last(seconds)
    for proxy in proxies:
        proxy.heal(reset=True)
    run.note("those connections are gone, new ones work")


def _all(run: Run) -> list[Proxy]:
    mail = [run.world.mail_proxy] if run.world.mail_proxy else []
    return [*run.world.broker_proxies, *run.world.store_proxies.values(), *mail]
