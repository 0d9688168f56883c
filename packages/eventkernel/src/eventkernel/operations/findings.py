"""What a check has found so far."""

from dataclasses import dataclass, field

from mentoring.operations.v1 import operations_pb2 as pb

# More is one thing that went wrong, many times.
_MOST_TOLD = 1000


@dataclass(slots=True)
class Findings:
    """Of one invariant: how much was checked, what violates it, and what could not be judged."""

    invariant: str
    checked: int = 0
    violations: int = 0
    not_judged: int = 0
    part: str = ""
    _untold: list[pb.Violation] = field(default_factory=list)

    def violated(self, about: str, text: str) -> None:
        """Notes a violation."""
        self.violations += 1
        if self.violations <= _MOST_TOLD:
            self._untold.append(pb.Violation(invariant=self.invariant, about=about, text=text))

    def told(self) -> list[pb.VerifyResponse]:
        """What is new since this was asked last."""
        untold, self._untold = self._untold, []
        progress = pb.Progress(invariant=self.invariant, part=self.part, checked=self.checked)
        return [*(pb.VerifyResponse(violation=one) for one in untold), pb.VerifyResponse(progress=progress)]

    def verdict(self) -> pb.VerifyResponse:
        """All in all."""
        return pb.VerifyResponse(
            verdict=pb.Verdict(
                invariant=self.invariant, checked=self.checked, violated=self.violations, not_judged=self.not_judged
            )
        )
