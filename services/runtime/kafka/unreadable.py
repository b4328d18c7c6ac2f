"""Records that the client cannot decode: aiokafka's parser fails at a header name that is not UTF-8, again at every start.

Kafka takes names of any bytes, so whoever may write to a topic could end its readers for good. Such a record, and what
its producer put behind it into the same batch, is read as one without key, value and headers, which every step refuses.
"""

from collections.abc import Mapping
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import ConsumerRecord

Undecodable: Final = UnicodeDecodeError
Records = dict[TopicPartition, list[ConsumerRecord]]
POLL_MS: Final = 100


async def read_singly(consumer: AIOKafkaConsumer, starts: Mapping[TopicPartition, int], limit: int) -> Records:
    """Up to `limit` records from `starts`, at most to the first that does not decode, which is there as an empty one.

    Begins where reading stood before it failed: what the failed attempt had taken, and not given, is taken again."""
    _seek(consumer, starts)
    try:
        return await _read(consumer, starts, limit)
    except BaseException:
        _seek(consumer, starts)
        raise


async def _read(consumer: AIOKafkaConsumer, starts: Mapping[TopicPartition, int], limit: int) -> Records:
    found: Records = {}
    ends = await consumer.end_offsets(list(starts))
    for partition in starts:
        while (place := await consumer.position(partition)) < ends[partition] and limit:
            try:
                records = (await consumer.getmany(partition, timeout_ms=POLL_MS, max_records=1)).get(partition, [])
            except Undecodable:
                consumer.seek(partition, place + 1)
                structlog.get_logger().warning(
                    "unreadable record", where=f"{partition.topic}/{partition.partition}/{place}"
                )
                found.setdefault(partition, []).append(_empty(partition, place))
                return found
            if records:
                found.setdefault(partition, []).extend(records)
                limit -= 1
    return found


def _seek(consumer: AIOKafkaConsumer, starts: Mapping[TopicPartition, int]) -> None:
    for partition in consumer.assignment() & starts.keys():
        consumer.seek(partition, starts[partition])


def _empty(partition: TopicPartition, offset: int) -> ConsumerRecord:
    return ConsumerRecord(partition.topic, partition.partition, offset, 0, 0, None, None, None, -1, -1, ())
