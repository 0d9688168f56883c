"""A TCP proxy that can fail in the ways a network does: it passes everything on, cuts, swallows answers, or swallows all."""

import asyncio
import contextlib
import socket
import struct

HOST = "127.0.0.1"
_CHUNK = 64 * 1024


class Proxy:
    """Listens on one port and passes on to another, until it is told to fail.

    Args:
        port: where it listens.
        to: where it passes on to.
    """

    def __init__(self, port: int, to: int) -> None:
        self.port = port
        self._to = to
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._asking, self._answering, self._speaking = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._last_word = b""
        self._refusing = False

    async def start(self) -> None:
        """Begins to listen."""
        self.heal()
        self._server = await asyncio.start_server(self._serve, HOST, self.port)

    async def stop(self) -> None:
        """Ends every connection and listens no more."""
        self._cut_all()
        if self._server is not None:
            self._server.close()

    def cut(self) -> None:
        """Ends every connection with a reset, and every new one at once."""
        self._refusing = True
        self._cut_all()

    def half_open(self) -> None:
        """What is asked arrives and is done; no answer comes back. Connections stay as if nothing were wrong."""
        self._answering.clear()

    def silent_after(self, last_word: bytes) -> None:
        """Answers come back up to the one that holds this, and none after it: what is sent then is done in silence."""
        self._last_word = last_word
        self._speaking.clear()

    def black_hole(self) -> None:
        """Nothing arrives in either direction. Connections stay as if nothing were wrong."""
        self._asking.clear()
        self._answering.clear()

    def heal(self, *, reset: bool = False) -> None:
        """Passes everything on again, what was held back too; with `reset` the old connections are gone first."""
        if reset:
            self._cut_all()
        self._refusing = False
        self._asking.set()
        self._answering.set()
        self._last_word = b""
        self._speaking.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            _reset(writer)
            return
        try:
            there, back = await asyncio.open_connection(HOST, self._to)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, back}
        pumps = (
            asyncio.create_task(self._pump(reader, back, self._asking)),
            asyncio.create_task(self._pump(there, writer, self._answering, answers=True)),
        )
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            self._writers -= {writer, back}
            for end in (writer, back):
                end.transport.abort()

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        passing: asyncio.Event,
        *,
        answers: bool = False,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                await passing.wait()
                writer.write(data)
                await writer.drain()
                if answers and self._last_word and self._last_word in data:
                    await self._speaking.wait()
            # A client that closes in order has its last bytes delivered before the other end hears of it.
            writer.close()
            await writer.wait_closed()

    def _cut_all(self) -> None:
        for writer in self._writers:
            _reset(writer)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Ends a connection so that its other end hears of an error, and not of an orderly end."""
    found = writer.get_extra_info("socket")
    if found is not None:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
