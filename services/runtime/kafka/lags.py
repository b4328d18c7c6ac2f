"""What consumer groups have yet to do, and since when it waits: for an operator who looks on, within a few seconds."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from schemas.message import Message
from schemas.topics import Topic
from services.runtime.kafka.errors import COMMITTED, started, translated
from services.runtime.kafka.reader import message_of
from services.runtime.kafka.topics import Groups, offsets

FETCHED: Final = 64 * 1024
"""Bytes of a partition that one look takes, or its first batch: only one record's time is wanted."""

Offsets = Mapping[TopicPartition, int]


class Next(NamedTuple):
    """What a group would read next on a partition: where, and when it was put there if it has been read."""

    offset: int
    time: int | None


Nexts = dict[TopicPartition, Next]


@dataclass(frozen=True)
class Lag:
    """What a group has yet to do on its topic."""

    group: str
    topic: str
    left: int
    """Offsets from the first record that can be read: records, and markers of transactions between them."""
    oldest: int | None
    """When the oldest of them was put there, in milliseconds since 1970; None where nothing is left or none was read."""
    missing: int
    """Partitions without an offset; all of them where the topic is missing."""
    outrun: int
    """Partitions whose offset lies outside of what is there."""
    held: tuple[int, ...] = ()
    """Partitions whose end cannot be read yet: a transaction is open there."""


async def lags(bootstrap: str, groups: Groups, seconds: float) -> list[Lag]:
    """Every group on its topic. `Unavailable` where the broker does not say it in `seconds`."""
    wait = int(seconds * 1000)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=wait)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        request_timeout_ms=wait,
        isolation_level=COMMITTED,
        max_partition_fetch_bytes=FETCHED,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    try:
        async with started(consumer, seconds):
            with translated("Kafka does not answer"):
                async with asyncio.timeout(seconds):
                    await admin.start()
                    committed = await _committed(admin, groups)
                    first, stable = await _extent(consumer, committed)
                    end = await _ends(bootstrap, committed, wait)
                nexts = await _nexts(consumer, _waiting(committed, first, stable), seconds)
    finally:
        await admin.close()
    return [
        _lag(group, topic, done, first, stable, end, found)
        for (group, topic), done, found in zip(groups, committed, nexts, strict=True)
    ]


async def tail(bootstrap: str, topic: Topic, count: int, seconds: float) -> list[Message]:
    """The records at the last `count` offsets of a topic of one partition."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, request_timeout_ms=int(seconds * 1000), isolation_level=COMMITTED
    )
    where, found = TopicPartition(topic.name, 0), list[Message]()
    async with started(consumer, seconds):
        with translated(f"cannot read {topic}"):
            async with asyncio.timeout(seconds):
                consumer.assign([where])
                end = (await consumer.end_offsets([where]))[where]
                consumer.seek(where, max(0, end - count))
                while await consumer.position(where) < end:
                    for records in (await consumer.getmany(timeout_ms=200)).values():
                        found += [message_of(record) for record in records]
    return found


async def _committed(admin: AIOKafkaAdminClient, groups: Groups) -> list[Offsets]:
    """By group, the committed offset of each partition, -1 where there is none; nothing where the topic is missing."""
    there = {topic["topic"] for topic in await admin.describe_topics() if not topic["error_code"]}

    async def of(group: str, topic: Topic) -> Offsets:
        found = await offsets(admin, group, topic) if topic.name in there else {}
        return {place: entry.offset for place, entry in found.items()}

    return await asyncio.gather(*(of(group, topic) for group, topic in groups))


async def _extent(consumer: AIOKafkaConsumer, committed: Iterable[Offsets]) -> tuple[Offsets, Offsets]:
    """Where each partition begins, and its last stable offset."""
    places = sorted({place for done in committed for place in done})
    consumer.assign(places)  # else it asks for topic after topic
    return await consumer.beginning_offsets(places), await consumer.end_offsets(places)


async def _ends(bootstrap: str, committed: Iterable[Offsets], wait: int) -> Offsets:
    """Where each partition ends, whatever transaction is open before it.

    Asked last, so that no end lies before a stable one."""
    places = sorted({place for done in committed for place in done})
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, request_timeout_ms=wait)
    async with started(consumer, wait / 1000):
        consumer.assign(places)
        found: Offsets = await consumer.end_offsets(places)
        return found


def _waiting(committed: Sequence[Offsets], first: Offsets, stable: Offsets) -> list[Offsets]:
    """Where each group would read on, of the partitions on which something is left that can be read."""
    return [
        {
            place: max(at, first[place])
            for place, at in done.items()
            if at >= 0 and max(at, first[place]) < stable[place]
        }
        for done in committed
    ]


async def _nexts(consumer: AIOKafkaConsumer, waiting: Sequence[Offsets], seconds: float) -> list[Nexts]:
    """By group what it would read next; groups of one topic take turns, since a client has one place in a partition."""
    found: list[Nexts] = [{} for _ in waiting]
    turns: dict[str, list[int]] = defaultdict(list)
    for number, places in enumerate(waiting):
        if places:
            turns[next(iter(places)).topic].append(number)
    for turn in zip_longest(*turns.values()):
        numbers = [number for number in turn if number is not None]
        seen = await _seen(
            consumer, {place: at for number in numbers for place, at in waiting[number].items()}, seconds
        )
        for number in numbers:
            found[number] = {place: seen.get(place, Next(at, None)) for place, at in waiting[number].items()}
    return found


async def _seen(consumer: AIOKafkaConsumer, wanted: Offsets, seconds: float) -> Nexts:
    """The first records from these places on, of those that come within `seconds`; or where a partition goes on that has
    nothing but markers up to its last stable offset."""
    consumer.assign(list(wanted))
    for place, offset in wanted.items():
        consumer.seek(place, offset)
    seen: Nexts = {}
    until = asyncio.get_running_loop().time() + seconds
    with translated("cannot read what is left"):
        stable = await consumer.end_offsets(list(wanted))
        while len(seen) < len(wanted) and asyncio.get_running_loop().time() < until:
            for place, records in (await consumer.getmany(timeout_ms=200)).items():
                seen.setdefault(place, Next(records[0].offset, records[0].timestamp))
                consumer.pause(place)
            for place in wanted.keys() - seen.keys():
                if (stands := await consumer.position(place)) >= stable[place]:
                    seen[place] = Next(stands, None)
    return seen


def _lag(
    group: str, topic: Topic, committed: Offsets, first: Offsets, stable: Offsets, end: Offsets, nexts: Nexts
) -> Lag:
    known = {place: offset for place, offset in committed.items() if offset >= 0}
    outrun = [place for place, offset in known.items() if not first[place] <= offset <= end[place]]
    left = sum(max(0, stable[place] - found.offset) for place, found in nexts.items())
    oldest = min((found.time for found in nexts.values() if found.time is not None), default=None)
    held = tuple(sorted(place.partition for place in known if stable[place] < end[place]))
    return Lag(group, topic.name, left, oldest, topic.partitions - len(known), len(outrun), held)
