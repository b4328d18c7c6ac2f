"""One seed from its beginning to its verdict."""

import asyncio
import functools
import logging
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final
from unittest.mock import patch

import structlog

from schemas import topics
from schemas.topics import Topic
from schemas.wire import suites
from services.crypto import service as crypto
from services.exchange import service as exchange
from services.hub import service as hub
from services.id_conversion import service as id_conversion
from services.reference import service as reference
from services.routing import service as routing
from services.runtime import process
from services.runtime import service as declarations
from services.runtime.service import Service
from tests.simulation import faults, inquiries, poison
from tests.simulation.faults import Faults
from tests.simulation.ground import ground
from tests.simulation.inquiries import LIFE, Asked, record
from tests.simulation.oracle import Oracle
from tests.simulation.poison import Poison
from tests.simulation.process import database
from tests.simulation.scheduler import Endless, scheduled
from tests.simulation.universe import Layout, Universe

LAYOUTS: tuple[Layout, ...] = ("service", "block", "twice")
SCENES: Final = 20


class Scene(IntEnum):
    """One seed of twenty has a convoy of inquiries and changing layouts, one a message that no step can do."""

    CONVOY = 0
    POISON = 10


@dataclass(frozen=True)
class Verdict:
    """What is wrong with one seed, if anything; and what happened in it."""

    seed: int
    wrong: list[str]
    happened: Sequence[str]
    asked: Sequence[str]
    steps: int
    """Callbacks that were run."""
    trace: str
    """A digest of what was published, where, and at which step: the same, if it is the same execution."""


def remembered(function: Callable[..., bool]) -> Callable[..., bool]:
    """A pure function of topics and services, the last of which are all that there are, asked once for each."""
    known: dict[tuple[Any, ...], bool] = {}

    def asked(topic: Topic, *services: Sequence[Service]) -> bool:
        place = (topic.name, *(service.name for some in services[:-1] for service in some))
        if place not in known:
            known[place] = function(topic, *services)
        return known[place]

    return asked


@contextmanager
def simulated() -> Iterator[None]:
    """The services open tables in memory, and say nothing; what is pure and dear is computed once."""
    before = structlog.get_config()
    with ExitStack() as stack:
        for service in (crypto, exchange, hub, id_conversion, reference, routing):
            stack.enter_context(patch.object(service, "database", database))
        stack.enter_context(patch.object(suites, "verify", functools.lru_cache(4096)(suites.verify)))
        stack.enter_context(patch.object(process, "within_block", remembered(declarations.within_block)))
        stack.enter_context(patch.object(process, "skipped", remembered(declarations.skipped)))
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        stack.callback(structlog.configure, **before)
        yield


def failing(seeds: Sequence[int]) -> list[Verdict]:
    """The seeds that fail."""
    with simulated():
        verdicts = [run(seed) for seed in seeds]
    return [verdict for verdict in verdicts if verdict.wrong]


def run(seed: int) -> Verdict:
    """Executes one seed; to be called within `simulated`."""
    chance = random.Random(seed)
    asked, due, poisoned = _scene(seed, chance)
    with scheduled(chance) as scheduler:
        universe = Universe(ground(), chance, due, poisoned)
        try:
            scheduler.run_until_complete(_run(universe, asked, close=seed % SCENES in list(Scene)))
            wrong = scheduler.run_until_complete(_judged(universe, asked))
            wrong += [str(failure) for failure in scheduler.failures]
        except (AssertionError, Endless) as error:
            wrong = [str(error)]
    kinds, sorts = list(due.happened), [one.sort for one in asked]
    return Verdict(seed, wrong, kinds, sorts, scheduler.steps, universe.cluster.trace.hexdigest())


def _scene(seed: int, chance: random.Random) -> tuple[list[Asked], Faults, Poison | None]:
    """What is asked, what strikes, and what no step can do."""
    match seed % SCENES:
        case Scene.CONVOY:
            return inquiries.convoy(chance), faults.on_the_way(chance), None
        case Scene.POISON:
            asked = inquiries.convoy(chance)[:6]
            return asked, faults.of_processes(chance), poison.drawn(chance, asked)
    return inquiries.drawn(chance), faults.drawn(chance), None


async def _judged(universe: Universe, asked: list[Asked]) -> list[str]:
    return Oracle(universe, asked).faults()


async def _run(universe: Universe, asked: list[Asked], close: bool) -> None:
    chance = universe.chance
    universe.begin(chance.choice(LAYOUTS))
    posted = [(_wait(chance, close), request, one.sort == "forged") for one in asked for request in one.requests()]
    for wait, request, forged in posted:
        await asyncio.sleep(wait)
        universe.cluster.append(
            topics.outbound_requested,
            record(universe.ground, request, universe.clock(), [request] if forged else []),
        )
    await asyncio.gather(*(_impersonated(universe, one) for one in asked if one.impostor))
    await asyncio.sleep(chance.choice((0.0, 0.5, 2.0)))
    company = asyncio.get_running_loop().create_task(_company(universe, asked))
    await universe.rest()
    company.cancel()
    if universe.open():
        universe.leap(LIFE.total_seconds() + 20 * 600)
        await universe.timed_out()
        await universe.rest()
    await universe.end()


async def _company(universe: Universe, asked: list[Asked]) -> None:
    """Whoever cannot do a message sets it aside once another has been done: as long as one waits for that, another comes."""
    sender, receiver = asked[0].posted.question.sender, asked[0].posted.question.receiver
    while universe.poison is not None:
        await asyncio.sleep(2)
        if any("step failed" in why for why in universe.left()[2].values()):
            asked.append(inquiries.ordinary(universe.chance, len(asked), sender, receiver))
            another = record(universe.ground, asked[-1].posted, universe.clock())
            universe.cluster.append(topics.outbound_requested, another)


def _wait(chance: random.Random, close: bool) -> float:
    """Seconds before the next request."""
    return chance.uniform(0.05, 0.5) if close else chance.choice((0.0, 0.0, chance.uniform(0, 3)))


async def _impersonated(universe: Universe, one: Asked) -> None:
    """As soon as a message has left the intermediate interface, an impostor of it does."""
    until = asyncio.get_running_loop().time() + 5
    while asyncio.get_running_loop().time() < until:
        for coded in universe.cluster.all(topics.outbound_coded):
            if (coded.key, coded.control.id) == one.place:
                universe.cluster.append(topics.outbound_coded, inquiries.impostor(universe.ground, one, coded))
                universe.impostors.add(one.place)
                return
        await asyncio.sleep(0.1)
