"""What the tests of the deployment read: compose files, rules, dashboards, and the metrics that there are."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from eventkernel import metrics
from prometheus_client.metrics import MetricWrapperBase

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def compose() -> dict[str, Any]:
    """The compose project, its included files merged in. A name that two files define is a fault."""
    return load_compose(ROOT / "docker-compose.yml")


def load_compose(path: Path) -> dict[str, Any]:
    project: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    merged: dict[str, dict[str, Any]] = {"services": {}, "volumes": {}}
    for include in project.pop("include"):
        included = yaml.safe_load((path.parent / include["path"]).read_text(encoding="utf-8"))
        for section, entries in merged.items():
            twice = entries.keys() & included.get(section, {}).keys()
            if twice:
                raise ValueError(f"{include['path']} defines {sorted(twice)} again")
            entries.update(included.get(section, {}))
    return {**project, **merged}


@pytest.fixture(scope="session")
def exposed() -> Mapping[str, frozenset[str]]:
    """Every series that a service shows, by the name that it is scraped under, with its labels."""
    series: dict[str, frozenset[str]] = {}
    for collector in vars(metrics).values():
        if not isinstance(collector, MetricWrapperBase):
            continue
        (metric,) = collector.describe()
        labels = frozenset(collector._labelnames)
        for ending in {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(metric.type, ("",)):
            series[f"{metric.name}{ending}"] = labels | ({"le"} if ending == "_bucket" else set())
    return series
