"""No personal data: what is planted as numbers, link codes and business values is found nowhere behind `exchange`."""

import asyncio
import base64
import json
import os
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import httpx
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import topics
from schemas.message import Message
from schemas.text import to_bytes
from services.operator import asking
from services.operator.demo import ASKER, UNLAWFUL
from services.operator.local.kafka import KafkaSettings
from services.runtime.kafka.scan import scan
from services.topology import SERVICES, all_topics
from tests import site as sites
from tests.site import AMOUNT, CONDITION, FLAGGED, NEWCOMER, NUMBER, RESIDENTS, SPOUSE, STRANGER, Site
from tests.traces import files_with, found_in

SCHEMAS: Final = tuple(service.name for service in SERVICES if service.tables)
SPELLED: Final[tuple[Callable[[bytes], bytes], ...]] = (
    lambda data: data,
    lambda data: data.hex().encode(),
    lambda data: data.hex().upper().encode(),
    base64.b64encode,
    base64.urlsafe_b64encode,
)
BATCH_HEADER: Final = 61
CONTROLS: Final = [f"CONTROL{place}ZQXJWVKPLANTED".encode() for place in range(len(SPELLED))]
"""Planted where none should be, one in each spelling."""
COMPRESSIBLE: Final = """
    SELECT attrelid::regclass::text, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = ANY (%s::regnamespace[]) AND relkind = 'r' AND attnum > 0 AND attstorage IN ('x', 'm')
      AND relname <> 'alembic_version'
"""
ASKED: Final = [*RESIDENTS[:4], SPOUSE, NEWCOMER, FLAGGED]
PLANTED: Final = [NUMBER.encode(), AMOUNT.encode(), CONDITION.encode()]


@pytest.fixture(scope="module")
def markers(site: Site) -> list[bytes]:
    """What must not be found, after inquiries that ended in every way: link codes as text and as bytes too.

    One process per service uses every topic; if no other test has run in that layout, it is time now."""
    if asyncio.run(sites.empty_topics(site)):
        sites.switch(site, "service")
    asyncio.run(_inquire(site))
    codes = [code for resident in ASKED for code in sites.link_codes(site, resident)]
    return [*PLANTED, *(code.encode() for code in codes), *(bytes.fromhex(code) for code in codes)]


@pytest.fixture(scope="module")
def servers(request: pytest.FixtureRequest) -> Path:
    """The folder of the servers that the session has started; into others' files nobody can look."""
    if any(os.environ.get(f"RENKEI_{name}") for name in ("KAFKA", "POSTGRES", "TEST_CONTAINERS")):
        pytest.skip("the files of a Kafka and a PostgreSQL that the tests did not start here cannot be read")
    folder: Path = request.getfixturevalue("installation")
    return folder


@given(st.binary(), st.binary(min_size=9), st.binary(), st.sampled_from(SPELLED))
def test_a_marker_is_found_however_it_is_spelled(
    before: bytes, marker: bytes, after: bytes, spell: Callable[[bytes], bytes]
) -> None:
    """Wherever it stands in a text, and in what the text is written."""
    assert found_in(spell(before + marker + after), [marker]) == [marker]


def test_kafka_holds_none(site: Site, markers: Sequence[bytes], servers: Path) -> None:
    """In no byte of its folder but those of `outbound.requested`, which only exchange reads: there they are found."""
    folder = KafkaSettings(servers).home
    for topic in all_topics():
        codecs = {codec for path in (folder / "data").glob(f"{topic.name}-*/*.log") for codec in _codecs(path)}
        assert codecs == {0}, f"{topic} is empty, or compressed: nothing would be found"
    hits = files_with(folder, markers)
    entrance = {path for path in hits if path.parent.name.startswith(f"{topics.outbound_requested.name}-")}
    assert {path: hits[path] for path in hits if path not in entrance} == {}
    found = {marker for path in entrance for marker in hits[path]}
    assert found == {NUMBER.encode(), CONDITION.encode()}, "the search would not have found them"


def test_postgresql_holds_none(site: Site, markers: Sequence[bytes], servers: Path) -> None:
    """In no byte of its data folder, write-ahead log included; what is put there, however spelled, is found."""
    assert sites.rows(site, "SHOW wal_compression") == [("off",)]
    assert sites.rows(site, COMPRESSIBLE, list(SCHEMAS)) == []
    with psycopg.connect(site.superuser(), autocommit=True) as connection:
        connection.execute("CREATE TABLE planted (spelled text STORAGE EXTERNAL)")
        for marker, spell in zip(CONTROLS, SPELLED, strict=True):
            connection.execute("INSERT INTO planted VALUES (%s)", [spell(b"x" + marker).decode()])
        connection.execute("CHECKPOINT")
        [(folder,)] = connection.execute("SHOW data_directory").fetchall()
        hits = files_with(Path(folder), [*markers, *CONTROLS])
        connection.execute("DROP TABLE planted")
    assert {marker for some in hits.values() for marker in some} == set(CONTROLS)


def test_no_table_holds_any(site: Site, markers: Sequence[bytes]) -> None:
    """Through COPY, as a dump would write it."""
    listed = "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace = ANY (%s::regnamespace[])"
    tables = [row[0] for row in sites.rows(site, listed, list(SCHEMAS))]
    copied = {}
    with psycopg.connect(site.superuser()) as connection:
        for table in tables:
            with connection.cursor().copy(f"COPY {table} TO STDOUT") as rows:
                copied[table] = b"".join(bytes(part) for part in rows)
    assert {"exchange.exchanges", "routing.cases", "id_conversion.codes", "reference.replicas"} <= set(copied)
    assert all(copied[table] for table in ("exchange.exchanges", "routing.cases", "reference.replicas"))
    assert {table: found for table, data in copied.items() if (found := found_in(data, markers))} == {}


def test_no_server_says_any(markers: Sequence[bytes], servers: Path) -> None:
    """Nor do the logs of Kafka and PostgreSQL."""
    assert {path.name for path in (servers / "log").iterdir()} >= {"kafka.log", "postgres.log"}
    assert files_with(servers / "log", markers) == {}


def test_no_process_says_any(site: Site, markers: Sequence[bytes]) -> None:
    """Neither in its log nor in its metrics."""
    logs = {path.name: path.read_bytes() for path in (site.folder / "log").glob("*.log")}
    assert {f"{name}.log" for name in sites.running(site)} <= set(logs)
    assert all(b'"event"' in data for data in logs.values())
    metrics = {name: httpx.get(f"{site.url(name)}/metrics", trust_env=False).content for name in sites.running(site)}
    assert all(b"renkei_messages_read" in data for data in metrics.values())
    assert {name: found for name, data in {**logs, **metrics}.items() if (found := found_in(data, markers))} == {}


async def test_no_refusal_says_any(site: Site, markers: Sequence[bytes]) -> None:
    """What an asker reads of a refusal repeats nothing of what was asked; nor does what HTTP answers."""
    records = await scan(site.kafka(), topics.exchange_completed)
    mine = [record for record in records if record.key == ASKER and _is_defaults(record.value)]
    refusals = [part for record in mine if (part := sites.clear(site, record))["outcome"] == "refused"]
    assert {"not_in_law_table", "unknown_person"} <= {part["code"] for part in refusals}
    assert found_in(json.dumps(refusals, ensure_ascii=False).encode(), markers) == []
    body = {"control": {}, "subject": RESIDENTS[0].number, "business": {"period": CONDITION}}
    refused = httpx.post(f"{site.url('gateway')}/v1/inquiries", json=body, trust_env=False)
    assert refused.status_code in (400, 401)
    assert found_in(refused.content, markers) == []


def _is_defaults(token: bytes) -> bool:
    """Whether a JWE is sealed to the system `default`: other tests have others."""
    head = token.partition(b".")[0].decode()
    return bool(head) and to_bytes(json.loads(to_bytes(head))["apv"]) == f"{ASKER}/default".encode()


async def _inquire(site: Site) -> None:
    """Answers, no data, a person's decision, a deadline, and refusals of the own side and of the hub."""
    for number, resident in enumerate(RESIDENTS[:4]):
        answer = await sites.ask(site, sites.inquiry(resident), kafka=bool(number % 2))
        assert sites.answers(answer, resident)
    for resident in (SPOUSE, NEWCOMER):
        assert (await sites.ask(site, sites.inquiry(resident))).outcome == "no_data"
    assert (await sites.ask(site, sites.inquiry(STRANGER))).outcome == "unknown_person"
    assert (await sites.ask(site, sites.inquiry(RESIDENTS[0], UNLAWFUL))).outcome == "not_in_law_table"
    assert (await sites.ask_past_own_side(site, RESIDENTS[1], UNLAWFUL)).outcome == "not_in_law_table"
    await sites.publish(site, [(topics.outbound_composed, Message(ASKER, b"x", {}))])
    assert sites.answers(await sites.ask(site, sites.inquiry(RESIDENTS[0])), RESIDENTS[0])
    flagged = sites.inquiry(FLAGGED)
    late = sites.inquiry(FLAGGED)
    await sites.publish(site, [(topics.outbound_requested, sites.record(site, one)) for one in (flagged, late)])
    await sites.settled(site)
    sites.run_out(site, late.question.id)
    assert (await asking.wait(site, ASKER, late.question.id, 30)).outcome == "timed_out"


def _codecs(segment: Path) -> set[int]:
    """The compression codecs of a segment's record batches (Kafka's record batch format, attributes bits 0 to 2)."""
    data, place, codecs = segment.read_bytes(), 0, set()
    while len(data) - place > BATCH_HEADER:
        length, attributes = struct.unpack_from(">8xi", data, place)[0], struct.unpack_from(">21xh", data, place)[0]
        codecs.add(attributes & 7)
        place += 12 + length
    return codecs
