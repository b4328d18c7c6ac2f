"""Many inquiries at once, and whether each has one answer, the right one."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from schemas import topics
from schemas.message import Message
from schemas.request import Posted
from services.operator import answers
from services.operator.demo import ASKER
from services.operator.installation import Layout
from services.runtime.kafka import KafkaLog
from services.runtime.kafka.scan import scan
from tests import site as sites
from tests.site import RESIDENTS, Resident, Site, inquiry
from tests.waiting import until

TOGETHER: Final = 2
STORED: Final = {
    "exchange.exchanges": 1,
    "exchange.decisions": 2,
    "crypto.decisions": 2,
    "hub.decisions": 2,
    "hub.provisions": 2,
    "routing.decisions": 1,
    "routing.cases": 1,
}
"""Rows that one inquiry leaves behind: accepted and finished once; question and answer permitted and opened once each."""


@dataclass(frozen=True)
class Many:
    """Inquiries about all residents in turn, their assertions signed beforehand."""

    site: Site
    posted: Sequence[tuple[Posted, Resident]]
    records: Sequence[Message]
    before: dict[str, int]

    @property
    def ids(self) -> list[str]:
        return [posted.question.id for posted, _ in self.posted]

    async def publish(self, start: int, end: int) -> None:
        """Posts some of them over Kafka, few at a time, so that every service has many small batches to work on."""
        log = KafkaLog(self.site.kafka())
        try:
            for place in range(start, end, TOGETHER):
                records = self.records[place : min(end, place + TOGETHER)]
                await log.publish([(topics.outbound_requested, record) for record in records])
        finally:
            await log.close()

    def accepted(self) -> int:
        """How many have become an exchange."""
        return self._count("true")

    def ended(self) -> int:
        """How many have an answer or a refusal."""
        return self._count("state <> 'open'")

    def _count(self, condition: str) -> int:
        query = f"SELECT count(*) FROM exchange.exchanges WHERE id = ANY (%s::uuid[]) AND {condition}"
        return int(sites.rows(self.site, query, self.ids)[0][0])

    async def finish(self, seconds: float) -> None:
        """Until all have ended and nothing is left to be done."""
        await until(lambda: self.ended() == len(self.posted), seconds)
        await sites.settled(self.site)

    async def check(self) -> int:
        """One answer each, the right one, its repeats equal; nothing stored twice. Returns how many repeats there were."""
        found = defaultdict(list)
        wanted = set(self.ids)
        for record in await scan(self.site.kafka(), topics.exchange_completed):
            if (exchange := answers.exchange_of(record)) in wanted:
                found[exchange].append((record, answers.opened(self.site, record)))
        assert found.keys() == wanted
        for posted, resident in self.posted:
            records = found[posted.question.id]
            assert len({event for _, event in records}) == 1
            record = records[0][0]
            assert (record.key, sites.ended_by(self.site, record).kind) == (ASKER, "response")
            assert sites.clear(self.site, record) == {"outcome": "records", "records": [sites.copy_of(resident)]}
        stored = {table: count - self.before[table] for table, count in counts(self.site).items()}
        assert stored == {table: times * len(self.posted) for table, times in STORED.items()}
        return sum(map(len, found.values())) - len(wanted)


async def prepare(site: Site, count: int) -> Many:
    """Signs so many inquiries."""
    posted = [(inquiry(resident), resident) for resident in (RESIDENTS * (count // len(RESIDENTS) + 1))[:count]]
    await sites.settled(site)
    return Many(site, posted, [sites.record(site, one) for one, _ in posted], counts(site))


async def survive_switch(site: Site, layout: Layout, count: int) -> None:
    """Inquiries that are under way while the processes change: one answer each."""
    many = await prepare(site, count)
    await many.publish(0, count // 2)
    await until(many.ended)
    switching = asyncio.create_task(asyncio.to_thread(sites.switch, site, layout))
    await many.publish(count // 2, count)
    assert many.ended() < count, "all is over before the switch"
    await switching
    await many.finish(60)
    await many.check()


def counts(site: Site) -> dict[str, int]:
    """Rows by table."""
    return {table: int(sites.rows(site, f"SELECT count(*) FROM {table}")[0][0]) for table in STORED}
