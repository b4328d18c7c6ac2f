"""Take what others ask, fetch what is known, answer automatically or wait for a person (連携確認機能, the answering side)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from schemas import catalogue, topics
from schemas.message import Message, Outcome
from services.routing.answering import Answerer
from services.routing.asking import Asker
from services.runtime.postgres import database
from services.runtime.rest import AtRest
from services.runtime.service import Environment, Service


@dataclass(frozen=True)
class Routing:
    """What the steps need."""

    asker: Asker
    answerer: Answerer


async def ask(messages: Sequence[Message], routing: Routing) -> list[Outcome]:
    """An inquiry becomes a case, and asks the reference database."""
    return await routing.asker.ask(messages)


async def answer(messages: Sequence[Message], routing: Routing) -> list[Outcome]:
    """What was found becomes the answer, or the case waits for a person."""
    return await routing.answerer.answer(messages)


async def take_back(messages: Sequence[Message], routing: Routing) -> list[Outcome]:
    """What the own side refused: answers wait for a person, questions are exchange's."""
    return await routing.answerer.take_back(messages)


async def refuse(messages: Sequence[Message], routing: Routing) -> list[Outcome]:
    """Inquiries that had to be set aside are refused with `internal_error`."""
    return routing.asker.refuse(messages)


@asynccontextmanager
async def open_routing(environment: Environment) -> AsyncIterator[Routing]:
    """The intermediate key rings, the tables, the directory and the catalogue."""
    rest, directory, clock = AtRest(environment.keys, environment.clock), environment.directory, environment.clock
    async with database(environment) as tables:
        yield Routing(
            Asker(rest, directory, catalogue.load_catalogue(), tables, clock), Answerer(rest, directory, tables, clock)
        )


service = Service(
    "routing",
    "intermediate",
    reads={topics.inbound_asked: ask, topics.reference_found: answer, topics.outbound_refused: take_back},
    writes=[topics.reference_requested, topics.outbound_composed, topics.intermediate_recorded],
    aside={topics.inbound_asked: refuse},
    resources=open_routing,
    tables=True,
    ring="intermediate",
)
