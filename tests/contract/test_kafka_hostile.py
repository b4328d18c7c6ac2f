"""What a client may write to Kafka, and ours cannot read: it passes every reader, and nothing around it is lost."""

import gzip
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from schemas.message import Message
from schemas.topics import Topic
from services.runtime.kafka import KafkaLog, apply_topics
from services.runtime.kafka.scan import scan
from services.runtime.log import Reader, TableReader
from tests.waiting import until

GZIP, ZSTD = 1, 4
"""Attributes bits 0 to 2 of a record batch (Kafka's message format)."""


class NotUtf8(str):
    """The name of a header as no text has it."""

    def encode(self, *_: str) -> bytes:
        return b"\xff\xfe"


BAD: Final = NotUtf8("bad")
Names = Sequence[str]


@pytest.fixture
def topic() -> Topic:
    return Topic(f"contract.hostile.{uuid.uuid4()}", "A topic of one test.", partitions=1)


@pytest.fixture
async def log(kafka: str, topic: Topic) -> AsyncIterator[KafkaLog]:
    await apply_topics(kafka, [topic], [("group", topic)])
    opened = KafkaLog(kafka)
    yield opened
    await opened.close()


@pytest.fixture
async def producer(kafka: str) -> AsyncIterator[AIOKafkaProducer]:
    """As anybody's: neither idempotent nor ours."""
    client = AIOKafkaProducer(bootstrap_servers=kafka, acks="all")
    await client.start()
    yield client
    await client.stop()


async def put(producer: AIOKafkaProducer, topic: Topic, names: Names, first: int = 0) -> None:
    """One batch of records, each with one header of that name; their values number them."""
    builder = _Plain()
    for place, name in enumerate(names):
        builder.append(place, 0, b"221309", str(first + place).encode(), [(name, b"x")])
    await _send(producer, topic, builder)


class _Plain(_DefaultRecordBatchBuilderPy):  # type: ignore[misc]  # aiokafka is untyped
    """The builder in Python, which takes whatever encodes to bytes for a name."""

    def __init__(self) -> None:
        super().__init__(2, 0, 0, -1, -1, 0, 1 << 26)

    @property
    def records(self) -> int:
        return int(self._num_records)


async def _send(producer: AIOKafkaProducer, topic: Topic, builder: Any) -> None:
    batch = producer.create_batch()
    batch._builder, batch._relative_offset = builder, builder.records
    await (await producer.send_batch(batch, topic.name, partition=0))


async def read(reader: Reader, count: int) -> list[Message]:
    found: list[Message] = []

    async def enough() -> bool:
        batch = await reader.read(500, 0.2)
        reader.done(batch)
        found.extend(batch)
        return len(found) >= count

    await until(enough)
    return found


def values(messages: Sequence[Message]) -> list[bytes]:
    return [message.value for message in messages]


BATCHES: Final[Sequence[tuple[Sequence[Names], Sequence[bytes]]]] = [
    ([["a"], [BAD], ["b"]], [b"0", b"", b"2"]),
    ([[BAD], ["a"]], [b"", b"1"]),
    ([["a", "b", BAD], ["c"]], [b"0", b"1", b"", b"3"]),
    ([["a"], ["b", BAD, "lost"], ["c"]], [b"0", b"1", b"", b"", b"4"]),
    ([[BAD], [BAD], ["a"], [BAD]], [b"", b"", b"2", b""]),
]
"""Batches by their headers' names, and the values that are read: behind a bad name the rest of its batch is empty too."""


@pytest.mark.parametrize(("batches", "expected"), BATCHES)
async def test_a_header_name_that_is_no_text_passes(
    log: KafkaLog, producer: AIOKafkaProducer, topic: Topic, kafka: str, batches: Sequence[Names], expected: list[bytes]
) -> None:
    """Readers, tables and scans get an empty record in its place, every other as it is, once and in order; and commit."""
    first = 0
    for names in batches:
        await put(producer, topic, names, first)
        first += len(names)
    async with log.reader("group", topic) as reader:
        found = await read(reader, first)
        assert values(found) == expected
        assert [message.position.offset for message in found] == list(range(first))
        assert all((message.key, message.headers) == ("", {}) for message in found if not message.value)
        await reader.commit()
    assert await log.committed("group", topic) == {0: first}
    assert values(await scan(kafka, topic)) == expected
    async with log.table(topic) as table:
        assert values(await folded(table, first)) == expected


async def test_what_was_done_before_is_not_read_again(log: KafkaLog, producer: AIOKafkaProducer, topic: Topic) -> None:
    """A bad name that comes later sends the reader back to what it has done, no further."""
    async with log.reader("group", topic) as reader:
        await put(producer, topic, ["a", "b"])
        assert values(await read(reader, 2)) == [b"0", b"1"]
        await put(producer, topic, ["c", BAD], 2)
        assert values(await read(reader, 2)) == [b"2", b""]
        await put(producer, topic, ["d"], 4)
        assert values(await read(reader, 1)) == [b"4"]


async def folded(table: TableReader, count: int) -> list[Message]:
    found: list[Message] = []

    async def enough() -> bool:
        found.extend(await table.read(0.2))
        return len(found) >= count

    await until(enough)
    assert table.caught_up()
    return found


async def test_compression_is_undone_by_the_broker(log: KafkaLog, producer: AIOKafkaProducer, topic: Topic) -> None:
    """A producer may use any codec; ours would need a library for each, and would unpack whatever comes."""
    plain = _Plain()
    plain.append(0, 0, b"221309", b"packed", [])
    await _send(producer, topic, _Packed(plain, ZSTD, _zstd))
    async with log.reader("group", topic) as reader:
        assert values(await read(reader, 1)) == [b"packed"]


async def test_a_bomb_is_refused_to_its_producer(log: KafkaLog, producer: AIOKafkaProducer, topic: Topic) -> None:
    """What is small and unpacks to more than a record may have never stands in the log."""
    plain = _Plain()
    plain.append(0, 0, b"221309", bytes(1 << 24), [])
    with pytest.raises(KafkaError):
        await _send(producer, topic, _Packed(plain, GZIP, gzip.compress))
    assert await log.ends(topic) == {0: 0}


class _Packed:
    """A batch whose records are packed by `pack`, whether or not this client could."""

    def __init__(self, plain: Any, codec: int, pack: Any) -> None:
        self._plain, self._codec, self._pack = plain, codec, pack

    def build(self) -> bytearray:
        head = self._plain.HEADER_STRUCT.size
        self._plain._buffer[head:] = self._pack(bytes(self._plain._buffer[head:]))
        self._plain._compression_type = self._codec
        self._plain._write_header()
        return bytearray(self._plain._buffer)

    def size(self) -> int:
        return int(self._plain.size())

    @property
    def records(self) -> int:
        return int(self._plain.records)


def _zstd(data: bytes) -> bytes:
    """One raw block in a single segment (RFC 8878): nothing is compressed, but only zstd can read it."""
    assert len(data) < 256
    return b"\x28\xb5\x2f\xfd\x20" + bytes([len(data)]) + (len(data) << 3 | 1).to_bytes(3, "little") + data
