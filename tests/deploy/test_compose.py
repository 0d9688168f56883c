"""The compose project keeps its promises: settings that the processes know, own databases and keys, nothing privileged
or secret."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from eventkernel import issuer
from eventkernel.settings import Settings
from mentorstream.embedded import docker, kafka_settings
from notifications.settings import Settings as NotificationsSettings

SERVICES = ("sessions", "evidence", "safeguarding", "notifications")
# The kernel's, and beside them each service's own.
OWN = {"notifications": set(NotificationsSettings.model_fields)}
KNOWN = set(Settings.model_fields)
REQUIRED = {name for name, field in Settings.model_fields.items() if field.is_required()}
ONE_SHOTS = {"topics", "issuer", "token"}
SECRET = re.compile(r"password|secret|credential|private_key|access_key|api_key|_token$", re.IGNORECASE)


def environment(compose: dict[str, Any], service: str) -> dict[str, str]:
    found: dict[str, str] = compose["services"][service].get("environment", {})
    return found


def mounts(compose: dict[str, Any], service: str) -> Iterator[tuple[str, str, bool]]:
    """Source, target, and whether it may be written, of each volume."""
    for volume in compose["services"][service].get("volumes", []):
        source, target, *mode = volume.split(":")
        yield source, target, mode != ["ro"]


@pytest.fixture(scope="session")
def names(compose: dict[str, Any]) -> set[str]:
    return set(compose["services"])


def test_the_whole_platform_is_there(names: set[str]) -> None:
    assert names == {*SERVICES, *ONE_SHOTS, "kafka", "mongodb", "mailpit", "prometheus", "grafana"}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_told_only_what_it_reads(compose: dict[str, Any], service: str) -> None:
    told = {name.lower() for name in environment(compose, service)}
    assert told - KNOWN - OWN.get(service, set()) == set()
    assert all(name == name.upper() for name in environment(compose, service))


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_told_all_that_it_needs(compose: dict[str, Any], service: str) -> None:
    assert {name.lower() for name in environment(compose, service)} >= REQUIRED


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_accepts_its_settings(compose: dict[str, Any], service: str) -> None:
    told = {name.lower(): value for name, value in environment(compose, service).items()}
    settings = Settings(**{name: value for name, value in told.items() if name in KNOWN})  # type: ignore[arg-type]
    assert settings.parts
    if own := {name: value for name, value in told.items() if name in OWN.get(service, set())}:
        assert NotificationsSettings(**own).smtp_port == 1025  # type: ignore[arg-type]


def test_every_setting_is_a_string(compose: dict[str, Any], names: set[str]) -> None:
    # YAML would make a boolean of `false`, and compose refuses it.
    for service in names:
        assert all(isinstance(value, str) for value in environment(compose, service).values()), service


def test_each_service_owns_its_database_and_its_key(compose: dict[str, Any]) -> None:
    databases = [environment(compose, service)["MONGODB_DATABASE"] for service in SERVICES]
    assert len(set(databases)) == len(SERVICES)
    key_volumes = []
    for service in SERVICES:
        folder = str(Path(environment(compose, service)["KEY_FILE"]).parent)
        key_volumes += [
            source for source, target, writable in mounts(compose, service) if target == folder and writable
        ]
    assert len(key_volumes) == len(set(key_volumes)) == len(SERVICES)
    elsewhere = {
        source for name in compose["services"].keys() - set(SERVICES) for source, _, _ in mounts(compose, name)
    }
    assert not set(key_volumes) & elsewhere


def test_a_service_reads_the_public_keys_and_never_the_private_one(compose: dict[str, Any]) -> None:
    private = {source for source, target, _ in mounts(compose, "issuer") if target.endswith("/local")}
    assert private
    for service in SERVICES:
        held = {source: (target, writable) for source, target, writable in mounts(compose, service)}
        assert not private & held.keys()
        assert held["jwks"] == (str(Path(environment(compose, service)["JWKS_FILE"]).parent), False)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_trusts_the_local_issuer(compose: dict[str, Any], service: str) -> None:
    told = environment(compose, service)
    assert (told["TOKEN_ISSUER"], told["TOKEN_AUDIENCE"]) == (issuer.ISSUER, issuer.AUDIENCE)


@pytest.mark.parametrize("service", SERVICES)
def test_the_services_are_one_image_and_a_command_each(compose: dict[str, Any], service: str) -> None:
    entry = compose["services"][service]
    assert entry["command"] == ["python", "-m", service]
    assert entry["image"] == compose["services"]["topics"]["image"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_waits_for_what_it_needs(compose: dict[str, Any], service: str) -> None:
    awaited = {name: entry["condition"] for name, entry in compose["services"][service]["depends_on"].items()}
    assert awaited["mongodb"] == "service_healthy"
    assert awaited["topics"] == awaited["issuer"] == "service_completed_successfully"
    assert compose["services"]["topics"]["depends_on"]["kafka"]["condition"] == "service_healthy"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_time_to_drain(compose: dict[str, Any], service: str) -> None:
    # Six steps, each of which may take SHUTDOWN_SECONDS: calls, subscriptions, due rows, appends, relay, snapshots.
    grace = float(compose["services"][service]["stop_grace_period"].removesuffix("s"))
    assert grace > 6 * float(environment(compose, service)["SHUTDOWN_SECONDS"])


def test_whatever_keeps_running_has_a_healthcheck(compose: dict[str, Any], names: set[str]) -> None:
    assert {name for name in names - ONE_SHOTS if "healthcheck" not in compose["services"][name]} == set()


def test_dependencies_exist_and_can_be_met(compose: dict[str, Any], names: set[str]) -> None:
    for name in names:
        for other, entry in compose["services"][name].get("depends_on", {}).items():
            target = compose["services"][other]
            if entry["condition"] == "service_healthy":
                assert "healthcheck" in target, f"{name} waits for the health of {other}"
            else:
                assert target.get("restart") != "unless-stopped", f"{name} waits for the end of {other}"


def test_images_are_pinned(compose: dict[str, Any], root: Path) -> None:
    dockerfile = (root / "Dockerfile").read_text(encoding="utf-8")
    arguments = dict(re.findall(r"^ARG (\w+)=(\S+)$", dockerfile, re.MULTILINE))
    stages = set(re.findall(r"^FROM \S+ AS (\w+)$", dockerfile, re.MULTILINE))
    written = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    bases = [re.sub(r"\$\{(\w+)\}", lambda found: arguments[found[1]], base) for base in written]
    images = [entry["image"] for entry in compose["services"].values()] + [base for base in bases if base not in stages]
    assert len(images) > 10
    for image in images:
        _, _, tag = image.partition(":")
        assert re.search(r"\d", tag), f"{image} has no version"
        assert "latest" not in tag


def test_the_same_servers_run_here_as_in_the_embedded_platform(compose: dict[str, Any]) -> None:
    assert compose["services"]["kafka"]["image"] == docker.KAFKA_IMAGE
    assert compose["services"]["mongodb"]["image"] == docker.MONGODB_IMAGE


def test_kafka_is_set_as_in_the_embedded_platform(compose: dict[str, Any]) -> None:
    node = kafka_settings.Node(1, 9092, 9093)
    about_places = ("listener", "log.dirs", "quorum.voters")
    wanted = {
        f"KAFKA_{name.replace('.', '_').upper()}": value
        for name, value in kafka_settings.properties(node, [node], "").items()
        if not any(part in name for part in about_places)
    }
    told = environment(compose, "kafka")
    assert {name: told.get(name) for name in wanted} == wanted
    assert wanted["KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR"] == "1"
    assert len(told["CLUSTER_ID"]) == 22


def test_nothing_runs_as_root_or_with_more_than_it_needs(compose: dict[str, Any]) -> None:
    for name, entry in compose["services"].items():
        user, _, _ = entry["user"].partition(":")
        assert int(user) > 0, name
        assert entry["cap_drop"] == ["ALL"], name
        assert entry["security_opt"] == ["no-new-privileges:true"], name
        excessive = {"privileged", "cap_add", "devices", "pid", "ipc", "network_mode", "userns_mode"} & entry.keys()
        assert not excessive, f"{name}: {excessive}"
        assert not any("docker.sock" in source for source, _, _ in mounts(compose, name)), name


@pytest.mark.parametrize("service", [*SERVICES, *sorted(ONE_SHOTS)])
def test_our_image_runs_on_a_read_only_file_system(compose: dict[str, Any], service: str) -> None:
    assert compose["services"][service]["read_only"] is True
    assert compose["services"][service]["tmpfs"] == ["/tmp"]


def test_ports_are_on_this_machine_alone_and_do_not_clash(compose: dict[str, Any]) -> None:
    published = [port for entry in compose["services"].values() for port in entry.get("ports", [])]
    hosts = [port.rsplit(":", 1)[0] for port in published]
    assert all(host.startswith("127.0.0.1:") for host in hosts)
    assert len(set(hosts)) == len(hosts) >= 8


def test_what_is_kept_is_in_named_volumes(compose: dict[str, Any]) -> None:
    used = {
        source for name in compose["services"] for source, _, _ in mounts(compose, name) if not source.startswith("./")
    }
    assert used == set(compose["volumes"])


def test_what_is_mounted_from_the_repository_exists_and_is_read_only(compose: dict[str, Any], root: Path) -> None:
    bound = [mount for name in compose["services"] for mount in mounts(compose, name) if mount[0].startswith("./")]
    assert bound
    for source, _, writable in bound:
        assert (root / source).exists()
        assert not writable


def test_no_file_holds_a_secret(compose: dict[str, Any], root: Path) -> None:
    for name in compose["services"]:
        assert not [variable for variable in environment(compose, name) if SECRET.search(variable)], name
    texts = [*(root / "deploy").rglob("*.yml"), root / "docker-compose.yml", root / "Dockerfile"]
    for text in texts:
        # A password in an address.
        assert not re.search(r"://[^/\s\"']+:[^/\s\"']+@", text.read_text(encoding="utf-8")), text


def test_docker_compose_accepts_it(root: Path) -> None:
    program = compose_program()
    if program is None:
        pytest.skip("docker compose is not here")
    done = subprocess.run(
        [*program, "--file", root / "docker-compose.yml", "--profile", "*", "config", "--format", "json"],
        capture_output=True, text=True, check=False, env={**os.environ, "DOCKER_HOST": "unix:///nowhere"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert set(SERVICES) < set(json.loads(done.stdout)["services"])


def compose_program() -> list[str] | None:
    asked = ["docker", "compose", "version"]
    if shutil.which("docker") and subprocess.run(asked, capture_output=True, check=False).returncode == 0:
        return asked[:2]
    return ["docker-compose"] if shutil.which("docker-compose") else None


def test_the_compose_files_hold_nothing_that_is_not_loaded(root: Path) -> None:
    project = yaml.safe_load((root / "docker-compose.yml").read_text(encoding="utf-8"))
    included = {entry["path"] for entry in project["include"]}
    assert included == {path.relative_to(root).as_posix() for path in (root / "deploy" / "compose").iterdir()}
    assert {entry["project_directory"] for entry in project["include"]} == {"."}
