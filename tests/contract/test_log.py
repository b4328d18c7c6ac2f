"""The log's contract, kept by `MemoryLog`, the simulation's and `KafkaLog` alike: order, offsets, groups, redelivery."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from schemas.message import MESSAGE_LIMIT, Message
from schemas.topics import Topic
from services.runtime.attempts import LEFT
from services.runtime.errors import TooLarge
from services.runtime.kafka import KafkaLog, apply_topics
from services.runtime.log import Log, Reader, TableReader
from services.runtime.memory import MemoryLog
from tests.simulation.client import Client
from tests.simulation.database import Untroubled
from tests.simulation.log import Cluster
from tests.waiting import until

KEYS = [f"{number:06}" for number in range(131016, 131040)]
WAIT = 0.2


@dataclass
class Place:
    """A log to be tried, and a way to get a topic of one's own with a group that may read it."""

    log: Log
    bootstrap: str | None = None

    async def elsewhere(self) -> "Place":
        """The same log, as another process has it."""
        if self.bootstrap is None:
            return self  # each of its readers stands for a process
        return Place(KafkaLog(self.bootstrap, grace=0.5), self.bootstrap)  # it only reads: there is nothing to close

    async def topic(self, partitions: int = 4) -> Topic:
        topic = Topic(f"contract.{uuid.uuid4()}", "A topic of one test.", partitions)
        if self.bootstrap:
            await apply_topics(self.bootstrap, [topic], [(topic.name, topic)])
        return topic


@pytest.fixture(params=["memory", "simulated", "kafka"])
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    if request.param == "memory":
        yield Place(MemoryLog(lambda: datetime.now(UTC)))
        return
    if request.param == "simulated":
        yield Place(Client(Cluster(lambda: datetime.now(UTC)), Untroubled()))
        return
    bootstrap: str = request.getfixturevalue("kafka")
    log = KafkaLog(bootstrap, grace=0.5)
    yield Place(log, bootstrap)
    await log.close()


# --- Publishing


async def test_a_partition_keeps_the_order(place: Place) -> None:
    """What is published with one key is read in the order of publishing, over batches and publishes."""
    topic = await place.topic()
    sent = [message(key, f"{key} {number}") for number in range(50) for key in KEYS[:5]]
    for start in range(0, len(sent), 40):
        await publish(place, topic, sent[start : start + 40])
    async with reader(place, topic) as member:
        found = await collect(member, len(sent))
    for key in KEYS[:5]:
        assert values(found, key) == values(sent, key)


async def test_the_key_decides_the_partition(place: Place) -> None:
    """Every message of a key stands in one partition, and keys spread over all of them."""
    topic = await place.topic()
    await publish(place, topic, [message(key, str(number)) for number in range(3) for key in KEYS])
    async with reader(place, topic) as member:
        found = await collect(member, 3 * len(KEYS))
    where = {(one.key, one.position.partition) for one in found}
    assert len(where) == len(KEYS)
    assert {partition for _, partition in where} == set(range(topic.partitions))


async def test_however_much_is_published_at_once(place: Place) -> None:
    """More than the log takes in one batch, all of it for one partition: it is divided, in order."""
    topic = await place.topic()
    sent = [message(KEYS[0], f"{number} " + "x" * 4000) for number in range(1000)]
    assert sum(len(one.value) for one in sent) > 3 * MESSAGE_LIMIT
    await publish(place, topic, sent)
    async with reader(place, topic) as member:
        assert values(await collect(member, len(sent))) == values(sent)


async def test_what_is_published_stands_in_the_log(place: Place) -> None:
    """`publish` returns when all is acknowledged, not before; publishing nothing is nothing."""
    topic = await place.topic()
    await place.log.publish([])
    await publish(place, topic, [message(key, "x") for key in KEYS])
    assert sum((await place.log.ends(topic)).values()) == len(KEYS)


async def test_publishing_at_once_mixes_nothing(place: Place) -> None:
    """Several publishers of one log keep their order, each within its key."""
    topic = await place.topic()

    async def post(key: str) -> None:
        for start in range(0, 30, 3):
            await publish(place, topic, [message(key, str(number)) for number in range(start, start + 3)])

    await asyncio.gather(*map(post, KEYS[:6]))
    async with reader(place, topic) as member:
        found = await collect(member, 180)
    for key in KEYS[:6]:
        assert values(found, key) == [str(number) for number in range(30)]


async def test_headers_and_empty_values_survive(place: Place) -> None:
    """Bytes are bytes, an empty value is empty, an empty header is there; source and position are not carried along."""
    topic = await place.topic()
    sent = Message(
        KEYS[0], b"", {"control": "制御".encode(), "subject": bytes(range(256)), "trail": b""}, source="x/0/1"
    )
    await publish(place, topic, [sent])
    async with reader(place, topic) as member:
        [found] = await collect(member, 1)
    assert (found.key, found.value, found.headers) == (sent.key, sent.value, sent.headers)
    assert (found.source, found.position.topic, found.position.offset) == ("", topic.name, 0)
    assert abs(found.time / 1000 - datetime.now(UTC).timestamp()) < 60


async def test_a_record_at_the_limit_is_taken(place: Place) -> None:
    """`MESSAGE_LIMIT` counts key, value and headers; so much is published and read."""
    topic = await place.topic()
    headers = {"control": b"c" * 1000}
    value = bytes(MESSAGE_LIMIT - len("control") - 1000 - len(KEYS[0]))
    await publish(place, topic, [Message(KEYS[0], value, headers)])
    async with reader(place, topic) as member:
        [found] = await collect(member, 1)
    assert (len(found.value), found.headers) == (len(value), headers)


async def test_a_record_over_the_limit_stops_nothing(place: Place) -> None:
    """`TooLarge`, and nothing of that publish stands in the log; what others publish meanwhile and afterwards does."""
    topic = await place.topic()
    others = asyncio.gather(*(publish(place, topic, [message(key, "before")]) for key in KEYS))
    with pytest.raises(TooLarge):
        await publish(place, topic, [message(KEYS[0], "beside"), Message(KEYS[0], bytes(MESSAGE_LIMIT), {})])
    await others
    await publish(place, topic, [message(KEYS[0], "after")])
    async with reader(place, topic) as member:
        found = await collect(member, len(KEYS) + 1)
    assert values(found, KEYS[0]) == ["before", "after"]


# --- Offsets


async def test_what_is_done_is_committed(place: Place) -> None:
    """The next reader begins behind what was done, with what was read and not done."""
    topic = await place.topic()
    await publish(place, topic, [message(KEYS[0], str(number)) for number in range(6)])
    async with reader(place, topic) as member:
        found = await collect(member, 6)
        member.done(found[:2])
        await member.commit()
        assert sum((await place.log.committed(topic.name, topic)).values()) == 2
        member.done(found[2:4])
    async with reader(place, topic) as member:
        assert values(await collect(member, 2)) == ["4", "5"]


async def test_the_next_member_knows_whether_the_last_one_left_in_order(place: Place) -> None:
    """And if not, which messages it had begun how often; a fresh group was never at work."""
    topic = await place.topic(partitions=1)
    await publish(place, topic, [message(KEYS[0], str(number)) for number in range(4)])

    async def die_at_work() -> None:
        async with reader(place, topic) as member:
            found = await collect(member, 4)
            assert await member.begin() == {0: LEFT}
            member.done(found[:1])
            await member.commit({found[1].position: 2, found[2].position: 1})
            raise LookupError

    with pytest.raises(LookupError):
        await die_at_work()
    place = await place.elsewhere()
    async with reader(place, topic) as member:
        assert values(await collect(member, 3)) == ["1", "2", "3"]
        [note] = (await member.begin()).values()
        assert (note.who != "", note.attempts) == (True, {1: 2, 2: 1})
    async with reader(await place.elsewhere(), topic) as member:
        await collect(member, 3)
        assert await member.begin() == {0: LEFT}


async def test_what_was_merely_read_is_never_committed(place: Place) -> None:
    """Whoever reads, commits and leaves without having done anything has changed nothing."""
    topic = await place.topic()
    await publish(place, topic, [message(KEYS[0], str(number)) for number in range(4)])
    async with reader(place, topic) as member:
        await collect(member, 4)
        await member.commit()
    assert set((await place.log.committed(topic.name, topic)).values()) == {0}
    async with reader(place, topic) as member:
        assert values(await collect(member, 4)) == ["0", "1", "2", "3"]


async def test_leaving_by_an_error_commits_nothing(place: Place) -> None:
    """What was done and not yet committed comes again."""
    topic = await place.topic()
    await publish(place, topic, [message(KEYS[0], "once")])
    with pytest.raises(ZeroDivisionError):
        await leave_by_an_error(place, topic)
    async with reader(place, topic) as member:
        assert values(await collect(member, 1)) == ["once"]


async def test_rewinding_reads_again_what_is_not_done(place: Place) -> None:
    """From the first message that is not done, of every partition, and on to what comes later."""
    topic = await place.topic()
    sent = [message(key, str(number)) for number in range(5) for key in KEYS[:3]]
    await publish(place, topic, sent)
    async with reader(place, topic) as member:
        found = await collect(member, len(sent))
        member.done([one for one in found if int(one.value) < 2])
        member.rewind()
        await publish(place, topic, [message(KEYS[0], "5")])
        again = await collect(member, 3 * 3 + 1)
        assert values(again, KEYS[0]) == ["2", "3", "4", "5"]
        assert values(again, KEYS[1]) == ["2", "3", "4"]
        member.rewind()
        assert values(await collect(member, 3 * 3 + 1), KEYS[0]) == ["2", "3", "4", "5"]


async def test_reading_waits_no_longer_than_told(place: Place) -> None:
    """Without messages `read` returns empty; what comes while it waits ends the wait."""
    topic = await place.topic()
    async with reader(place, topic) as member:
        assert await member.read(10, 0.05) == []
        await until(lambda: member.assignments)
        waiting = asyncio.create_task(collect(member, 1))
        await publish(place, topic, [message(KEYS[0], "now")])
        assert values(await waiting) == ["now"]


async def test_a_batch_has_its_limit(place: Place) -> None:
    """No more messages at once than asked for, whatever lies there."""
    topic = await place.topic()
    await publish(place, topic, [message(key, "x") for key in KEYS])
    async with reader(place, topic) as member:
        sizes = [len(batch) for batch in await batches(member, len(KEYS), limit=7)]
    assert max(sizes) <= 7


async def test_a_batch_of_one_comes_from_wherever_there_is_one(place: Place) -> None:
    """Fewer at once than there are partitions: whatever lies in any of them comes."""
    topic = await place.topic()
    async with reader(place, topic) as member:
        for key in await one_key_a_partition(place):
            await publish(place, topic, [message(key, "x")])
            [[found]] = [batch for batch in await batches(member, 1, limit=1) if batch]
            assert found.key == key


# --- Shares


async def test_a_backlog_leaves_the_others_their_share(place: Place) -> None:
    """However much lies in some partitions, a batch has what little the others have, and the rest of it is shared alike."""
    topic = await place.topic()
    first, second, *others = await one_key_a_partition(place)
    await publish(place, topic, [message(key, str(number)) for key in (first, second) for number in range(2000)])
    await publish(place, topic, [message(key, str(number)) for key in others for number in range(5)])

    async def shared() -> bool:
        member.rewind()  # a client may have the backlog before it has heard of the other partitions
        batch = await member.read(100, WAIT)
        assert len(batch) <= 100
        few = all(values(batch, key) == [str(number) for number in range(5)] for key in others)
        return few and min(len(values(batch, first)), len(values(batch, second))) > 30

    async with reader(place, topic) as member:
        await until(shared)


async def test_what_is_left_of_a_share_comes_next(place: Place) -> None:
    """What a batch had no room for is neither lost nor out of order, over rewinds, and when members join in the middle."""
    topic = await place.topic()
    first, *others = await one_key_a_partition(place)
    sent = [message(first, str(number)) for number in range(3000)]
    sent += [message(key, str(number)) for key in others for number in range(100)]
    await publish(place, topic, sent)
    found: list[Message] = []
    workers = [Worker(place, topic, found, asyncio.Event(), rewinds=3) for _ in range(2)]
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(workers[0].run())
        await until(lambda: len(found) > 100)
        tasks.create_task(workers[1].run())
        await until(lambda: {(one.key, one.value) for one in found} == {(one.key, one.value) for one in sent})
        for worker in workers:
            worker.stopping.set()
    for key in (first, *others):
        assert list(dict.fromkeys(values(found, key))) == values(sent, key)
    assert await place.log.committed(topic.name, topic) == await place.log.ends(topic)


# --- Groups


@dataclass
class Worker:
    """A member of the topic's group that does what it reads, until told to stop."""

    place: Place
    topic: Topic
    found: list[Message]
    stopping: asyncio.Event
    member: Reader | None = None
    share: int = 0
    read: int = 0
    rewinds: int = 0
    """Of so many batches one is read again instead of being done."""

    async def run(self) -> None:
        async with reader(self.place, self.topic) as self.member:
            while not self.stopping.is_set():
                batch = await self.member.read(20, WAIT)
                self.read += 1
                if self.rewinds and self.read % self.rewinds == 0:
                    self.member.rewind()
                    continue
                self.found += batch
                self.share += len(batch)
                self.member.done(batch)
                await self.member.commit()

    def assigned(self) -> int:
        return self.member.assignments if self.member else 0


async def test_members_share_the_partitions(place: Place) -> None:
    """When members join and leave in the middle nothing is lost, and the first deliveries of a key keep their order."""
    topic = await place.topic()
    found: list[Message] = []
    first, second = (Worker(place, topic, found, asyncio.Event()) for _ in range(2))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(first.run())
        await post(place, topic, range(20))
        await until(lambda: found)
        leaving = tasks.create_task(second.run())
        await post(place, topic, range(20, 40))
        await until(lambda: first.assigned() > 1 and second.assigned())
        await post(place, topic, range(40, 60))
        await until(lambda: first.share > len(KEYS) and second.share > 0)
        await until(lambda: complete(found, 60))
        second.stopping.set()
        await leaving
        await post(place, topic, range(60, 80))
        await until(lambda: complete(found, 80))
        first.stopping.set()
    for key in KEYS:
        assert list(dict.fromkeys(values(found, key))) == [str(number) for number in range(80)]
    assert await place.log.committed(topic.name, topic) == await place.log.ends(topic)


async def test_a_displaced_member_commits_nothing(place: Place) -> None:
    """When others have had a partition meanwhile, what the first still does with its batch moves no offset."""
    topic = await place.topic(partitions=2)
    await publish(place, topic, [message(key, "x") for key in KEYS])
    async with reader(place, topic) as displaced:
        batch = await collect(displaced, len(KEYS))
        async with reader(place, topic) as other:
            await until(lambda: other.assignments and displaced.assignments == 2)
            displaced.done(batch)
            await displaced.commit()
            assert set((await place.log.committed(topic.name, topic)).values()) == {0}
        await until(lambda: displaced.assignments == 3)  # both partitions are its own again
        displaced.done(batch)
        await displaced.commit()
        assert set((await place.log.committed(topic.name, topic)).values()) == {0}
        assert len(await collect(displaced, len(KEYS))) == len(KEYS)


async def test_groups_do_not_disturb_each_other(place: Place) -> None:
    """Each group reads everything, at its own offsets."""
    topic = await place.topic()
    if place.bootstrap:
        await apply_topics(place.bootstrap, [topic], [(f"{topic}.other", topic)])
    await publish(place, topic, [message(key, "x") for key in KEYS])
    async with reader(place, topic) as member, place.log.reader(f"{topic}.other", topic) as other:
        member.done(await collect(member, len(KEYS)))
        await member.commit()
        assert len(await collect(other, len(KEYS))) == len(KEYS)
    assert set((await place.log.committed(f"{topic}.other", topic)).values()) == {0}


# --- Tables


async def test_a_table_is_read_from_its_beginning(place: Place) -> None:
    """Whoever opens it, again and again; it says when all that stood there then has been read."""
    topic = Topic(f"contract.{uuid.uuid4()}", "A table of one test.", partitions=1, compacted=True)
    if place.bootstrap:
        await apply_topics(place.bootstrap, [topic], [])
    async with place.log.table(topic) as table:
        assert table.caught_up()
    await publish(place, topic, [message(key, "1") for key in KEYS])
    for count in (len(KEYS), len(KEYS) + 1):
        async with place.log.table(topic) as table:
            assert not table.caught_up()
            assert [one.key for one in await folded(table, count)][: len(KEYS)] == KEYS
            assert table.caught_up()
            await publish(place, topic, [message(KEYS[0], "2")])
            assert values(await folded(table, 1)) == ["2"]


def reader(place: Place, topic: Topic) -> AbstractAsyncContextManager[Reader]:
    """A member of the topic's group."""
    return place.log.reader(topic.name, topic)


async def one_key_a_partition(place: Place) -> list[str]:
    """One of `KEYS` for each partition of another topic of as many."""
    topic = await place.topic()
    await publish(place, topic, [message(key, "x") for key in KEYS])
    async with reader(place, topic) as member:
        return list({one.position.partition: one.key for one in await collect(member, len(KEYS))}.values())


def message(key: str, value: str) -> Message:
    return Message(key, value.encode(), {})


def values(messages: Sequence[Message], key: str = KEYS[0]) -> list[str]:
    return [one.value.decode() for one in messages if one.key == key]


def complete(found: Sequence[Message], count: int) -> bool:
    return {(one.key, one.value) for one in found} == {(key, b"%d" % number) for key in KEYS for number in range(count)}


async def publish(place: Place, topic: Topic, messages: Sequence[Message]) -> None:
    await place.log.publish([(topic, one) for one in messages])


async def post(place: Place, topic: Topic, numbers: Iterable[int]) -> None:
    """Each number once for each key."""
    for number in numbers:
        await publish(place, topic, [message(key, str(number)) for key in KEYS])


async def leave_by_an_error(place: Place, topic: Topic) -> None:
    async with reader(place, topic) as member:
        member.done(await collect(member, 1))
        raise ZeroDivisionError


async def batches(member: Reader, count: int, limit: int = 500) -> list[list[Message]]:
    """What comes until there are `count` messages, or AssertionError."""
    found: list[list[Message]] = []

    async def enough() -> bool:
        found.append(await member.read(limit, WAIT))
        return sum(map(len, found)) >= count

    await until(enough)
    return found


async def collect(member: Reader, count: int) -> list[Message]:
    """Exactly `count` messages: no more come within a moment."""
    found = [one for batch in await batches(member, count) for one in batch]
    assert len(found) == count
    return found


async def folded(table: TableReader, count: int) -> list[Message]:
    """The first `count` records of a table."""
    found: list[Message] = []

    async def enough() -> bool:
        found.extend(await table.read(WAIT))
        return len(found) >= count

    await until(enough)
    return found
