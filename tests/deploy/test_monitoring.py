"""Alerts and dashboards name only what the services show, every alert leads to a runbook, and each is seen to fire."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

Exposed = Mapping[str, frozenset[str]]

# Prometheus' own, and the labels that scraping adds.
FROM_SCRAPING = {"up"}
SCRAPED_LABELS = {"job", "instance", "service"}
# The language's own words, as far as they are used here.
WORDS = frozenset(
    {
        "and", "by", "count", "deriv", "group", "histogram_quantile", "increase", "label_values", "max",
        "min_over_time", "offset", "on", "or", "rate", "sum", "unless", "vector", "without",
    }
)  # fmt: skip


def test_prometheus_scrapes_every_service(root: Path) -> None:
    config = yaml.safe_load((root / "deploy" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    job = next(job for job in config["scrape_configs"] if job["job_name"] == "mentorstream")
    named = {entry["labels"]["service"]: entry["targets"] for entry in job["static_configs"]}
    assert named == {name: [f"{name}:9464"] for name in ("sessions", "evidence", "safeguarding", "notifications")}
    assert job["honor_labels"] is True
    assert config["rule_files"] == ["alerts.yml"]


def test_the_metrics_are_found(exposed: Exposed) -> None:
    assert exposed["mentorstream_commands_total"] == {"service", "command", "outcome"}
    assert exposed["mentorstream_command_seconds_bucket"] == {"service", "command", "le"}
    assert "mentorstream_command_seconds" not in exposed
    assert "mentorstream_outbox_pending" in exposed


def test_alerts_name_only_metrics_and_labels_that_exist(root: Path, exposed: Exposed) -> None:
    assert [fault for alert in alerts(root) for fault in faults(alert["expr"], exposed)] == []


def test_dashboards_name_only_metrics_and_labels_that_exist(root: Path, exposed: Exposed) -> None:
    expressions = [expression for board in dashboards(root) for expression in expressions_of(board)]
    assert len(expressions) > 20
    assert [fault for expression in expressions for fault in faults(expression, exposed)] == []


@pytest.mark.parametrize(
    "expression",
    [
        "mentorstream_outbox_seconds > 1",
        "rate(mentorstream_commands[5m])",
        "rate(kafka_consumer_lag_total[5m]) > 0",
        "mentorstream_command_seconds > 1",
        'mentorstream_outbox_pending{slot="1"}',
        "sum by (topic) (mentorstream_outbox_pending)",
    ],
)
def test_a_metric_or_label_that_no_one_shows_is_found(expression: str, exposed: Exposed) -> None:
    assert faults(expression, exposed)


def test_every_alert_says_how_bad_what_and_what_to_do(root: Path) -> None:
    anchors = {slug(heading) for heading in headings(root)}
    named = [alert["alert"] for alert in alerts(root)]
    assert len(set(named)) == len(named)
    for alert in alerts(root):
        assert alert["labels"]["severity"] in {"critical", "warning"}, alert["alert"]
        assert alert["annotations"]["summary"], alert["alert"]
        file, _, anchor = alert["annotations"]["runbook"].partition("#")
        assert file == "docs/runbooks/alerts.md", alert["alert"]
        assert anchor in anchors, alert["alert"]


def test_the_runbook_tells_of_no_alert_that_is_gone(root: Path) -> None:
    assert headings(root) == {alert["alert"] for alert in alerts(root)}


def test_what_must_be_watched_is_watched(root: Path) -> None:
    watched = " ".join(alert["expr"] for alert in alerts(root))
    for metric in ("outbox_oldest_seconds", "relay_slot_halted", "subscription_lag", "parked_records", "due_overdue"):
        assert f"mentorstream_{metric}" in watched
    assert "up{" in watched


def test_every_alert_is_seen_to_fire(root: Path) -> None:
    tested = yaml.safe_load((root / "tests/deploy/alerts.promtool.yml").read_text(encoding="utf-8"))["tests"]
    fired = {case["alertname"] for test in tested for case in test["alert_rule_test"] if case.get("exp_alerts")}
    quiet = {case["alertname"] for test in tested for case in test["alert_rule_test"] if not case.get("exp_alerts")}
    names = {alert["alert"] for alert in alerts(root)}
    assert fired == names
    assert quiet == names


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "config", "deploy/prometheus/prometheus.yml"],
        ["check", "rules", "deploy/prometheus/alerts.yml"],
        ["test", "rules", "tests/deploy/alerts.promtool.yml"],
    ],
    ids=["config", "rules", "alerts"],
)
def test_promtool_agrees(root: Path, arguments: list[str]) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not here")
    done = subprocess.run([program, *arguments], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_dashboards_are_provisioned_and_whole(root: Path) -> None:
    provisioned = (root / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text(encoding="utf-8")
    (source,) = yaml.safe_load(provisioned)["datasources"]
    boards = list(dashboards(root))
    assert boards
    assert len({board["uid"] for board in boards}) == len(boards)
    for board in boards:
        shown = [panel for panel in board["panels"] if panel["type"] != "row"]
        assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
        assert {panel["datasource"]["uid"] for panel in shown} == {source["uid"]}
        assert all(panel["targets"] and panel["title"] for panel in shown)


def alerts(root: Path) -> list[dict[str, Any]]:
    groups = yaml.safe_load((root / "deploy/prometheus/alerts.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def headings(root: Path) -> set[str]:
    return set(re.findall(r"^## (.+)$", (root / "docs/runbooks/alerts.md").read_text(encoding="utf-8"), re.MULTILINE))


def dashboards(root: Path) -> Iterator[dict[str, Any]]:
    for path in sorted((root / "deploy/grafana/dashboards").glob("*.json")):
        yield json.loads(path.read_text(encoding="utf-8"))


def expressions_of(part: Any) -> Iterator[str]:
    """Every query, wherever in a dashboard: of panels, of variables, of annotations."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key in {"expr", "definition"} or (key == "query" and isinstance(value, str) and "(" in value):
                yield value
            else:
                yield from expressions_of(value)
    elif isinstance(part, list):
        for value in part:
            yield from expressions_of(value)


def faults(expression: str, exposed: Exposed) -> list[str]:
    """The names in a PromQL expression that no service shows: metrics, and labels that none of its metrics has."""
    text = re.sub(r'"[^"]*"', "", expression)
    matchers = re.findall(r"\{([^}]*)\}", text)
    groupings = re.findall(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)", text)
    text = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b(?:by|on|without|ignoring)\s*\([^)]*\)", " ", text)
    # `label_values(metric, label)` is Grafana's: its second part is a label.
    groupings += re.findall(r"label_values\([^,()]*,\s*(\w+)\s*\)", text)
    text = re.sub(r",\s*\w+\s*\)", ")", text) if "label_values" in text else text
    metrics = set(re.findall(r"(?<![\w.$])[a-zA-Z_:][\w:]*", text)) - WORDS
    labels = {name for part in matchers for name in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", part)}
    labels |= {name.strip() for part in groupings for name in part.split(",") if name.strip()}
    known = SCRAPED_LABELS.union(*(exposed.get(metric, frozenset()) for metric in metrics))
    found = [
        f"{metric} is shown by no service: {expression}" for metric in sorted(metrics - exposed.keys() - FROM_SCRAPING)
    ]
    return found + [f"{label} is no label of what is asked: {expression}" for label in sorted(labels - known)]


def slug(heading: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
