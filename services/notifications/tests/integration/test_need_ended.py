"""Who has lost the need of a notice is not told, wherever a process dies that finds it out: neither by mail nor in their inbox."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mentoring.notifications.v1.notifications_pb2 import RecordCircleRequest

from .night import SYSTEM, House

NOON = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("step", range(6, 14))
async def test_wherever_a_process_dies_who_left_the_circle_is_not_told(tmp_path: Path, step: int) -> None:
    house = House(tmp_path, NOON)
    await house.register("mia")
    await house.tell_circle("t-1", "liz", actor_id="liz")
    (notice_id,) = await house.put_on_their_way("t-1")
    await house.give(RecordCircleRequest(learner_id="liz", mentorship_id="m-1", mentor_id="max"), SYSTEM)
    house.dies_at = step
    await house.until(NOON + timedelta(minutes=10))
    assert house.mails() == []
    # The inbox leaves out what ended so, and nothing else.
    assert (await house.outcomes(notice_id))[-1] == "NEED_ENDED"
