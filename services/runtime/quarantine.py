"""Setting a message aside: its record, the sealed original, and what its asker is told (architecture section 4)."""

from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from schemas import canonical, topics
from schemas.message import Message
from schemas.quarantine import RELEASED, Quarantined, QuarantineKey, check_release, set_aside
from schemas.refusal import SecurityEvent
from schemas.text import decoded, instant
from schemas.topics import Topic
from services.runtime.clock import Clock
from services.runtime.errors import Misconfigured
from services.runtime.logging import Failure

FILE = "quarantine.json"
"""The operator's public halves, in the folder of the key rings."""


def read_key(folder: Path) -> QuarantineKey:
    """The site's quarantine key; `Misconfigured` if there is none."""
    path = folder / FILE
    try:
        return decoded(QuarantineKey, path.read_bytes(), 4096)
    except (OSError, canonical.Malformed) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a quarantine key"
        raise Misconfigured(f"{path}: {reason}; `renkei up` and `renkei keys create` make one") from None


@dataclass(frozen=True)
class Quarantine:
    """What one stage's messages are set aside with."""

    key: QuarantineKey
    service: str
    clock: Clock

    def record(self, message: Message, failure: Failure, attempts: int, source: str) -> tuple[Topic, Message]:
        """What is published of a message that entered its block at `source`."""
        where = str(message.position)
        structlog.get_logger().error("set aside", service=self.service, where=where, error=failure.error)
        said = Quarantined(
            service=self.service,
            topic=message.position.topic,
            partition=message.position.partition,
            offset=message.position.offset,
            source=source[:256],
            appended=max(0, message.time),
            error=failure.error[:64],
            place=failure.place[:256],
            attempts=attempts,
            time=instant(self.clock()),
        )
        return topics.record_quarantined, set_aside(said, message, self.key)


def returned(message: Message, key: QuarantineKey | None) -> Message:
    """A message that the operator has released counts from where and when it was first read; nobody else's word does."""
    if RELEASED not in message.headers:
        return message
    plain = replace(message, headers={name: data for name, data in message.headers.items() if name != RELEASED})
    if key is None:
        return plain
    try:
        release = check_release(message, key)
    except (SecurityEvent, canonical.Malformed):
        return plain
    return replace(plain, source=release.source, time=release.appended)
