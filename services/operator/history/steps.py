"""The steps of one exchange: what each layer found, in the order of time, and what the services have decided."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Literal

from schemas import canonical, topics, trail
from schemas.control import Control
from schemas.directory import HUB
from schemas.message import Message
from schemas.text import instant
from schemas.trail import Finding
from services.operator.history import store
from services.operator.history.store import Stored, Summary
from services.operator.installation import Installation
from services.operator.tables import rings, tables
from services.runtime.kafka.scan import scan

Block = Literal["intermediate", "linkage", "hub"]
LEDGERS: Final[Mapping[Block, str]] = {
    "intermediate": "intermediate_recorded",
    "linkage": "linkage_recorded",
    "hub": "hub_recorded",
}
"""By block the name of its topic in `schemas.topics`; a site may have one that does not record."""
DECIDING: Final = ("exchange", "routing", "crypto", "hub")
"""The decision points (architecture section 4.2)."""


@dataclass(frozen=True)
class Step:
    """What one layer of an agency found about one message, and when that was recorded."""

    time: str
    agency: str
    block: str
    finding: Finding
    control: Control


@dataclass(frozen=True)
class Decision:
    """What a service keeps of a message, so that it decides the same again."""

    service: str
    stored: Stored


@dataclass(frozen=True)
class History:
    """All that is known of an exchange; `summary` where it was asked from here."""

    summary: Summary | None
    steps: Sequence[Step]
    decisions: Sequence[Decision]


async def history(installation: Installation, exchange: str) -> History:
    """What became of the exchange."""
    here = set(rings(installation, "intermediate").agencies())
    async with tables(installation, "exchange") as database, database.transaction(here) as connection:
        summary = await store.summary(connection, here, exchange)
    steps = distinct([step for block in LEDGERS for step in await recorded(installation, block, exchange)])
    parties = {party for step in steps for party in (step.control.sender, step.control.receiver)} | {HUB}
    if summary is not None:
        parties |= {summary.agency, summary.receiver}
    ids = {exchange, *(step.control.id for step in steps)}
    return History(summary, steps, await _decided(installation, parties, ids))


def distinct(steps: Iterable[Step]) -> list[Step]:
    """In the order of time; what was recorded again, since it was delivered again, stands where it was first."""
    first: dict[Step, Step] = {}
    for step in sorted(steps, key=lambda step: step.time):
        first.setdefault(replace(step, time=""), step)
    return list(first.values())


async def recorded(installation: Installation, block: Block, exchange: str) -> list[Step]:
    """What a block's log says of an exchange, record by record."""
    topic = getattr(topics, LEDGERS[block], None)
    found = await scan(installation.kafka(), topic) if topic else []
    return [step for record in found for step in steps_of(record, block, exchange)]


def steps_of(record: Message, block: str, exchange: str) -> list[Step]:
    """The findings of a record, if it is about the exchange; of a record that cannot be read nothing is known."""
    if exchange.encode() not in record.headers.get("control", b""):
        return []
    try:
        control, findings = record.control, trail.read(record.headers.get("trail", b"")).findings
    except canonical.Malformed:
        return []
    time = instant(datetime.fromtimestamp(record.time / 1000, UTC))
    return [Step(time, record.key, block, one, control) for one in findings if control.exchange == exchange]


async def _decided(installation: Installation, parties: set[str], ids: set[str]) -> list[Decision]:
    """What the decision points keep of these messages between these parties."""
    found: list[Decision] = []
    for service in DECIDING:
        async with tables(installation, service) as database, database.transaction(parties) as connection:
            stored = await store.decisions(connection, parties, parties, ids)
        found += [Decision(service, one) for one in stored]
    return found
