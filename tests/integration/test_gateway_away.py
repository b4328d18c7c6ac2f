"""While Kafka or PostgreSQL hangs or is gone the gateway says 503 in bounded time, and works as soon as it is back."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

import httpx
import psutil
import pytest

from schemas.request import Posted, assert_read
from services.operator import asking
from services.operator.demo import ASKER
from services.operator.enrolment import assertion_key
from services.operator.local import kafka as local_kafka
from services.operator.local import postgres as local_postgres
from services.operator.local import process
from services.operator.local.kafka import KafkaSettings
from services.operator.local.postgres import PostgresSettings
from tests import site as sites
from tests.site import RESIDENTS, Site, inquiry
from tests.waiting import until

RESIDENT: Final = RESIDENTS[0]
LONGEST: Final = 40.0
"""Seconds: the database's 5, then a producer that is made anew (15) and a publication (15)."""
Away = Callable[[Path], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def servers(site: Site, installation: Path) -> Path:
    """The folder of the servers, where they are this session's own."""
    if not {"kafka", "postgres"} <= {one.name for one in process.running(installation)}:
        pytest.skip("the servers are others': RENKEI_KAFKA, RENKEI_POSTGRES or containers")
    sites.switch(site, "block")
    return installation


@contextmanager
def hanging(name: str, folder: Path) -> Iterator[None]:
    """The server and its children stop where they are: connections stay open, nothing answers."""
    found = process.find(name, folder)
    assert found is not None
    server = psutil.Process(found.pid)
    family = [server, *server.children(recursive=True)]
    for one in family:
        os.kill(one.pid, signal.SIGSTOP)
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
        local_kafka.start(KafkaSettings(folder))


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


async def test_it_works(site: Site, servers: Path) -> None:
    """Before anything is taken away."""
    assert sites.answers(await sites.ask(site, inquiry(RESIDENT)), RESIDENT)


@pytest.mark.parametrize("away", [kafka_hangs, kafka_is_gone, postgres_hangs, postgres_is_gone])
async def test_what_cannot_be_published_is_not_accepted(site: Site, servers: Path, away: Away) -> None:
    """503 and Retry-After; afterwards the same request is accepted, and answered once."""
    posted = inquiry(RESIDENT)
    with away(servers):
        began = time.monotonic()
        is_away(await asking.post_http(site, posted))
        assert time.monotonic() - began < LONGEST

    async def accepted() -> bool:
        return (await asking.post_http(site, posted)).status_code == httpx.codes.ACCEPTED

    await until(accepted, 60)
    assert sites.answers(await asking.wait(site, ASKER, posted.question.id, 60), RESIDENT)
    await sites.settled(site, 60)


@pytest.mark.parametrize("away", [postgres_hangs, postgres_is_gone])
async def test_what_cannot_be_looked_up_is_not_unknown(site: Site, servers: Path, away: Away) -> None:
    """503 and Retry-After instead of 404, on both pages, however many ask; afterwards they are there."""
    posted = inquiry(RESIDENT)
    await sites.ask(site, posted)
    with away(servers):
        began = time.monotonic()
        for page in ("", "/answer") * 3:  # more than the gateway has connections
            is_away(read(site, posted, page))
        assert time.monotonic() - began < LONGEST
    for page in ("", "/answer"):
        await until(lambda page=page: read(site, posted, page).status_code == httpx.codes.OK, 60)  # type: ignore[misc]
    await sites.settled(site, 60)


def read(site: Site, posted: Posted, page: str) -> httpx.Response:
    key = assertion_key(site, ASKER)
    token = assert_read(ASKER, posted.question.id, key.kid, key.secret, int(time.time()) + 300)
    url = f"{site.url('gateway')}/v1/exchanges/{posted.question.id}{page}"
    return httpx.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=LONGEST, trust_env=False)


def is_away(response: httpx.Response) -> None:
    assert response.status_code == httpx.codes.SERVICE_UNAVAILABLE, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"] == "urn:renkei:problem:unavailable"
    assert int(response.headers["retry-after"]) > 0
