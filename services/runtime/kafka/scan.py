"""Everything that a topic holds now, without a group: for checks that count, not for services."""

import asyncio
from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.message import Message
from schemas.topics import Topic
from services.runtime.kafka.errors import COMMITTED, started, translated
from services.runtime.kafka.reader import FOLDED, message_of
from services.runtime.kafka.topics import BATCH_LIMIT, LONGEST_WAIT
from services.runtime.kafka.unreadable import Undecodable, read_singly


async def scan(bootstrap: str, topic: Topic) -> list[Message]:
    """All records of all partitions up to their ends at the time of the call, each partition in order."""
    # `seek_to_beginning` would race with the reset that aiokafka starts by itself, which may come last and skip records.
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level=COMMITTED,
        max_partition_fetch_bytes=BATCH_LIMIT,
        auto_offset_reset="earliest",
    )
    async with started(consumer, LONGEST_WAIT):
        with translated(f"cannot read {topic}"):
            async with asyncio.timeout(LONGEST_WAIT) as limit:
                return await _up_to_the_ends(consumer, topic, limit)


async def _up_to_the_ends(consumer: AIOKafkaConsumer, topic: Topic, limit: asyncio.Timeout) -> list[Message]:
    """With everything that comes there is time again for the next."""
    partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
    consumer.assign(partitions)
    ends, begin = await consumer.end_offsets(partitions), await consumer.beginning_offsets(partitions)
    found: list[Message] = []
    while any([await consumer.position(partition) < end for partition, end in ends.items()]):
        try:
            taken = await consumer.getmany(timeout_ms=200)
        except Undecodable:
            taken = await read_singly(consumer, begin, FOLDED)
        for partition, records in taken.items():
            begin[partition] = records[-1].offset + 1
            found += [message_of(record) for record in records]
            limit.reschedule(asyncio.get_running_loop().time() + LONGEST_WAIT)
    return [
        message
        for message in found
        if message.position.offset < ends[TopicPartition(topic.name, message.position.partition)]
    ]


async def watch(bootstrap: str, topic: Topic) -> AsyncIterator[list[Message]]:
    """What comes to a topic from now on, batch by batch; the first batch is empty and says that now has begun."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level=COMMITTED, max_partition_fetch_bytes=BATCH_LIMIT
    )
    async with started(consumer, LONGEST_WAIT):
        partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        consumer.assign(partitions)
        for partition, end in (await consumer.end_offsets(partitions)).items():
            consumer.seek(partition, end)
        yield []
        while True:
            found = await consumer.getmany(timeout_ms=200)
            yield [message_of(record) for records in found.values() for record in records]
