"""What an exception is to a caller: a gRPC status, a stable reason code, a text, and google.rpc details. The one place that decides it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import grpc
import protovalidate
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from eventkernel.access import Denied
from eventkernel.aggregate import NotYet, Refusal
from eventkernel.blobs.port import BlobsUnavailable
from eventkernel.blobs.sealed import BlobDamaged
from eventkernel.commands import Contended
from eventkernel.following import FollowingEnded
from eventkernel.keys import KeyDestroyed
from eventkernel.ports import StoreUnavailable
from eventkernel.reading import Behind, TooMany
from eventkernel.store.grouping import Closed, Overloaded
from eventkernel.tokens import ID_IN_WORDS, ID_PATTERN, Unauthenticated
from eventkernel.transfers import TooManyTransfers, TransferEmpty, TransferStalled

_RETRY_SECONDS = 1
_ASKS_FOR_A_VALUE = frozenset({"string.pattern", "string.min_len", "enum.not_in", "repeated.min_items"})
# A caller's gRPC takes 8 KB of trailers, and these travel twice, once in base64: what is longer would reach nobody.
_TEXT_BYTES, _DETAIL_BYTES, _OVERHEAD_BYTES = 1200, 2400, 8


class MetadataInvalid(Exception):
    """A call's metadata cannot be used; names which, and what it has to be."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name
        self.text = text


@dataclass(frozen=True, slots=True)
class Fault:
    """How a call ended that was not done."""

    status: grpc.StatusCode
    code: str
    text: str
    domain: str
    violations: tuple[tuple[str, str], ...] = ()
    retry: bool = False

    def trailers(self) -> tuple[tuple[str, str | bytes], ...]:
        """The trailing metadata: the reason code in plain, and google.rpc.Status for clients that know it."""
        details: list[Message] = [error_details_pb2.ErrorInfo(reason=self.code, domain=self.domain)]
        if self.violations:
            fields = [
                error_details_pb2.BadRequest.FieldViolation(field=field, description=text)
                for field, text in self.violations
            ]
            details.append(error_details_pb2.BadRequest(field_violations=fields))
        if self.retry:
            details.append(error_details_pb2.RetryInfo(retry_delay=Duration(seconds=_RETRY_SECONDS)))
        number: Any = self.status.value
        status = status_pb2.Status(code=number[0], message=self.text, details=[_packed(detail) for detail in details])
        return (("reason", self.code), ("grpc-status-details-bin", status.SerializeToString()))


def fault_of(error: Exception, domain: str, correlation_id: str) -> Fault:
    """What to tell the caller. Of an error that nobody foresaw it tells nothing but that it happened, and where to look."""
    for kind, make in _KINDS.items():
        if isinstance(error, kind):
            return make(error, domain)
    return Fault(
        grpc.StatusCode.INTERNAL,
        "INTERNAL",
        f"Something failed here. It is in the service's log under the correlation id {correlation_id}.",
        domain,
    )


def _invalid(error: Any, domain: str) -> Fault:
    found = [(_path(violation.proto.field), _said(violation)) for violation in error.violations]
    told = [f"{field}: {message}" for field, message in found[: _fitting(found, _TEXT_BYTES)]]
    if len(told) < len(found):
        told.append(f"and {len(found) - len(told)} more")
    text = "The request is not valid: " + "; ".join(told)
    violations = tuple(found[: _fitting(found, _DETAIL_BYTES)])
    return Fault(grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID", text, domain, violations)


def _said(violation: Any) -> str:
    """What is wrong with a field, in words: what was not sent is missing, whatever rule found that out."""
    rule, value = violation.proto.rule_id, violation.field_value
    if rule == "required" or (rule in _ASKS_FOR_A_VALUE and not value):
        return "is missing"
    if rule == "string.pattern" and violation.rule_value == ID_PATTERN:
        return f"has to be an id: {ID_IN_WORDS}"
    return str(violation.proto.message)


def _fitting(violations: Sequence[tuple[str, str]], most: int) -> int:
    sizes = accumulate(len(field.encode()) + len(text.encode()) + _OVERHEAD_BYTES for field, text in violations)
    return max(1, sum(size <= most for size in sizes))


def _path(path: Any) -> str:
    return ".".join(
        str(element.field_name) if element.subscript is None else f"{element.field_name}[{element.subscript.value}]"
        for element in path.elements
    )


def _refused(error: Any, domain: str) -> Fault:
    violations = ((error.field, error.text),) if error.field else ()
    return Fault(
        grpc.StatusCode.FAILED_PRECONDITION, error.code, error.text, domain, violations, retry=isinstance(error, NotYet)
    )


def _status(status: grpc.StatusCode, code: str, text: str = "", *, retry: bool = False) -> Callable[[Any, str], Fault]:
    def make(error: Any, domain: str) -> Fault:
        return Fault(status, code, text or str(error), domain, retry=retry)

    return make


def _packed(message: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message)
    return packed


_UNREACHABLE = "The store cannot be reached now. Whether the command was stored is not known: repeat it with the same idempotency key."
_DAMAGED = "What is stored is not what was put there. Leave aside what came of it, and tell whoever runs the platform."
_KINDS: dict[type[Exception], Callable[[Any, str], Fault]] = {
    protovalidate.ValidationError: _invalid,
    MetadataInvalid: lambda error, domain: Fault(
        grpc.StatusCode.INVALID_ARGUMENT, "METADATA_INVALID", error.text, domain, ((error.name, error.text),)
    ),
    Refusal: _refused,
    Unauthenticated: lambda error, domain: Fault(grpc.StatusCode.UNAUTHENTICATED, error.code, str(error), domain),
    Denied: _status(grpc.StatusCode.PERMISSION_DENIED, "NOT_ALLOWED"),
    KeyDestroyed: _status(
        grpc.StatusCode.FAILED_PRECONDITION, "PERSON_ERASED", "This person was erased: what was sealed is gone."
    ),
    Behind: _status(grpc.StatusCode.UNAVAILABLE, "READ_BEHIND", retry=True),
    TooMany: _status(grpc.StatusCode.FAILED_PRECONDITION, "TOO_MANY_DOCUMENTS"),
    Contended: _status(grpc.StatusCode.ABORTED, "CONTENDED", retry=True),
    TooManyTransfers: _status(grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_TRANSFERS", retry=True),
    FollowingEnded: _status(grpc.StatusCode.UNAVAILABLE, "FOLLOWING_ENDED", retry=True),
    TransferStalled: _status(grpc.StatusCode.ABORTED, "TRANSFER_STALLED", retry=True),
    TransferEmpty: _status(grpc.StatusCode.INVALID_ARGUMENT, "TRANSFER_EMPTY"),
    BlobDamaged: _status(grpc.StatusCode.DATA_LOSS, "CONTENT_DAMAGED", _DAMAGED),
    BlobsUnavailable: _status(grpc.StatusCode.UNAVAILABLE, "BLOBS_UNREACHABLE", retry=True),
    Overloaded: _status(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", retry=True),
    Closed: _status(grpc.StatusCode.UNAVAILABLE, "STOPPING", retry=True),
    StoreUnavailable: _status(grpc.StatusCode.UNAVAILABLE, "STORE_UNREACHABLE", _UNREACHABLE, retry=True),
}
