"""A server that can be taken away and given back, and a network that delays, cuts, falls silent and slices."""

import asyncio
import random
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from services.operator.local.port import HOST

CHUNK: Final = 65536


@dataclass(eq=False)
class Wire:
    """One connection through the proxy."""

    silent: bool = False
    cut: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Proxy:
    """Passes bytes on to `port` of this machine while it is open; closing it cuts every connection."""

    target: int
    port: int
    delay: float = 0
    """Seconds by which each piece is held back."""
    slices: int = 0
    """Bytes of a piece at most, drawn anew for each; 0: as they come."""
    _server: asyncio.Server | None = None
    _wires: set[Wire] = field(default_factory=set)

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._connected, HOST, self.port)

    async def close(self) -> None:
        """Afterwards connections are refused, until it is opened again."""
        if self._server is not None:
            self._server.close()
        await self.cut()

    async def cut(self) -> None:
        """Ends every connection; new ones are taken."""
        await _ended(self._wires)

    def silence(self) -> None:
        """From now on nothing passes in either direction of the connections that there are, and neither end is told
        (half-open); new ones work."""
        for wire in self._wires:
            wire.silent = True

    async def bury(self) -> None:
        """The silent connections end, as when a firewall answers at last."""
        await _ended([wire for wire in self._wires if wire.silent])

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire()
        self._wires.add(wire)
        try:
            with suppress(OSError):
                onward_reader, onward = await asyncio.open_connection(HOST, self.target)
                await self._joined(wire, [(reader, onward), (onward_reader, writer)])
                onward.close()
        finally:
            writer.close()
            self._wires.discard(wire)
            wire.gone.set()

    async def _joined(self, wire: Wire, ways: Collection[tuple[asyncio.StreamReader, asyncio.StreamWriter]]) -> None:
        """Until one end closes, or the wire is cut."""
        tasks = [asyncio.create_task(self._pass(wire, *way)) for way in ways]
        tasks.append(asyncio.create_task(_until(wire.cut)))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _pass(self, wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while True:
                data = await reader.read(random.randint(1, self.slices) if self.slices else CHUNK)
                if self.delay:
                    await asyncio.sleep(self.delay)
                if wire.silent:
                    await wire.cut.wait()  # an end is not passed on, either
                if not data:
                    return
                writer.write(data)
                await writer.drain()


async def _until(event: asyncio.Event) -> None:
    await event.wait()


async def _ended(wires: Collection[Wire]) -> None:
    for wire in list(wires):
        wire.cut.set()
        await wire.gone.wait()
