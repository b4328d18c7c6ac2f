"""Records that no reader may stumble over, for any topic: made of real ones, and put on any other topic too."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.structs import ConsumerRecord

from schemas import canonical
from schemas.message import MESSAGE_LIMIT, Message
from schemas.topics import Topic
from services.runtime.kafka.log import partition_of
from services.runtime.kafka.reader import message_of
from services.runtime.kafka.topics import BATCH_LIMIT
from tests.hostile.strange import STRANGE

Headers = tuple[tuple[str, bytes | None], ...]
DEEP: Final = 100_000
KEYS: Final = (
    *(None, b"", b"\0", b"\xff\xfe", b"ZZZZZZ", b"221309,221007", "機関".encode(), "機関".encode("utf-16"), b"beat"),
    *(b"K" * 10_000, b"221309\0", b" 221309", b"221309 ", b"key/221309"),
)
PARTS: Final = (
    *(
        None,
        b"",
        b"\0",
        b"\xff\xfe",
        b"{}",
        b"[]",
        b"null",
        b"1",
        b'""',
        b'{"v":1}',
        b'{"v":1.5,"v":2}',
        b"\xef\xbb\xbf{}",
    ),
    *("機関".encode("shift-jis"), "{}".encode("utf-16"), b"n", b"c" * 200, bytes(64), b"A" * 43, b'{"findings":[{}]}'),
    *(b"[" * DEEP, b'{"a":' * (DEEP // 5), b"[" * 5_000 + b"]" * 5_000, b"9" * 6_000, b" " * 16_385, b"\xed\xa0\x80"),
)
NAMES: Final = (
    "control",
    "subject",
    "sealed",
    "trail",
    "proof",
    "refusal",
    "source",
    "assertion",
    "signature",
    "permit",
)
SOURCES: Final = (
    *(
        "",
        "/",
        "x/y/z",
        "//",
        "outbound.requested/0/0",
        "network.delivered/0/-1",
        "network.delivered/9/999999999999999999",
    ),
    *("a/b/c/d/e", "\0", "0" * 10_000),
)


@dataclass(frozen=True)
class Raw:
    """A record as a client of the broker may write it: nothing, any bytes, any headers, in any order, repeated."""

    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    def read(self, topic: Topic, offset: int) -> Message:
        """As the reader of the topic has it."""
        size = len(self.key or b""), len(self.value or b"")
        record = ConsumerRecord(topic.name, 0, offset, 0, 0, self.key, self.value, None, *size, self.headers)
        return message_of(record)


def raw(message: Message) -> Raw:
    """The same record again."""
    source = {"source": message.source.encode()} if message.source else {}
    return Raw(message.key.encode(), message.value, tuple((dict(message.headers) | source).items()))


def hostile(topic: Topic, real: Mapping[Topic, Sequence[Message]]) -> Iterator[Raw]:
    """All for one topic: what is rough, and every JSON header of its real records with a field wrong."""
    yield from rough(topic, real)
    for own in real.get(topic, ())[:2]:
        for name in ("control", "trail", "proof", "refusal", "permit", "seal", "signature"):
            yield from _fields(raw(own), name)


def rough(topic: Topic, real: Mapping[Topic, Sequence[Message]]) -> Iterator[Raw]:
    """Real records of every topic, and what can be made of its own and of an empty one without reading them."""
    for messages in real.values():
        yield from map(raw, messages)
    yield Raw(None, None)
    yield Raw(b"221309", b"")
    yield Raw(b"221309", b"\0" * (MESSAGE_LIMIT - 1_000))
    yield Raw(b"221309", b"", tuple((f"x{number}", bytes(10)) for number in range(1_000)))
    yield Raw(b"221309", b"", (("control", b"{" * (MESSAGE_LIMIT - 1_000)),))
    yield Raw(b"221309", b"", (("x" * 60_000, b""), ("", b""), ("対象", "対象".encode())))
    for own in real.get(topic, ())[:1]:
        yield from spoilt(raw(own))
    for part in PARTS:
        names = NAMES if len(part or b"") < DEEP else NAMES[:3]
        yield Raw(b"221309", part, tuple((name, part) for name in names))


def spoilt(good: Raw) -> Iterator[Raw]:
    """A real record in every way in which one place of it can be wrong."""
    for key in KEYS:
        yield replace(good, key=key)
    for other in (b"221309", b"221007", b"131130", b"HUB000"):
        yield replace(good, key=other)
    for part in PARTS:
        yield replace(good, value=part)
    for name, _ in good.headers:
        yield replace(good, headers=tuple(entry for entry in good.headers if entry[0] != name))
        yield replace(good, headers=(*good.headers, (name, b"")))
    for name in {*NAMES, *(name for name, _ in good.headers)}:
        for part in PARTS:
            yield _with(good, name, part)
    for source in SOURCES:
        yield _with(good, "source", source.encode())
    yield replace(good, headers=(*good.headers, *((f"x{number}", b"") for number in range(1_000))))
    yield replace(good, value=(good.value or b"").ljust(MESSAGE_LIMIT - 20_000, b"\0"))
    yield replace(good, headers=good.headers[::-1] * 2)
    size = (
        len(good.key or b"") + len(good.value or b"") + sum(len(name) + len(data or b"") for name, data in good.headers)
    )
    for limit in (MESSAGE_LIMIT, BATCH_LIMIT - 1_000):
        for name in ("x", "traceparent"):
            yield _with(good, name, bytes(limit - size - len(name)))


def _fields(good: Raw, name: str) -> Iterator[Raw]:
    """The JSON in a header with each field gone, and holding something else, in canonical spelling where there is one."""
    entries = _object(dict(good.headers).get(name))
    for key in entries:
        yield _with(good, name, _spelt({other: held for other, held in entries.items() if other != key}))
        for value in (*STRANGE, *VALUES.get(key, ())):
            yield _with(good, name, _spelt(entries | {key: value}))


VALUES: Final[Mapping[str, Sequence[Any]]] = {
    "kind": ["inquiry", "response", "notification", "refusal", "receipt"],
    "sender": ["221309", "221007", "131130", "HUB000", "ZZZZZZ"],
    "receiver": ["221309", "221007", "131130", "HUB000", "ZZZZZZ"],
    "officer": ["auto"],
    "created": ["0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"],
    "expires": ["0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"],
    "time": ["0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"],
    "code": ["malformed", "bad_signature", "expired"],
    "in_reply_to": [{"id": "019ab1c2-0000-7000-8000-0000000000aa", "message": "A" * 43}],
    "item": [{"name": "unknown", "layout": 1}, {"name": "income_tax_certificate", "layout": 9999}],
    "id": ["019ab1c2-0000-7000-8000-0000000000aa"],
    "exchange": ["019ab1c2-0000-7000-8000-0000000000aa"],
    "findings": [
        [],
        [{"edition": 1, "layer": "authorization", "outcome": "bad_signature", "rule": "x"}],
        [{"edition": 1, "layer": "authorization", "outcome": "no_such_code", "rule": "x"}],
        [{"edition": 2**53 - 1, "layer": "authorization", "outcome": "allowed", "rule": "x" * 256}] * 40,
    ],
}
"""What the fields may hold, and yet not in this record."""


def _object(data: bytes | None) -> dict[str, Any]:
    try:
        found = canonical.read(data or b"")
    except canonical.Malformed:
        return {}
    return found if isinstance(found, dict) else {}


def _spelt(entries: dict[str, Any]) -> bytes:
    try:
        return canonical.encode(entries)
    except canonical.Malformed:
        return b'{"kind":' + repr(list(entries.values())).encode("utf-8", "replace") + b"}"


def _with(good: Raw, name: str, data: bytes | None) -> Raw:
    return replace(good, headers=(*(entry for entry in good.headers if entry[0] != name), (name, data)))


async def put(bootstrap: str, topic: Topic, records: Sequence[Raw]) -> None:
    """Writes them where their key belongs, as any client would."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", max_batch_size=BATCH_LIMIT, max_request_size=2 * BATCH_LIMIT
    )
    await producer.start()
    try:
        for partition, group in _by_partition(topic, records).items():
            for batch in _batches(producer, group):
                await (await producer.send_batch(batch, topic.name, partition=partition))
    finally:
        await producer.stop()


def _by_partition(topic: Topic, records: Sequence[Raw]) -> dict[int, list[Raw]]:
    groups: dict[int, list[Raw]] = {}
    for record in records:
        key = (record.key or b"").decode("utf-8", "replace")
        groups.setdefault(partition_of(key, topic), []).append(record)
    return groups


def _batches(producer: AIOKafkaProducer, records: Sequence[Raw]) -> list[Any]:
    """Up to the broker's limit each; a record that is alone in its batch always fits."""
    batches = [producer.create_batch()]
    for record in records:
        if not _appended(batches[-1], record):
            batches.append(producer.create_batch())
            _appended(batches[-1], record)
    return batches


def _appended(batch: Any, record: Raw) -> bool:
    headers = list(record.headers)
    return batch.append(key=record.key, value=record.value, timestamp=None, headers=headers) is not None
