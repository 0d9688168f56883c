"""Asks this container's own health service whether it serves. Exit code 0 means that it said so."""

import os
import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

_SECONDS = 3.0
# The setting's own default; only the port is read.
_DEFAULT = "0.0.0.0:50052"


def main() -> int:
    """0 where the process serves, else 1 and a line that says what was answered."""
    port = os.environ.get("HEALTH_ADDRESS", _DEFAULT).rpartition(":")[2]
    # A proxy in the environment is for the outside, not for a process on this machine.
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=(("grpc.enable_http_proxy", 0),)) as channel:
        try:
            reply = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=_SECONDS)
        except grpc.RpcError as error:
            sys.stderr.write(f"no answer on port {port}: {error}\n")
            return 1
    if reply.status == health_pb2.HealthCheckResponse.SERVING:
        return 0
    sys.stderr.write(f"{health_pb2.HealthCheckResponse.ServingStatus.Name(reply.status)}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
