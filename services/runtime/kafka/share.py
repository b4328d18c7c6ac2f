"""One batch from all partitions of a member, of each its share.

aiokafka empties one partition before it turns to the next, so that one agency's backlog would fill batch after batch.
"""

from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import ConsumerRecord

Records = dict[TopicPartition, list[ConsumerRecord]]


async def read_shares(consumer: AIOKafkaConsumer, limit: int, wait: float) -> Records:
    """Up to `limit` records, each partition in order; what one leaves of its share goes to those that have more.

    As a rule all that has arrived is less than one share, and is taken at once. Once there are records aiokafka does not
    wait again, so that neither a deadline nor a rebalance comes between one partition's share and the next."""
    share = max(1, limit // max(1, len(consumer.assignment())))
    found: Records = await consumer.getmany(timeout_ms=int(wait * 1000), max_records=share)
    if count(found) == share:
        crowded = list(consumer.assignment())
        while crowded and count(found) < limit:
            crowded = await _round(consumer, crowded, limit, found)
    return found


async def _round(
    consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition], limit: int, found: Records
) -> list[TopicPartition]:
    """Takes from all of these alike what makes up `limit`, and returns those that may have more."""
    share, crowded = max(1, (limit - count(found)) // len(partitions)), []
    for partition in partitions:
        if left := limit - count(found):
            records = (await consumer.getmany(partition, max_records=min(share, left))).get(partition, [])
            if records:
                found.setdefault(partition, []).extend(records)
            if len(records) == share:
                crowded.append(partition)
    return crowded


def count(found: Records) -> int:
    """How many records these are."""
    return sum(map(len, found.values()))
