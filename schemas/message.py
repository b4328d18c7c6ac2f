"""The one record shape of every topic (architecture section 2), and what a step makes of it."""

import re
from collections.abc import Mapping
from dataclasses import field
from typing import Final, NamedTuple, Self

from schemas import canonical
from schemas.control import Control, read_control
from schemas.topics import Topic
from schemas.value import value

MESSAGE_LIMIT: Final = 1024 * 1024 + 128 * 1024
"""Bytes of a record: a padded business part of 1 MiB and every header at its limit."""

_TRACE_CONTEXT: Final = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class Position(NamedTuple):
    """Where a record stands in the log: topic name, partition, offset."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The inverse of `str`."""
        topic, partition, offset = text.rsplit("/", 2)
        return cls(topic, int(partition), int(offset))


NOWHERE: Final = Position("", -1, -1)


@value
class Message:
    """A record: `key` is the code of the agency whose side this is, `value` the business part, headers the rest.

    `position` is where it was read, `source` where it entered the block, `time` its append time (milliseconds, UTC).
    """

    key: str
    value: bytes
    headers: Mapping[str, bytes]
    position: Position = NOWHERE
    source: str = ""
    time: int = 0
    _control: Control | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def control(self) -> Control:
        """The control part; `canonical.Malformed` if there is none in its one spelling."""
        if self._control is None:
            if "control" not in self.headers:
                raise canonical.Malformed("the record has no control part")
            object.__setattr__(self, "_control", read_control(self.headers["control"]))
            assert self._control is not None
        return self._control

    def carried(self, topic: Topic, value: bytes | None = None, **headers: bytes) -> "Emit":
        """This message on its way to `topic`: what is not named stays as it is, an empty header is left out."""
        kept = {name: data for name, data in {**self.headers, **headers}.items() if data}
        onward = Message(self.key, self.value if value is None else value, kept, NOWHERE, self.source, self.time)
        return Emit(topic, onward if "control" in headers else onward.read_as(self), self.position)

    def read_as(self, other: "Message") -> "Message":
        """Itself, with the control part that was read of another message with the same header `control`."""
        object.__setattr__(self, "_control", other._control)
        return self

    def caused(self, topic: Topic, value: bytes, headers: Mapping[str, bytes], key: str = "") -> "Emit":
        """Another message that follows from this one, for its own side or for `key`: of this one it keeps only source
        and trace context (W3C), if it is one: it comes from outside, and no step looks at it. An empty header is left out."""
        context = self.headers.get("traceparent", b"")
        named = {**headers, "traceparent": context if _TRACE_CONTEXT.fullmatch(context) else b""}
        kept = {name: data for name, data in named.items() if data}
        return Emit(topic, Message(key or self.key, value, kept, source=self.source, time=self.time), self.position)


@value
class Emit:
    """A message for `topic`, caused by the one at `cause`."""

    topic: Topic
    message: Message
    cause: Position


@value
class Drop:
    """The message at `cause` ends here, and why, in one word that is counted: nothing is lost silently."""

    cause: Position
    reason: str


Outcome = Emit | Drop
