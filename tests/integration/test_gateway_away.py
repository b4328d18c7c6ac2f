"""While Kafka or PostgreSQL hangs or is gone the gateway says 503 in bounded time, and works as soon as it is back."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import psutil
import pytest

from schemas import topics
from schemas.request import Posted, assert_read
from services.operator import asking
from services.operator.demo import ASKER
from services.operator.keys.enrolment import assertion_key
from services.operator.local import kafka as local_kafka
from services.operator.local import postgres as local_postgres
from services.operator.local import process
from services.operator.local.kafka import KafkaSettings
from services.operator.local.postgres import PostgresSettings
from services.runtime.kafka.scan import scan
from tests import site as sites
from tests.conftest import temporary_installation
from tests.site import RESIDENTS, Site, inquiry
from tests.waiting import halt, until

RESIDENT: Final = RESIDENTS[0]
LONGEST: Final = 40.0
"""Seconds: the database's 5, then a producer that is made anew (15) and a publication (15)."""
Away = Callable[[Path], AbstractContextManager[None]]


@dataclass(frozen=True)
class Apart:
    """Servers that nobody else uses, and of the processes only hub and gateway, after one inquiry has been answered."""

    site: Site
    servers: Path
    answered: Posted


@pytest.fixture(scope="module")
def apart() -> Iterator[Apart]:
    with temporary_installation() as folder:
        broker = local_kafka.start(KafkaSettings(folder, brief=True))
        database = local_postgres.start(PostgresSettings(folder))
        with sites.opened(broker.bootstrap, database.dsn) as site:
            posted = inquiry(RESIDENT)
            assert sites.answers(asyncio.run(sites.ask(site, posted)), RESIDENT)
            site.stop(["intermediate", "linkage"])
            yield Apart(site, folder, posted)


@contextmanager
def hanging(name: str, folder: Path) -> Iterator[None]:
    """The server and its children stop where they are: connections stay open, nothing answers."""
    found = process.find(name, folder)
    assert found is not None
    server = psutil.Process(found.pid)
    family = [server, *server.children(recursive=True)]
    for one in family:
        halt(one.pid)
    try:
        yield
    finally:
        for one in family:
            os.kill(one.pid, signal.SIGCONT)


@contextmanager
def kafka_hangs(folder: Path) -> Iterator[None]:
    with hanging("kafka", folder):
        yield


@contextmanager
def kafka_is_gone(folder: Path) -> Iterator[None]:
    local_kafka.stop(KafkaSettings(folder))
    try:
        yield
    finally:
        local_kafka.start(KafkaSettings(folder, brief=True))


@contextmanager
def postgres_hangs(folder: Path) -> Iterator[None]:
    with hanging("postgres", folder):
        yield


@contextmanager
def postgres_is_gone(folder: Path) -> Iterator[None]:
    local_postgres.stop(PostgresSettings(folder))
    try:
        yield
    finally:
        local_postgres.start(PostgresSettings(folder))


@pytest.mark.parametrize("away", [kafka_hangs, kafka_is_gone, postgres_hangs, postgres_is_gone])
async def test_what_cannot_be_published_is_not_accepted(apart: Apart, away: Away) -> None:
    """503 and Retry-After; afterwards the id is free, so that even other content under it is accepted and published."""
    site, posted = apart.site, inquiry(RESIDENT)
    with away(apart.servers):
        began = time.monotonic()
        is_away(await asking.post_http(site, posted))
        assert time.monotonic() - began < LONGEST
    other = inquiry(RESIDENT, exchange=posted.question.id, year=2025)
    await until(lambda: accepted(site, other), 60)
    records = await scan(site.kafka(), topics.outbound_requested)
    assert other.business in [r.value for r in records if r.headers["control"] == other.control]


async def accepted(site: Site, posted: Posted) -> bool:
    response = await asking.post_http(site, posted)
    if response.status_code != httpx.codes.ACCEPTED:
        is_away(response)
    return response.status_code == httpx.codes.ACCEPTED


@pytest.mark.parametrize("away", [postgres_hangs, postgres_is_gone])
async def test_what_cannot_be_looked_up_is_not_unknown(apart: Apart, away: Away) -> None:
    """503 and Retry-After instead of 404, on both pages, however many ask; afterwards they are there."""
    with away(apart.servers):
        began = time.monotonic()
        for page in ("", "/answer") * 3:  # more than the gateway has connections
            is_away(read(apart, page))
        assert time.monotonic() - began < LONGEST
    for page in ("", "/answer"):
        await until(lambda page=page: read(apart, page).status_code == httpx.codes.OK, 60)  # type: ignore[misc]


async def test_what_can_be_looked_up_does_not_need_kafka(apart: Apart) -> None:
    """An answer is shown while it hangs."""
    with kafka_hangs(apart.servers):
        assert read(apart, "/answer").status_code == httpx.codes.OK


def read(apart: Apart, page: str) -> httpx.Response:
    key, exchange = assertion_key(apart.site, ASKER), apart.answered.question.id
    token = assert_read(ASKER, exchange, key.kid, key.secret, int(time.time()) + 300)
    url = f"{apart.site.url('gateway')}/v1/exchanges/{exchange}{page}"
    return httpx.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=LONGEST, trust_env=False)


def is_away(response: httpx.Response) -> None:
    assert response.status_code == httpx.codes.SERVICE_UNAVAILABLE, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"] == "urn:renkei:problem:unavailable"
    assert int(response.headers["retry-after"]) > 0
