"""The short selection: some faults on the real platform, and the planted bugs, which the checker has to catch. `make faults` runs all."""

from pathlib import Path

import pytest

from tests.fault import faults, planted, report
from tests.fault.__main__ import run_all
from tests.fault.caught import SOUND, missed, verdicts_on_planted
from tests.fault.fault import FAULTS

faults.load()
SEED = 11


@pytest.mark.timeout(420)
async def test_the_invariants_hold_while_the_platform_is_broken(tmp_path: Path) -> None:
    chosen = [fault for fault in FAULTS.values() if fault.short]
    outcomes = await run_all(tmp_path, chosen, SEED, brokers=1, apart=False)
    assert [outcome.name for outcome in outcomes if not outcome.good] == []
    ran = [outcome for outcome in outcomes if not outcome.skipped]
    assert all(verdict.checked for outcome in ran for verdict in outcome.verdicts)


@pytest.mark.timeout(240)
async def test_each_planted_bug_is_caught_as_what_it_is(tmp_path: Path) -> None:
    verdicts = await verdicts_on_planted(tmp_path, SEED)
    report.show_planted(verdicts)
    assert verdicts.keys() == {*planted.BUGS, SOUND}
    assert missed(verdicts) == []
