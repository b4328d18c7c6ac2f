"""An id that an agency has used stands for one request, whichever way that came; what the gateway knows, exchange granted."""

import asyncio
import json

import httpx
import psycopg
import pytest

from schemas import topics
from schemas.directory import DEFAULT_SYSTEM
from schemas.request import Posted
from services.gateway.application import application
from services.operator import asking
from services.operator.demo import ASKER, NEIGHBOUR
from services.operator.local import process
from services.operator.tables import at_rest
from services.runtime.kafka.scan import scan
from services.runtime.postgres import dsn_of, role_of
from tests import site as sites
from tests.site import RESIDENTS, Site, inquiry
from tests.waiting import until

FIRST, OTHER = RESIDENTS[:2]


@pytest.fixture(scope="module", autouse=True)
def layout(site: Site) -> None:
    sites.switch(site, "block")


def seconds(posted: Posted) -> list[Posted]:
    """Under the same id: another year, another person."""
    return [inquiry(FIRST, exchange=posted.question.id, year=2025), inquiry(OTHER, exchange=posted.question.id)]


async def is_reused(site: Site, posted: Posted) -> None:
    response = await asking.post_http(site, posted)
    assert response.status_code == httpx.codes.CONFLICT, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"] == "urn:renkei:problem:id_reused"


async def requests(site: Site, posted: Posted) -> list[bytes]:
    """What stands in the log under this id, by subject."""
    records = await scan(site.kafka(), topics.outbound_requested)
    mine = [r for r in records if posted.question.id.encode() in r.headers.get("control", b"")]
    return [record.headers["subject"] for record in mine]


async def known(site: Site, posted: Posted) -> bool:
    """Whether exchange has accepted it."""
    return bool(sites.rows(site, "SELECT FROM exchange.decisions WHERE id = %s", posted.question.id))


async def test_other_content_is_refused_at_once_and_later(site: Site) -> None:
    """Before exchange has seen the first, when it is answered, and when the gateway has started anew: 409."""
    posted = inquiry(FIRST)
    assert (await asking.post_http(site, posted)).status_code == httpx.codes.ACCEPTED
    for second in seconds(posted):
        await is_reused(site, second)
    assert sites.answers(await asking.wait(site, ASKER, posted.question.id, 30), FIRST)
    process.kill("gateway", site.folder)
    await asyncio.to_thread(site.wait_ready, [site.start("gateway")])
    for second in seconds(posted):
        await is_reused(site, second)
    assert await requests(site, posted) == [posted.number]


async def test_what_came_over_kafka_is_known(site: Site) -> None:
    """The gateway asks exchange, not only itself; the same content is taken as its own, and not published again."""
    posted = inquiry(FIRST)
    await sites.publish(site, [(topics.outbound_requested, sites.record(site, posted))])
    await until(lambda: known(site, posted))
    for second in seconds(posted):
        await is_reused(site, second)
    first, again = [await asking.post_http(site, posted) for _ in range(2)]
    assert first.status_code == again.status_code == httpx.codes.ACCEPTED
    assert (first.json(), first.headers["location"]) == (again.json(), again.headers["location"])
    assert await requests(site, posted) == [posted.number]


async def test_of_many_at_once_one_is_taken(site: Site) -> None:
    """Twenty contents under one id: one 202, nineteen 409, one record."""
    first = inquiry(FIRST)
    many = [inquiry(FIRST, exchange=first.question.id, year=2000 + place) for place in range(20)]
    responses = await asyncio.gather(*(asking.post_http(site, posted) for posted in many))
    assert sorted(response.status_code for response in responses) == [202] + [409] * 19
    assert len(await requests(site, first)) == 1


async def test_the_view_holds_what_was_posted_as_the_gateway_computes_it(site: Site) -> None:
    """Of the agency that was named alone, and nothing by which a number could be guessed."""
    posted = inquiry(FIRST)
    await sites.ask(site, posted)
    with psycopg.connect(_as_gateway(site)) as connection:
        query = "SELECT digest FROM exchange.accepted WHERE id = %s"
        assert connection.execute(query, [posted.question.id]).fetchall() == []
        connection.execute("SELECT set_config('renkei.agencies', %s, true)", [NEIGHBOUR])
        assert connection.execute(query, [posted.question.id]).fetchall() == []
        connection.execute("SELECT set_config('renkei.agencies', %s, true)", [ASKER])
        assert connection.execute(query, [posted.question.id]).fetchall() == [
            (at_rest(site).request(ASKER, DEFAULT_SYSTEM, posted.content),)
        ]
    assert at_rest(site).request(NEIGHBOUR, DEFAULT_SYSTEM, posted.content) != at_rest(site).request(
        ASKER, DEFAULT_SYSTEM, posted.content
    )


async def test_the_gateway_describes_itself(site: Site) -> None:
    """At /openapi.json, as generated."""
    found = httpx.get(f"{site.url('gateway')}/openapi.json", trust_env=False).json()
    assert found == json.loads(json.dumps(application(None).openapi()))  # type: ignore[arg-type]


def _as_gateway(site: Site) -> str:
    return dsn_of(site.settings(), role_of("gateway"))
