"""Topics inside a block are skipped where their readers run; what a record claims about itself from outside is ignored."""

from collections.abc import Sequence
from typing import Any

import pytest

from schemas.message import Drop, Emit, Message, Outcome, Position
from schemas.topics import Topic
from services.runtime.chain import Chain, Stage
from services.runtime.errors import Unfinished
from services.runtime.metrics import Metrics
from services.runtime.process import chain_of, nothing
from services.runtime.service import Block, Service, Step, skipped, within_block

ENTERING, INSIDE, NEXT, LEAVING = (Topic(name, "") for name in ("entering", "inside", "next", "leaving"))


def passing(*onward: Topic, seen: list[Message] | None = None) -> Step:
    """A step that carries everything to these topics."""

    async def step(messages: Sequence[Message], _: Any) -> list[Outcome]:
        if seen is not None:
            seen.extend(messages)
        return [message.carried(topic) for message in messages for topic in onward]

    return step


def service(name: str, reads: dict[Topic, Step], *writes: Topic, block: Block = "linkage") -> Service:
    return Service(name, block, nothing, reads=reads, writes=writes)


def chained(services: Sequence[Service], running: Sequence[Service] | None = None) -> tuple[Chain, dict[Topic, Stage]]:
    """The chain of a process that runs these, and its stages by topic."""
    here = services if running is None else running
    stages = [Stage(one, topic, step, None) for one in here for topic, step in one.reads.items()]
    return chain_of(stages, here, services, Metrics()), {stage.topic: stage for stage in stages}


def message(number: int, key: str = "131016", **headers: bytes) -> Message:
    return Message(key, b"%d" % number, headers, Position(ENTERING.name, 0, number))


@pytest.fixture
def seen() -> list[Message]:
    return []


@pytest.fixture
def services(seen: list[Message]) -> list[Service]:
    """One block of two layers: what enters is passed on inside, and then leaves."""
    return [
        service("first", {ENTERING: passing(INSIDE)}, INSIDE),
        service("second", {INSIDE: passing(LEAVING, seen=seen)}, LEAVING),
    ]


# --- Which topics are skipped


def test_a_topic_is_inside_when_all_around_it_is(services: list[Service]) -> None:
    """Written and read, by services of one block: what enters or leaves the block is not, nor what nobody reads."""
    outside = service("hub", {LEAVING: passing()}, ENTERING, block="outside")
    assert [within_block(topic, services) for topic in (ENTERING, INSIDE, LEAVING)] == [False, True, False]
    assert not within_block(LEAVING, [*services, outside])
    assert not within_block(ENTERING, [*services, outside])
    assert not within_block(INSIDE, [*services, service("spy", {INSIDE: passing()}, block="intermediate")])
    assert not within_block(INSIDE, [*services, service("other", {}, INSIDE, block="outside")])


def test_outside_of_the_blocks_nothing_is_inside() -> None:
    """Two services that belong to neither block share no block."""
    around = [service("a", {ENTERING: passing(INSIDE)}, INSIDE, block="outside")]
    assert not within_block(INSIDE, [*around, service("b", {INSIDE: passing()}, block="outside")])


def test_a_topic_is_skipped_where_all_its_readers_run(services: list[Service]) -> None:
    """In a process of the whole block; not where one reader runs elsewhere."""
    first, second = services
    third = service("third", {INSIDE: passing()})
    assert skipped(INSIDE, [first, second], services)
    assert not skipped(INSIDE, [first], services)
    assert skipped(INSIDE, [second], services)  # though nobody here writes it
    assert not skipped(INSIDE, [first, second], [*services, third])
    assert not skipped(LEAVING, services, services)


def test_what_lies_behind_a_stage(services: list[Service]) -> None:
    """The topics that its batches may skip, the nearest first; a circle of services ends."""
    back = service("back", {NEXT: passing(INSIDE)}, INSIDE)
    around = [services[0], service("second", {INSIDE: passing(NEXT, LEAVING)}, NEXT, LEAVING), back]
    chain, stages = chained(around)
    assert chain.onward(stages[ENTERING]) == [INSIDE, NEXT]
    assert chain.onward(stages[NEXT]) == [INSIDE, NEXT]


# --- What becomes of a batch


async def test_a_skipped_topic_is_handed_on(services: list[Service], seen: list[Message]) -> None:
    """Its readers get the batch at once; only what they emit is published, in order."""
    chain, stages = chained(services)
    published = await chain.run(stages[ENTERING], [message(number) for number in range(3)], {INSIDE})
    assert [(topic, one.value) for topic, one in published] == [(LEAVING, b"0"), (LEAVING, b"1"), (LEAVING, b"2")]
    assert len({one.position for one in seen}) == 3


async def test_any_other_topic_is_published(services: list[Service], seen: list[Message]) -> None:
    """Also one that may be skipped, as long as something of it is left in the log."""
    chain, stages = chained(services)
    published = await chain.run(stages[ENTERING], [message(0)], set())
    assert [topic for topic, _ in published] == [INSIDE]
    assert seen == []


async def test_every_reader_of_a_skipped_topic_gets_it(services: list[Service], seen: list[Message]) -> None:
    """As from the log."""
    chain, stages = chained([*services, service("third", {INSIDE: passing(seen=seen)})])
    with pytest.raises(Unfinished):  # the third ends everything without a word
        await chain.run(stages[ENTERING], [message(0)], {INSIDE})
    assert len(seen) == 2


async def test_batches_may_grow_and_shrink(services: list[Service]) -> None:
    """One message may lead to several, to several topics, or to none."""

    async def split(messages: Sequence[Message], _: Any) -> list[Outcome]:
        even = [one for one in messages if int(one.value) % 2 == 0]
        odd = [one for one in messages if int(one.value) % 2]
        return [
            *(one.carried(topic) for one in even for topic in (INSIDE, INSIDE, LEAVING)),
            *(Drop(one.position, "odd") for one in odd),
        ]

    around = [service("first", {ENTERING: split}, INSIDE, LEAVING), services[1]]
    chain, stages = chained(around)
    published = await chain.run(stages[ENTERING], [message(number) for number in range(3)], {INSIDE})
    assert [one.value for _, one in published] == [b"0", b"0", b"2", b"2", b"0", b"2"]
    assert (
        chain.metrics.registry.get_sample_value("renkei_messages_dropped_total", {"service": "first", "reason": "odd"})
        == 1
    )


async def test_a_message_without_an_outcome_is_a_bug() -> None:
    """The step's, and the error says how many there are; a drop is an outcome."""

    async def forgets(messages: Sequence[Message], _: Any) -> list[Outcome]:
        return [messages[0].carried(LEAVING), Drop(messages[1].position, "known")]

    chain, stages = chained([service("first", {ENTERING: forgets}, LEAVING)])
    with pytest.raises(Unfinished, match="first left 1 of 3 messages without an outcome"):
        await chain.run(stages[ENTERING], [message(number) for number in range(3)], set())


# --- Where a message entered the block


async def test_the_source_is_where_it_entered(services: list[Service], seen: list[Message]) -> None:
    """Stamped at the entrance, the same whether the topic inside was skipped or not; steps never see the header."""
    chain, stages = chained(services)
    await chain.run(stages[ENTERING], [message(7)], {INSIDE})
    [(_, inside)] = await chain.run(stages[ENTERING], [message(7)], set())
    assert inside.headers["source"] == b"entering/0/7"
    stored = Message(inside.key, inside.value, inside.headers, Position(INSIDE.name, 3, 99))
    await chain.run(stages[INSIDE], [stored], set())
    assert [(one.source, dict(one.headers)) for one in seen] == [("entering/0/7", {})] * 2


async def test_a_claimed_source_is_ignored(services: list[Service], seen: list[Message]) -> None:
    """Whoever writes to a topic at the entrance cannot choose what it is taken for."""
    chain, stages = chained(services)
    await chain.run(stages[ENTERING], [message(7, source=b"entering/0/1")], {INSIDE})
    assert [(one.source, dict(one.headers)) for one in seen] == [("entering/0/7", {})]


async def test_nothing_of_it_leaves_the_block(services: list[Service]) -> None:
    """What is published outside carries no source."""
    chain, stages = chained(services)
    [(topic, one)] = await chain.run(stages[ENTERING], [message(7)], {INSIDE})
    assert (topic, dict(one.headers)) == (LEAVING, {})


async def test_what_a_tick_made_entered_where_it_stands(services: list[Service], seen: list[Message]) -> None:
    """A record inside the block that no batch caused has its own position as source."""
    chain, stages = chained(services)
    await chain.run(stages[INSIDE], [Message("131016", b"due", {}, Position(INSIDE.name, 3, 99))], set())
    assert [one.source for one in seen] == ["inside/3/99"]


def test_a_position_is_read_as_written() -> None:
    """The source of a record, back from its text."""
    assert Position.parse("chain/a.b/3/99") == Position("chain/a.b", 3, 99)


async def test_what_is_emitted_is_counted(services: list[Service]) -> None:
    """By service and topic, whether it was published or handed on."""
    chain, stages = chained(services)
    emit: Emit = message(0).carried(INSIDE)
    assert emit.cause == message(0).position
    await chain.run(stages[ENTERING], [message(number) for number in range(3)], {INSIDE})
    value = chain.metrics.registry.get_sample_value
    assert value("renkei_messages_emitted_total", {"service": "first", "topic": "inside"}) == 3
    assert value("renkei_messages_read_total", {"service": "second", "topic": "inside"}) == 3
