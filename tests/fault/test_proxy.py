"""The proxy fails as it is told, and passes everything on when it is not."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from mentorstream.embedded.polling import becomes
from mentorstream.embedded.ports import HOST, choose_port

from tests.fault.proxy import Proxy

_SOON = 0.3


class Echo:
    """A server that answers each line with the same line, and remembers what it got."""

    def __init__(self) -> None:
        self.got: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            self.got.append(line)
            writer.write(line)
        writer.close()


@pytest.fixture
async def echo() -> AsyncIterator[tuple[Echo, Proxy]]:
    echo, port = Echo(), choose_port()
    server = await asyncio.start_server(echo.serve, HOST, port)
    proxy = Proxy(choose_port(), port)
    await proxy.start()
    yield echo, proxy
    await proxy.stop()
    server.close()


async def answer(reader: asyncio.StreamReader, within: float = 10.0) -> bytes | None:
    """The next line; None where none comes within the time."""
    try:
        async with asyncio.timeout(within):
            return await reader.readline()
    except TimeoutError:
        return None


async def got(echo: Echo, line: bytes) -> None:
    async def arrived() -> bool:
        return line in echo.got

    assert await becomes(arrived, within=10.0)


async def test_half_open_delivers_what_is_sent_and_holds_back_answers(echo: tuple[Echo, Proxy]) -> None:
    server, proxy = echo
    reader, writer = await asyncio.open_connection(HOST, proxy.port)
    writer.write(b"one\n")
    assert await answer(reader) == b"one\n"
    proxy.half_open()
    writer.write(b"two\n")
    await got(server, b"two\n")
    assert await answer(reader, _SOON) is None
    proxy.heal()
    assert await answer(reader) == b"two\n"
    writer.close()


async def test_a_black_hole_holds_back_both_ways_until_it_is_healed(echo: tuple[Echo, Proxy]) -> None:
    server, proxy = echo
    reader, writer = await asyncio.open_connection(HOST, proxy.port)
    writer.write(b"one\n")
    assert await answer(reader) == b"one\n"
    proxy.black_hole()
    writer.write(b"two\n")
    assert await answer(reader, _SOON) is None
    assert server.got == [b"one\n"]
    proxy.heal()
    assert await answer(reader) == b"two\n"
    writer.close()


async def test_silent_after_a_word_delivers_what_follows_it(echo: tuple[Echo, Proxy]) -> None:
    server, proxy = echo
    proxy.silent_after(b"go")
    reader, writer = await asyncio.open_connection(HOST, proxy.port)
    for line in (b"hello\n", b"go\n"):
        writer.write(line)
        assert await answer(reader) == line
    writer.write(b"the message\n")
    await got(server, b"the message\n")
    assert await answer(reader, _SOON) is None
    proxy.heal(reset=True)
    with pytest.raises(ConnectionResetError):
        await answer(reader)
    writer.close()


async def test_cut_ends_what_is_there_and_what_comes(echo: tuple[Echo, Proxy]) -> None:
    _, proxy = echo
    reader, writer = await asyncio.open_connection(HOST, proxy.port)
    writer.write(b"one\n")
    assert await answer(reader) == b"one\n"
    proxy.cut()
    with pytest.raises(ConnectionResetError):
        await answer(reader)
    writer.close()
    again, new = await asyncio.open_connection(HOST, proxy.port)
    with pytest.raises(ConnectionResetError):
        await answer(again)
    new.close()
