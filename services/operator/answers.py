"""What completes an exchange, as its posting system reads it: events of `exchange.completed`, opened with its own key."""

import json
from dataclasses import dataclass
from typing import Any

from schemas import canonical, jwe, topics
from schemas.directory import DEFAULT_SYSTEM
from schemas.jwe import Addressed
from schemas.message import Message
from services.operator.installation import Installation
from services.operator.keys import key_sets
from services.runtime.kafka.scan import scan


@dataclass(frozen=True)
class Event:
    """An event's content: the control part that ended the exchange and its business part."""

    exchange: str
    state: str
    control: bytes
    business: bytes

    @property
    def said(self) -> dict[str, Any]:
        """The business part."""
        said: dict[str, Any] = json.loads(self.business)
        return said


def exchange_of(record: Message) -> str:
    """The exchange that an event ends, or whose id its request named."""
    return record.headers["ce_id"].decode().partition("/")[0]


async def events(installation: Installation, exchange: str) -> list[Message]:
    """The events of an exchange that the topic holds now."""
    return [one for one in await scan(installation.kafka(), topics.exchange_completed) if exchange_of(one) == exchange]


def opened(installation: Installation, record: Message, system: str = DEFAULT_SYSTEM) -> Event:
    """The content of an event; `jwe.Unopened` where the system has no key that opens it."""
    keys = {key.kid: (key.algorithm, key.secret) for key in key_sets.read(installation, record.key, system)}
    addressed = Addressed(record.headers["ce_id"].decode(), record.key, system)
    content = canonical.decode(jwe.opened(record.value, addressed, keys))
    parts = {name: canonical.encode(content[name]) for name in ("control", "business")}
    return Event(content["exchange"], content["state"], **parts)
