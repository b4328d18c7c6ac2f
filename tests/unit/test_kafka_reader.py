"""What a reader does beside a record that does not decode: nothing is lost, and nothing in hand is read twice."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.structs import ConsumerRecord

from schemas.topics import Topic
from services.runtime.attempts import Note
from services.runtime.errors import Unavailable
from services.runtime.kafka.reader import KafkaReader

PLACE = TopicPartition("entering", 0)


def record(offset: int) -> ConsumerRecord:
    return ConsumerRecord(PLACE.topic, PLACE.partition, offset, 0, 0, b"131016", b"", None, 0, 0, ())


@dataclass
class Client:
    """Has records 5 and 6, and then what does not decode; its coordinator is silent."""

    given: list[list[ConsumerRecord]]
    sought: list[int] = field(default_factory=list)

    def assignment(self) -> set[TopicPartition]:
        return {PLACE}

    async def getmany(self, *_: Any, **__: Any) -> dict[TopicPartition, list[ConsumerRecord]]:
        if self.given:
            return {PLACE: self.given.pop()}
        raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "a header name")

    async def committed(self, _: TopicPartition) -> int:
        await asyncio.Event().wait()
        raise AssertionError

    async def end_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 7)

    async def position(self, _: TopicPartition) -> int:
        return self.sought[-1]

    def seek(self, _: TopicPartition, offset: int) -> None:
        self.sought.append(offset)


async def nothing() -> Mapping[int, tuple[int, Note]]:
    return {}


def reader(client: Any) -> KafkaReader:
    return KafkaReader(
        client, Topic("entering", "For this test."), "somebody", nothing, patience=0.05, grace=1, silence=5
    )


async def test_a_silent_coordinator_is_no_empty_answer() -> None:
    """Where reading stood cannot be learnt: what the client has dropped is read again by whoever joins anew."""
    with pytest.raises(Unavailable):
        await reader(Client([])).read(10, 0)


async def test_what_is_in_hand_is_not_read_again() -> None:
    """It goes on behind what was read, not behind what is done."""
    client = Client([[record(5), record(6)]])
    member = reader(client)
    assert [one.position.offset for one in await member.read(10, 0)] == [5, 6]
    assert await member.read(10, 0, more=True) == []
    assert client.sought == [7]


async def test_what_is_given_up_is_read_again() -> None:
    """After a rewind it goes on behind what is done."""
    client = Client([[record(5), record(6)]])
    member = reader(client)
    await member.read(10, 0)
    member.rewind()
    client.sought.clear()
    assert [one.position.offset for one in await member.read(10, 0)] == [5]
    assert client.sought[0] == 5


# --- a broker that says nothing


@dataclass
class Idle:
    """A client that finds nothing, a second each time: because there is nothing, or because nobody answers for a partition."""

    answers: dict[TopicPartition, int | None]
    alive: frozenset[TopicPartition] = frozenset()
    now: float = 0

    def assignment(self) -> set[TopicPartition]:
        return set(self.answers)

    def last_poll_timestamp(self, partition: TopicPartition) -> int | None:
        return self.answers[partition]

    async def getmany(self, *_: Any, **__: Any) -> dict[TopicPartition, list[ConsumerRecord]]:
        self.now += 1
        for partition in self.alive:
            self.answers[partition] = (self.answers[partition] or 0) + 1
        return {}

    def monotonic(self) -> float:
        return self.now


OTHER = TopicPartition("entering", 1)


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Idle, KafkaReader]]:
    def made(answers: dict[TopicPartition, int | None], *alive: TopicPartition) -> tuple[Idle, KafkaReader]:
        client = Idle(answers, frozenset(alive))
        monkeypatch.setattr("services.runtime.kafka.reader.time", client)
        return client, reader(client)

    return made


async def read(member: KafkaReader, times: int) -> None:
    for _ in range(times):
        assert await member.read(10, 0) == []


@pytest.mark.parametrize("answered", [None, 1_000])
async def test_a_broker_that_does_not_answer_is_away(idle: Any, answered: int | None) -> None:
    """Also if it has never answered, and if only one of several does not."""
    client, member = idle({PLACE: answered, OTHER: 7}, OTHER)
    with pytest.raises(Unavailable, match="has not answered about entering for 5 s"):
        await read(member, 1_000)
    assert client.now == 10  # one look to compare with


async def test_a_broker_that_has_nothing_is_there(idle: Any) -> None:
    _, member = idle({PLACE: None, OTHER: 7}, PLACE, OTHER)
    await read(member, 100)


async def test_who_has_no_partition_waits_for_one(idle: Any) -> None:
    """It asks for nothing, so it is not answered."""
    _, member = idle({})
    await read(member, 100)


async def test_a_new_assignment_is_given_time(idle: Any) -> None:
    """What was not answered before it was taken away says nothing about afterwards."""
    _, member = idle({PLACE: None})
    for _ in range(9):
        await read(member, 9)
        await member.on_partitions_assigned([PLACE])
