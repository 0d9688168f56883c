"""The image: what the Dockerfile takes from where, and the two programs that deployments run beside the services."""

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from eventkernel import issuer
from eventkernel.issuer import LocalIssuer
from eventkernel.tokens import Tokens
from grpc_health.v1 import health, health_pb2, health_pb2_grpc


@pytest.fixture(scope="module")
def dockerfile(root: Path) -> str:
    return (root / "Dockerfile").read_text(encoding="utf-8")


def test_only_locked_versions_are_installed(dockerfile: str) -> None:
    syncs = re.findall(r"uv sync [^\n]*", dockerfile)
    assert len(syncs) == 3
    assert all("--frozen" in sync for sync in syncs)
    installs = re.findall(r"pip install [^\n]*", dockerfile)
    assert installs
    assert all(re.search(r"==[\d.]+$", install) for install in installs)


def test_the_final_stage_installs_nothing_and_is_nobody(dockerfile: str) -> None:
    final = dockerfile[dockerfile.rindex("\nFROM ") :]
    assert not re.search(r"apt-get|apk |pip install|uv sync|gcc|build-essential", final)
    users = re.findall(r"^USER (\d+):(\d+)$", final, re.MULTILINE)
    assert users
    assert all(int(user) > 0 and int(group) > 0 for user, group in users)
    for label in ("title", "description", "licenses", "version", "revision", "created"):
        assert f"org.opencontainers.image.{label}=" in final
    assert "HEALTHCHECK" not in dockerfile


def test_every_member_of_the_workspace_is_in_the_build(root: Path, dockerfile: str) -> None:
    manifests = [*root.glob("packages/*/pyproject.toml"), *root.glob("services/*/pyproject.toml")]
    members = {path.parent.relative_to(root).as_posix() for path in manifests}
    copied = set(re.findall(r"^COPY (\S+)/pyproject\.toml \1/$", dockerfile, re.MULTILINE))
    assert copied == members


def test_what_is_copied_is_let_into_the_build(root: Path, dockerfile: str) -> None:
    rules = (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    assert "*" in rules
    assert not any(path.startswith((".git", ".env", ".data", ".venv", "docs", "tests")) for path in let_in)
    for line in re.findall(r"^COPY (?!--from)(?:--\S+ )*(.+)$", dockerfile, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (root / source).exists(), source
            assert any(source == path or source.startswith(f"{path}/") for path in let_in), source


@pytest.fixture
def served() -> Iterator[tuple[int, health.HealthServicer]]:
    """A health service like a service process's, and its port."""
    servicer = health.HealthServicer()
    server = grpc.server(ThreadPoolExecutor(2))
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port, servicer
    server.stop(0).wait()


def ask_health(root: Path, port: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, root / "deploy/image/healthy.py"],
        env={**os.environ, "HEALTH_ADDRESS": f"0.0.0.0:{port}"}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_container_is_healthy_while_its_process_serves(root: Path, served: tuple[int, health.HealthServicer]) -> None:
    port, servicer = served
    servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    assert ask_health(root, port).returncode == 0
    servicer.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    draining = ask_health(root, port)
    assert draining.returncode == 1
    assert "NOT_SERVING" in draining.stderr


def test_a_container_whose_process_does_not_answer_is_not_healthy(root: Path, unused_port: int) -> None:
    asked = ask_health(root, unused_port)
    assert asked.returncode == 1
    assert "no answer" in asked.stderr


@pytest.fixture
def unused_port() -> int:
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.stop(0).wait()
    return port


def make_issuer(root: Path, local: Path, public: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, root / "deploy/local/issuer.py", local, public],
        env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_services_get_the_public_half_of_the_local_issuers_key(root: Path, tmp_path: Path) -> None:
    local, public = tmp_path / "local", tmp_path / "jwks"
    public.mkdir()
    for _ in range(2):  # the second run keeps the first one's key
        assert make_issuer(root, local, public).returncode == 0
    assert [path.name for path in public.iterdir()] == ["jwks.json"]
    assert "d" not in json.loads((public / "jwks.json").read_text(encoding="utf-8"))["keys"][0]
    assert stat.S_IMODE((local / "issuer" / "issuer.pem").stat().st_mode) == 0o600
    token = LocalIssuer(local / "issuer", "local").token("mentor-1", "northfield", ["mentor"])
    tokens = Tokens(public / "jwks.json", issuer=issuer.ISSUER, audience=issuer.AUDIENCE, tenant_claim="tenant")
    assert tokens.verify(token).person_id == "mentor-1"


def test_the_local_issuer_is_refused_outside_local_mode(root: Path, tmp_path: Path) -> None:
    refused = make_issuer(root, tmp_path / "local", tmp_path, MENTORSTREAM_MODE="production")
    assert refused.returncode != 0
    assert "LocalOnly" in refused.stderr
    assert not (tmp_path / "jwks.json").exists()
