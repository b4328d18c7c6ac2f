"""A chain of two services on a real log and database: whatever is killed, nothing is lost and nothing doubled."""

import asyncio
import random
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from schemas.message import Message
from schemas.topics import Topic
from services.runtime.kafka import KafkaLog
from tests.dummy.chain import Chain
from tests.dummy.site import Site, site
from tests.waiting import until

AGENCIES = [f"13101{number}" for number in range(10)] + [f"27100{number}" for number in range(10)]
AHEAD = 120
"""Messages that may be under way: enough that there always are some when something is killed."""


@pytest.fixture
async def dummy(tmp_path: Path, kafka: str, postgres: str) -> AsyncIterator[Site]:
    with site(tmp_path, kafka, postgres, Chain(f"chain-{uuid.uuid4()}")) as opened:
        await opened.prepare()
        yield opened


@dataclass
class Traffic:
    """What was requested, and what came of it, in the order in which it came."""

    site: Site
    log: KafkaLog
    sent: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """By agency, the ids in the order of publishing."""
    came: dict[str, list[tuple[str, bytes]]] = field(default_factory=lambda: defaultdict(list))
    """By agency, id and decision of every finished message."""
    seen: set[str] = field(default_factory=set)
    ahead: int = AHEAD

    def count(self) -> int:
        return sum(map(len, self.sent.values()))

    def under_way(self) -> int:
        return self.count() - len(self.seen)

    async def request(self, enough: asyncio.Event) -> None:
        """Requests more and more, as long as no more than `ahead` are under way."""
        while not enough.is_set():
            await until(lambda: self.under_way() < self.ahead, 60)
            messages = [_request(agency) for agency in AGENCIES]
            for message in messages:
                self.sent[message.key].append(message.headers["id"].decode())
            await self.log.publish([(self.site.chain.topic("requested"), message) for message in messages])

    async def watch(self) -> None:
        """Notes what is finished, until it is cancelled."""
        async with self.log.reader("watcher", self.site.chain.topic("finished")) as reader:
            while True:
                for message in await reader.read(500, 0.05):
                    identity = message.headers["id"].decode()
                    self.came[message.key].append((identity, message.headers["decided"]))
                    self.seen.add(identity)

    async def finished(self, count: int) -> None:
        """Until so many different messages are finished."""
        await until(lambda: len(self.seen) >= count, 60)

    async def settled(self) -> bool:
        """Nothing is left to be done on any topic of the chain: the lag is zero."""
        return all([await self.is_done(group, topic) for group, topic in self.site.groups()])

    async def is_done(self, group: str, topic: Topic) -> bool:
        """Nothing of the topic is left to be done by the group."""
        return await self.log.committed(group, topic) == await self.log.ends(topic)


@asynccontextmanager
async def traffic(dummy: Site) -> AsyncIterator[Traffic]:
    log = KafkaLog(dummy.kafka)
    try:
        async with asyncio.TaskGroup() as tasks:
            opened = Traffic(dummy, log)
            watching = tasks.create_task(opened.watch())
            yield opened
            watching.cancel()
    finally:
        await log.close()


def _request(agency: str) -> Message:
    return Message(agency, b"please", {"id": str(uuid.uuid4()).encode()})


def effects(dummy: Site) -> dict[str, list[tuple[str, int]]]:
    """By agency, id and times of every effect, in the order in which they were had."""
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    with psycopg.connect(dummy.postgres) as connection:
        for agency, identity, times in connection.execute(
            "SELECT agency, id::text, times FROM second.effects ORDER BY number"
        ):
            found[agency].append((identity, times))
    return found


def check(flow: Traffic) -> None:
    """Nothing lost, nothing doubled, order kept, repeats equal."""
    had = effects(flow.site)
    for agency, sent in flow.sent.items():
        mine = set(sent)
        assert [(identity, times) for identity, times in had[agency] if identity in mine] == [(one, 1) for one in sent]
        assert list(dict.fromkeys(identity for identity, _ in flow.came[agency])) == sent
        assert len(set(flow.came[agency])) == len(sent)


async def test_killed_at_any_moment(dummy: Site) -> None:
    """Each service is killed several times in both layouts, and the layout is switched twice, all under load."""
    moments = random.Random(dummy.chain.name)
    async with traffic(dummy) as flow:
        running = {name: dummy.start(name) for name in ("first", "second")}
        enough = asyncio.Event()
        requesting = asyncio.create_task(flow.request(enough))

        async def kill(*names: str) -> None:
            """Each at its own moment, and started again at once."""
            for name in names:
                await flow.finished(len(flow.seen) + moments.randint(1, AHEAD // 2))
                running[name].kill()
                running[name] = dummy.start(name)

        async def switch(*names: str) -> None:
            """The new layout starts while the old one still runs and leaves in good order."""
            left = list(running.values())
            running.clear()
            running.update({name: dummy.start(name) for name in names})
            await until(lambda: all(member.ready() for member in running.values()))
            assert [await member.stop() for member in left] == [0] * len(left)
            await flow.finished(len(flow.seen) + AHEAD)

        async def leave_a_backlog() -> None:
            """Of both topics: `second` is killed while `first` goes on, and then nobody is there."""
            running.pop("second").kill()
            await until(lambda: flow.under_way() >= AHEAD)
            await until(lambda: flow.is_done(*dummy.groups()[0]))
            assert await running.pop("first").stop() == 0
            flow.ahead = 3 * AHEAD
            await until(lambda: flow.under_way() >= flow.ahead)
            flow.ahead = AHEAD

        await flow.finished(AHEAD)
        await kill("first", "second")
        await kill("first", "second")
        await flow.finished(len(flow.seen) + AHEAD)
        await leave_a_backlog()
        await switch("block")
        await kill("block")
        await switch("first", "second")
        enough.set()
        await requesting
        await flow.finished(flow.count())
        await until(flow.settled)
        check(flow)
        assert [await member.stop() for member in running.values()] == [0, 0]
