"""A process as its operator sees it: what it waits for, what it answers, how it stops, what it survives."""

import socket
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from schemas import quarantine, topics
from schemas.message import Message
from services.operator.local.port import HOST, free_port
from services.runtime.kafka import KafkaLog
from services.runtime.kafka.scan import scan
from services.runtime.log import Log
from tests.dummy.chain import Chain
from tests.dummy.site import Site, site, without_user
from tests.proxy import Proxy
from tests.waiting import until

NOWHERE = "127.0.0.1:1"
AGENCY = "131016"
COUNT = 30


@pytest.fixture
def unprepared(tmp_path: Path, kafka: str, postgres: str) -> Iterator[Site]:
    """A site whose topics nobody has made yet."""
    with site(tmp_path, kafka, postgres, Chain(f"chain-{uuid.uuid4()}")) as opened:
        yield opened


@pytest.fixture
async def dummy(unprepared: Site) -> Site:
    await unprepared.prepare()
    return unprepared


@pytest.fixture
async def log(kafka: str) -> AsyncIterator[KafkaLog]:
    opened = KafkaLog(kafka)
    yield opened
    await opened.close()


@pytest.fixture
def empty_database(postgres: str) -> Iterator[str]:
    """A database without any schema."""
    name = f"empty_{uuid.uuid4().hex}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield name
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


# --- Starting


async def test_what_is_missing_is_named(dummy: Site, empty_database: str) -> None:
    """A start waits for what may still come, gives up after RENKEI_PATIENCE, says why, and exits with status 2."""
    with socket.create_server((HOST, 0)) as other:
        taken = other.getsockname()[1]
        expected = {
            dummy.start("first", patience=1, kafka=NOWHERE): "gave up after 1 s: the log: Kafka is not reachable",
            dummy.start("second", patience=1, postgres=f"postgresql://{NOWHERE}/x"): "1 s: second: PostgreSQL is away",
            dummy.start(
                "second", patience=1, postgres=without_user(dummy.postgres, empty_database)
            ): "migrations applied",
            dummy.start("second", patience=1, passwords="/nowhere"): "no password file for role renkei_second: No such",
            dummy.start("first", patience=1, roots="/nowhere"): "enrolled roots /nowhere: No such file",
            dummy.start("first", patience=1, http=taken): f"port {taken} of {HOST}: Address already in use",
        }
        for member, reason in expected.items():
            assert await member.ended() == 2
            assert reason in member.lines()[-1]["reason"]


async def test_another_schema_is_not_the_codes(dummy: Site) -> None:
    """Migrations that are older or newer than the code stop a start; the message names both."""
    with psycopg.connect(dummy.postgres, autocommit=True) as connection:
        connection.execute("UPDATE second.alembic_version SET version_num = '0000'")
        try:
            member = dummy.start("second", patience=1)
            assert await member.ended() == 2
        finally:
            connection.execute("UPDATE second.alembic_version SET version_num = '0001'")
    assert "schema second is at 0000, the code at 0001: `renkei db migrate`" in member.lines()[-1]["reason"]


async def test_an_unknown_setting_is_an_error(dummy: Site) -> None:
    """A variable with our prefix that nobody knows is likely a misspelt one."""
    member = dummy.start("first", kafkaa="x")
    assert await member.ended() == 2
    assert "unknown settings: RENKEI_KAFKAA; known are RENKEI_GRACE, RENKEI_HTTP," in member.output.read_text()


async def test_a_start_waits_for_topics(unprepared: Site) -> None:
    """Until they are made /health is well, and /ready names what is missing; then it starts by itself."""
    member = unprepared.start("first")
    await until(lambda: f"topic {unprepared.chain.name}.requested is missing" in str(member.waiting()))
    assert member.get("/health").json() == {"alive": True}
    assert member.get("/ready").status_code == 503
    assert member.get("/").status_code == 503
    await unprepared.prepare()
    await until(member.ready)
    assert member.get("/ready").status_code == 200


async def test_a_start_can_be_stopped(unprepared: Site) -> None:
    """Whoever is told to stop while it waits has done nothing wrong."""
    member = unprepared.start("first")
    await until(lambda: "is missing" in str(member.waiting()))
    assert await member.stop() == 0


# --- Working and stopping


async def test_it_works_and_stops_in_order(dummy: Site, log: KafkaLog) -> None:
    """What was done is committed on SIGTERM, the status is 0, the metrics have counted it, and the log is one of lines."""
    member = dummy.start("block")
    await until(member.ready)
    await request(dummy, log, "requested")
    await until(lambda: arrived(dummy, log, "finished"))
    metrics = member.get("/metrics").text
    requested = f"{dummy.chain.name}.requested"
    assert f'renkei_messages_read_total{{service="first",topic="{requested}"}} {COUNT}.0' in metrics
    assert "renkei_ready 1.0" in metrics
    assert await member.stop() == 0
    for group, topic in dummy.groups():
        assert await log.committed(group, topic) == await log.ends(topic), topic
    assert sum((await log.ends(dummy.chain.topic("halfway"))).values()) == 0, "a block hands its batches on"
    said = [line["event"] for line in member.lines()]
    assert [event for event in said if event != "directory record ignored"] == ["started", "stopped"]  # others' tests


async def test_a_bug_loses_nothing(dummy: Site, log: KafkaLog) -> None:
    """While a step raises, /ready is red and names it, nothing is committed, other topics go on; then all is done."""
    member = dummy.start("first")
    await until(member.ready)
    dummy.broken.touch()
    await request(dummy, log, "requested", "asked")
    await until(lambda: arrived(dummy, log, "echoed"))
    requested = dummy.chain.topic("requested")
    await until(lambda: member.waiting() == {f"first/{requested}": "step failed: LookupError"})
    assert member.get("/ready").status_code == 503
    assert set((await log.committed(f"renkei.first.{requested}", requested)).values()) == {0}
    dummy.broken.unlink()
    await until(lambda: arrived(dummy, log, "halfway"))
    await until(member.ready)
    assert await member.stop() == 0


async def test_a_bug_does_not_hinder_the_stop(dummy: Site, log: KafkaLog) -> None:
    """What could not be done is left to whoever comes next."""
    member = dummy.start("first")
    dummy.broken.touch()
    await request(dummy, log, "requested")
    await until(lambda: "step failed" in str(member.waiting()))
    assert await member.stop() == 0
    requested = dummy.chain.topic("requested")
    assert set((await log.committed(f"renkei.first.{requested}", requested)).values()) == {0}


async def test_a_database_that_comes_back(dummy: Site, log: KafkaLog) -> None:
    """Without it the batch waits, other topics of the process go on; with it everything is done, once."""
    proxy = Proxy(urlsplit(dummy.postgres).port or 5432, free_port())
    await proxy.open()
    member = dummy.start("block", postgres=without_user(dummy.postgres, address=f"{HOST}:{proxy.port}"))
    await until(member.ready)
    await proxy.close()
    await request(dummy, log, "requested", "asked")
    await until(lambda: arrived(dummy, log, "echoed"))
    await until(lambda: "PostgreSQL is away" in str(member.waiting()))
    await proxy.open()
    await until(lambda: arrived(dummy, log, "finished"))
    await until(member.ready)
    assert await member.stop() == 0
    await proxy.close()
    assert sum((await log.ends(dummy.chain.topic("finished"))).values()) == COUNT


async def request(dummy: Site, log: Log, *kinds: str) -> None:
    """`COUNT` messages on each topic."""
    headers = [{"id": str(uuid.uuid4()).encode()} for _ in range(COUNT)]
    await log.publish([(dummy.chain.topic(kind), Message(AGENCY, b"", one)) for kind in kinds for one in headers])


async def arrived(dummy: Site, log: Log, kind: str) -> bool:
    return sum((await log.ends(dummy.chain.topic(kind))).values()) >= COUNT


# --- What kills


async def test_a_message_that_kills_its_process_is_found(dummy: Site, log: Log) -> None:
    """Started again, the process goes message by message and counts; the fourth time it sets the killer aside."""
    requested, finished = dummy.chain.topic("requested"), dummy.chain.topic("finished")
    ids = [str(uuid.uuid4()) for _ in range(9)]
    records = [Message(AGENCY, b"x", {"id": one.encode(), **({"kills": b"1"} if one == ids[4] else {})}) for one in ids]
    second = dummy.start("second")
    await log.publish([(requested, record) for record in records])
    for _ in range(4):  # the whole batch, then three times the message alone
        first = dummy.start("first")
        assert await first.ended() == -9
    dummy.start("first")
    async with log.reader("watcher", finished) as reader:
        found: list[str] = []
        while len(set(found)) < len(ids) - 1:
            found += [one.headers["id"].decode() for one in await reader.read(100, 0.2)]
    assert list(dict.fromkeys(found)) == [one for one in ids if one != ids[4]]
    [record] = await _quarantined(dummy)
    assert (record.said.error, record.said.attempts) == ("Killed", 3)
    assert quarantine.original_of(record, dummy.key).headers["id"].decode() == ids[4]
    await second.stop()


async def _quarantined(site: Site) -> list[quarantine.Aside]:
    """What this chain's steps have set aside."""
    held = [quarantine.read(record) for record in await scan(site.kafka, topics.record_quarantined)]
    return [one for one in held if one.said.topic.startswith(site.chain.name)]
