"""The platform's default need-to-know matrix, read from `need_to_know.json`: a SetNeedToKnowRequest in protobuf's JSON.

So a provider that wants another takes the file, changes a line, and sends it. A cell that says "own" is not in it: that is told by the part
that somebody has in what happened.
"""

from importlib import resources

from google.protobuf import json_format
from mentoring.notifications.v1.notifications_pb2 import SetNeedToKnowRequest

from notifications.domain.need_to_know import NeedToKnow, faults


class MatrixFault(ValueError):
    """The matrix in the file means nothing; the text names everything that is wrong with it."""


def default_rules() -> SetNeedToKnowRequest:
    """The default matrix as the command that would set it."""
    text = resources.files("notifications").joinpath("need_to_know.json").read_text("utf-8")
    return read_rules(text)


def read_rules(text: str) -> SetNeedToKnowRequest:
    """The matrix that a file holds. Raises MatrixFault."""
    try:
        rules = json_format.Parse(text, SetNeedToKnowRequest())
    except json_format.ParseError as error:
        raise MatrixFault(str(error)) from error
    found = faults(rules.rules)
    if found:
        raise MatrixFault("\n".join(fault.text for fault in found))
    return rules


def default_matrix() -> NeedToKnow:
    """The default matrix as the aggregate's state before anything happened."""
    return NeedToKnow.of(default_rules().rules)
