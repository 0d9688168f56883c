"""The deadlines that hold until a provider sets its own. They are data, in `policy_defaults.json`, with their source."""

import json
from datetime import timedelta
from importlib import resources


def _read() -> dict[str, timedelta]:
    content = json.loads(resources.files(__package__).joinpath("policy_defaults.json").read_text(encoding="utf-8"))
    return {name: timedelta(seconds=seconds) for name, seconds in content["acknowledge_within_seconds"].items()}


ACKNOWLEDGE_WITHIN = _read()
