"""I1 on a running service, as far as its log alone tells: each stream has every version from the first to its last, and each once.

What callers were answered is not kept, so that nothing which was acknowledged is missing at a stream's end is not seen here.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from eventkernel.messages import Commit
from eventkernel.operations.findings import Findings
from eventkernel.ports import CommitStore


class LogCheck:
    """Looks at each stream of one service's log as it is read."""

    def __init__(self, commits: CommitStore) -> None:
        self._commits = commits
        self.findings = Findings("I1", part="log")

    async def look(self, stream: str, commits: Sequence[Commit]) -> None:
        """Judges a stream; one that was read while it grew is read again first."""
        if any(_faults(commits)):
            commits, _ = await self._commits.one_stream(stream)
        self.findings.checked += sum(len(commit.events) for commit in commits)
        for text in _faults(commits):
            self.findings.violated(stream, text)


def _faults(commits: Sequence[Commit]) -> Iterator[str]:
    """What is wrong with a stream's versions, a line each."""
    counts = Counter(event.version for commit in commits for event in commit.events)
    for version in range(1, max(counts, default=0) + 1):
        if counts[version] != 1:
            yield (
                f"version {version} is there {counts[version]} times"
                if counts[version]
                else f"version {version} is missing"
            )
