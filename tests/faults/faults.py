"""What may strike: each fault stands for as long as its block, and says how many it has struck.

A fault's own duration is all that is waited for by time; whether it has struck is seen.
"""

import asyncio
import itertools
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import psutil
import psycopg
from aiokafka import AIOKafkaConsumer

from services.operator.local import kafka, postgres, process
from services.topology import groups
from tests import site as sites
from tests.faults.ground import Ground
from tests.faults.member import POINTS, Point
from tests.waiting import until

Struck = AsyncIterator[int]
Strike = Callable[[Ground, random.Random], AbstractAsyncContextManager[int]]

PAST_SESSION: Final = 7.5
"""Seconds: the session timeout is 6."""
REACHED: Final = 3.0
"""Seconds within which a process under load passes a point; one that does not is struck where it stands."""
SKEWED: Final = timedelta(minutes=10)


@dataclass(frozen=True)
class Fault:
    """`strike` stands for the fault from its beginning to its mending."""

    name: str
    strike: Strike


# --- processes


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
    """Some processes, each at one of these points of its work."""
    deck: list[str] = []

    @asynccontextmanager
    async def strike(ground: Ground, chance: random.Random) -> Struck:
        names = _dealt(deck, ground.site.readers(), count, chance)
        await _armed(ground, dict(zip(names, itertools.cycle(points), strict=False)), signal.SIGKILL)
        yield len(names)
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


# --- Kafka


def kafka_stopped(seconds: float) -> Fault:
    @asynccontextmanager
    async def strike(ground: Ground, chance: random.Random) -> Struck:
        await asyncio.to_thread(kafka.stop, ground.own.kafka)
        await asyncio.sleep(seconds)
        yield 1
        await asyncio.to_thread(kafka.start, ground.own.kafka)

    return Fault(f"Kafka stopped {seconds:g} s", strike)


def kafka_killed() -> Fault:
    @asynccontextmanager
    async def strike(ground: Ground, chance: random.Random) -> Struck:
        await asyncio.to_thread(process.kill, "kafka", ground.own.folder)
        yield 1
        await asyncio.to_thread(kafka.start, ground.own.kafka)

    return Fault("Kafka killed", strike)


def paused(name: str, seconds: float) -> Fault:
    """The server and its children stop where they are: connections stay open, nothing answers."""

    @asynccontextmanager
    async def strike(ground: Ground, chance: random.Random) -> Struck:
        family = ground.own.family(name)
        for one in family:
            one.suspend()
        try:
            await asyncio.sleep(seconds)
            yield 1
        finally:
            for one in family:
                with suppress(psutil.NoSuchProcess):
                    one.resume()

    return Fault(f"{name} paused {seconds:g} s", strike)


def disk_full() -> Fault:
    """A broker whose only log folder fails ends itself; it is started again once there is room."""

    @asynccontextmanager
    async def strike(ground: Ground, chance: random.Random) -> Struck:
        data = ground.own.kafka.home / "data"
        ballast = data / "ballast"
        await asyncio.to_thread(_fill, ballast)
        await until(lambda: process.find("kafka", ground.own.folder) is None, 60)
        yield 1
        ballast.unlink()
        await asyncio.to_thread(kafka.start, ground.own.kafka)

    return Fault("Kafka's disk full, ended, room made, started", strike)


def _fill(ballast: Path) -> None:
    """To the last byte, while others write there too."""
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(1024 * 1024)):
            pass


# --- PostgreSQL


def postgres_stopped(seconds: float) -> Fault:
    @asynccontextmanager
    async def strike(ground: Ground, chance: random.Random) -> Struck:
        await asyncio.to_thread(postgres.stop, ground.own.postgres)
        await asyncio.sleep(seconds)
        yield 1
        await asyncio.to_thread(postgres.start, ground.own.postgres)

    return Fault(f"PostgreSQL stopped {seconds:g} s", strike)


def postgres_killed() -> Fault:
    """While commits stand in the log of writes and nobody has been told."""

    @asynccontextmanager
    async def strike(ground: Ground, chance: random.Random) -> Struck:
        await _committing(ground)
        _administer(ground, "ALTER SYSTEM RESET synchronous_standby_names")
        await asyncio.to_thread(process.kill, "postgres", ground.own.folder)
        yield 1
        await asyncio.to_thread(postgres.start, ground.own.postgres)

    return Fault("PostgreSQL killed in mid-commit", strike)


def answer_lost() -> Fault:
    """The commit is done, and the connection ends before its answer."""

    @asynccontextmanager
    async def strike(ground: Ground, chance: random.Random) -> Struck:
        await _committing(ground)
        cut = _administer(ground, f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {COMMITTING}")
        _administer(ground, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
        yield int(cut > 0)

    return Fault("answer of a COMMIT lost", strike)


COMMITTING: Final = "wait_event = 'SyncRep' AND usename LIKE 'renkei_%'"


async def _committing(ground: Ground) -> None:
    """Commits are durable here and wait for a standby that there is not: the only state in which one can be held."""
    _administer(ground, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "SELECT pg_reload_conf()")
    waiting = f"SELECT count(*) FROM pg_stat_activity WHERE {COMMITTING}"
    await until(lambda: _administer(ground, waiting) > 0)


def connections_cut() -> Fault:
    """Those of the services, in the middle of whatever they do."""

    @asynccontextmanager
    async def strike(ground: Ground, chance: random.Random) -> Struck:
        cut = """
            SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE usename LIKE 'renkei_%' AND datname = current_database()
        """
        yield int(_administer(ground, cut) > 0)

    return Fault("PostgreSQL's connections cut", strike)


def _administer(ground: Ground, *statements: str) -> int:
    """What the last of them says."""
    with psycopg.connect(ground.site.superuser(), autocommit=True) as connection:
        for statement in statements:
            done = connection.execute(statement.encode())
        found = done.fetchone() if done.description else None
    return int(found[0]) if found else 0


# --- network


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


async def _armed(ground: Ground, points: dict[str, Point], number: signal.Signals) -> None:
    """Each process is struck at its point, or where it stands if it does not come by."""
    pids = {name: _pid(ground, name) for name in points}
    for name, point in points.items():
        ground.site.strings(name).arm(point, number)
    deadline = time.monotonic() + REACHED
    with suppress(AssertionError):
        await until(lambda: all(_stands(pid) for pid in pids.values()), deadline - time.monotonic())
    for name, pid in pids.items():
        ground.site.strings(name).disarm()
        if not _stands(pid):
            os.kill(pid, number)
    await until(lambda: all(_stands(pid) for pid in pids.values()))


def _stands(pid: int) -> bool:
    """It has ended, or is stopped."""
    try:
        return psutil.Process(pid).status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_STOPPED)
    except psutil.NoSuchProcess:
        return True
