"""What holds for Kafka alone: topics and first offsets, brokers that are away, partitions as the Java client's."""

import asyncio
import os
import signal
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.conn import AIOKafkaConnection
from aiokafka.structs import TopicPartition

from schemas.message import MESSAGE_LIMIT, Message
from schemas.topics import Topic
from services.operator.local import kafka as server
from services.operator.local.kafka import Broker, KafkaSettings
from services.runtime.errors import Misconfigured, TooLarge, Unavailable
from services.runtime.kafka import KafkaLog, apply_topics, diff_topics
from services.runtime.kafka.errors import started
from services.runtime.kafka.log import PATIENT, partition_of
from services.runtime.log import Reader
from tests.waiting import halt, until

NOWHERE = "127.0.0.1:1"
"""Nobody listens on tcpmux (RFC 1078)."""


@pytest.fixture
def topic() -> Topic:
    return Topic(f"contract.{uuid.uuid4()}", "A topic of one test.", partitions=3)


@pytest.fixture
async def log(kafka: str) -> AsyncIterator[KafkaLog]:
    opened = KafkaLog(kafka)
    yield opened
    await opened.close()


@pytest.fixture
async def admin(kafka: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await client.start()
    yield client
    await client.close()


async def test_a_topic_may_have_room_for_more(kafka: str, log: KafkaLog) -> None:
    """What is set aside is a record at its limit and what is said of it; it is published, and read."""
    topic = Topic(f"contract.{uuid.uuid4()}", "A topic of one test.", partitions=1, room=128 * 1024)
    await apply_topics(kafka, [topic], [(topic.name, topic)])
    large = Message("131016", bytes(MESSAGE_LIMIT + 100 * 1024), {})
    await log.publish([(topic, large), (topic, Message("131016", b"small", {}))])
    async with log.reader(topic.name, topic) as reader:
        found: list[Message] = []
        while len(found) < 2:
            found += await reader.read(10, 1)
    assert [len(one.value) for one in found] == [len(large.value), 5]


# --- Topics and first offsets


async def test_applying_twice_changes_nothing(kafka: str, topic: Topic) -> None:
    """The first time says what it did, the second time nothing; then nothing differs."""
    groups = [(f"{topic}.one", topic), (f"{topic}.two", topic)]
    assert await diff_topics(kafka, [topic], groups) == [f"topic {topic} is missing"]
    assert await apply_topics(kafka, [topic], groups) == [
        f"topic {topic} was made",
        f"group {topic}.one begins at the beginning of {topic}",
        f"group {topic}.two begins at the beginning of {topic}",
    ]
    assert await apply_topics(kafka, [topic], groups) == []
    assert await diff_topics(kafka, [topic], groups) == []


async def test_applying_never_moves_an_offset(kafka: str, topic: Topic, log: KafkaLog) -> None:
    """A group that has begun stays where it is; a group that comes later begins at the beginning."""
    await apply_topics(kafka, [topic], [("a", topic)])
    await log.publish([(topic, Message("131016", b"x", {}))])
    async with log.reader("a", topic) as member:
        member.done(await until(lambda: member.read(1, 0.2)))
    done = await log.committed("a", topic)
    assert sum(done.values()) == 1
    assert await apply_topics(kafka, [topic], [("a", topic), ("b", topic)]) == [
        f"group b begins at the beginning of {topic}"
    ]
    assert await log.committed("a", topic) == done
    assert await log.committed("b", topic) == {0: 0, 1: 0, 2: 0}


async def test_what_differs_is_said(kafka: str, topic: Topic, admin: AIOKafkaAdminClient) -> None:
    """Other configuration, other partition counts, groups without an offset."""
    await admin.create_topics([NewTopic(topic.name, 2, 1, topic_configs={"retention.ms": "1000"})])
    said = await diff_topics(kafka, [topic], [(topic.name, Topic(topic.name, "", partitions=2))])
    assert said[:2] == [
        f"topic {topic} has 2 partitions, expected 3; they never change in place",
        f"group {topic} has no offset on 2 partitions of {topic}",
    ]
    assert f"topic {topic} has retention.ms=1000, expected 3456000000" in said
    with pytest.raises(Misconfigured, match="2 partitions, expected 3"):
        await apply_topics(kafka, [topic], [])


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        ({}, "cleanup.policy", "delete"),
        ({}, "message.timestamp.type", "CreateTime"),
        ({"compacted": True}, "cleanup.policy", "compact"),
        ({"append_time": True}, "message.timestamp.type", "LogAppendTime"),
    ],
)
async def test_a_topic_is_as_declared(kafka: str, topic: Topic, fields: dict[str, bool], name: str, value: str) -> None:
    """Compaction and append time are the topic's own; a topic that is declared otherwise differs in just that."""
    await apply_topics(kafka, [Topic(topic.name, "", topic.partitions, **fields)], [])
    other = Topic(topic.name, "", topic.partitions, **{key: not wanted for key, wanted in fields.items()})
    assert await diff_topics(kafka, [Topic(topic.name, "", topic.partitions, **fields)], []) == []
    assert any(f"{name}={value}" in line for line in await diff_topics(kafka, [other], [])) == bool(fields)


async def test_a_refused_record_hinders_no_other(
    kafka: str, topic: Topic, log: KafkaLog, admin: AIOKafkaAdminClient
) -> None:
    """A record that the broker finds too large is `TooLarge`, and leaves no gap for those that come after it."""
    await admin.create_topics([NewTopic(topic.name, 3, 1, topic_configs={"max.message.bytes": "1000"})])
    await until(lambda: published(log, topic, b"before"))
    with pytest.raises(TooLarge, match=r"max\.message\.bytes"):
        await log.publish([(topic, Message("131016", bytes(2000), {}))])
    await log.publish([(topic, Message("131016", b"after", {}))])
    assert sum((await log.ends(topic)).values()) == 2


async def test_append_time_is_the_brokers(kafka: str, topic: Topic, log: KafkaLog) -> None:
    """On such a topic the time that a reader sees is given by the broker, whatever the producer says."""
    stamped = Topic(topic.name, "", 1, append_time=True)
    await apply_topics(kafka, [stamped], [(topic.name, stamped)])
    await log.publish([(stamped, Message("131016", b"x", {}, time=1))])
    async with log.reader(topic.name, stamped) as member:
        [found] = await until(lambda: member.read(1, 0.2))
    assert found.time > 1


async def test_a_missing_topic_is_the_operators(log: KafkaLog, topic: Topic) -> None:
    """Reader and table name the topic and the command that makes it."""
    with pytest.raises(Misconfigured, match=rf"topic {topic} is missing.*renkei topics apply"):
        async with log.reader("a", topic):
            pass
    with pytest.raises(Misconfigured, match="is missing"):
        async with log.table(topic):
            pass


async def test_a_missing_offset_is_the_operators(kafka: str, log: KafkaLog, topic: Topic) -> None:
    """A group without a first offset reads nothing, rather than skipping or repeating without being told."""
    await apply_topics(kafka, [topic], [])
    with pytest.raises(Misconfigured, match="group a has no offset on 3 partitions"):
        async with log.reader("a", topic):
            pass


async def test_an_outrun_offset_is_the_operators(
    kafka: str, log: KafkaLog, topic: Topic, admin: AIOKafkaAdminClient
) -> None:
    """Records that retention removed before they were done are lost: the reader stops, and no group begins there."""
    await apply_topics(kafka, [topic], [("a", topic)])
    await log.publish([(topic, Message("131016", b"x", {}))])
    where = TopicPartition(topic.name, partition_of("131016", topic))
    await admin.delete_records({where: RecordsToDelete(before_offset=1)})
    async with log.reader("a", topic) as member:
        with pytest.raises(Misconfigured, match="lost messages"):
            await until(lambda: member.read(1, 0.2))
    with pytest.raises(Misconfigured, match="group b has no offset"):
        await apply_topics(kafka, [topic], [("b", topic)])


async def test_a_group_at_work_is_left_alone(kafka: str, log: KafkaLog, topic: Topic) -> None:
    """A first offset is not committed over the head of a running member."""
    small = Topic(topic.name, "", 3)
    await apply_topics(kafka, [small], [("a", small)])
    other = Topic(f"{topic}.other", "", 1)
    async with log.reader("a", small) as member:
        await until(lambda: assigned(member))
        with pytest.raises(Misconfigured, match="stop its service first"):
            await apply_topics(kafka, [other], [("a", other)])


async def assigned(member: Reader) -> int:
    await member.read(1, 0.1)
    return member.assignments


@pytest.mark.parametrize(
    ("key", "hashed"),
    [("21", -973932308), ("foobar", -790332482), ("a-little-bit-long-string", -985981536), ("abc", 479470107)],
)
def test_partitions_are_chosen_as_by_the_java_client(key: str, hashed: int) -> None:
    """The values of Kafka's own test (UtilsTest.testMurmur2), so that every producer agrees where a key stands."""
    assert partition_of(key, Topic("x", "", 12)) == (hashed & 0x7FFFFFFF) % 12


# --- Brokers that are away


async def test_no_broker_is_unavailable() -> None:
    """Whatever is asked of a log without a broker."""
    log = KafkaLog(NOWHERE, patience=2)
    topic = Topic("x", "")
    with pytest.raises(Unavailable, match="not reachable"):
        await log.publish([(topic, Message("131016", b"x", {}))])
    with pytest.raises(Unavailable, match="not reachable"):
        await log.require([topic], [])
    with pytest.raises(Unavailable, match="not reachable"):
        async with log.reader("a", topic):
            pass
    await log.close()


@pytest.fixture
async def own_broker(installation: Path) -> AsyncIterator[Broker]:
    """One that may be halted: that of all tests, where it runs here."""
    broker = server.start(KafkaSettings(installation, brief=True))
    yield broker
    os.kill(broker.process.pid, signal.SIGCONT)
    await until(lambda: registered(broker.bootstrap))


async def registered(bootstrap: str) -> bool:
    """Its controller gives a broker up that was silent: until it is heard again, it names no broker to anyone.

    A broker that goes on may answer before it has been given up. Making a topic is the controller's, after what was due."""
    try:
        return bool(await apply_topics(bootstrap, [Topic(f"contract.{uuid.uuid4()}", "Made.", partitions=1)], []))
    except (Unavailable, Misconfigured):
        return False


async def test_a_broker_that_comes_back(own_broker: Broker, topic: Topic) -> None:
    """While it does not answer, `publish` and `commit` are `Unavailable`; later the same log and reader go on."""
    broker = own_broker
    await apply_topics(broker.bootstrap, [topic], [("a", topic)])
    log = KafkaLog(broker.bootstrap, patience=1)
    async with log.reader("a", topic) as member:
        await log.publish([(topic, Message("131016", b"before", {}))])
        found: list[Message] = list(await until(lambda: member.read(1, 0.2)))
        halt(broker.process.pid)
        for _ in range(2):  # by the producer that there was, and by none
            with pytest.raises(Unavailable):
                await log.publish([(topic, Message("131016", b"meanwhile", {}))])
        assert await member.read(1, 0.2) == []
        member.done(found)
        with pytest.raises(Unavailable, match="cannot commit"):
            await member.commit()
        os.kill(broker.process.pid, signal.SIGCONT)
        await until(lambda: published(log, topic, b"after"))
        await until(lambda: read(member, found, b"after"))
        member.done(found)
        await until(lambda: committed(log, member, topic))
    assert {one.value for one in found} <= {b"before", b"meanwhile", b"after"}
    await log.close()


async def test_an_idle_reader_notices_that_its_broker_is_gone(own_broker: Broker, topic: Topic) -> None:
    """What has nothing to read and what is not answered look alike in the client; the reader tells them apart, and can end."""
    await apply_topics(own_broker.bootstrap, [topic], [("a", topic)])
    log = KafkaLog(own_broker.bootstrap, patience=1, silence=5)

    async def follow() -> None:
        async with log.reader("a", topic) as member:
            await until(lambda: assigned(member))
            for _ in range(25):
                assert await member.read(1, 0.5) == []  # the broker answers, and has nothing
            halt(own_broker.process.pid)
            await until(lambda: read(member, [], b"nothing"))

    with pytest.raises(Unavailable, match=f"has not answered about {topic}"):
        await follow()
    os.kill(own_broker.process.pid, signal.SIGCONT)
    await log.close()


async def test_what_cannot_end_in_order_is_cut(own_broker: Broker, topic: Topic) -> None:
    """Its broker does not hear that it leaves. Nothing of it goes on fetching or knocking, also once that is there again."""
    await apply_topics(own_broker.bootstrap, [topic], [("a", topic)])
    consumer = AIOKafkaConsumer(topic.name, bootstrap_servers=own_broker.bootstrap, group_id="a")
    async with started(consumer, 10):
        await until(consumer.assignment)
        tasks = [consumer._fetcher._fetch_task, consumer._coordinator._coordination_task]
        halt(own_broker.process.pid)
    assert all(task.done() for task in tasks)
    os.kill(own_broker.process.pid, signal.SIGCONT)
    assert not any(connection.connected() for connection in consumer._client._conns.values())


async def published(log: KafkaLog, topic: Topic, value: bytes) -> bool:
    try:
        await log.publish([(topic, Message("131016", value, {}))])
    except Unavailable:
        return False
    return True


async def read(member: Reader, found: list[Message], value: bytes) -> bool:
    found.extend(await member.read(10, 0.2))
    return any(one.value == value for one in found)


async def committed(log: KafkaLog, member: Reader, topic: Topic) -> bool:
    """All that was published is done, which the member commits once its group has found together again."""
    await member.read(10, 0.1)
    await member.commit()
    return await log.committed("a", topic) == await log.ends(topic)


async def test_the_client_has_what_is_set_without_a_setting(kafka: str) -> None:
    """How long a fetch waits for what was fetched before is an attribute of its own: gone, it would be set in vain."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka)
    async with started(consumer, 15):
        assert 0 < consumer._fetcher._prefetch_backoff < PATIENT


async def test_a_client_that_ends_ends_nobody_else(kafka: str, topic: Topic) -> None:
    """It cancels its attempts at fetching and lets their cancellation out: that is not ours, and its connections close."""
    await apply_topics(kafka, [topic], [])
    client = AIOKafkaConsumer(bootstrap_servers=kafka)

    async def read() -> None:
        async with started(client, 10):
            await client.end_offsets([TopicPartition(topic.name, 0)])
            client._fetcher._pending_tasks.add(asyncio.create_task(asyncio.sleep(3600)))
            assert any(connection.connected() for connection in client._client._conns.values())

    reading = asyncio.create_task(read())
    await asyncio.wait([reading])
    assert not reading.cancelled()
    assert reading.result() is None
    assert not any(connection.connected() for connection in client._client._conns.values())


async def test_a_client_goes_on_after_an_error_that_it_does_not_foresee(kafka: str, topic: Topic) -> None:
    """Its one task that learns where partitions are begins anew; all the rest would wait for it for ever, even to stop."""
    await apply_topics(kafka, [topic], [])
    client = AIOKafkaConsumer(bootstrap_servers=kafka)
    async with started(client, 10):
        inner = client._client
        update, errors = inner._metadata_update, [RuntimeError("the handler is closed")] * 2

        async def failing(*told: Any) -> Any:
            if errors:
                raise errors.pop()
            return await update(*told)

        inner._metadata_update = failing
        assert await asyncio.wait_for(inner.force_metadata_update(), 30)
        assert not errors


async def test_a_reader_goes_on_after_requests_that_fail_as_they_must_not(kafka: str, topic: Topic) -> None:
    """A RuntimeError out of a connection is a lost connection: fetching goes on, and nothing is lost."""
    await apply_topics(kafka, [topic], [("a", topic)])
    log, found, errors = KafkaLog(kafka), list[Message](), [RuntimeError("the handler is closed")] * 3
    async with log.reader("a", topic) as member:
        await until(lambda: assigned(member))
        request = AIOKafkaConnection.send

        def failing(connection: Any, *told: Any, **named: Any) -> Any:
            if errors and type(told[0]).__name__.startswith("Fetch"):
                raise errors.pop()
            return request(connection, *told, **named)

        async def failed() -> bool:
            await read(member, found, b"")
            return not errors

        with patch.object(AIOKafkaConnection, "send", failing):
            await until(failed)
            await log.publish([(topic, Message("131016", b"late", {}))])
            await until(lambda: read(member, found, b"late"))
    await log.close()
