"""The numbers that hold until a provider sets its own. They are data, in `policy_defaults.json`, with their source."""

import json
from collections.abc import Mapping
from importlib import resources


def _read(part: str) -> Mapping[str, int]:
    content = json.loads(resources.files(__package__).joinpath("policy_defaults.json").read_text(encoding="utf-8"))
    return {name: value for name, value in content[part].items() if name != "source"}


# A sampling plan's, named as in the contract's `SamplingRules`.
SAMPLING = _read("sampling")
