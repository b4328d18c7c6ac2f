"""A network that is slow, cuts, falls silent and slices."""

import asyncio
import random
from contextlib import asynccontextmanager

from tests.faults.fault import Fault, Struck
from tests.faults.ground import Ground


def slow(seconds: float, hold: float) -> Fault:
    """Every piece is held back, to and from both servers."""
    return _passing(f"network: {seconds * 1000:.0f} ms more each way", hold, delay=seconds)


def sliced(pieces: int, hold: float) -> Fault:
    return _passing(f"network: pieces of 1 to {pieces} bytes", hold, slices=pieces)


def _passing(name: str, hold: float, delay: float = 0, slices: int = 0) -> Fault:
    @asynccontextmanager
    async def strike(ground: Ground, chance: random.Random) -> Struck:
        for proxy in ground.own.proxies:
            proxy.delay, proxy.slices = delay, slices
        await asyncio.sleep(hold)
        for proxy in ground.own.proxies:
            proxy.delay, proxy.slices = 0, 0
        yield 1

    return Fault(name, strike)


def cut(times: int) -> Fault:
    """Every connection to both servers ends, again and again."""

    @asynccontextmanager
    async def strike(ground: Ground, chance: random.Random) -> Struck:
        for _ in range(times):
            for proxy in ground.own.proxies:
                await proxy.cut()
            await asyncio.sleep(chance.uniform(0.05, 0.4))
        yield 1

    return Fault(f"network: all connections cut, {times} times", strike)


def half_open(seconds: float | None) -> Fault:
    """Every connection falls silent, and neither end is told before `seconds`, or never."""

    @asynccontextmanager
    async def strike(ground: Ground, chance: random.Random) -> Struck:
        for proxy in ground.own.proxies:
            proxy.silence()
        if seconds is not None:
            await asyncio.sleep(seconds)
            for proxy in ground.own.proxies:
                await proxy.bury()
        yield 1

    return Fault(f"network: half-open {'for ever' if seconds is None else f'{seconds:g} s'}", strike)
