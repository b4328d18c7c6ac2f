"""What groups have left to do, as Kafka says it."""

import uuid

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import OffsetAndMetadata

from schemas.message import Message
from schemas.topics import Topic
from services.runtime.kafka import KafkaLog, apply_topics
from services.runtime.kafka.lags import Lag, lags, tail
from services.runtime.kafka.scan import scan

SECONDS = 10.0


async def test_what_is_left_and_since_when(kafka: str) -> None:
    """Of two groups on one topic each has its own; one that has never begun, and a topic that is missing, are told."""
    topic = Topic(f"contract.{uuid.uuid4()}", "", partitions=3)
    ahead, behind, never = f"{topic}.ahead", f"{topic}.behind", f"{topic}.never"
    missing = Topic(f"contract.{uuid.uuid4()}", "", partitions=2)
    await apply_topics(kafka, [topic], [(ahead, topic), (behind, topic)])
    groups = [(ahead, topic), (behind, topic), (never, topic), ("nobody", missing)]
    assert await lags(kafka, groups, SECONDS) == [
        Lag(ahead, topic.name, 0, None, 0, 0),
        Lag(behind, topic.name, 0, None, 0, 0),
        Lag(never, topic.name, 0, None, 3, 0),
        Lag("nobody", missing.name, 0, None, 2, 0),
    ]
    await published(kafka, topic, 20)
    records = sorted(await scan(kafka, topic), key=lambda record: record.position)
    first = records[0].position.partition
    mine = [record for record in records if record.position.partition == first]
    await commit(kafka, ahead, topic, first, len(mine) - 1)
    others = [record.time for record in records if record.position.partition != first]
    found = await lags(kafka, groups, SECONDS)
    assert found[0] == Lag(ahead, topic.name, 21 - len(mine), min([*others, mine[-1].time]), 0, 0)
    assert found[1] == Lag(behind, topic.name, 20, min(record.time for record in records), 0, 0)


async def test_offsets_that_retention_outran_are_told(kafka: str) -> None:
    """What is deleted is not left to do; the partition is counted."""
    topic = Topic(f"contract.{uuid.uuid4()}", "", partitions=1)
    await apply_topics(kafka, [topic], [(f"{topic}.g", topic)])
    await published(kafka, topic, 10)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.delete_records({TopicPartition(topic.name, 0): RecordsToDelete(before_offset=4)})
    await admin.close()
    [found] = await lags(kafka, [(f"{topic}.g", topic)], SECONDS)
    assert (found.left, found.missing, found.outrun) == (6, 0, 1)


async def test_the_tail_of_a_topic(kafka: str) -> None:
    """The last records of a topic of one partition; of a shorter one all."""
    topic = Topic(f"contract.{uuid.uuid4()}", "", partitions=1)
    await apply_topics(kafka, [topic], [])
    assert await tail(kafka, topic, 5, SECONDS) == []
    await published(kafka, topic, 10)
    assert [record.position.offset for record in await tail(kafka, topic, 3, SECONDS)] == [7, 8, 9]
    assert len(await tail(kafka, topic, 50, SECONDS)) == 10


async def published(kafka: str, topic: Topic, count: int) -> None:
    log = KafkaLog(kafka)
    for number in range(count):
        await log.publish([(topic, Message(f"key{number}", b"x", {}))])
    await log.close()


async def commit(kafka: str, group: str, topic: Topic, partition: int, offset: int) -> None:
    """As a member that has left would have."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=group, enable_auto_commit=False)
    await consumer.start()
    place = TopicPartition(topic.name, partition)
    consumer.assign([place])
    await consumer.commit({place: OffsetAndMetadata(offset, "")})
    await consumer.stop()
