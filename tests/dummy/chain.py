"""`first` passes on what is requested, `second` decides it once and counts its effect; both stand in one block.

Beside it `first` echoes what is asked, without a database: what goes on while others wait.
"""

import hashlib
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from schemas.message import Drop, Message, Outcome
from schemas.text import instant
from schemas.topics import Topic
from services.runtime.clock import Clock
from services.runtime.decisions import Decided, relation, settle
from services.runtime.postgres import Connection, Database, database
from services.runtime.service import Environment, Service

REVISIONS: Final = Path(__file__).parent / "migrations"
FOREVER: Final = "2100-01-01T00:00:00.000Z"

COUNT = """
INSERT INTO effects AS known (agency, id, times)
SELECT agency, id, 1 FROM unnest($1::text[], $2::uuid[]) WITH ORDINALITY AS first (agency, id, place) ORDER BY place
ON CONFLICT (agency, id) DO UPDATE SET times = known.times + 1
"""


@dataclass(frozen=True)
class Chain:
    """The topics and services of one chain; several chains may share brokers and database."""

    name: str = "chain"

    def topic(self, kind: str) -> Topic:
        return Topic(f"{self.name}.{kind}", f"What is {kind}.", partitions=4)

    def services(self) -> list[Service]:
        return [
            Service(
                "first",
                "linkage",
                open_first,
                reads={self.topic("requested"): pass_on, self.topic("asked"): echo},
                writes=[self.topic("halfway"), self.topic("echoed")],
                directed=False,
            ),
            Service(
                "second",
                "linkage",
                open_second,
                reads={self.topic("halfway"): decide},
                writes=[self.topic("finished")],
                tables=True,
                directed=False,
            ),
        ]


@dataclass(frozen=True)
class First:
    """`broken`: as long as this file exists, the step has a bug."""

    chain: Chain
    broken: Path


@dataclass(frozen=True)
class Second:
    chain: Chain
    database: Database
    clock: Clock


def here() -> Chain:
    """The chain that this process is part of."""
    return Chain(os.environ.get("DUMMY_CHAIN", "chain"))


@asynccontextmanager
async def open_first(environment: Environment) -> AsyncIterator[First]:
    yield First(here(), Path(os.environ.get("DUMMY_BROKEN", "/nowhere")))


@asynccontextmanager
async def open_second(environment: Environment) -> AsyncIterator[Second]:
    async with database(environment, revisions=REVISIONS) as opened:
        yield Second(here(), opened, environment.clock)


async def pass_on(messages: Sequence[Message], first: First) -> list[Outcome]:
    """Everything, as it is."""
    if first.broken.exists():
        raise LookupError("a bug")
    if any("kills" in message.headers for message in messages):
        os.kill(os.getpid(), signal.SIGKILL)
    if any("fails" in message.headers for message in messages):
        raise LookupError("a message that nobody foresaw")
    return [message.carried(first.chain.topic("halfway")) for message in messages]


async def echo(messages: Sequence[Message], first: First) -> list[Outcome]:
    """The same, needing nobody."""
    return [message.carried(first.chain.topic("echoed")) for message in messages]


async def decide(messages: Sequence[Message], second: Second) -> list[Outcome]:
    """A first decision has an effect and gives a time; it is emitted as it stands, however often its message comes."""
    now = instant(second.clock())
    proposals = [_proposal(message, now) for message in messages]
    async with second.database.transaction(message.key for message in messages) as connection:
        standing = await settle(connection, proposals)
        related = [relation(one, proposal) for one, proposal in zip(standing, proposals, strict=True)]
        await _count(connection, [one for one, kind in zip(proposals, related, strict=True) if kind == "first"])
    finished = second.chain.topic("finished")
    return [
        message.carried(finished, decided=one.note.encode())
        if kind in ("first", "again")
        else Drop(message.position, kind)
        for message, one, kind in zip(messages, standing, related, strict=True)
    ]


def _proposal(message: Message, now: str) -> Decided:
    place = (message.key, "second", message.key, message.headers["id"].decode())
    return Decided(place, hashlib.sha256(message.value).digest(), message.source, "done", now, FOREVER)


async def _count(connection: Connection, firsts: Sequence[Decided]) -> None:
    await connection.execute(COUNT, [one.place[0] for one in firsts], [one.place[3] for one in firsts])
