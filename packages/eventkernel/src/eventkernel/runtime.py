"""A service as a process: settings from the environment, logs, metrics, traces, signals. `python -m <service> [--roles ...]`."""

import argparse
import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

import structlog
import uvloop
from pydantic import ValidationError

from eventkernel import logs, telemetry
from eventkernel.blobs.open import BlobsFault
from eventkernel.contract import ContractFault
from eventkernel.ending import end
from eventkernel.keys import SecretFileFault
from eventkernel.node import AddressInUse, Node
from eventkernel.ports import StoreUnavailable
from eventkernel.service import Service
from eventkernel.settings import Settings, explain
from eventkernel.store.mongodb import MongoStore, connect
from eventkernel.tokens import KeySetFault

_log = structlog.get_logger(__name__)
_EXIT_REFUSED = 2
_LAST_SECONDS = 1.0


def main(build: Callable[[], Service]) -> None:
    """Runs a service until SIGTERM or SIGINT. Exits with 2 where it cannot start as it is told, saying why and what to do."""
    arguments = argparse.ArgumentParser(description="Runs one service, or some of its roles.")
    arguments.add_argument("--roles", help="api, relay, projector, reactor, separated by commas; all where not given")
    given = arguments.parse_args()
    try:
        settings = Settings(**({"roles": given.roles} if given.roles else {}))
        _ = settings.parts
    except ValidationError as error:
        _refuse("SETTINGS_INVALID", explain(error))
    except ValueError as error:
        _refuse("SETTINGS_INVALID", f"ROLES: {error}; use api, relay, projector, reactor")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(_run(build, settings)))


def collect_rarely() -> None:
    """Spares what was made so far from the search for garbage, and lets it begin at 50,000 new objects instead of 700.

    A batch of records is thousands of objects that go by themselves, and each search would go through those of the batches under way.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


async def _run(build: Callable[[], Service], settings: Settings) -> int:
    service = build()
    logs.configure(service.name, settings.log_level)
    telemetry.configure(
        service.name, otlp_endpoint=settings.otlp_endpoint, trace_file=settings.trace_file, ratio=settings.trace_ratio
    )
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    node, metrics = await _start(service, settings)
    collect_rarely()
    failed = asyncio.create_task(node.failed())
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait({failed, stopped}, return_when=asyncio.FIRST_COMPLETED)
    broken = failed.done()
    if broken:
        _log.critical("a part of the process ended; stopping", error=repr(failed.exception()))
    failed.cancel()
    stopped.cancel()
    await node.stop()
    metrics.close()
    telemetry.shutdown()
    left = await end(asyncio.all_tasks() - {asyncio.current_task()}, _LAST_SECONDS)
    if left:
        # Whoever waits for them in order would wait for ever. All that has to last was written before.
        _log.error("some tasks do not end; leaving without them", tasks=[repr(task.get_coro()) for task in left])
        sys.stdout.flush()
        os._exit(int(broken))
    return int(broken)


async def _start(service: Service, settings: Settings) -> tuple[Node, telemetry.MetricsEndpoint]:
    """Starts the service, and shows its metrics. Ends the process where that cannot be done as it is told."""
    try:
        driver = connect(settings.mongodb_uri, driver=settings.mongodb_driver)
    except Exception as fault:
        # Which driver it is is the store's affair, and its text may quote the address with its password.
        _refuse(
            "SETTINGS_INVALID",
            f"MONGODB_URI: no address of a database ({type(fault).__name__}); use mongodb://host:port/",
        )
    try:
        store = MongoStore(driver, settings.mongodb_database or service.name)
        node = Node(service, settings, store)
        await node.start()
    except ContractFault as fault:
        _refuse("CONTRACT_FAULT", str(fault))
    except StoreUnavailable as fault:
        _refuse(
            "STORE_UNREACHABLE", f"the store at MONGODB_URI does not answer: {fault}; start it, or mend the address"
        )
    except BlobsFault as fault:
        _refuse("SETTINGS_INVALID", str(fault))
    except AddressInUse as fault:
        _refuse("PORT_IN_USE", str(fault))
    except (KeySetFault, SecretFileFault) as fault:
        _refuse("KEYS_UNUSABLE", str(fault))
    except OSError as fault:
        _refuse("KEYS_UNUSABLE", f"KEY_FILE: {fault}; name a file that this process may read, or make")
    try:
        metrics = telemetry.serve_metrics(settings.metrics_port, settings.metrics_host)
    except OSError as fault:
        _refuse(
            "PORT_IN_USE",
            f"metrics cannot be shown at {settings.metrics_host}:{settings.metrics_port}: {fault}; set METRICS_PORT",
        )
    return node, metrics


def _refuse(code: str, text: str) -> NoReturn:
    sys.stderr.write(f"{code}: {text}\n")
    sys.exit(_EXIT_REFUSED)
