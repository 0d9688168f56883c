"""The numbers that hold until a provider sets its own. They are data, in `policy_defaults.json`, with their source."""

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

_CONTENT: dict[str, Any] = json.loads(
    resources.files(__package__).joinpath("policy_defaults.json").read_text(encoding="utf-8")
)


def _read(part: str) -> Mapping[str, Any]:
    return {name: value for name, value in _CONTENT[part].items() if name != "source"}


# A sampling plan's, named as in the contract's `SamplingRules`.
SAMPLING = _read("sampling")

# How pace is judged, named as in the contract's `ProgressPolicySet`.
PROGRESS = _read("progress")

# How many accepted pieces sign a KSB off, and how old the work may be that a piece shows.
REQUIRED_EVIDENCE = _read("evidence")["required"]
EVIDENCE_CURRENCY_MONTHS = _read("evidence")["currency_months"]

# Where no learning plan was proposed against a minimum of its own.
MINIMUM_OFF_THE_JOB_SECONDS = _read("off_the_job")["minimum_hours"] * 3600

# The pace of assessments and progress reviews, named as in the contract's `SupportNumbers`.
SUPPORT = _read("support")
# Where days begin and end, and by whose clocks working days are counted.
TIME_ZONE: str = _CONTENT["time_zone"]

# What files a provider takes: sizes in bytes, times in seconds.
ARTEFACTS = _read("artefacts")
MEDIA_TYPES: tuple[str, ...] = tuple(ARTEFACTS["media_types"])
