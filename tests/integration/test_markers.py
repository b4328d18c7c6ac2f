"""No personal data: what is planted as numbers, link codes and business values is found nowhere behind `exchange`."""

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import httpx
import psycopg
import pytest

from schemas import topics
from services.operator.demo import ASKER, UNLAWFUL
from services.operator.local.kafka import KafkaSettings
from services.runtime.kafka.scan import scan
from services.topology import SERVICES
from tests import site as sites
from tests.site import AMOUNT, CONDITION, FLAGGED, NEWCOMER, NUMBER, RESIDENTS, SPOUSE, STRANGER, Site
from tests.traces import files_with, found_in

ASKED: Final = [*RESIDENTS[:4], SPOUSE, NEWCOMER, FLAGGED]
PLANTED: Final = [NUMBER.encode(), AMOUNT.encode(), CONDITION.encode()]


@pytest.fixture(scope="module")
def markers(site: Site) -> list[bytes]:
    """What must not be found, after inquiries that ended in every way: link codes as text and as bytes too."""
    asyncio.run(_inquire(site))
    codes = [code for resident in ASKED for code in sites.link_codes(site, resident)]
    return [*PLANTED, *(code.encode() for code in codes), *(bytes.fromhex(code) for code in codes)]


@pytest.fixture(scope="module")
def log_folder(kafka: str, request: pytest.FixtureRequest) -> Path:
    """Kafka's data folder; another's Kafka cannot be looked into."""
    if os.environ.get("RENKEI_KAFKA") or os.environ.get("RENKEI_TEST_CONTAINERS") == "1":
        pytest.skip("the files of a Kafka and a PostgreSQL that the tests did not start here cannot be read")
    installation: Path = request.getfixturevalue("installation")
    return KafkaSettings(installation).home


def test_kafka_holds_none(site: Site, markers: Sequence[bytes], log_folder: Path) -> None:
    """In no byte of its folder but those of `outbound.requested`, which only exchange reads: there they are found."""
    hits = files_with(log_folder, markers)
    entrance = {path for path in hits if path.parent.name.startswith(f"{topics.outbound_requested.name}-")}
    assert {path: hits[path] for path in hits if path not in entrance} == {}
    found = {marker for path in entrance for marker in hits[path]}
    assert found == {NUMBER.encode(), CONDITION.encode()}, "the search would not have found them"


def test_postgresql_holds_none(site: Site, markers: Sequence[bytes], log_folder: Path) -> None:
    """In no byte of its data folder, write-ahead log included; a marker that is put there is found."""
    with psycopg.connect(site.superuser(), autocommit=True) as connection:
        connection.execute("CREATE TABLE planted (marker text)")
        connection.execute("INSERT INTO planted VALUES ('CONTROL7ZQXJWVKPLANTED')")
        connection.execute("CHECKPOINT")
        row = connection.execute("SHOW data_directory").fetchone()
        hits = files_with(Path(row[0]), [*markers, b"CONTROL7ZQXJWVKPLANTED"]) if row else {}
        connection.execute("DROP TABLE planted")
    assert {marker for some in hits.values() for marker in some} == {b"CONTROL7ZQXJWVKPLANTED"}


def test_no_table_holds_any(site: Site, markers: Sequence[bytes]) -> None:
    """Through COPY, as a dump would write it."""
    names = [service.name for service in SERVICES if service.tables]
    listed = "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace = ANY (%s::regnamespace[])"
    tables = [row[0] for row in sites.rows(site, listed, names)]
    copied = {}
    with psycopg.connect(site.superuser()) as connection:
        for table in tables:
            with connection.cursor().copy(f"COPY {table} TO STDOUT") as rows:
                copied[table] = b"".join(bytes(part) for part in rows)
    assert {"exchange.exchanges", "routing.cases", "id_conversion.codes", "reference.replicas"} <= set(copied)
    assert all(copied[table] for table in ("exchange.exchanges", "routing.cases", "reference.replicas"))
    assert {table: found for table, data in copied.items() if (found := found_in(data, markers))} == {}


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
    mine = [record for record in records if record.key == ASKER]
    refusals = [part for record in mine if (part := sites.clear(site, record))["outcome"] == "refused"]
    assert {"not_in_law_table", "unknown_person"} <= {part["code"] for part in refusals}
    assert found_in(json.dumps(refusals, ensure_ascii=False).encode(), markers) == []
    body = {"control": {}, "subject": RESIDENTS[0].number, "business": {"period": CONDITION}}
    refused = httpx.post(f"{site.url('gateway')}/v1/inquiries", json=body, trust_env=False)
    assert refused.status_code in (400, 401)
    assert found_in(refused.content, markers) == []


async def _inquire(site: Site) -> None:
    """Answers, no data, a person's decision, and refusals of the own side."""
    for number, resident in enumerate(RESIDENTS[:4]):
        answer = await sites.ask(site, sites.inquiry(resident), kafka=bool(number % 2))
        assert sites.answers(answer, resident)
    for resident in (SPOUSE, NEWCOMER):
        assert (await sites.ask(site, sites.inquiry(resident))).outcome == "no_data"
    assert (await sites.ask(site, sites.inquiry(STRANGER))).outcome == "unknown_person"
    assert (await sites.ask(site, sites.inquiry(RESIDENTS[0], UNLAWFUL))).outcome == "not_in_law_table"
    flagged = sites.inquiry(FLAGGED)
    await sites.publish(site, [(topics.outbound_requested, sites.record(site, flagged))])
    await sites.settled(site)
