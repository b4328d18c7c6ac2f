"""Topics and offsets: made by the operator, looked for by every process that starts.

`auto.create.topics.enable=false` and `auto_offset_reset=none` (architecture section 9): what is missing stops a service
instead of skipping data, so a group's first offset is committed when its topic is made, never by the reader itself.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import CommitFailedError, KafkaError, TopicAlreadyExistsError, for_code
from aiokafka.structs import OffsetAndMetadata

from schemas.message import MESSAGE_LIMIT
from schemas.topics import Topic
from services.runtime.attempts import Note, parse
from services.runtime.errors import Misconfigured
from services.runtime.kafka.errors import started, translated

Groups = Sequence[tuple[str, Topic]]
"""Consumer groups, each with the topic that it reads."""

RETENTION: Final = timedelta(days=40)
BATCH_LIMIT: Final = MESSAGE_LIMIT + 64 * 1024
"""Bytes of a record batch: a record at its limit, and the framing of its headers and of the batch."""
LONGEST_WAIT: Final = 30.0
"""Seconds for each question to the cluster."""


async def apply_topics(bootstrap: str, topics: Sequence[Topic], groups: Groups, replication: int = 1) -> list[str]:
    """Makes the topics that are missing, and lets each group without an offset begin at the beginning of its topic.

    Says what it did; a second time nothing. Never changes a topic that exists: see `diff_topics`."""
    async with _administration(bootstrap) as admin:
        there = await _partitions(admin)
        new = [topic for topic in topics if topic.name not in there]
        if wrong := [line for topic in topics if topic not in new and (line := _wrong(topic, there[topic.name]))]:
            raise Misconfigured("; ".join(wrong))
        await _create(admin, new, replication)
        await _visible(admin, new)
    begun = [await _begin(bootstrap, group, topic) for group, topic in groups]
    return [f"topic {topic} was made" for topic in new] + [line for line in begun if line]


async def diff_topics(bootstrap: str, topics: Sequence[Topic], groups: Groups, replication: int = 1) -> list[str]:
    """What differs from the declaration, in words: all that `missing_topics` says, and other configuration."""
    missing = await missing_topics(bootstrap, topics, groups)
    async with _administration(bootstrap) as admin:
        there = await _partitions(admin)
        found = {topic: await _configuration(admin, topic) for topic in topics if topic.name in there}
    return missing + [
        f"topic {topic} has {name}={have.get(name)}, expected {value}"
        for topic, have in found.items()
        for name, value in configuration(topic, replication).items()
        if have.get(name) != value
    ]


async def missing_topics(bootstrap: str, topics: Sequence[Topic], groups: Groups) -> list[str]:
    """What keeps a service from its work, in words: missing topics, other partition counts, missing offsets."""
    async with _administration(bootstrap) as admin:
        there = await _partitions(admin)
        wrong = [_wrong(topic, there.get(topic.name)) for topic in topics]
        lacking = [await _without_offset(admin, group, topic) for group, topic in groups if topic.name in there]
    return [line for line in (*wrong, *lacking) if line]


async def ends(bootstrap: str, topic: Topic) -> dict[int, int]:
    """The offset that the next record of each partition gets, whatever transaction is open before it."""
    async with _lookup(bootstrap) as consumer:
        found: dict[TopicPartition, int] = await consumer.end_offsets(_all(topic))
    return {partition.partition: offset for partition, offset in found.items()}


async def committed(bootstrap: str, group: str, topic: Topic) -> dict[int, int]:
    """The offset at which the group would begin on each partition; a partition without one is left out."""
    return {partition: offset for partition, (offset, _) in (await notes(bootstrap, group, topic)).items()}


async def notes(bootstrap: str, group: str, topic: Topic) -> dict[int, tuple[int, Note]]:
    """The same with what the group has noted beside each offset."""
    async with _administration(bootstrap) as admin:
        found = await offsets(admin, group, topic)
    return {
        place.partition: (entry.offset, parse(entry.metadata)) for place, entry in found.items() if entry.offset >= 0
    }


async def offsets(admin: AIOKafkaAdminClient, group: str, topic: Topic) -> dict[TopicPartition, OffsetAndMetadata]:
    """What the group has committed on each partition; -1 where there is nothing. Waits while the broker does not know.

    A broker that was killed loads its groups for some seconds. Its answer of then has an error for all and no partitions,
    which aiokafka takes for a group without offsets: a process would stop for them, and `apply_topics` begin anew."""
    wanted = _all(topic)
    while True:
        try:
            found: dict[TopicPartition, OffsetAndMetadata]
            found = await admin.list_consumer_group_offsets(group, partitions=wanted)
            if found.keys() >= {*wanted}:
                return found
        except KafkaError as error:
            if not error.retriable:
                raise
        await asyncio.sleep(0.1)


def configuration(topic: Topic, replication: int) -> dict[str, str]:
    """What is set on a topic, whatever the broker's defaults are."""
    age = {"retention.ms": str(RETENTION // timedelta(milliseconds=1))}
    return {
        **({"cleanup.policy": "compact"} if topic.compacted else {"cleanup.policy": "delete", **age}),
        "compression.type": "uncompressed",  # clients may lack a codec, and would unpack whatever comes
        "max.message.bytes": str(BATCH_LIMIT + topic.room),
        "message.timestamp.type": "LogAppendTime" if topic.append_time else "CreateTime",
        "min.insync.replicas": str(max(1, replication - 1)),
    }


def _wrong(topic: Topic, partitions: int | None) -> str:
    if partitions is None:
        return f"topic {topic} is missing"
    if partitions != topic.partitions:
        return f"topic {topic} has {partitions} partitions, expected {topic.partitions}; they never change in place"
    return ""


async def _create(admin: AIOKafkaAdminClient, topics: Sequence[Topic], replication: int) -> None:
    if not topics:
        return
    wanted = [
        NewTopic(topic.name, topic.partitions, replication, topic_configs=configuration(topic, replication))
        for topic in topics
    ]
    for name, code, text in (await admin.create_topics(wanted)).topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise Misconfigured(f"Kafka does not make topic {name}: {for_code(code).__name__}: {text}")


async def _visible(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> None:
    """The controller has made them; brokers hear of it a moment later."""
    wanted = {topic.name for topic in topics}
    while wanted - (await _partitions(admin)).keys():  # noqa: ASYNC110  # Kafka has no event to wait for
        await asyncio.sleep(0.02)


async def _begin(bootstrap: str, group: str, topic: Topic) -> str:
    async with _administration(bootstrap) as admin:
        missing = await _missing_offsets(admin, group, topic)
    if not missing:
        return ""
    async with _lookup(bootstrap, group) as consumer:
        starts: dict[TopicPartition, int] = await consumer.beginning_offsets(missing)
        if outrun := sorted(partition.partition for partition, start in starts.items() if start):
            raise Misconfigured(
                f"group {group} has no offset on {topic}, and partitions {outrun} have lost records to retention:"
                " where it begins is for the operator to decide"
            )
        consumer.assign(missing)
        try:
            await consumer.commit({partition: OffsetAndMetadata(0, "") for partition in missing})
        except CommitFailedError:
            raise Misconfigured(f"group {group} is at work without an offset: stop its service first") from None
    return f"group {group} begins at the beginning of {topic}"


async def _without_offset(admin: AIOKafkaAdminClient, group: str, topic: Topic) -> str:
    missing = await _missing_offsets(admin, group, topic)
    return f"group {group} has no offset on {len(missing)} partitions of {topic}" if missing else ""


async def _missing_offsets(admin: AIOKafkaAdminClient, group: str, topic: Topic) -> list[TopicPartition]:
    return [place for place, entry in (await offsets(admin, group, topic)).items() if entry.offset < 0]


def _all(topic: Topic) -> list[TopicPartition]:
    return [TopicPartition(topic.name, number) for number in range(topic.partitions)]


async def _partitions(admin: AIOKafkaAdminClient) -> dict[str, int]:
    """Every topic that has a leader, with its partition count."""
    topics: list[dict[str, Any]] = await admin.describe_topics()
    return {topic["topic"]: len(topic["partitions"]) for topic in topics if not topic["error_code"]}


async def _configuration(admin: AIOKafkaAdminClient, topic: Topic) -> dict[str, str]:
    [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name)])
    return {entry[0]: entry[1] for resource in answer.resources for entry in resource[4]}


@asynccontextmanager
async def _administration(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    with translated("Kafka is not reachable"):
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                await admin.start()
                yield admin
        finally:
            await admin.close()


@asynccontextmanager
async def _lookup(bootstrap: str, group: str | None = None) -> AsyncIterator[AIOKafkaConsumer]:
    """A client that may ask for a group's offsets without joining it."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    async with started(consumer, LONGEST_WAIT):
        with translated("Kafka does not answer"):
            async with asyncio.timeout(LONGEST_WAIT):
                yield consumer
