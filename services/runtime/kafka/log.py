"""The log on Apache Kafka: one idempotent producer a process, one consumer a reader."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.partitioner import murmur2

from schemas.message import Message
from schemas.topics import Topic
from services.runtime.attempts import somebody_new
from services.runtime.errors import Misconfigured, TooLarge, Unavailable
from services.runtime.kafka import topics as cluster
from services.runtime.kafka.errors import COMMITTED, start, started, translated
from services.runtime.kafka.reader import GRACE, PATIENCE, SILENCE, KafkaReader, KafkaTable
from services.runtime.log import Reader, TableReader, require_size

SESSION_TIMEOUT_MS: Final = 6_000
"""A member that was killed is missed after so long: the shortest that brokers allow (group.min.session.timeout.ms)."""
HEARTBEAT_MS: Final = 1_000
"""A member hears so late that others have joined or left."""
FETCH_WAIT_MS: Final = 500
"""How long the broker holds an idle reader's request. Longer saves requests; but what comes on a partition that was left out
of it waits until it returns."""
SELDOM_MS: Final = 5_000
"""The same where nothing is expected: a block has a dozen such readers, and each would ask twice a second."""
PATIENT: Final = 1.0
"""Seconds that the next request waits for the records of the last to be taken. aiokafka waits a tenth and then leaves their
partitions out of it: whoever was busy for longer would find what came meanwhile only once others have had something."""
RETRY_MS: Final = 500
"""Between two attempts at a broker that is not there. aiokafka's tenth of a second, times the tasks of a dozen readers, takes
from a broker that starts on the same machine the processor that it needs for it."""
REBALANCE_TIMEOUT_MS: Final = 30_000
"""How long a group waits for a member's batch in flight and its commit before it goes on without it."""


class KafkaLog:
    """The brokers at `bootstrap`: host:port, comma-separated."""

    def __init__(
        self, bootstrap: str, patience: float = PATIENCE, grace: float = GRACE, silence: float = SILENCE
    ) -> None:
        self._bootstrap, self._patience, self._grace, self._silence = bootstrap, patience, grace, silence
        self._who = somebody_new()
        self._producer: Any = None
        self._starting = asyncio.Lock()
        self._leaving: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Waits a moment for what is on its way, and closes the producer."""
        if self._producer is not None:
            self._drop(self._producer)
        if self._leaving:
            _, stuck = await asyncio.wait(self._leaving, timeout=self._patience)
            for task in stuck:
                task.cancel()

    async def require(self, topics: Sequence[Topic], groups: cluster.Groups) -> None:
        if missing := await cluster.missing_topics(self._bootstrap, topics, groups):
            raise Misconfigured(f"{'; '.join(missing)}: `renkei topics apply`")

    @asynccontextmanager
    async def reader(self, group: str, topic: Topic, seldom: bool = False) -> AsyncIterator[Reader]:
        await self.require([topic], [(group, topic)])
        consumer = self._consumer(
            group_id=group, auto_offset_reset="none", fetch_wait_ms=SELDOM_MS if seldom else FETCH_WAIT_MS
        )
        notes = partial(cluster.notes, self._bootstrap, group, topic)
        member = KafkaReader(consumer, topic, self._who, notes, self._patience, self._grace, self._silence)
        async with started(consumer, self._patience):
            consumer._fetcher._prefetch_backoff = PATIENT  # there is no setting for it
            consumer.subscribe([topic.name], listener=member)
            try:
                yield member
            finally:
                member.rest()
            await member.leave()

    @asynccontextmanager
    async def table(self, topic: Topic) -> AsyncIterator[TableReader]:
        await self.require([topic], [])
        consumer = self._consumer(auto_offset_reset="earliest")
        async with started(consumer, self._patience):
            partition = TopicPartition(topic.name, 0)
            consumer.assign([partition])
            with translated(f"cannot read {topic}"):
                end = (await consumer.end_offsets([partition]))[partition]
            yield KafkaTable(consumer, partition, end)

    async def ends(self, topic: Topic) -> dict[int, int]:
        return await cluster.ends(self._bootstrap, topic)

    async def committed(self, group: str, topic: Topic) -> dict[int, int]:
        return await cluster.committed(self._bootstrap, group, topic)

    async def publish(self, records: Sequence[tuple[Topic, Message]]) -> None:
        if not records:
            return
        require_size(records)
        producer = await self._started_producer()
        outcomes = asyncio.gather(*_deliveries(producer, records), return_exceptions=True)
        try:
            with translated("Kafka did not acknowledge"):
                for outcome in await asyncio.wait_for(asyncio.shield(outcomes), self._patience):
                    _raise(outcome)
        except (Unavailable, TooLarge):
            # After a gap in its sequence numbers an idempotent producer never recovers (KIP-360 is not in aiokafka).
            self._drop(producer)
            raise

    async def _started_producer(self) -> Any:
        """One starts it, and the others wait for that as long as for anything: not one after the other."""
        with translated("Kafka is not reachable"):
            async with asyncio.timeout(self._patience):
                await self._starting.acquire()
        try:
            if self._producer is None:
                self._producer = await self._new_producer()
            return self._producer
        finally:
            self._starting.release()

    async def _new_producer(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            enable_idempotence=True,
            acks="all",
            max_batch_size=cluster.BATCH_LIMIT,
            retry_backoff_ms=RETRY_MS,
        )
        try:
            await start(producer, self._patience)
        except Unavailable:
            await producer.stop()
            raise
        return producer

    def _drop(self, producer: AIOKafkaProducer) -> None:
        """It ends by itself, once it has delivered what others are still waiting for."""
        if self._producer is producer:
            self._producer = None
            leaving = asyncio.create_task(producer.stop())
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)

    def _consumer(self, fetch_wait_ms: int = FETCH_WAIT_MS, **settings: Any) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            enable_auto_commit=False,
            isolation_level=COMMITTED,
            max_partition_fetch_bytes=cluster.BATCH_LIMIT,
            fetch_max_wait_ms=fetch_wait_ms,
            session_timeout_ms=SESSION_TIMEOUT_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            rebalance_timeout_ms=REBALANCE_TIMEOUT_MS,
            retry_backoff_ms=RETRY_MS,
            **settings,
        )


@lru_cache(8192)
def partition_of(key: str, topic: Topic) -> int:
    """As the Java client's default: murmur2 of the key, so that every producer agrees."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % topic.partitions)


def _deliveries(producer: AIOKafkaProducer, records: Sequence[tuple[Topic, Message]]) -> list[Any]:
    """One delivery a partition, since order is only kept within one."""
    grouped: dict[tuple[str, int], list[Message]] = defaultdict(list)
    for topic, message in records:
        grouped[topic.name, partition_of(message.key, topic)].append(message)
    return [_deliver(producer, name, partition, messages) for (name, partition), messages in grouped.items()]


async def _deliver(producer: AIOKafkaProducer, topic: str, partition: int, messages: Sequence[Message]) -> None:
    """Batch after batch, each acknowledged before the next."""
    for batch in _batches(producer, messages):
        acknowledged = await producer.send_batch(batch, topic, partition=partition)
        await acknowledged


def _batches(producer: AIOKafkaProducer, messages: Sequence[Message]) -> list[Any]:
    batches = [producer.create_batch()]
    for message in messages:
        if not _appended(batches[-1], message):
            batches.append(producer.create_batch())
            _appended(batches[-1], message)  # the first record of a batch always fits
    return batches


def _appended(batch: Any, message: Message) -> bool:
    headers = list(message.headers.items())
    record = batch.append(key=message.key.encode(), value=message.value, timestamp=None, headers=headers)
    return record is not None


def _raise(outcome: BaseException | None) -> None:
    if isinstance(outcome, MessageSizeTooLargeError):
        raise TooLarge("the broker takes no record of this size: see the topic's max.message.bytes") from outcome
    if isinstance(outcome, AssertionError | asyncio.CancelledError):
        # aiokafka's answers to a partition that it does not find, and to a batch of a producer that ends.
        raise KafkaError(type(outcome).__name__) from outcome
    if outcome is not None:
        raise outcome
