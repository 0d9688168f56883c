"""Where the topics are told, as data: in the repository under deploy/, and inside the installed package."""

from pathlib import Path

_PACKAGED = Path(__file__).parent / "topics.json"
_REPOSITORY = Path(__file__).resolve().parents[4] / "deploy" / "kafka" / "topics.json"


def topics_file() -> Path:
    """The file of topics: the repository's own, else the one that was packed into the wheel."""
    return _REPOSITORY if _REPOSITORY.exists() else _PACKAGED
