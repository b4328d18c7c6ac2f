"""Which services there are. From this and `schemas/topics.py` come topics, offsets, AsyncAPI, and the map in the README."""

from typing import Final

from schemas.topics import Topic, record_quarantined
from services.authorization.service import service as authorization
from services.crypto.service import service as crypto
from services.exchange.service import service as exchange
from services.gateway.service import service as gateway
from services.hub.service import service as hub
from services.id_conversion.service import service as id_conversion
from services.network.service import service as network
from services.reference.service import service as reference
from services.routing.service import service as routing
from services.runtime.service import Block, Service

SERVICES: Final[tuple[Service, ...]] = (
    exchange,
    id_conversion,
    routing,
    reference,
    authorization,
    crypto,
    network,
    hub,
    gateway,
)
BLOCKS: Final[tuple[Block, ...]] = ("intermediate", "linkage")
"""The blocks that can run in one process each."""


def services_of(name: str) -> list[Service]:
    """What a process of this name runs: a service, or a whole block; none where there is no such name."""
    return [service for service in SERVICES if name == service.name or (name == service.block and name in BLOCKS)]


def all_topics() -> list[Topic]:
    """Every topic that a service reads or writes, in the order of the services, and the runtime's own."""
    used = [topic for service in SERVICES for topic in (*service.reads, *service.writes)]
    return list(dict.fromkeys([*used, record_quarantined]))


def groups() -> list[tuple[str, Topic]]:
    """Every consumer group and the topic it reads."""
    return [(service.group(topic), topic) for service in SERVICES for topic in service.reads]
