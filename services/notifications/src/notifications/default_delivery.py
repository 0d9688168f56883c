"""The platform's default rules for sending, read from `delivery_policy.json`: a SetDeliveryPolicyRequest in protobuf's JSON.

So a provider that wants others takes the file, changes a line, and sends it.
"""

from importlib import resources

from google.protobuf import json_format
from mentoring.notifications.v1.preferences_pb2 import SetDeliveryPolicyRequest

from notifications.domain.delivery_policy import DeliveryPolicy


def default_rules() -> SetDeliveryPolicyRequest:
    """The default rules as the command that would set them."""
    text = resources.files("notifications").joinpath("delivery_policy.json").read_text("utf-8")
    return json_format.Parse(text, SetDeliveryPolicyRequest())


def default_delivery() -> DeliveryPolicy:
    """The default rules as the aggregate's state before anything happened."""
    return DeliveryPolicy.of(default_rules().policy)
