"""Accept, complete and track what an agency asks; match the answers (連携確認機能, the asking side)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from schemas import catalogue, topics
from schemas.message import Drop, Message, Outcome
from services.exchange.accepting import Accepter
from services.exchange.finishing import Finisher
from services.runtime.entrance import Entrance, incoming, opens, outgoing, proven, refusal, sealed
from services.runtime.postgres import database
from services.runtime.rest import AtRest
from services.runtime.service import Environment, Service


@dataclass(frozen=True)
class Exchange:
    """What the steps need."""

    accepter: Accepter
    finisher: Finisher


async def accept(messages: Sequence[Message], exchange: Exchange) -> list[Outcome]:
    """A posted request becomes a message, or is refused."""
    return await exchange.accepter.accept(messages)


async def finish(messages: Sequence[Message], exchange: Exchange) -> list[Outcome]:
    """An answer or refusal that came in ends the exchange that it belongs to."""
    return await exchange.finisher.finish([exchange.finisher.answer(message) for message in messages])


async def take_back(messages: Sequence[Message], exchange: Exchange) -> list[Outcome]:
    """What the own side refused: questions end here, answers are routing's."""
    questions = [message for message in messages if message.control.kind == "inquiry"]
    answers = [Drop(message.position, "not_a_question") for message in messages if message.control.kind != "inquiry"]
    return [*answers, *await exchange.finisher.finish([exchange.finisher.refusal(message) for message in questions])]


@asynccontextmanager
async def open_exchange(environment: Environment) -> AsyncIterator[Exchange]:
    """The intermediate key rings, the tables, the directory and the catalogue."""
    rest, directory, clock = AtRest(environment.keys, environment.clock), environment.directory, environment.clock
    items = catalogue.load_catalogue()
    async with database(environment) as tables:
        yield Exchange(Accepter(rest, directory, items, tables, clock), Finisher(rest, directory, items, tables, clock))


ENTRANCE: Final = Entrance(
    "exchange",
    directory=lambda exchange: exchange.finisher.directory,
    rest=lambda exchange: exchange.finisher.rest,
    ledger=topics.intermediate_recorded,
)

service = Service(
    "exchange",
    "intermediate",
    reads={
        topics.outbound_requested: accept,
        topics.inbound_answered: ENTRANCE.before(finish, incoming, sealed, opens, proven),
        topics.outbound_refused: ENTRANCE.before(take_back, outgoing, refusal),
    },
    writes=[topics.outbound_composed, topics.exchange_completed, topics.intermediate_recorded],
    resources=open_exchange,
    tables=True,
    ring="intermediate",
)
