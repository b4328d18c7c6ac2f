"""`python -m tests.faults.member NAME FOLDER`: a process as `renkei run` starts it, told by the same environment.

It can be struck at a named point, by a signal that it sends itself, so that nothing of it goes on; and its clock can be set
while it runs. Both are files in the installation's folder, so that no service knows of it.
"""

import functools
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from signal import Signals
from typing import Any, Final, Literal

from aiokafka import AIOKafkaConsumer

from schemas import topics
from schemas.message import Message
from schemas.topics import Topic
from services.runtime.clock import utc
from services.runtime.kafka import log as kafka
from services.runtime.kafka.log import KafkaLog
from services.runtime.process import main
from services.runtime.settings import load
from services.topology import SERVICES, services_of

Point = Literal["stored", "half_published", "published", "committed"]
"""The database has committed, nothing is published yet; one partition has acknowledged, others may not have; all have,
and no offset is committed; offsets are."""
POINTS: Final[tuple[Point, ...]] = ("stored", "half_published", "published", "committed")
TICKED: Final = (topics.directory, topics.exchange_due)
"""What no batch has caused."""


@dataclass(frozen=True)
class Strings:
    """By which a process hangs: what is written here, it does."""

    folder: Path
    name: str

    def arm(self, point: Point, signal: Signals) -> None:
        """When it passes the point next, it sends itself the signal."""
        partial = self._armed(point).with_suffix(".partial")
        partial.write_text(str(int(signal)))
        partial.replace(self._armed(point))

    def disarm(self) -> bool:
        """Whether it was armed still: it has not passed the point."""
        armed = [self._armed(point) for point in POINTS if self._armed(point).exists()]
        for file in armed:
            file.unlink(missing_ok=True)
        return bool(armed)

    def at(self, point: Point) -> None:
        try:
            signal = int(self._armed(point).read_text())
        except FileNotFoundError:
            return
        self._armed(point).unlink()
        os.kill(os.getpid(), signal)

    def set_clock(self, ahead: timedelta) -> None:
        """Ahead of the machine's, or behind it."""
        partial = self._clock.with_suffix(".partial")
        partial.write_text(str(ahead.total_seconds()))
        partial.replace(self._clock)

    def clock(self) -> datetime:
        try:
            return utc() + timedelta(seconds=float(self._clock.read_text()))
        except FileNotFoundError:
            return utc()

    @property
    def _clock(self) -> Path:
        return self.folder / "run" / f"{self.name}.clock"

    def _armed(self, point: Point) -> Path:
        return self.folder / "run" / f"{self.name}.{point}"


def hang(strings: Strings) -> None:
    """Log and readers of this process pass the named points."""
    publish, deliveries = KafkaLog.publish, kafka._deliveries

    def divided(producer: Any, records: Sequence[tuple[Topic, Message]]) -> list[Any]:
        parts = deliveries(producer, records)
        half = len(parts) > 1 and any(topic not in TICKED for topic, _ in records)
        return [_after(part, lambda: strings.at("half_published")) for part in parts] if half else parts

    @functools.wraps(publish)
    async def published(log: KafkaLog, records: Sequence[tuple[Topic, Message]]) -> None:
        caused = any(topic not in TICKED for topic, _ in records)
        if caused:
            strings.at("stored")
        await publish(log, records)
        if caused:
            strings.at("published")

    KafkaLog.publish = published  # type: ignore[method-assign, assignment]
    kafka._deliveries = divided
    commit = AIOKafkaConsumer.commit

    @functools.wraps(commit)
    async def committed(consumer: AIOKafkaConsumer, *given: Any) -> None:
        await _after(commit(consumer, *given), lambda: strings.at("committed"))

    AIOKafkaConsumer.commit = committed


async def _after(work: Awaitable[None], then: Callable[[], None]) -> None:
    await work
    then()


def service_of(name: str) -> str:
    """`crypto-2` is a second process of `crypto`."""
    return name.partition("-")[0]


if __name__ == "__main__":
    strings = Strings(Path(sys.argv[2]), sys.argv[1])
    hang(strings)
    sys.exit(main(services_of(service_of(strings.name)), SERVICES, load(), strings.clock))
