"""The log as a protocol. `KafkaLog` and `MemoryLog` keep it; one contract suite runs on both."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

from schemas.message import MESSAGE_LIMIT, Message, Position
from schemas.topics import Topic
from services.runtime.attempts import Note
from services.runtime.errors import TooLarge

NONE: Final[Mapping[Position, int]] = {}


class Reader(Protocol):
    """One member of a consumer group on one topic."""

    assignments: int
    """How often partitions were assigned to this member: if it has risen, others may have read them meanwhile."""

    async def read(self, limit: int, wait: float, more: bool = False) -> list[Message]:
        """Up to `limit` messages, each partition in order; empty after `wait` seconds without any.

        `more`: what was read last is still in hand, and a rebalance waits for that too."""

    def done(self, messages: Sequence[Message]) -> None:
        """Everything that these caused is acknowledged: their offsets may be committed, if the partition is still ours."""

    async def begin(self) -> Mapping[int, Note]:
        """After an assignment: what others noted last, by partition; from now on it says that this member is at work."""

    async def commit(self, attempts: Mapping[Position, int] = NONE) -> None:
        """Commits what is done, explicitly, never what was merely read; `attempts` at what is not done are noted there."""

    def rewind(self) -> None:
        """What was read and is not done is read again."""


class TableReader(Protocol):
    """A whole topic of one partition from its beginning, without a group."""

    async def read(self, wait: float) -> list[Message]:
        """The next messages, empty after `wait` seconds without any."""

    def caught_up(self) -> bool:
        """Whether everything that the topic held when it was opened has been read."""


class Log(Protocol):
    """A partitioned, ordered, durable log; the key decides the partition."""

    async def require(self, topics: Sequence[Topic], groups: Sequence[tuple[str, Topic]]) -> None:
        """`Misconfigured` where one of the topics is missing, or a group's offset on its topic."""

    def reader(self, group: str, topic: Topic, seldom: bool = False) -> AbstractAsyncContextManager[Reader]:
        """Joins `group`, after `require`. Leaving in good order commits what is done and says so; by an error not.

        `seldom`: as a rule nothing comes, so that it need not be asked about often; what does come may wait for seconds."""

    def table(self, topic: Topic) -> AbstractAsyncContextManager[TableReader]:
        """Opens a compacted topic to be folded and followed, after `require`."""

    async def publish(self, records: Sequence[tuple[Topic, Message]]) -> None:
        """Returns when all are acknowledged, keeping the order within a key; `Unavailable` or `TooLarge` otherwise.

        Of what was `TooLarge` to be sent at all nothing stands in the log; else any of them may or may not."""

    async def ends(self, topic: Topic) -> dict[int, int]:
        """By partition, the offset that its next record gets."""

    async def committed(self, group: str, topic: Topic) -> dict[int, int]:
        """By partition, the offset from which the group has yet to do the records."""


def require_size(records: Sequence[tuple[Topic, Message]]) -> None:
    """`TooLarge` if a record exceeds its topic's limit: the same answer from every log, and before anything is sent."""
    for topic, message in records:
        limit = MESSAGE_LIMIT + topic.room
        if size(message) > limit:
            raise TooLarge(f"a record for {topic} has {size(message)} bytes, more than {limit}")


def size(message: Message) -> int:
    """Bytes of a record: key, value, headers."""
    headers = sum(len(name.encode()) + len(data) for name, data in message.headers.items())
    return len(message.key.encode()) + len(message.value) + headers
