"""The deadlines and notices that hold until a provider sets its own. They are data, in `policy_defaults.json`, with their source."""

import json
from datetime import timedelta
from importlib import resources
from typing import Any

_CONTENT: dict[str, Any] = json.loads(
    resources.files(__package__).joinpath("policy_defaults.json").read_text(encoding="utf-8")
)

ACKNOWLEDGE_WITHIN = {
    name: timedelta(seconds=seconds) for name, seconds in _CONTENT["acknowledge_within_seconds"].items()
}
# How long before a time in which nobody is on duty that is told.
DUTY_GAP_NOTICE = timedelta(days=_CONTENT["duty_gap_notice_days"])
