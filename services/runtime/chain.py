"""What one batch becomes: its step's outcomes, and where all readers of a topic run here, their steps' at once.

Operator chaining (architecture section 3): topics inside a block are skipped and the batch is handed on directly. It is
never seen by a service, and layouts can be switched at any time, since the loops of skipped topics keep running. What is
left of a topic in the log is done first (`Shortcut`), or its messages would be overtaken.
"""

import itertools
import re
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from schemas.message import Drop, Emit, Message, Position
from schemas.quarantine import QuarantineKey
from schemas.topics import Topic
from services.runtime.errors import Unfinished
from services.runtime.metrics import Metrics
from services.runtime.quarantine import returned
from services.runtime.service import Service, Step


@dataclass(frozen=True, eq=False)
class Stage:
    """One step of one service of this process, with the resources that the service opened."""

    service: Service
    topic: Topic
    step: Step
    resources: Any


@dataclass
class Chain:
    """Runs stages. `inside` are the topics that never leave their block; those that may be `skipped`, because all their
    readers run here, each with the stages of its readers."""

    inside: Collection[Topic]
    skipped: Mapping[Topic, Sequence[Stage]]
    metrics: Metrics
    release: QuarantineKey | None = None
    """By which the operator's releases are known."""
    _done: Counter[Stage] = field(default_factory=Counter)
    _count: "itertools.count[int]" = field(default_factory=itertools.count)

    async def run(
        self, stage: Stage, batch: Sequence[Message], skipping: Collection[Topic], passed: list[Stage] | None = None
    ) -> list[tuple[Topic, Message]]:
        """All that `batch` leads to, in order, to be published and acknowledged before its offsets are committed.

        Batches of the topics in `skipping` are handed to their stages instead of being published. The stages that it has
        passed are added to `passed`."""
        emits = await self._step(stage, [self.entered(stage.topic, message) for message in batch])
        published: list[tuple[Topic, Message]] = []
        for topic, group in _by_topic(emits).items():
            if topic not in skipping:
                published += [(topic, self._leaving(emit)) for emit in group]
                continue
            for following in self.skipped[topic]:
                published += await self.run(following, [self._handed(emit) for emit in group], skipping, passed)
        if passed is not None:
            passed.append(stage)
        return published

    def count(self, passed: Sequence[Stage]) -> None:
        """What batches have passed these stages led to is acknowledged."""
        self._done.update(passed)

    def done(self, stage: Stage) -> int:
        """How many batches have passed this stage, whichever way they came to it, acknowledged with all that followed."""
        return self._done[stage]

    def entered(self, topic: Topic, message: Message) -> Message:
        """The message as its step sees it, with the source at which it entered the block."""
        known = returned(message, self.release)
        return _restored(known if topic in self.inside else _stamped(known))

    def onward(self, stage: Stage) -> list[Topic]:
        """The topics that may be skipped behind this stage, the nearest first."""
        found: list[Topic] = []
        services = [stage.service]
        for service in services:  # grows
            for topic in service.writes:
                if topic in self.skipped and topic not in found:
                    found.append(topic)
                    services += [following.service for following in self.skipped[topic]]
        return found

    async def _step(self, stage: Stage, batch: Sequence[Message]) -> list[Emit]:
        read, size, seconds = self.metrics.of(stage.service.name, stage.topic.name)
        read.inc(len(batch))
        size.observe(len(batch))
        started = time.perf_counter()
        outcomes = await stage.step(batch, stage.resources)
        seconds.observe(time.perf_counter() - started)
        missing = {message.position for message in batch} - {outcome.cause for outcome in outcomes}
        if missing:
            raise Unfinished(f"{stage.service.name} left {len(missing)} of {len(batch)} messages without an outcome")
        emits = [outcome for outcome in outcomes if isinstance(outcome, Emit)]
        for reason, count in Counter(outcome.reason for outcome in outcomes if isinstance(outcome, Drop)).items():
            self.metrics.dropped.labels(stage.service.name, reason).inc(count)
        for name, count in Counter(emit.topic.name for emit in emits).items():
            self.metrics.sent(stage.service.name, name).inc(count)
        return emits

    def _leaving(self, emit: Emit) -> Message:
        """Inside a block a record says where its message entered the block; nothing of it leaves the block."""
        message = emit.message
        if emit.topic in self.inside:
            return _moved(message, {**message.headers, "source": message.source.encode()}, message.source)
        return message

    def _handed(self, emit: Emit) -> Message:
        message, place = emit.message, Position(emit.topic.name, -1, next(self._count))
        handed = Message(message.key, message.value, message.headers, place, message.source, message.time)
        return handed.read_as(message)


def _stamped(message: Message) -> Message:
    """A message that enters the block here, whatever it claims about itself."""
    headers = {name: data for name, data in message.headers.items() if name != "source"}
    return _moved(message, headers, message.source or str(message.position))


def _restored(message: Message) -> Message:
    """The source that the record brings along inside its block; what a tick made entered where it stands."""
    if "source" not in message.headers:
        return message if message.source else replace(message, source=str(message.position))
    headers = {name: data for name, data in message.headers.items() if name != "source"}
    source = message.headers["source"].decode("ascii", "replace")
    return _moved(message, headers, source if _SOURCE.fullmatch(source) else str(message.position))


def _moved(message: Message, headers: Mapping[str, bytes], source: str) -> Message:
    """As `replace`, which would look up all fields for every record of every topic."""
    return Message(message.key, message.value, headers, message.position, source, message.time).read_as(message)


_SOURCE: Final = re.compile(r"[A-Za-z0-9._-]{1,249}/[0-9]{1,10}/[0-9]{1,19}")
"""Anything else is no place in a log, and tables would not take every text."""


def _by_topic(emits: Sequence[Emit]) -> dict[Topic, list[Emit]]:
    groups: dict[Topic, list[Emit]] = defaultdict(list)
    for emit in emits:
        groups[emit.topic].append(emit)
    return groups
