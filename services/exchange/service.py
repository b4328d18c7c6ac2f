"""Accept, complete and track what an agency asks; match the answers (連携確認機能, the asking side)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from schemas import catalogue, topics
from schemas.canonical import Malformed
from schemas.message import Drop, Emit, Message, Outcome
from services.exchange.accepting import Accepter
from services.exchange.deadlines import Deadlines
from services.exchange.failing import Failer
from services.exchange.finishing import Finisher
from services.runtime.postgres import database
from services.runtime.rest import AtRest
from services.runtime.service import Environment, Service, Tick


@dataclass(frozen=True)
class Exchange:
    """What the steps need."""

    accepter: Accepter
    finisher: Finisher
    deadlines: Deadlines
    failer: Failer


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


async def time_out(messages: Sequence[Message], exchange: Exchange) -> list[Outcome]:
    """An exchange whose deadline has passed without an answer ends here.

    A record that says of no exchange is passed over: what is still open is published again."""
    said = [message for message in messages if _is_read(message)]
    passed = [Drop(message.position, "unreadable") for message in messages if not _is_read(message)]
    return [*passed, *await exchange.finisher.finish([exchange.deadlines.passed(message) for message in said])]


def _is_read(message: Message) -> bool:
    """Whether it has a control part: a tombstone has none, nor what the client could not decode."""
    try:
        return bool(message.control)
    except Malformed:
        return False


async def publish_due(exchange: Exchange) -> Sequence[Emit]:
    """The ticker of the deadlines."""
    return await exchange.deadlines.due()


async def aside(messages: Sequence[Message], exchange: Exchange) -> list[Outcome]:
    """What had to be set aside, since no step could handle it: whoever asked is told `internal_error`."""
    return await exchange.failer.aside(messages)


@asynccontextmanager
async def open_exchange(environment: Environment) -> AsyncIterator[Exchange]:
    """The intermediate key rings, the tables, the directory and the catalogue."""
    rest, directory, clock = AtRest(environment.keys, environment.clock), environment.directory, environment.clock
    items = catalogue.load_catalogue()
    async with database(environment) as tables:
        accepter = Accepter(rest, directory, items, tables, clock, environment.metrics, environment.partition)
        finisher = Finisher(rest, directory, items, tables, clock)
        deadlines = Deadlines(finisher, timedelta(seconds=environment.settings.grace))
        yield Exchange(accepter, finisher, deadlines, Failer(accepter, finisher))


service = Service(
    "exchange",
    "intermediate",
    reads={
        topics.outbound_requested: accept,
        topics.inbound_answered: finish,
        topics.outbound_refused: take_back,
        topics.exchange_due: time_out,
    },
    writes=[topics.outbound_composed, topics.exchange_completed, topics.exchange_due, topics.intermediate_recorded],
    gathers=[topics.outbound_requested],
    aside={topics.outbound_requested: aside},
    resources=open_exchange,
    ticks=[Tick(1.0, publish_due)],
    tables=True,
    ring="intermediate",
)
