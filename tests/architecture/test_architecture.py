"""The rules that keep the platform's parts apart. Each is a function of a source tree, so that it is also seen to find
what it forbids: a planted violation for every rule, and a harmless neighbour that it must let pass."""

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("sessions", "evidence", "safeguarding", "notifications")

# A source tree: the text of each Python file by its path from the repository's root.
Sources = Mapping[str, str]
Rule = Callable[[Sources], list[str]]

# Standard modules whose functions give the same for the same, and reach nothing outside.
PURE = (
    "__future__", "abc", "bisect", "calendar", "collections", "dataclasses", "datetime", "decimal", "enum", "fractions",
    "functools", "hashlib", "heapq", "itertools", "math", "operator", "re", "string", "types", "typing",
)  # fmt: skip
DOMAIN_MAY_IMPORT = (
    *PURE,
    "eventkernel.aggregate",
    "eventkernel.contract",
    "eventkernel.file_names",
    "eventkernel.messages",
    # The same message of the same moment; the moment is given.
    "eventkernel.timestamps",
    "eventkernel.working_days",
    "mentoring",
    "google.protobuf.duration_pb2",
    "google.protobuf.field_mask_pb2",
    "google.protobuf.json_format",
    "google.protobuf.message",
    "google.protobuf.timestamp_pb2",
    # The rules of local time: data that comes with the platform, and what a decision made of them is in its events.
    "zoneinfo",
)
REACHES_OUT = (
    "aiofiles", "aiohttp", "aiokafka", "aiosmtplib", "bson", "faststream", "grpc", "http", "httpx", "kafka", "motor",
    "os", "pathlib", "prometheus_client", "pymongo", "requests", "shutil", "smtplib", "socket", "sqlite3", "ssl",
    "subprocess", "tempfile", "threading", "urllib",
)  # fmt: skip
UNREPEATABLE = ("random", "secrets", "time", "uuid")
# Whatever may be reached without an import, or through an allowed one, and is not the same twice.
IMPURE_NAMES = frozenset({"open", "input", "print", "exec", "eval", "breakpoint", "__import__", "import_module"})
IMPURE_ATTRIBUTES = frozenset({"utcnow", "today", "GetCurrentTime", "uuid1", "uuid4"})

# The driver stays behind its adapter, but for these, each for its reason.
DRIVER_EXCEPTIONS = {
    "packages/eventkernel/src/eventkernel/store/stored_form.py": "bson alone: the form that both stores keep",
    "packages/eventkernel/src/eventkernel/store/memory/documents.py": "bson alone: refuses what MongoDB would",
    "packages/mentorstream/src/mentorstream/embedded/docker.py": "starts a server, and asks it whether it is ready",
    "packages/mentorstream/src/mentorstream/embedded/store.py": "starts a server, and asks it whether it is ready",
}


def services_are_apart(sources: Sources) -> list[str]:
    """A service imports no other service: what it knows of one came through its contract."""
    return [
        found
        for service in SERVICES
        for path in _below(sources, f"services/{service}/")
        for found in _forbidden(path, sources[path], [other for other in SERVICES if other != service])
    ]


def domain_is_pure(sources: Sources) -> list[str]:
    """Aggregates import what is listed and no more, and reach for no clock, chance or file: deciding is repeatable."""
    found = []
    for service, path in _parts(sources, "domain"):
        allowed = (*DOMAIN_MAY_IMPORT, f"{service}.domain", f"{service}.policy_defaults", f"{service}.guide_defaults")
        found += [
            f"{path}:{line} imports {name}"
            for line, name in _imports(path, sources[path])
            if not _within(name, allowed)
        ]
        found += _impurities(path, sources[path]) + _waits(path, sources[path])
    return found


def kernel_knows_no_service(sources: Sources) -> list[str]:
    """The kernel is told everything by options and common messages, and serves operations itself: it would serve another platform as it is."""
    allowed = ("mentoring.options", "mentoring.common", "mentoring.operations")
    return [
        f"{path}:{line} imports {name}"
        for path in _below(sources, "packages/eventkernel/src/")
        for line, name in _imports(path, sources[path])
        if _within(name, (*SERVICES, "mentorstream")) or (_within(name, ("mentoring",)) and not _within(name, allowed))
    ]


def reactions_only_react(sources: Sources) -> list[str]:
    """An event in, commands out: no waiting, no reaching out, and the same commands when the event comes again."""
    found = []
    for _, path in _parts(sources, "reactions"):
        found += _forbidden(path, sources[path], (*REACHES_OUT, *UNREPEATABLE, "asyncio"))
        found += _impurities(path, sources[path]) + _waits(path, sources[path])
    return found


def projections_only_fold(sources: Sources) -> list[str]:
    """A rebuild gives the same read model. Its queries wait for the reader they are given and reach nothing else."""
    return [
        found
        for _, path in _parts(sources, "projections")
        for found in [
            *_forbidden(path, sources[path], (*REACHES_OUT, *UNREPEATABLE)),
            *_impurities(path, sources[path]),
        ]
    ]


def driver_stays_behind_the_adapter(sources: Sources) -> list[str]:
    """MongoDB's driver is imported by its adapter alone, so that a store can be another one."""
    return [
        found
        for path in _product(sources)
        if path not in DRIVER_EXCEPTIONS and not path.startswith("packages/eventkernel/src/eventkernel/store/mongodb/")
        for found in _forbidden(path, sources[path], ("pymongo", "motor", "bson", "gridfs"))
    ]


def embedded_store_is_never_imported(sources: Sources) -> list[str]:
    """The embedded store is a program of another licence: it is run as a process, and linked with nothing."""
    modules = ("secantus", "secantusdb", "SecantusDB", "wiredtiger")
    return [found for path in sources for found in _forbidden(path, sources[path], modules)]


def command_line_uses_contracts(sources: Sources) -> list[str]:
    """The command line speaks to services as any client does: it decides nothing by their rules."""
    domains = [f"{service}.domain" for service in SERVICES]
    return [
        found
        for path in _below(sources, "packages/mentorstream/src/")
        for found in _forbidden(path, sources[path], domains)
    ]


def moments_are_made_in_one_place(sources: Sources) -> list[str]:
    """A service makes a message's moment by the kernel's `timestamp`, which takes none without a time zone, or sets a field in place."""
    return [
        f"{path}:{call.lineno} makes a Timestamp: use eventkernel.timestamps"
        for service in SERVICES
        for path in _below(sources, f"services/{service}/src/")
        for call in ast.walk(ast.parse(sources[path]))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "FromDatetime"
        and isinstance(call.func.value, ast.Name)
    ]


RULES: tuple[Rule, ...] = (
    services_are_apart,
    domain_is_pure,
    kernel_knows_no_service,
    reactions_only_react,
    projections_only_fold,
    driver_stays_behind_the_adapter,
    embedded_store_is_never_imported,
    command_line_uses_contracts,
    moments_are_made_in_one_place,
)

DOMAIN = "services/sessions/src/sessions/domain/session.py"
REACTION = "services/sessions/src/sessions/reactions/routing.py"
PROJECTION = "services/sessions/src/sessions/projections/learner_sessions.py"
KERNEL = "packages/eventkernel/src/eventkernel/relay.py"
ADAPTER = "packages/eventkernel/src/eventkernel/store/mongodb/commits.py"
COMMAND_LINE = "packages/mentorstream/src/mentorstream/cli.py"

PLANTED: tuple[tuple[Rule, str, str], ...] = (
    (services_are_apart, "services/sessions/src/sessions/service.py", "import evidence"),
    (services_are_apart, "services/sessions/src/sessions/service.py", "from evidence.domain.standard import standard"),
    (services_are_apart, "services/sessions/src/sessions/service.py", "def f():\n    from safeguarding import service"),
    (services_are_apart, "services/sessions/tests/test_session.py", "import_module('notifications.service')"),
    (domain_is_pure, DOMAIN, "import os"),
    (domain_is_pure, DOMAIN, "from eventkernel.store.mongodb import connect"),
    (domain_is_pure, DOMAIN, "from eventkernel import node"),
    (domain_is_pure, DOMAIN, "from sessions.projections import learner_sessions"),
    (domain_is_pure, DOMAIN, "from ..projections import learner_sessions"),
    (domain_is_pure, DOMAIN, "from datetime import datetime\nat = datetime.now()"),
    (domain_is_pure, DOMAIN, "from datetime import datetime as moment\nat = moment.utcnow()"),
    (
        domain_is_pure,
        DOMAIN,
        "from dataclasses import field\nfrom datetime import datetime\nat = field(default_factory=datetime.now)",
    ),
    (domain_is_pure, DOMAIN, "from datetime import date\nday = date.today()"),
    (
        domain_is_pure,
        DOMAIN,
        "from google.protobuf.timestamp_pb2 import Timestamp\nat = Timestamp()\nat.GetCurrentTime()",
    ),
    (domain_is_pure, DOMAIN, "from uuid import uuid4"),
    (domain_is_pure, DOMAIN, "import random"),
    (domain_is_pure, DOMAIN, "import time"),
    (domain_is_pure, DOMAIN, "import asyncio"),
    (domain_is_pure, DOMAIN, "text = open('rules.json').read()"),
    (domain_is_pure, DOMAIN, "async def hold(state, command, context): ..."),
    (kernel_knows_no_service, KERNEL, "from sessions.domain import session"),
    (kernel_knows_no_service, KERNEL, "from mentoring.sessions.v1 import events_pb2"),
    (kernel_knows_no_service, KERNEL, "from mentoring import evidence"),
    (kernel_knows_no_service, KERNEL, "import mentorstream.cli"),
    (reactions_only_react, REACTION, "async def route(event, meta): ..."),
    (reactions_only_react, REACTION, "from pymongo import AsyncMongoClient"),
    (reactions_only_react, REACTION, "import grpc"),
    (reactions_only_react, REACTION, "from uuid import uuid4"),
    (reactions_only_react, REACTION, "from datetime import datetime\nat = datetime.now()"),
    (projections_only_fold, PROJECTION, "from motor.motor_asyncio import AsyncIOMotorClient"),
    (projections_only_fold, PROJECTION, "import aiokafka"),
    (projections_only_fold, PROJECTION, "from datetime import datetime\nat = datetime.now()"),
    (driver_stays_behind_the_adapter, KERNEL, "from pymongo.errors import PyMongoError"),
    (driver_stays_behind_the_adapter, "services/sessions/src/sessions/service.py", "import motor.motor_asyncio"),
    (driver_stays_behind_the_adapter, "packages/eventkernel/src/eventkernel/store/grouping.py", "import bson"),
    (driver_stays_behind_the_adapter, "packages/eventkernel/src/eventkernel/store/mongodb.py", "import pymongo"),
    (embedded_store_is_never_imported, COMMAND_LINE, "import secantus"),
    (embedded_store_is_never_imported, "tests/e2e/test_platform.py", "from secantus.server import Server"),
    (command_line_uses_contracts, COMMAND_LINE, "from safeguarding.domain.routing import ladder"),
    (command_line_uses_contracts, COMMAND_LINE, "from sessions import domain"),
    (moments_are_made_in_one_place, DOMAIN, "found = Timestamp()\nfound.FromDatetime(context.now)"),
)

HARMLESS: tuple[tuple[Rule, str, str], ...] = (
    (services_are_apart, DOMAIN, "from mentoring.evidence.v1 import events_pb2\nimport sessions.domain"),
    (domain_is_pure, DOMAIN, "from datetime import datetime\nfrom .rota import Rota\nat: datetime = context.now"),
    (domain_is_pure, DOMAIN, "from eventkernel.timestamps import timestamp\nat = timestamp(context.now)"),
    (kernel_knows_no_service, KERNEL, "from mentoring.options.v1 import options_pb2\nfrom mentoring.common import v1"),
    (reactions_only_react, REACTION, "from mentoring.sessions.v1 import events_pb2\ndef learn(event, meta): yield 1"),
    (projections_only_fold, PROJECTION, "from eventkernel.reading import Reader\nasync def listed(request, read): ..."),
    (driver_stays_behind_the_adapter, ADAPTER, "from pymongo import UpdateOne"),
    (embedded_store_is_never_imported, COMMAND_LINE, "program = 'secantusd-py'"),
    (command_line_uses_contracts, COMMAND_LINE, "from mentoring import sessions\nfrom sessions.service import build"),
    (moments_are_made_in_one_place, DOMAIN, "event.ends_at.FromDatetime(context.now)"),
)  # fmt: skip


@pytest.fixture(scope="module")
def platform() -> Sources:
    """Every Python file of the repository but the generated ones."""
    generated = ROOT / "packages" / "contracts" / "src"
    files = [
        file
        for folder in ("packages", "services", "deploy", "tests", "bench")
        for file in (ROOT / folder).rglob("*.py")
        if not file.is_relative_to(generated) and not any(part.startswith(".") for part in file.relative_to(ROOT).parts)
    ]
    return {file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8") for file in files}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_platform_keeps(rule: Rule, platform: Sources) -> None:
    assert rule(platform) == []


@pytest.mark.parametrize(("rule", "path", "text"), PLANTED, ids=lambda part: getattr(part, "__name__", None))
def test_a_planted_violation_is_found(rule: Rule, path: str, text: str) -> None:
    assert rule({path: text})


@pytest.mark.parametrize(("rule", "path", "text"), HARMLESS, ids=lambda part: getattr(part, "__name__", None))
def test_a_harmless_neighbour_passes(rule: Rule, path: str, text: str) -> None:
    assert rule({path: text}) == []


@pytest.mark.parametrize("listed", [PLANTED, HARMLESS], ids=["planted", "harmless"])
def test_every_rule_was_seen_both_ways(listed: tuple[tuple[Rule, str, str], ...]) -> None:
    assert {rule for rule, _, _ in listed} == set(RULES)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("part", ["domain", "projections", "reactions"])
def test_the_rules_have_something_to_look_at(platform: Sources, service: str, part: str) -> None:
    looked_at = [
        path for owner, path in _parts(platform, part) if owner == service and not path.endswith("__init__.py")
    ]
    # Evidence hears other services through its projections alone.
    assert looked_at or (service, part) == ("evidence", "reactions")


@pytest.mark.parametrize("path", sorted(DRIVER_EXCEPTIONS))
def test_an_exception_is_still_needed(platform: Sources, path: str) -> None:
    assert _forbidden(path, platform[path], ("pymongo", "bson"))


def test_an_exception_for_the_form_alone_opens_no_connection(platform: Sources) -> None:
    for path, reason in DRIVER_EXCEPTIONS.items():
        if reason.startswith("bson alone"):
            assert _forbidden(path, platform[path], ("pymongo", "motor")) == []


def _below(sources: Sources, prefix: str) -> Iterator[str]:
    return (path for path in sources if path.startswith(prefix))


def _product(sources: Sources) -> Iterator[str]:
    return (path for path in sources if path.startswith(("packages/", "services/")) and "/src/" in path)


def _parts(sources: Sources, part: str) -> Iterator[tuple[str, str]]:
    """The files of one room of every service, each with its service."""
    for service in SERVICES:
        for path in _below(sources, f"services/{service}/src/{service}/{part}/"):
            yield service, path


def _within(name: str, modules: Iterable[str]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def _forbidden(path: str, text: str, modules: Iterable[str]) -> list[str]:
    names = list(modules)
    return [f"{path}:{line} imports {name}" for line, name in _imports(path, text) if _within(name, names)]


def _imports(path: str, text: str) -> Iterator[tuple[int, str]]:
    """Everything imported, wherever in the file, as `module.name`, with its line."""
    for node in ast.walk(ast.parse(text, path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(path, node)
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and _called(node) in {"import_module", "__import__"}:
            literals = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
            yield from ((node.lineno, str(literal)) for literal in literals)


def _absolute(path: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = PurePosixPath(path).parts
    package = parts[parts.index("src") + 1 : -1] if "src" in parts else parts[:-1]
    kept = package[: len(package) - (node.level - 1)]
    return ".".join((*kept, node.module) if node.module else kept)


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Name):
        return node.func.id
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


def _impurities(path: str, text: str) -> list[str]:
    return [
        f"{path}:{node.lineno} uses {node.id if isinstance(node, ast.Name) else f'.{node.attr}'}"
        for node in ast.walk(ast.parse(text, path))
        if (isinstance(node, ast.Name) and node.id in IMPURE_NAMES)
        or (isinstance(node, ast.Attribute) and (node.attr in IMPURE_ATTRIBUTES or _asks_a_clock(node)))
    ]


def _asks_a_clock(node: ast.Attribute) -> bool:
    # `context.now` and `read.now` are the times that a decision and a query were handed; any other `now` is asked of a clock.
    return node.attr == "now" and not (isinstance(node.value, ast.Name) and node.value.id in {"context", "read"})


def _waits(path: str, text: str) -> list[str]:
    kinds = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)
    return [f"{path}:{node.lineno} waits" for node in ast.walk(ast.parse(text, path)) if isinstance(node, kinds)]
