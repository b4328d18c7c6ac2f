"""Topics to which others write in transactions.

What is aborted is never read, and a marker is neither left to do nor a loss.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from schemas.message import Message
from schemas.topics import Topic
from services.runtime.kafka import KafkaLog, apply_topics
from services.runtime.kafka.lags import lags, tail
from services.runtime.kafka.scan import scan
from tests.waiting import until

SECONDS = 10.0


async def made(kafka: str) -> Topic:
    """A topic of one partition with a group of its name."""
    topic = Topic(f"contract.{uuid.uuid4()}", "", partitions=1)
    await apply_topics(kafka, [topic], [(topic.name, topic)])
    return topic


@asynccontextmanager
async def foreign(kafka: str) -> AsyncIterator[AIOKafkaProducer]:
    """Somebody else's transactional producer."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=str(uuid.uuid4()))
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def post(kafka: str, topic: Topic, value: bytes, *, commits: bool) -> None:
    async with foreign(kafka) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topic.name, value, key=b"131016")
        await (producer.commit_transaction() if commits else producer.abort_transaction())


async def values(log: KafkaLog, topic: Topic, offset: int) -> list[bytes]:
    """What a member reads and does until its group stands at `offset`."""
    found: list[bytes] = []
    async with asyncio.timeout(60), log.reader(topic.name, topic) as reader:
        while (await log.committed(topic.name, topic))[0] < offset:
            messages = await reader.read(10, 0.5)
            if reader.assignments:
                await reader.begin()
            found += [message.value for message in messages]
            reader.done(messages)
            await reader.commit()
    return found


async def test_what_a_transaction_took_back_is_never_read(kafka: str) -> None:
    """By a member, a table, a scan and a tail alike; what is committed after it is read."""
    topic, log = await made(kafka), KafkaLog(kafka)
    await post(kafka, topic, b"aborted", commits=False)
    await post(kafka, topic, b"committed", commits=True)

    async def marked() -> bool:
        """The coordinator writes the marker after it has answered: until then nothing behind it can be read."""
        return [one.value for one in await scan(kafka, topic)] == [b"committed"]

    await until(marked)
    assert [one.value for one in await tail(kafka, topic, 10, SECONDS)] == [b"committed"]
    assert await values(log, topic, 4) == [b"committed"]
    async with asyncio.timeout(60), log.table(topic) as table:
        folded: list[Message] = []
        while not table.caught_up():
            folded += await table.read(0.5)
    assert [one.value for one in folded] == [b"committed"]
    await log.close()


async def test_a_group_passes_a_marker_and_retention_loses_nothing(kafka: str) -> None:
    """Behind a commit marker the group stands at the end, as a shortcut needs it; once the marker is deleted it reads on."""
    topic, log = await made(kafka), KafkaLog(kafka)
    await post(kafka, topic, b"one", commits=True)
    assert await values(log, topic, 2) == [b"one"]
    assert await log.committed(topic.name, topic) == await log.ends(topic) == {0: 2}
    await deleted(kafka, topic, 2)
    await log.publish([(topic, Message("131016", b"two", {}))])
    assert await values(log, topic, 3) == [b"two"]
    [found] = await lags(kafka, [(topic.name, topic)], SECONDS)
    assert (found.left, found.outrun, found.held) == (0, 0, ())
    await log.close()


async def test_a_marker_and_what_was_taken_back_are_not_left_to_do(kafka: str) -> None:
    """A group that has not read yet has nothing left where there is no record, and one record where there is one."""
    topic = await made(kafka)
    await post(kafka, topic, b"aborted", commits=False)
    [none] = await lags(kafka, [(topic.name, topic)], SECONDS)
    assert (none.left, none.oldest, none.outrun) == (0, None, 0)
    log = KafkaLog(kafka)
    await log.publish([(topic, Message("131016", b"one", {}))])
    await log.close()
    [one] = await lags(kafka, [(topic.name, topic)], SECONDS)
    assert one.left == 1
    assert one.oldest is not None


async def test_an_open_transaction_is_named_and_holds_the_end(kafka: str) -> None:
    """What comes behind it is not read, its partition is told, and no shortcut overtakes: the log's end lies behind it."""
    topic, log = await made(kafka), KafkaLog(kafka)
    async with foreign(kafka) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topic.name, b"open", key=b"131016")
        await log.publish([(topic, Message("131016", b"behind", {}))])
        [held] = await lags(kafka, [(topic.name, topic)], SECONDS)
        assert (held.left, held.held) == (0, (0,))
        assert await log.ends(topic) == {0: 2}
        assert await scan(kafka, topic) == []
        await producer.commit_transaction()
    assert await values(log, topic, 3) == [b"open", b"behind"]
    await log.close()


async def deleted(kafka: str, topic: Topic, before: int) -> None:
    """As retention does."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.delete_records({TopicPartition(topic.name, 0): RecordsToDelete(before_offset=before)})
    await admin.close()
