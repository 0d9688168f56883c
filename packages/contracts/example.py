"""A program that calls Mentorstream with nothing but gRPC and the generated contracts: it plans a session and reads it in the list."""

import sys
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

import grpc
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import CommandReply
from mentoring.sessions.v1 import events_pb2, sessions_pb2

Answer = TypeVar("Answer", bound=Message)
SERVICE = "/mentoring.sessions.v1.SessionsService"


def call(
    channel: grpc.Channel, token: str, method: str, request: Message, answer: type[Answer], **metadata: str
) -> Answer:
    """Who calls is in the token. Other metadata is named with underscores here: `idempotency_key`, `read_after`."""
    sent = {"authorization": f"Bearer {token}", **{name.replace("_", "-"): text for name, text in metadata.items()}}
    remote: Any = channel.unary_unary(
        f"{SERVICE}/{method}",
        request_serializer=type(request).SerializeToString,
        response_deserializer=answer.FromString,
    )
    answered: Answer = remote(request, metadata=tuple(sent.items()), timeout=10)
    return answered


def main(address: str, token: str) -> None:
    """Exits with 1, the stable reason and the text where a call is refused."""
    plan = sessions_pb2.PlanSessionRequest(
        session_id=str(uuid4()),
        learner_id="learner-1",
        mentorship_id="mentorship-1",
        kind=events_pb2.SESSION_KIND_VOCATIONAL,
        ksb_codes=["K1"],
    )
    plan.starts_at.FromDatetime(datetime.now(UTC) + timedelta(days=7))
    plan.duration.FromTimedelta(timedelta(hours=1))
    with grpc.insecure_channel(address) as channel:
        try:
            # Under the same key a command may be repeated, also when no answer came: it is done once.
            reply = call(channel, token, "PlanSession", plan, CommandReply, idempotency_key=plan.session_id)
            # A list is a read model, which hears of events a moment later: this answer has to show this command's.
            shown = f"{reply.stream}@{reply.published_version}"
            request = sessions_pb2.ListSessionsRequest(learner_id="learner-1")
            found = call(channel, token, "ListSessions", request, sessions_pb2.ListSessionsResponse, read_after=shown)
        except grpc.RpcError as refused:
            trailers = {one.key: one.value for one in refused.trailing_metadata() or ()}
            sys.exit(f"{trailers.get('reason', refused.code().name)}: {refused.details()}")
    for session in found.sessions:
        print(session.session_id, session.starts_at.ToJsonString())  # noqa: T201 - it is what the program is for


if __name__ == "__main__":
    main(*sys.argv[1:])
