"""What consumer groups have yet to do, and since when it waits: for an operator who looks on, within a few seconds."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from schemas.message import Message
from schemas.topics import Topic
from services.runtime.kafka.errors import started, translated
from services.runtime.kafka.reader import message_of
from services.runtime.kafka.topics import Groups, offsets

FETCHED: Final = 64 * 1024
"""Bytes of a partition that one look takes, or its first batch: only one record's time is wanted."""

Offsets = Mapping[TopicPartition, int]


@dataclass(frozen=True)
class Lag:
    """What a group has yet to do on its topic."""

    group: str
    topic: str
    left: int
    """Records."""
    oldest: int | None
    """When the oldest of them was put there, in milliseconds since 1970; None where nothing is left or none was read."""
    missing: int
    """Partitions without an offset; all of them where the topic is missing."""
    outrun: int
    """Partitions whose offset lies outside of what is there."""


async def lags(bootstrap: str, groups: Groups, seconds: float) -> list[Lag]:
    """Every group on its topic. `Unavailable` where the broker does not say it in `seconds`."""
    wait = int(seconds * 1000)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=wait)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        request_timeout_ms=wait,
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
                    first, end = await _extent(consumer, committed)
                oldest = await _oldest(consumer, _waiting(committed, end), seconds)
    finally:
        await admin.close()
    return [
        _lag(group, topic, done, first, end, found)
        for (group, topic), done, found in zip(groups, committed, oldest, strict=True)
    ]


async def tail(bootstrap: str, topic: Topic, count: int, seconds: float) -> list[Message]:
    """The records at the last `count` offsets of a topic of one partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, request_timeout_ms=int(seconds * 1000))
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
    places = sorted({place for done in committed for place in done})
    consumer.assign(places)  # else it asks for topic after topic
    return await consumer.beginning_offsets(places), await consumer.end_offsets(places)


def _waiting(committed: Sequence[Offsets], end: Offsets) -> list[Offsets]:
    """Where each group would read on, of the partitions on which something is left."""
    return [{place: offset for place, offset in done.items() if 0 <= offset < end[place]} for done in committed]


async def _oldest(consumer: AIOKafkaConsumer, waiting: Sequence[Offsets], seconds: float) -> list[int | None]:
    """By group the time of its next record; groups of one topic take turns, since a client has one place in a partition."""
    found: list[int | None] = [None] * len(waiting)
    turns: dict[str, list[int]] = defaultdict(list)
    for number, places in enumerate(waiting):
        if places:
            turns[next(iter(places)).topic].append(number)
    for turn in zip_longest(*turns.values()):
        numbers = [number for number in turn if number is not None]
        times = await _times(
            consumer, {place: at for number in numbers for place, at in waiting[number].items()}, seconds
        )
        for number in numbers:
            found[number] = min((times[place] for place in waiting[number] if place in times), default=None)
    return found


async def _times(consumer: AIOKafkaConsumer, wanted: Offsets, seconds: float) -> dict[TopicPartition, int]:
    """The times of the records at these places: of those that come within `seconds`."""
    consumer.assign(list(wanted))
    for place, offset in wanted.items():
        consumer.seek(place, offset)
    times: dict[TopicPartition, int] = {}
    until = asyncio.get_running_loop().time() + seconds
    while len(times) < len(wanted) and asyncio.get_running_loop().time() < until:
        with translated("cannot read what is left"):
            found = await consumer.getmany(timeout_ms=200)
        for place, records in found.items():
            times.setdefault(place, records[0].timestamp)
            consumer.pause(place)
    return times


def _lag(group: str, topic: Topic, committed: Offsets, first: Offsets, end: Offsets, oldest: int | None) -> Lag:
    known = {place: offset for place, offset in committed.items() if offset >= 0}
    outrun = [place for place, offset in known.items() if not first[place] <= offset <= end[place]]
    left = sum(max(0, end[place] - max(offset, first[place])) for place, offset in known.items())
    return Lag(group, topic.name, left, oldest, topic.partitions - len(known), len(outrun))
