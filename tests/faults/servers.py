"""Kafka and PostgreSQL stopped, killed, paused, without room, cut off in the middle of a commit."""

import asyncio
import random
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import psutil
import psycopg

from services.operator.local import kafka, postgres, process
from tests.faults.fault import Fault, Struck
from tests.faults.ground import Ground
from tests.waiting import until

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
