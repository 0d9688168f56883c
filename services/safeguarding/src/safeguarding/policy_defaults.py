"""The deadlines and notices that hold until a provider sets its own. They are data, in `policy_defaults.json`, with their source."""

import json
from datetime import timedelta
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

_CONTENT: dict[str, Any] = json.loads(
    resources.files(__package__).joinpath("policy_defaults.json").read_text(encoding="utf-8")
)


def _lengths(name: str) -> dict[str, timedelta]:
    return {severity: timedelta(seconds=seconds) for severity, seconds in _CONTENT[name].items()}


ACKNOWLEDGE_WITHIN = _lengths("acknowledge_within_seconds")
# How long whoever acknowledged a concern has to do something about it.
ACT_WITHIN = _lengths("act_within_seconds")
REFERRAL_ANSWER_WORKING_DAYS: int = _CONTENT["referral_answer_working_days"]
# How long whoever has an open concern may record nothing of it.
QUIET_AFTER = timedelta(days=_CONTENT["quiet_after_days"])
TASK_CHASED_AFTER_WORKING_DAYS: int = _CONTENT["task_chased_after_working_days"]
LADO_REFERRAL_WORKING_DAYS: int = _CONTENT["lado_referral_working_days"]
# What to do in immediate danger.
EMERGENCY_ADVICE: str = _CONTENT["emergency_advice"]
# By whose clocks working days are counted.
TIME_ZONE = ZoneInfo(_CONTENT["time_zone"])
# By when a person's file is to be sent and acknowledged, and how long after that it is chased again.
FILE_TRANSFER_WORKING_DAYS: int = _CONTENT["file_transfer"]["working_days"]
FILE_TRANSFER_CHASE_WORKING_DAYS: int = _CONTENT["file_transfer"]["chase_working_days"]
# What files a provider takes with concerns: sizes in bytes, times in seconds.
ATTACHMENTS: dict[str, Any] = _CONTENT["attachments"]
# How long before a time in which nobody is on duty that is told.
DUTY_GAP_NOTICE = timedelta(days=_CONTENT["duty_gap_notice_days"])
