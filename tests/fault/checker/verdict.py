"""What is said of one invariant: how much was checked, and each violation in words."""

from dataclasses import dataclass, field


@dataclass
class Verdict:
    """One invariant's count of what was checked, and its violations."""

    invariant: str
    checked: int = 0
    violations: list[str] = field(default_factory=list)

    def hold(self, holds: bool, otherwise: str) -> None:
        """Counts one check; `otherwise` is what to say where it does not hold."""
        self.checked += 1
        if not holds:
            self.violations.append(otherwise)
