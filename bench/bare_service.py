"""A process that loads what a service loads, pings its servers and says SERVING: `python -m bench.bare_service`."""

import asyncio
import os
import signal

import aiokafka
import faststream.kafka
import google.protobuf.message
import grpc
import opentelemetry.exporter.otlp.proto.grpc.trace_exporter
import prometheus_client
import protovalidate
import pydantic
import pymongo
import structlog
import uvloop
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

LOADED = (
    faststream.kafka, google.protobuf.message, opentelemetry.exporter.otlp.proto.grpc.trace_exporter, prometheus_client, protovalidate,
    pydantic, structlog,
)  # fmt: skip


async def main() -> None:
    """Runs until SIGTERM."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    client: pymongo.AsyncMongoClient[dict[str, object]] = pymongo.AsyncMongoClient(os.environ["MONGODB_URI"])
    await client.admin.command("ping")
    producer = aiokafka.AIOKafkaProducer(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP"])
    await producer.start()
    server = grpc.aio.server()
    servicer = health.aio.HealthServicer()
    await servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    server.add_insecure_port(os.environ["HEALTH_ADDRESS"])
    await server.start()
    await stopping.wait()
    await server.stop(None)
    await producer.stop()
    await client.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
