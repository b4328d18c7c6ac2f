"""Take what others ask, fetch what is known, answer automatically or wait for a person (連携確認機能, the answering side)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from schemas import catalogue, topics
from schemas.message import Message, Outcome
from schemas.replica import FoundPart
from services.routing.answering import Answerer
from services.routing.asking import Asker
from services.runtime.entrance import Entrance, incoming, inquiry, opens, outgoing, proven, refusal, sealed
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


def found(message: Message, rest: AtRest | None) -> None:
    """It holds what the reference database found."""
    if rest is not None:
        FoundPart.model_validate_json(rest.open(message, "value"))


@asynccontextmanager
async def open_routing(environment: Environment) -> AsyncIterator[Routing]:
    """The intermediate key rings, the tables, the directory and the catalogue."""
    rest, directory, clock = AtRest(environment.keys, environment.clock), environment.directory, environment.clock
    async with database(environment) as tables:
        yield Routing(
            Asker(rest, directory, catalogue.load_catalogue(), tables, clock), Answerer(rest, directory, tables, clock)
        )


ENTRANCE: Final = Entrance(
    "routing",
    directory=lambda routing: routing.asker.directory,
    rest=lambda routing: routing.asker.rest,
    ledger=topics.intermediate_recorded,
)

service = Service(
    "routing",
    "intermediate",
    reads={
        topics.inbound_asked: ENTRANCE.before(ask, incoming, inquiry, sealed, opens, proven),
        topics.reference_found: ENTRANCE.before(answer, incoming, inquiry, sealed, found, proven),
        topics.outbound_refused: ENTRANCE.before(take_back, outgoing, refusal),
    },
    writes=[topics.reference_requested, topics.outbound_composed, topics.intermediate_recorded],
    resources=open_routing,
    tables=True,
    ring="intermediate",
)
