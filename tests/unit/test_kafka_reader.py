"""What a reader does beside a record that does not decode: nothing is lost, and nothing in hand is read twice."""

import asyncio
from collections.abc import Mapping
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

    def last_poll_timestamp(self, _: TopicPartition) -> int | None:
        return None

    def seek(self, _: TopicPartition, offset: int) -> None:
        self.sought.append(offset)


async def nothing() -> Mapping[int, tuple[int, Note]]:
    return {}


def reader(client: Any) -> KafkaReader:
    return KafkaReader(
        client, Topic("entering", "For this test."), "somebody", nothing, patience=0.05, grace=1, silence=2
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
    """A client that finds nothing: because there is nothing, or because nobody answers."""

    places: set[TopicPartition] = field(default_factory=lambda: {PLACE})
    answered: int | None = None

    def assignment(self) -> set[TopicPartition]:
        return self.places

    def last_poll_timestamp(self, _: TopicPartition) -> int | None:
        return self.answered

    async def getmany(self, *_: Any, **__: Any) -> dict[TopicPartition, list[ConsumerRecord]]:
        return {}


async def test_a_broker_that_answers_nothing_is_away() -> None:
    """Also if it has never answered."""
    for answered in (None, 1_000):
        member = reader(Idle(answered=answered))
        for _ in range(3):
            await member.read(10, 0.9)
        with pytest.raises(Unavailable, match="answered nothing about entering for 3 s"):
            await member.read(10, 0.9)


async def test_a_broker_that_has_nothing_is_there() -> None:
    client = Idle(answered=1_000)
    member = reader(client)
    for answered in (
        1_000,
        1_000,
        1_500,
        1_500,
        2_000,
        2_000,
        1_400,
        1_400,
    ):  # a clock that is set back is an answer too
        client.answered = answered
        assert await member.read(10, 0.9) == []


async def test_who_has_no_partition_waits_for_one() -> None:
    """It asks for nothing, so it is not answered."""
    member = reader(Idle(places=set()))
    for _ in range(9):
        assert await member.read(10, 0.9) == []
