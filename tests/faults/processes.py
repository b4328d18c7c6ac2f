"""Processes that are killed, stopped, crowded out, replaced or out of time."""

import asyncio
import itertools
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final

import psutil
from aiokafka import AIOKafkaConsumer

from services.operator.local import process
from services.topology import groups
from tests import site as sites
from tests.faults.fault import Fault, Struck
from tests.faults.ground import Ground
from tests.faults.member import POINTS, Point
from tests.waiting import until

PAST_SESSION: Final = 7.5
"""Seconds: the session timeout is 6."""
REACHED: Final = 3.0
"""Seconds within which a process under load passes a point; one that does not is struck where it stands."""
SKEWED: Final = timedelta(minutes=10)


def killed(count: int) -> Fault:
    """Some processes at once, whatever they are doing."""

    deck: list[str] = []

    @asynccontextmanager
    async def strike(ground: Ground, chance: random.Random) -> Struck:
        """In a moment's distance of each other, and started again."""
        names = _dealt(deck, sites.running(ground.site), count, chance)
        for name in names:
            await asyncio.sleep(chance.uniform(0, 0.5))
            process.kill(name, ground.site.folder)
        yield len(names)
        await ground.restart(names)

    return Fault("kill -9 of processes, at random", strike)


def killed_at(points: Sequence[Point], count: int) -> Fault:
    """Some processes, each at one of these points of its work; who does not come by is killed too, and not counted."""
    deck: list[str] = []

    @asynccontextmanager
    async def strike(ground: Ground, chance: random.Random) -> Struck:
        names = _dealt(deck, ground.site.readers(), count, chance)
        yield await _armed(ground, dict(zip(names, itertools.cycle(points), strict=False)), signal.SIGKILL)
        for name in names:
            process.kill(name, ground.site.folder)
        await ground.restart(names)

    return Fault(f"kill -9: {'; '.join(SAID[point] for point in points)}", strike)


SAID: Final[dict[Point, str]] = {
    "stored": "database committed, nothing published",
    "half_published": "one partition acknowledged, others perhaps not",
    "published": "published, offsets not committed",
    "committed": "offsets committed",
}


def zombies(count: int) -> Fault:
    """Stopped past the session timeout, so that others have their partitions, and woken in the middle of their batch."""
    deck: list[str] = []

    @asynccontextmanager
    async def strike(ground: Ground, chance: random.Random) -> Struck:
        running = sites.running(ground.site)
        services = [name for name in running if f"{name}-2" in running]
        names = [chance.choice((name, f"{name}-2")) for name in _dealt(deck, services, count, chance)]
        await _armed(ground, {name: chance.choice(POINTS) for name in names}, signal.SIGSTOP)
        await asyncio.sleep(PAST_SESSION)
        for name in names:
            os.kill(_pid(ground, name), signal.SIGCONT)
        yield len(names)

    return Fault("SIGSTOP past the session timeout, then SIGCONT", strike)


@asynccontextmanager
async def twins(ground: Ground, services: Collection[str]) -> AsyncIterator[None]:
    """A second process of each, so that there is somebody to take over."""
    names = [f"{service}-2" for service in services]
    await ground.restart(names)
    try:
        yield
    finally:
        await asyncio.to_thread(ground.site.stop, names)


def storm(members: int) -> Fault:
    """Members that join groups, do nothing and leave again."""

    @asynccontextmanager
    async def strike(ground: Ground, chance: random.Random) -> Struck:
        chosen = chance.choices(groups(), k=members)
        await asyncio.gather(*(_join_and_leave(ground, group, str(topic), chance) for group, topic in chosen))
        yield 1

    return Fault("rebalance storm", strike)


async def _join_and_leave(ground: Ground, group: str, topic: str, chance: random.Random) -> None:
    await asyncio.sleep(chance.uniform(0, 1))
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=ground.site.kafka(), group_id=group, enable_auto_commit=False, auto_offset_reset="none"
    )
    await consumer.start()
    try:
        await asyncio.sleep(chance.uniform(0, 1))
    finally:
        await consumer.stop()


def switched() -> Fault:
    """From one process per service to one per block, or back."""

    @asynccontextmanager
    async def strike(ground: Ground, chance: random.Random) -> Struck:
        await ground.lay_out("service" if "linkage" in sites.running(ground.site) else "block")
        yield 1

    return Fault("layout switched", strike)


def clock(sign: int) -> Fault:
    """One process believes for a while that it is ten minutes earlier or later."""

    @asynccontextmanager
    async def strike(ground: Ground, chance: random.Random) -> Struck:
        strings = ground.site.strings(chance.choice(sites.running(ground.site)))
        strings.set_clock(sign * SKEWED)
        await asyncio.sleep(1.5)
        strings.set_clock(timedelta())
        yield 1

    return Fault(f"clock of a process {'+-'[sign < 0]}10 min", strike)


# --- parts


def _dealt(deck: list[str], names: Sequence[str], count: int, chance: random.Random) -> list[str]:
    """Some of the names, each as often as every other: the deck is shuffled anew when it is used up."""
    dealt: list[str] = []
    while len(dealt) < min(count, len(names)):
        if not deck:
            deck.extend(chance.sample(names, len(names)))
        name = deck.pop()
        if name not in dealt:
            dealt.append(name)
    return dealt


def _pid(ground: Ground, name: str) -> int:
    found = process.find(name, ground.site.folder)
    assert found is not None, f"{name} has ended"
    return found.pid


async def _armed(ground: Ground, points: dict[str, Point], number: signal.Signals) -> int:
    """Each process is struck at its point, or where it stands if it does not come by; says how many came by."""
    pids = {name: _pid(ground, name) for name in points}
    for name, point in points.items():
        ground.site.strings(name).arm(point, number)
    deadline = time.monotonic() + REACHED
    with suppress(AssertionError):
        await until(lambda: all(_stands(pid) for pid in pids.values()), deadline - time.monotonic())
    reached = 0
    for name, pid in pids.items():
        reached += not ground.site.strings(name).disarm()
        if not _stands(pid):
            os.kill(pid, number)
    await until(lambda: all(_stands(pid) for pid in pids.values()))
    return reached


def _stands(pid: int) -> bool:
    """It has ended, or is stopped."""
    try:
        return psutil.Process(pid).status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_STOPPED)
    except psutil.NoSuchProcess:
        return True
