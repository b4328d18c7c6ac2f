"""Readers on Apache Kafka: a member of a consumer group, and a whole topic from its beginning."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, NoOffsetForPartitionError, OffsetOutOfRangeError
from aiokafka.structs import ConsumerRecord, OffsetAndMetadata

from schemas.message import Message, Position
from schemas.topics import Topic
from services.runtime.attempts import LEFT, Note
from services.runtime.errors import Misconfigured, Unavailable
from services.runtime.kafka.errors import translated
from services.runtime.kafka.share import read_shares
from services.runtime.kafka.unreadable import Undecodable, read_singly
from services.runtime.log import NONE

Notes = Callable[[], Awaitable[Mapping[int, tuple[int, Note]]]]
"""By partition, the group's committed offset and what is noted beside it."""

PATIENCE: Final = 15.0
"""Seconds that a publish waits for its acknowledgement, and a commit; aiokafka itself would try forever."""
GRACE: Final = 10.0
"""Seconds that a rebalance waits for the batch in flight; then it is abandoned, and another member does it again."""
SILENCE: Final = 30.0
"""Seconds of reading in which a partition must have been answered once: an idle one is, twice a second."""
FOLDED: Final = 5000
"""Records of a table taken at once."""


class KafkaReader(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """A member of a group. Of each partition it knows up to where all is done and read, counted from its assignment."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        topic: Topic,
        who: str,
        notes: Notes,
        patience: float,
        grace: float,
        silence: float,
    ) -> None:
        self.assignments = 0
        self._consumer, self._topic, self._who, self._notes = consumer, topic, who, notes
        self._patience, self._grace, self._silence = patience, grace, silence
        self._heard: dict[TopicPartition, int | None] = {}
        self._reading = 0.0
        self._done: dict[TopicPartition, int] = {}
        self._read: dict[TopicPartition, int] = {}
        self._committed: dict[TopicPartition, OffsetAndMetadata] = {}
        self._idle = asyncio.Event()
        self._idle.set()

    async def read(self, limit: int, wait: float, more: bool = False) -> list[Message]:
        if not more:
            self._idle.set()
        began = time.monotonic()
        found = await self._found(limit, wait)
        self._require_answers(time.monotonic() - began)
        for partition, records in found.items():
            self._done.setdefault(partition, records[0].offset)
            self._read[partition] = records[-1].offset + 1
            self._idle.clear()
        return [message_of(record) for records in found.values() for record in records]

    async def _found(self, limit: int, wait: float) -> Mapping[TopicPartition, list[ConsumerRecord]]:
        found: Mapping[TopicPartition, list[ConsumerRecord]] = {}
        with translated(f"cannot read {self._topic}"):
            try:
                with suppress(TimeoutError):  # until a rebalance ends, say
                    async with asyncio.timeout(wait + 1):
                        found = await read_shares(self._consumer, limit, wait)
                        if not found:
                            await self._pass_over()
            except Undecodable:
                found = await self._beside_unreadable(limit)
            except NoOffsetForPartitionError:
                await self._require_offsets()
                raise Unavailable(f"Kafka did not know the offsets of {self._topic} for a moment") from None
            except OffsetOutOfRangeError:
                raise self._invalid() from None
        return found

    async def _pass_over(self) -> None:
        """Where nothing is in hand, what is no record counts as done: a transaction's marker, what it took back, what
        compaction removed. Else a partition that ends in it has one left for ever, and retention would outrun the offset."""
        for place in self._consumer.assignment() & self._done.keys():
            try:
                stands = await self._consumer.position(place)
            except IllegalStateError:
                return  # the partition is another member's by now
            done = self._done.get(place)
            if done is not None and self._read.get(place, done) <= done < stands:
                self._done[place] = self._read[place] = stands

    def _require_answers(self, seconds: float) -> None:
        """aiokafka says nothing of requests that fail, and tries again: a broker that is gone looks like one that has nothing.
        After so many seconds spent in reading no partition may stand as it stood: whoever waits is fetching all of them."""
        self._reading += seconds
        if self._reading < self._silence:
            return
        before, self._reading = self._heard, 0.0
        self._heard = {place: self._consumer.last_poll_timestamp(place) for place in self._consumer.assignment()}
        if any(place in before and before[place] == heard for place, heard in self._heard.items()):
            raise Unavailable(f"Kafka has not answered about {self._topic} for {self._silence:g} s")

    async def _beside_unreadable(self, limit: int) -> Mapping[TopicPartition, list[ConsumerRecord]]:
        """The client has dropped what it had: it is found again, or in time the group is joined anew."""
        async with asyncio.timeout(self._patience):
            return await read_singly(self._consumer, await self._starts(), limit)

    async def _require_offsets(self) -> None:
        """aiokafka takes the answer of a broker that still loads its groups for one without offsets: they are asked again."""
        found = await self._notes()
        if not all(partition.partition in found for partition in self._consumer.assignment()):
            raise self._invalid()

    def _invalid(self) -> Misconfigured:
        return Misconfigured(
            f"no valid offset for {self._topic}: a missing one is made by `renkei topics apply`; one that retention"
            " outran means lost messages, and is set by the operator alone"
        )

    async def _starts(self) -> dict[TopicPartition, int]:
        """Where each partition goes on: behind what was read, or where its group stood when it was assigned."""
        starts = dict(self._read)
        for place in self._consumer.assignment() - starts.keys():
            starts[place] = await self._consumer.committed(place)
        return {place: start for place, start in starts.items() if place in self._consumer.assignment()}

    def done(self, messages: Sequence[Message]) -> None:
        for message in messages:
            partition = TopicPartition(message.position.topic, message.position.partition)
            if partition in self._done:  # else it was taken away while the batch was in flight
                self._done[partition] = max(self._done[partition], message.position.offset + 1)

    async def begin(self) -> Mapping[int, Note]:
        assignment = self.assignments
        found = await self._notes()
        if assignment != self.assignments:
            return {}  # another assignment meanwhile, which is begun in its turn
        begun: dict[int, Note] = {}
        for partition in self._consumer.assignment():
            if partition.partition not in found:
                continue  # reading says so
            offset, note = found[partition.partition]
            begun[partition.partition] = LEFT if note.who == self._who else note
            self._done.setdefault(partition, offset)
        await self._commit(lambda number: Note(self._who, begun[number].attempts if number in begun else {}))
        return begun

    async def commit(self, attempts: Mapping[Position, int] = NONE) -> None:
        counted: dict[int, dict[int, int]] = defaultdict(dict)
        for position, count in attempts.items():
            counted[position.partition][position.offset] = count
        await self._commit(lambda number: Note(self._who, counted.get(number, {})))

    def rest(self) -> None:
        """Nothing is in flight any more: no rebalance need wait for it."""
        self._idle.set()

    async def leave(self) -> None:
        """Commits what is done, and that this member leaves in order."""
        await self._commit(lambda _: LEFT)

    async def _commit(self, note: Callable[[int], Note]) -> None:
        committed = self._committed  # of this assignment: a rebalance meanwhile begins another
        own = self._consumer.assignment()
        done = {where: end for where, end in self._done.items() if where in own}
        wanted = {where: OffsetAndMetadata(end, str(note(where.partition))) for where, end in done.items()}
        due = {where: what for where, what in wanted.items() if committed.get(where) != what}
        if not due:
            return
        with translated(f"cannot commit offsets of {self._topic}"):
            try:
                async with asyncio.timeout(self._patience):  # aiokafka would look for the coordinator forever
                    await self._consumer.commit(due)
            except (CommitFailedError, IllegalStateError):
                return  # the group has moved on: whoever has the partitions now reads again from the last commit
        committed |= due

    def rewind(self) -> None:
        for partition in self._consumer.assignment() & self._done.keys():
            self._consumer.seek(partition, self._done[partition])
        self._read = dict(self._done)
        self._idle.set()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """The batch in flight is finished, or abandoned after a grace; what is done is committed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._grace):
                await self._idle.wait()
        with suppress(Unavailable):
            await self.leave()
        self._done, self._read, self._committed = {}, {}, {}

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Reading starts at the committed offsets."""
        self.assignments += 1
        self._done, self._read, self._committed = {}, {}, {}
        self._heard, self._reading = {}, 0.0


class KafkaTable:
    """One partition, read from its beginning."""

    def __init__(self, consumer: AIOKafkaConsumer, partition: TopicPartition, end: int) -> None:
        self._consumer, self._partition, self._end = consumer, partition, end
        self._next = 0

    async def read(self, wait: float) -> list[Message]:
        with translated(f"cannot read {self._partition.topic}"):
            try:
                found = await self._consumer.getmany(self._partition, timeout_ms=int(wait * 1000), max_records=FOLDED)
            except Undecodable:
                found = await read_singly(self._consumer, {self._partition: self._next}, FOLDED)
            async with asyncio.timeout(PATIENCE):
                self._next = await self._consumer.position(self._partition)  # also past what compaction has removed
        return [message_of(record) for record in found.get(self._partition, ())]

    def caught_up(self) -> bool:
        return self._next >= self._end


def message_of(record: ConsumerRecord) -> Message:
    """A record as the runtime has it."""
    return Message(
        key=(record.key or b"").decode("utf-8", "replace"),
        value=record.value or b"",
        headers={name: data or b"" for name, data in record.headers},
        position=Position(record.topic, record.partition, record.offset),
        time=record.timestamp,
    )
