"""Hostile records on every topic of a real site, in both layouts: nothing stops, the lag returns to zero.

Where anybody may write, no step stumbles; where the site alone does, a record that no step foresees is set aside.

It has servers of its own, since what it leaves on the topics is nothing that other tests could read.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest

from schemas import topics
from schemas.message import Emit, Message, Position
from schemas.text import instant, later
from schemas.topics import Topic
from services.operator import asking
from services.operator.demo import ASKER, UNLAWFUL
from services.operator.installation import Layout
from services.operator.local import kafka as local_kafka_server
from services.operator.local import postgres as local_postgres_server
from services.operator.local import process
from services.operator.local.kafka import KafkaSettings
from services.operator.local.postgres import PostgresSettings
from services.operator.tables import now, rings
from services.runtime.chain import _restored, _stamped
from services.runtime.directory import Directory, EnrolledRoots
from services.runtime.errors import Misconfigured, Unavailable
from services.runtime.kafka.scan import scan
from services.runtime.keys import KeyRings
from services.runtime.log import require_size
from services.runtime.memory import MemoryLog
from services.runtime.service import Environment, Service, within_block
from services.topology import SERVICES, all_topics, groups
from tests import site as sites
from tests.conftest import temporary_installation
from tests.hostile.records import Raw, hostile, put, raw, rough
from tests.site import FLAGGED, RESIDENTS, SPOUSE, Site, ask, inquiry

OUTER: Final = {
    topics.outbound_requested,
    topics.network_submitted,
    topics.network_delivered,
    topics.replica_registered,
}
"""Where others write: business systems and the network."""
PATIENCE: Final = 240
"""Seconds: a flood is tried record by record, each three times."""
SOON: Final = 20
READERS: Final = [(service, topic) for service in SERVICES for topic in service.reads]
Real = Mapping[Topic, Sequence[Message]]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """An installation with a Kafka and a PostgreSQL of its own, one process per service: every topic is used."""
    with (
        temporary_installation() as folder,
        local_kafka_server.running(KafkaSettings(folder, brief=True)) as broker,
        local_postgres_server.running(PostgresSettings(folder)) as database,
        sites.opened(broker.bootstrap, database.dsn) as opened,
    ):
        sites.switch(opened, "service")
        yield opened


@pytest.fixture(scope="module")
def real(site: Site) -> Real:
    """The last records of every topic after inquiries that were answered, and refused by the own side and by the hub."""

    async def asked() -> Real:
        for resident in (*RESIDENTS[:2], SPOUSE):
            assert (await ask(site, inquiry(resident))).state == "answered"
        assert (await ask(site, inquiry(RESIDENTS[0], UNLAWFUL))).state == "refused"
        await sites.publish(site, [(topics.outbound_composed, Message(ASKER, b"x", {}))])
        await _until_settled(site)
        return {topic: (await scan(site.kafka(), topic))[-4:] for topic in all_topics()}

    found = asyncio.run(asked())
    assert all(found.values()), "every topic is used"
    return found


@pytest.mark.parametrize(("service", "topic"), READERS, ids=lambda each: str(getattr(each, "name", each)))
async def test_no_step_stumbles(site: Site, real: Real, service: Service, topic: Topic) -> None:
    """Every record alone in its batch has an outcome, none that the log would not take; at most it is set aside."""
    wrong: Counter[str] = Counter()
    async with _opened(site, service) as held:
        for place, record in enumerate(hostile(topic, real)):
            message = _entering(record, topic, place)
            try:
                outcomes = await service.reads[topic]([message], held)
                require_size([(one.topic, _sourced(one.message)) for one in outcomes if isinstance(one, Emit)])
                assert {one.cause for one in outcomes} == {message.position}
            except Exception as error:
                if topic in OUTER or isinstance(error, Misconfigured | Unavailable | AssertionError):
                    wrong[f"{type(error).__name__}: {error}"] += 1
    assert wrong == {}
    assert place > 1_000


@pytest.mark.parametrize("layout", ["service", "block"])
async def test_a_hostile_record_stops_nothing(site: Site, real: Real, layout: Layout) -> None:
    """On all topics at once: every reader gets past all of it, every process is ready, an ordinary inquiry is answered."""
    sites.switch(site, layout)
    before = {one.name: one.pid for one in process.running(site.folder)}
    for topic in all_topics():
        await put(site.kafka(), topic, [record for record in rough(topic, real) if record.key or not topic.compacted])
    await _until_settled(site)
    for resident in RESIDENTS[:2]:
        assert sites.answers(await ask(site, inquiry(resident)), resident)
    assert {one.name: one.pid for one in process.running(site.folder)} == before, "no process has ended"


async def test_the_directory_takes_nothing_that_is_not_signed(site: Site, real: Real) -> None:
    """Whatever else stands on its topic, the table that services fold from it is the same, and they know its end."""
    honest = Directory(EnrolledRoots(site.roots), now)
    honest.fold(
        message for message in await scan(site.kafka(), topics.directory) if message.headers or message.key == "beat"
    )
    flooded = Directory(EnrolledRoots(site.roots), now)
    good = [raw(message) for message in await scan(site.kafka(), topics.directory)]
    spoilt = [record.read(topics.directory, 0) for record in hostile(topics.directory, real)]
    flooded.fold([*spoilt, *(record.read(topics.directory, 0) for record in good), *spoilt])
    assert flooded.ignoring.counts.total() >= len(spoilt) - len(real[topics.directory])
    for part in ("agencies", "keys", "policies", "assessments", "edition"):
        assert getattr(flooded, part) == getattr(honest, part)


def test_every_topic_is_flooded() -> None:
    """Also those that no service reads: whoever does must not be found by chance."""
    assert {topic for _, topic in groups()} < set(all_topics())
    assert topics.directory in all_topics()


async def _until_settled(site: Site) -> None:
    """A record that no step can do is set aside behind the next message that it can do: ordinary ones go on coming."""
    for _ in range(PATIENCE // SOON):
        await _company(site)
        with suppress(AssertionError):
            await sites.settled(site, SOON)
            return
    await sites.settled(site)


async def _company(site: Site) -> None:
    """An ordinary message on every topic: what a step does for it shows that the others are at fault."""
    late = inquiry(FLAGGED, expires=later(instant(now()), timedelta(seconds=2)))
    posted = [late, inquiry(RESIDENTS[0]), inquiry(RESIDENTS[0], UNLAWFUL)]
    for one in posted:
        assert (await asking.post_http(site, one)).status_code == httpx.codes.ACCEPTED
    ended = [(await asking.wait(site, ASKER, one.question.id, PATIENCE)).state for one in posted]
    assert ended == ["refused", "answered", "refused"]
    assert (await sites.ask_past_own_side(site, RESIDENTS[0], UNLAWFUL)).state == "refused"


@asynccontextmanager
async def _opened(site: Site, service: Service) -> Any:
    """What the service's steps need, as its process has it."""
    directory = Directory(EnrolledRoots(site.roots), now)
    directory.fold(await scan(site.kafka(), topics.directory))
    keys = rings(site, service.ring) if service.ring else KeyRings(site.keys, b"", "")
    environment = Environment(service.name, site.settings(), directory, keys, MemoryLog(now), now)
    async with service.resources(environment) as held:
        yield held


def _entering(record: Raw, topic: Topic, place: int) -> Message:
    """As the runtime hands it to the step; it stands where no other record does."""
    message = replace(record.read(topic, 0), position=Position(topic.name, 0, 10**9 + place))
    return _restored(message if within_block(topic, SERVICES) else _stamped(message))


def _sourced(message: Message) -> Message:
    return replace(message, headers={**message.headers, "source": message.source.encode()})
