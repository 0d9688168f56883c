"""The guides that ship, until a provider sets its own in their place. They are data, in `guide_defaults.json`, with their source."""

import json
from collections.abc import Mapping
from importlib import resources

from google.protobuf.json_format import ParseDict
from mentoring.sessions.v1.guide_events_pb2 import GuideSet


def _read() -> Mapping[str, GuideSet]:
    content = json.loads(resources.files(__package__).joinpath("guide_defaults.json").read_text(encoding="utf-8"))
    found = [ParseDict(guide, GuideSet(version=1)) for guide in content["guides"]]
    return {guide.guide_id: guide for guide in found}


SHIPPED = _read()
