"""Queries that go on, over a real socket: what is new comes, whoever may not see it any more is cut off, and nobody is kept waiting."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from eventkernel import tokens
from eventkernel.client import CallFailed, Client
from eventkernel.issuer import LocalIssuer
from eventkernel.node import Node
from mentoring.common.v1.common_pb2 import CommandReply

from .library import CONTRACT, FROZEN, TENANT, FollowLimitRequest, FollowLimitResponse, SetLimitRequest

FOLLOW = FollowLimitRequest(reader_id="ada")


class Api:
    """A running process that looks again at once, and a mentor who calls it."""

    def __init__(self, node: Node, channel: grpc.aio.Channel, folder: Path) -> None:
        issuer = LocalIssuer(folder, "local", issuer="mentorstream", audience="mentorstream")
        self.node = node
        self.client = Client(channel, CONTRACT, issuer.token("mia", TENANT, ["mentor"]))

    def follow(self) -> AsyncIterator[Any]:
        return self.client.stream(FOLLOW, FollowLimitResponse, seconds=30)

    async def set(self, loans: int) -> None:
        await self.client.call(SetLimitRequest(reader_id="ada", loans=loans), CommandReply)


@pytest.fixture
async def start(
    another: Callable[..., Node], tmp_path: Path, free_port: Callable[[], int]
) -> AsyncIterator[Callable[..., Any]]:
    running: list[tuple[Node, grpc.aio.Channel]] = []

    async def begin(every: float = 0.01, **settings: Any) -> Api:
        address = f"127.0.0.1:{free_port()}"
        LocalIssuer(tmp_path, "local", issuer="mentorstream", audience="mentorstream")
        node = another(
            grpc_address=address, health_address=f"127.0.0.1:{free_port()}", follow_every_seconds=every, **settings
        )
        await node.start()
        channel = grpc.aio.insecure_channel(address)
        running.append((node, channel))
        return Api(node, channel, tmp_path)

    yield begin
    for node, channel in running:
        await node.stop()
        await channel.close()


async def test_what_is_there_comes_at_once_and_what_is_new_as_it_comes(start: Callable[..., Any]) -> None:
    api = await start()
    following = api.follow()
    assert (await anext(following)).loans == 3
    for loans in (5, 4):
        await api.set(loans)
        assert (await anext(following)).loans == loans


async def test_it_ends_when_it_has_lasted_long_enough(start: Callable[..., Any]) -> None:
    api = await start(follow_seconds=0.05)
    assert [part.loans async for part in api.follow()] == [3]


async def test_whoever_lost_the_right_is_sent_nothing_more(start: Callable[..., Any]) -> None:
    api = await start()
    following = api.follow()
    assert (await anext(following)).loans == 3
    await api.set(FROZEN)
    with pytest.raises(CallFailed) as failed:
        await anext(following)
    assert failed.value.reason == "NOT_ALLOWED"


async def test_whose_token_is_good_no_more_is_sent_nothing_more(
    start: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_CHECK_SECONDS", 0.0)
    api = await start()
    following = api.follow()
    assert (await anext(following)).loans == 3
    other = LocalIssuer(tmp_path / "other", "local", issuer="mentorstream", audience="mentorstream")
    other.jwks.replace(tmp_path / "jwks.json")
    with pytest.raises(CallFailed) as failed:
        await anext(following)
    assert failed.value.reason == "TOKEN_KEY_UNKNOWN"


async def test_a_process_that_ends_does_not_wait_for_those_who_follow(start: Callable[..., Any]) -> None:
    api = await start(every=3600.0, shutdown_seconds=60.0)
    following = api.follow()
    await anext(following)
    stopping = asyncio.create_task(api.node.stop())
    with pytest.raises(CallFailed) as failed:
        await anext(following)
    assert failed.value.reason == "FOLLOWING_ENDED"
    async with asyncio.timeout(30):
        await stopping


@pytest.mark.parametrize(
    "limit", [{"followers_at_once": 1}, {"followers_at_once_each": 1}], ids=["of all", "of one person"]
)
async def test_one_too_many_is_told_so_and_a_place_is_given_back(
    start: Callable[..., Any], limit: dict[str, int]
) -> None:
    api = await start(calls_at_once=1, **limit)
    following = api.follow()
    await anext(following)
    # It keeps no other call from being answered.
    await api.set(7)
    with pytest.raises(CallFailed) as failed:
        await anext(api.follow())
    assert failed.value.reason == "TOO_MANY_TRANSFERS"
    assert "calls that go on" in failed.value.text
    await following.aclose()
    async with asyncio.timeout(30):
        while True:
            try:
                assert (await anext(api.follow())).loans == 7
            except CallFailed:
                await asyncio.sleep(0.01)
            else:
                break
