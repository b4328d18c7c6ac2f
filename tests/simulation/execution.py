"""One seed from its beginning to its verdict."""

import asyncio
import logging
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from unittest.mock import patch

import structlog

from schemas import topics
from services.crypto import service as crypto
from services.exchange import service as exchange
from services.hub import service as hub
from services.id_conversion import service as id_conversion
from services.reference import service as reference
from services.routing import service as routing
from tests.simulation import faults, inquiries
from tests.simulation.ground import ground
from tests.simulation.inquiries import LIFE, Asked, record
from tests.simulation.oracle import Oracle
from tests.simulation.process import database
from tests.simulation.scheduler import Endless, scheduled
from tests.simulation.universe import Layout, Universe

LAYOUTS: tuple[Layout, ...] = ("service", "block", "twice")


@dataclass(frozen=True)
class Verdict:
    """What is wrong with one seed, if anything; and what happened in it."""

    seed: int
    wrong: list[str]
    happened: list[str]
    asked: list[str]


@contextmanager
def simulated() -> Iterator[None]:
    """The services open tables in memory, and say nothing."""
    before = structlog.get_config()
    with ExitStack() as stack:
        for service in (crypto, exchange, hub, id_conversion, reference, routing):
            stack.enter_context(patch.object(service, "database", database))
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        stack.callback(structlog.configure, **before)
        yield


def run(seed: int, change: Callable[[Universe], None] | None = None) -> Verdict:
    """Executes one seed; to be called within `simulated`."""
    chance = random.Random(seed)
    asked, due = inquiries.drawn(chance), faults.drawn(chance)
    with scheduled(chance) as scheduler:
        universe = Universe(ground(), chance, due)
        try:
            scheduler.run_until_complete(_run(universe, asked))
            wrong = scheduler.run_until_complete(_judged(universe, asked))
        except (AssertionError, Endless) as error:
            wrong = [str(error)]
    return Verdict(seed, wrong, list(due.happened), [one.sort for one in asked])


async def _judged(universe: Universe, asked: list[Asked]) -> list[str]:
    return Oracle(universe, asked).faults()


async def _run(universe: Universe, asked: list[Asked]) -> None:
    chance = universe.chance
    universe.begin(chance.choice(LAYOUTS))
    posted = [
        (chance.choice((0.0, 0.0, chance.uniform(0, 3))), request, one.sort == "forged")
        for one in asked
        for request in one.requests()
    ]
    for wait, request, forged in posted:
        await asyncio.sleep(wait)
        universe.cluster.append(
            topics.outbound_requested, record(universe.ground, request, [request] if forged else [])
        )
    await asyncio.sleep(chance.uniform(0, 4))
    await universe.rest()
    if any(row["state"] == "open" for row in universe.tables["exchange"].rows["exchanges"].values()):
        universe.leap(LIFE.total_seconds() + 20 * 600)
        await asyncio.sleep(3)
        await universe.rest()
    await universe.end()
