"""The platform's default need-to-know matrix, read from `need_to_know.json`: a SetNeedToKnowRequest in protobuf's JSON.

So a provider that wants another takes the file, changes a line, and sends it. A cell that depends on what no relationship tells
(an own action, a learner's agreement) is not in it: it is told by whoever knows that, or not at all.
"""

from importlib import resources

from google.protobuf import json_format
from mentoring.notifications.v1.notifications_pb2 import SetNeedToKnowRequest

from notifications.domain.need_to_know import NeedToKnow


def default_rules() -> SetNeedToKnowRequest:
    """The default matrix as the command that would set it."""
    text = resources.files("notifications").joinpath("need_to_know.json").read_text("utf-8")
    return json_format.Parse(text, SetNeedToKnowRequest())


def default_matrix() -> NeedToKnow:
    """The default matrix as the aggregate's state before anything happened."""
    return NeedToKnow.of(default_rules().rules)
