"""What an installation has written since a row of the matrix began: the evidence by which the ledger judges."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import psycopg
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas import topics
from schemas.message import Message
from schemas.topics import Topic
from services.operator import answers
from services.runtime.kafka.reader import message_of
from services.topology import SERVICES, all_topics
from tests import many
from tests.site import AMOUNT, CONDITION, NUMBER, Site
from tests.traces import found_in

MARKERS: Final = [NUMBER.encode(), AMOUNT.encode(), CONDITION.encode()]
LEDGERS: Final = (topics.intermediate_recorded, topics.linkage_recorded, topics.hub_recorded)
TABLES: Final = (
    "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace = ANY (%s::regnamespace[])"
)

Places = Mapping[TopicPartition, int]


@dataclass(frozen=True)
class Ending:
    """A record of `exchange.completed`, opened."""

    exchange: str
    control: bytes
    business: bytes


@dataclass(frozen=True)
class Evidence:
    """Records in the order of their partitions; how many rows there are more than before; where a marker stands in clear."""

    requested: Sequence[Message] = ()
    opened: Sequence[Message] = ()
    completed: Sequence[Ending] = ()
    recorded: Sequence[Message] = ()
    aside: int = 0
    stored: Mapping[str, int] = field(default_factory=dict)
    clear: Sequence[str] = ()


@dataclass(frozen=True)
class Books:
    """Where everything stood when they were opened."""

    site: Site
    ends: Places
    rows: Mapping[str, int]

    async def closed(self) -> Evidence:
        """What has come since."""
        records = await _since(self.site.kafka(), self.ends)
        events = [answers.opened(self.site, record) for record in records[topics.exchange_completed]]
        completed = [Ending(event.exchange, event.control, event.business) for event in events]
        rows = await asyncio.to_thread(many.counts, self.site)
        return Evidence(
            requested=records[topics.outbound_requested],
            opened=records[topics.inbound_opened],
            completed=completed,
            recorded=[record for ledger in LEDGERS for record in records[ledger]],
            aside=len(records[topics.record_quarantined]),
            stored={table: count - self.rows[table] for table, count in rows.items()},
            clear=[*in_clear(records), *await asyncio.to_thread(_outside, self.site)],
        )


async def opened(site: Site) -> Books:
    """From here on."""
    async with _reading(site.kafka()) as consumer:
        ends = await consumer.end_offsets(_places())
    return Books(site, ends, await asyncio.to_thread(many.counts, site))


async def _since(bootstrap: str, begin: Places) -> dict[Topic, list[Message]]:
    found: dict[Topic, list[Message]] = {topic: [] for topic in all_topics()}
    named = {topic.name: topic for topic in found}
    async with _reading(bootstrap) as consumer:
        ends = await consumer.end_offsets(_places())
        left = {place for place, end in ends.items() if end > begin[place]}
        consumer.assign(sorted(left))
        for place in left:
            consumer.seek(place, begin[place])
        while left:
            for place, records in (await consumer.getmany(timeout_ms=200)).items():
                found[named[place.topic]] += [message_of(one) for one in records if one.offset < ends[place]]
            left = {place for place in left if await consumer.position(place) < ends[place]}
    return found


def _reading(bootstrap: str) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")


def _places() -> list[TopicPartition]:
    return [TopicPartition(topic.name, number) for topic in all_topics() for number in range(topic.partitions)]


def in_clear(records: Mapping[Topic, Sequence[Message]]) -> list[str]:
    """Records behind the entrance in which a marker stands."""
    return [
        str(record.position)
        for topic, some in records.items()
        if topic != topics.outbound_requested
        for record in some
        if found_in(b"\0".join([record.value, *record.headers.values()]), MARKERS)
    ]


def _outside(site: Site) -> list[str]:
    """Tables and log files in which a marker stands."""
    places = {path.name: path.read_bytes() for path in sorted((site.folder / "log").glob("*.log"))}
    schemas = [service.name for service in SERVICES if service.tables]
    with psycopg.connect(site.superuser()) as connection:
        for (table,) in connection.execute(TABLES, [schemas]).fetchall():
            with connection.cursor().copy(f"COPY {table} TO STDOUT") as rows:
                places[table] = b"".join(bytes(part) for part in rows)
    return [place for place, data in places.items() if found_in(data, MARKERS)]
