"""A post on `outbound.requested`, found by where it stands: why it was dropped, and the exchange that it opened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from schemas import canonical, topics, trail
from schemas.message import Message
from schemas.text import instant
from schemas.trail import Finding
from services.operator.history import store
from services.operator.installation import Installation
from services.operator.tables import rings, tables
from services.runtime.kafka.scan import scan

HEADER = "post"
"""Of a record about a post: its topic, partition and offset."""


@dataclass(frozen=True)
class Fault:
    """Why a post was dropped, or what is wrong with where it stands; `agency` where it is one of this site."""

    time: str
    agency: str
    finding: Finding


@dataclass(frozen=True)
class Post:
    """All that is known of a post."""

    faults: Sequence[Fault]
    exchange: str | None


async def post(installation: Installation, position: str) -> Post:
    """The post at `topic/partition/offset`."""
    records = await scan(installation.kafka(), topics.intermediate_recorded)
    here = set(rings(installation, "intermediate").agencies())
    async with tables(installation, "exchange") as database, database.transaction(here) as connection:
        return Post(faults(records, position), await store.opened_at(connection, here, position))


def faults(records: Sequence[Message], position: str) -> list[Fault]:
    """What was recorded of the post, once each: it may have been delivered again."""
    found: dict[Finding, Fault] = {}
    for record in sorted(records, key=lambda record: record.time):
        if record.headers.get(HEADER) == position.encode():
            for finding in _findings(record):
                time = instant(datetime.fromtimestamp(record.time / 1000, UTC))
                found.setdefault(finding, Fault(time, record.key, finding))
    return list(found.values())


def _findings(record: Message) -> Sequence[Finding]:
    try:
        return trail.read(record.headers.get("trail", b"")).findings
    except canonical.Malformed:
        return ()
