"""A server that can be taken away and given back, without stopping it for everybody."""

import asyncio
from dataclasses import dataclass, field

from services.operator.local.port import HOST


@dataclass
class Proxy:
    """Passes bytes on to `port` of this machine while it is open; closing it cuts every connection."""

    target: int
    port: int
    _server: asyncio.Server | None = None
    _passing: set[asyncio.Task[None]] = field(default_factory=set)

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._connected, HOST, self.port)

    async def close(self) -> None:
        """Afterwards connections are refused, until it is opened again."""
        if self._server is not None:
            self._server.close()
        for task in list(self._passing):
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)
        onward_reader, onward = await asyncio.open_connection(HOST, self.target)
        try:
            await asyncio.wait(
                [asyncio.create_task(_pass(reader, onward)), asyncio.create_task(_pass(onward_reader, writer))],
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            onward.close()
            writer.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        return
