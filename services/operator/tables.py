"""A service's own tables for the operator's commands, in the service's role: no command sees more than the service does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from schemas import topics
from services.operator.installation import Installation
from services.runtime.clock import Clock
from services.runtime.directory import Directory, EnrolledRoots
from services.runtime.kafka.scan import scan
from services.runtime.keys import KeyRings, read_key_encryption_key
from services.runtime.memory import MemoryLog
from services.runtime.postgres import Database, database
from services.runtime.rest import AtRest
from services.runtime.service import Environment


def now() -> datetime:
    """The operator's clock."""
    return datetime.now(UTC)


def rings(installation: Installation, block: str) -> KeyRings:
    """The key rings of a block."""
    held = KeyRings(installation.keys, read_key_encryption_key(installation.key_encryption_key), block)
    held.refresh()
    return held


def at_rest(installation: Installation) -> AtRest:
    """Sealing as the intermediate interface seals."""
    return AtRest(rings(installation, "intermediate"), now)


async def directory(installation: Installation, clock: Clock = now) -> Directory:
    """The directory as it is published now, verified as every service verifies it."""
    found = Directory(EnrolledRoots(installation.roots), clock)
    found.fold(await scan(installation.kafka(), topics.directory))
    return found


@asynccontextmanager
async def tables(installation: Installation, service: str) -> AsyncIterator[Database]:
    """The tables of one service, whether Kafka runs or not."""
    settings = installation.settings(kafka="")
    nothing = KeyRings(installation.keys, b"", "")
    async with database(Environment(service, settings, Directory({}, now), nothing, MemoryLog(now), now)) as opened:
        yield opened
