"""Switches between the suite and the processes it starts: files in a folder, so that a running process can be told at any moment."""

from dataclasses import dataclass
from pathlib import Path

FOLDER, PROCESS = "FAULT_SWITCHES", "FAULT_PROCESS"


@dataclass(frozen=True, slots=True)
class Switches:
    """The switches of one process, by its name; `value` is None for one that is off."""

    folder: Path
    process: str

    def value(self, name: str) -> float | None:
        """What the switch is set to."""
        try:
            return float((self.folder / f"{self.process}@{name}").read_text() or 1)
        except FileNotFoundError:
            return None

    def on(self, name: str, value: float = 1) -> None:
        """Sets it, in one step: a process that looks sees all of it or nothing."""
        draft = self.folder / f"{self.process}@{name}.draft"
        draft.write_text(str(value))
        draft.replace(self.folder / f"{self.process}@{name}")

    def off(self, name: str) -> None:
        """Clears it."""
        (self.folder / f"{self.process}@{name}").unlink(missing_ok=True)
