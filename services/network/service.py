"""The only place that knows the network's specification (情報提供ネットワークシステム接続機能).

Out: what is sealed is submitted, keyed by the sender, stripped of everything that belongs to the block alone.
In: what is delivered is taken over within its limits, keyed by the receiver.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from schemas import topics
from schemas.message import Drop, Emit, Message, Outcome
from schemas.refusal import SecurityEvent
from schemas.topics import Topic
from schemas.trail import extended
from schemas.wire.envelope import Envelope
from services.runtime.directory import Directory
from services.runtime.entrance import Entrance, outgoing
from services.runtime.records import finding, incident, recorded
from services.runtime.rest import AtRest
from services.runtime.service import Environment, Service

NAME = "network"


async def submit(messages: Sequence[Message], directory: Directory) -> list[Outcome]:
    """Every sealed message is submitted and recorded: the last step of its trip through the block."""
    return [outcome for message in messages for outcome in _submitted(message, directory)]


async def receive(messages: Sequence[Message], directory: Directory) -> list[Outcome]:
    """Every delivered message within its limits enters the block; anything larger is a security event, unparsed."""
    return [outcome for message in messages for outcome in _received(message, directory)]


def _submitted(message: Message, directory: Directory) -> list[Outcome]:
    findings = extended(message.headers.get("trail", b""), finding(NAME, "submitted", directory))
    return [_copied(message, topics.network_submitted), recorded(message, topics.linkage_recorded, findings)]


def _received(message: Message, directory: Directory) -> list[Outcome]:
    try:
        return [_copied(message, topics.inbound_sealed)]
    except SecurityEvent as event:
        bare = replace(message, headers={"control": message.headers.get("control", b"")})
        record = incident(bare, NAME, event, directory, topics.linkage_recorded)
        return [Drop(message.position, event.code), record]


def _copied(message: Message, topic: Topic) -> Emit:
    envelope = Envelope.of(message)
    return message.caused(topic, envelope.value, envelope.headers())


def within_limits(message: Message, _: AtRest | None) -> None:
    """What nobody would take is not submitted."""
    Envelope.of(message)


@asynccontextmanager
async def open_network(environment: Environment) -> AsyncIterator[Directory]:
    """It needs to know only which edition of the directory its records name."""
    yield environment.directory


ENTRANCE: Final = Entrance(NAME, directory=lambda directory: directory, rest=None, ledger=topics.linkage_recorded)

service = Service(
    NAME,
    "linkage",
    reads={topics.outbound_sealed: ENTRANCE.before(submit, outgoing, within_limits), topics.network_delivered: receive},
    writes=[topics.network_submitted, topics.inbound_sealed, topics.linkage_recorded],
    resources=open_network,
)
