"""What a service is: a declaration as a value. The runtime owns loops, chaining, offsets and HTTP."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from schemas.message import Emit, Message, Outcome
from schemas.topics import Topic
from services.runtime.clock import Clock
from services.runtime.metrics import Metrics

if TYPE_CHECKING:
    from services.runtime.directory import Directory
    from services.runtime.keys import KeyRings
    from services.runtime.log import Log
    from services.runtime.settings import Settings

Block = Literal["linkage", "intermediate", "outside"]
"""連携インターフェース機能, 中間インターフェース機能, or neither."""

Step = Callable[[Sequence[Message], Any], Awaitable[Sequence[Outcome]]]
"""A coroutine over a batch: messages in, outcomes out, at least one for every message. The second argument is what
the service's `resources` opened."""


@dataclass(frozen=True)
class Environment:
    """What the runtime hands to a service when it opens its resources."""

    service: str
    settings: "Settings"
    directory: "Directory"
    keys: "KeyRings"
    log: "Log"
    clock: Clock
    metrics: Metrics = field(default_factory=Metrics, kw_only=True)
    partition: Callable[[str, Topic], int] | None = field(default=None, kw_only=True)
    """Where producers put records of a key; absent where the log is not shared with other producers."""


Resources = Callable[[Environment], AbstractAsyncContextManager[Any]]


@dataclass(frozen=True)
class Tick:
    """What a service does by itself, every so many seconds: ids derived, repeats harmless."""

    seconds: float
    due: Callable[[Any], Awaitable[Sequence[Emit]]]


@dataclass(frozen=True)
class Service:
    """One layer of the exchange: which topics it reads by which step, which it writes, and what its steps need."""

    name: str
    block: Block
    resources: Resources
    reads: Mapping[Topic, Step] = field(default_factory=dict)
    writes: Sequence[Topic] = ()
    gathers: Collection[Topic] = ()
    """Of the topics read, those by which work enters: what comes there is gathered (`gathering.py`)."""
    aside: Mapping[Topic, Step] = field(default_factory=dict)
    """What becomes of a message that was set aside: by topic read, the step that tells its asker `internal_error`."""
    ticks: Sequence[Tick] = ()
    application: Callable[[Any], Any] | None = None
    """An ASGI application over the resources, for the two services that speak HTTP."""
    tables: bool = False
    """Whether it owns a PostgreSQL schema of its name, with migrations beside it."""
    ring: str = ""
    """The block whose key rings it holds, if any: one key-ring file per (block, agency)."""
    directed: bool = True
    """Whether it waits for the directory at its start, and stops where that has fallen silent. The hub begins without, since
    it is the one whose beat all wait for; then it asks by itself."""

    def group(self, topic: Topic) -> str:
        """Consumer group of a topic, whatever process runs it: layouts can be switched at any time."""
        return f"renkei.{self.name}.{topic.name}"


def within_block(topic: Topic, services: Sequence[Service]) -> bool:
    """Whether all writers and readers of a topic stand in one block: such a topic may be skipped, no other ever is."""
    around = [service for service in services if topic in service.reads or topic in service.writes]
    blocks = {service.block for service in around}
    written = any(topic in service.writes for service in around)
    read = any(topic in service.reads for service in around)
    return written and read and len(blocks) == 1 and blocks != {"outside"}


def skipped(topic: Topic, running: Sequence[Service], services: Sequence[Service]) -> bool:
    """Whether batches of `topic` are handed on directly: inside a block, and every reader runs in this process."""
    readers = [service.name for service in services if topic in service.reads]
    here = {service.name for service in running}
    return bool(readers) and within_block(topic, services) and here.issuperset(readers)
