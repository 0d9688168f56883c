"""What a service process is told from outside: environment variables, and nothing else. Wrong ones are named with their fix."""

from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from eventkernel.following import FollowLimits
from eventkernel.transfers import TransferLimits


class Role(StrEnum):
    """A part of a service's work, so that each can be scaled by itself."""

    API = "api"
    RELAY = "relay"
    PROJECTOR = "projector"
    REACTOR = "reactor"


class Settings(BaseSettings):
    """One process's settings, by their environment variables' names in lower case."""

    model_config = SettingsConfigDict(env_prefix="", extra="ignore")

    kafka_bootstrap: str = Field(description="The brokers' addresses, host:port, separated by commas.")
    mongodb_uri: str = Field(description="The service's own database server.")
    mongodb_database: str = Field(default="", description="The database's name; the service's own name where empty.")
    mongodb_driver: Literal["pymongo", "motor"] = "pymongo"
    grpc_address: str = Field(default="0.0.0.0:50051", description="Where the API listens.")
    health_address: str = Field(
        default="0.0.0.0:50052", description="Where gRPC's standard health service listens, in plain."
    )
    pages_address: str = Field(
        default="",
        pattern=r"^(.+:[0-9]{1,5})?$",
        description="Where a service's HTTP pages are served, in plain, for a proxy that speaks TLS; nowhere where empty.",
    )
    pages_at_once: int = Field(default=32, gt=0, description="How many requests for pages are under way at once.")
    page_seconds: float = Field(default=10.0, gt=0, description="How long a page may take.")
    metrics_host: str = "0.0.0.0"  # noqa: S104
    metrics_port: int = Field(default=9464, ge=0, le=65535)
    key_file: Path = Field(description="The service's key-encryption key; made on the first run.")
    jwks_file: Path = Field(description="The public keys that tokens are verified with.")
    token_issuer: str = "mentorstream"  # noqa: S105 - names who signs, opens nothing
    token_audience: str = "mentorstream"  # noqa: S105
    tenant_claim: str = "tenant"
    operations_tenant: str = Field(
        default="", description="The tenant whose operators see all tenants' records; none where empty."
    )
    source: str = Field(default="", description="The events' `ce_source`; `/<topic's path>` where empty.")
    roles: str = "api,relay,projector,reactor"
    log_level: str = "INFO"
    otlp_endpoint: str | None = None
    trace_file: Path | None = None
    trace_ratio: float = Field(default=0.05, ge=0, le=1)
    calls_at_once: int = Field(
        default=512, gt=0, description="How many calls are under way at once; one more is told to come again."
    )
    blobs: str = Field(
        default="",
        description="Where stored bytes are: a folder, or s3://bucket/prefix. `blobs` beside KEY_FILE where empty.",
    )
    s3_endpoint: str = Field(default="", description="An S3-compatible server's address; Amazon's own where empty.")
    transfers_at_once: int = Field(default=64, gt=0, description="How many transfers are under way at once.")
    transfers_at_once_each: int = Field(default=4, gt=0, description="How many of them for one person.")
    transfer_idle_seconds: float = Field(
        default=30.0, gt=0, description="How long a transfer waits for its caller's next part, or to be rid of its own."
    )
    transfer_seconds: float = Field(default=3600.0, gt=0, description="How long a transfer may take as a whole.")
    followers_at_once: int = Field(default=1000, gt=0, description="How many follow a query that goes on, at once.")
    followers_at_once_each: int = Field(default=4, gt=0, description="How many of those calls for one person.")
    follow_every_seconds: float = Field(default=1.0, gt=0, description="How often it is looked whether there is more.")
    follow_seconds: float = Field(
        default=3600.0, gt=0, description="How long such a call lasts before it is made anew."
    )
    shutdown_seconds: float = Field(default=20.0, gt=0, description="How long work in flight may take after SIGTERM.")

    @property
    def transfer_limits(self) -> TransferLimits:
        """The limits of this process's transfers."""
        return TransferLimits(
            at_once=self.transfers_at_once,
            at_once_each=self.transfers_at_once_each,
            idle_seconds=self.transfer_idle_seconds,
            seconds=self.transfer_seconds,
        )

    @property
    def follow_limits(self) -> FollowLimits:
        """The limits of this process's queries that go on."""
        return FollowLimits(
            at_once=self.followers_at_once,
            at_once_each=self.followers_at_once_each,
            every_seconds=self.follow_every_seconds,
            seconds=self.follow_seconds,
        )

    @property
    def parts(self) -> frozenset[Role]:
        """The roles of this process; raises ValueError for an unknown one, or none."""
        parts = frozenset(Role(name.strip()) for name in self.roles.split(",") if name.strip())
        if not parts:
            raise ValueError("no role is given")
        return parts


def explain(error: ValidationError) -> str:
    """What is wrong with the environment, a line a variable."""
    lines = [f"{'.'.join(str(part) for part in fault['loc']).upper()}: {fault['msg']}" for fault in error.errors()]
    return "set these environment variables: " + "; ".join(lines)
