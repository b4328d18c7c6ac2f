"""A steady load of inquiries, posted as business systems do: again and again until somebody has taken them over."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

import httpx

from schemas import topics
from schemas.message import Message
from services.operator import asking
from services.runtime.errors import Unavailable
from services.runtime.kafka import KafkaLog
from services.runtime.kafka.scan import watch
from tests import site as sites
from tests.faults.ground import Case, Ground
from tests.waiting import until

TOGETHER: Final = 3
"""Inquiries of one pair in one publication: in order."""
EVERY: Final = 0.2
"""Seconds between two publications: 15 inquiries a second over Kafka, and one a second over HTTP."""
EVERY_HTTP: Final = 1.0
PATIENCE: Final = 3.0
LONGEST: Final = 240.0
"""Seconds until everything has ended after a fault was mended."""


@dataclass
class Load:
    """What was posted, and when the end of each was first seen on `exchange.completed` (monotonic seconds)."""

    ground: Ground
    posted: dict[str, Case] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)
    repeats: int = 0
    _flowing: asyncio.Event = field(default_factory=asyncio.Event)

    def resume(self) -> None:
        self._flowing.set()

    def pause(self) -> None:
        self._flowing.clear()

    def open(self) -> list[str]:
        """What was posted and has not ended."""
        return [exchange for exchange in self.posted if exchange not in self.ended]

    async def works(self) -> None:
        """Something comes out of it again."""
        before = len(self.ended)
        await until(lambda: len(self.ended) > before, LONGEST)

    async def first(self, since: float) -> float:
        """Seconds from then to the first end."""
        await until(lambda: any(end >= since for end in self.ended.values()), LONGEST)
        return min(end for end in self.ended.values() if end >= since) - since

    async def empty(self, since: float) -> float:
        """Seconds from then until everything has ended and nothing is left on any topic."""
        await until(lambda: not self.open(), LONGEST)
        await sites.settled(self.ground.site, LONGEST)
        return time.monotonic() - since

    async def _kafka(self, pairs: Iterator[Case]) -> None:
        log = KafkaLog(self.ground.site.kafka(), patience=PATIENCE)
        try:
            while True:
                await self._flowing.wait()
                case = next(pairs)
                records = [self._record(case) for _ in range(TOGETHER)]
                while not await _published(log, records):
                    pass
                await asyncio.sleep(EVERY)
        finally:
            await log.close()

    async def _http(self, pairs: Iterator[Case]) -> None:
        while True:
            await self._flowing.wait()
            case = next(pairs)
            posted = sites.inquiry(case.resident, asker=case.asker)
            self.posted[posted.question.id] = case
            accepted = False
            while not accepted:
                with suppress(httpx.HTTPError):
                    answer = await asking.post_http(self.ground.site, posted)
                    accepted = answer.status_code == httpx.codes.ACCEPTED
                await asyncio.sleep(EVERY_HTTP)

    def _record(self, case: Case) -> Message:
        posted = sites.inquiry(case.resident, asker=case.asker)
        self.posted[posted.question.id] = case
        return sites.record(self.ground.site, posted)

    async def _watch(self, begun: asyncio.Event) -> None:
        async for batch in watch(self.ground.site.kafka(), topics.exchange_completed):
            begun.set()
            now = time.monotonic()
            for record in batch:
                exchange = record.headers["ce_id"].decode().partition("/")[0]
                self.repeats += exchange in self.ended
                self.ended.setdefault(exchange, now)


async def _published(log: KafkaLog, records: Sequence[Message]) -> bool:
    """A second time is a copy of the first, if that has arrived after all."""
    try:
        await log.publish([(topics.outbound_requested, record) for record in records])
    except Unavailable:
        await asyncio.sleep(EVERY)
        return False
    return True


def _in_turn(cases: Sequence[Case], seed: int) -> Iterator[Case]:
    chance = random.Random(seed)
    while True:
        yield chance.choice(cases)


@asynccontextmanager
async def steady(ground: Ground) -> AsyncIterator[Load]:
    """A load that stands still at first; what is under way is waited for in the end."""
    load, begun = Load(ground), asyncio.Event()
    tasks = [
        asyncio.create_task(load._watch(begun)),
        asyncio.create_task(load._kafka(_in_turn(ground.cases, 1))),
        asyncio.create_task(load._http(_in_turn(ground.cases, 2))),
    ]
    try:
        await begun.wait()
        yield load
    finally:
        for task in tasks:
            task.cancel()
        for done in await asyncio.gather(*tasks, return_exceptions=True):
            if not isinstance(done, asyncio.CancelledError):
                raise AssertionError("the load has ended by itself") from done
