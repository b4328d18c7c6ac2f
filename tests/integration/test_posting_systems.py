"""Several posting systems (業務システム) of one agency: each reads what it has asked itself, over HTTP and Kafka alike."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, Literal

import httpx
import psycopg
import pytest
from alembic import command
from joserfc.jwk import KeySet, OKPKey
from sqlalchemy import create_engine, text

from schemas import jwe, topics
from schemas.message import Message
from schemas.request import Posted, assert_read, assert_request
from services.operator import answers, asking, publication
from services.operator.demo import ASKER
from services.operator.keys import key_sets, revocation, systems
from services.operator.keys.enrolment import assertion_key
from services.operator.keys.listing import kept_records
from services.operator.tables import directory, now
from services.runtime import migrations
from services.runtime.postgres import role_of
from tests import databases
from tests import site as sites
from tests.site import RESIDENTS, Site, inquiry
from tests.waiting import until

APPLICANT: Final = RESIDENTS[0]
TAX, WELFARE = "tax-office", "welfare"


@pytest.fixture(scope="module", autouse=True)
def layout(site: Site) -> None:
    sites.switch(site, "block")


@pytest.fixture(scope="module")
def tax(site: Site) -> str:
    """A second system of the asker, made here and published."""
    systems.create(site, ASKER, TAX, "2", now())
    asyncio.run(_published(site))
    return TAX


@pytest.fixture
async def vendor(site: Site, tmp_path: Path) -> AsyncIterator[KeySet]:
    """A third one, whose private keys the installation never sees; revoked afterwards."""
    curves: dict[str, Literal["Ed25519", "X25519"]] = {"sig": "Ed25519", "enc": "X25519"}
    private = KeySet([OKPKey.generate_key(curve, {"use": use}, private=True) for use, curve in curves.items()])
    systems.enroll(site, ASKER, WELFARE, json.dumps(private.as_dict(private=False)).encode(), now())
    await _published(site)
    yield private
    systems.remove(site, ASKER, WELFARE, now())
    await _published(site)


async def _published(site: Site) -> None:
    """Until every process has met the records: an inquiry that is posted later finds them."""
    await publication.publish(site)
    await publication.published(site)
    edition = (await directory(site)).edition

    def followed() -> bool:
        pages = [httpx.get(f"{site.url(name)}/metrics", trust_env=False).text for name in sites.running(site)]
        found = [line for page in pages for line in page.splitlines() if line.startswith("renkei_directory_edition ")]
        return all(float(line.split()[1]) >= edition for line in found) and len(found) == len(pages)

    await until(followed)


def read(site: Site, exchange: str, system: str, page: str = "/answer") -> httpx.Response:
    """As a system reads it."""
    key = assertion_key(site, ASKER, system)
    token = assert_read(ASKER, exchange, key.kid, key.secret, int(time.time()) + 60)
    url = f"{site.url('gateway')}/v1/exchanges/{exchange}{page}"
    return httpx.get(url, headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=30)


async def ask(site: Site, posted: Posted, system: str, *, kafka: bool) -> Message:
    """Posts as a system, and returns the event that completes it."""
    if kafka:
        record = asking.posted_record(posted, asking.asserted(site, posted, system))
        await sites.publish(site, [(topics.outbound_requested, record)])
    else:
        (await asking.post_http(site, posted, system)).raise_for_status()
    [event] = await sites.completed(site, {posted.question.id})
    return event


@pytest.mark.parametrize("over_kafka", [False, True], ids=["HTTP", "Kafka"])
async def test_a_system_reads_what_it_has_asked_alone(site: Site, tax: str, over_kafka: bool) -> None:
    """Its event opens with its own key and no other system's; over HTTP another system finds nothing, as of no exchange."""
    for mine, other in ((tax, "default"), ("default", tax)):
        posted = inquiry(APPLICANT)
        event = await ask(site, posted, mine, kafka=over_kafka)
        assert answers.opened(site, event, mine).said["records"] == [sites.copy_of(APPLICANT)]
        with pytest.raises(jwe.Unopened):
            answers.opened(site, event, other)
        assert read(site, posted.question.id, mine).json()["business"]["records"] == [sites.copy_of(APPLICANT)]
        for page in ("", "/answer"):
            found = read(site, posted.question.id, other, page)
            assert (found.status_code, found.json()["type"]) == (404, "urn:renkei:problem:unknown_exchange")


async def test_the_same_request_by_another_system_is_another(site: Site, tax: str) -> None:
    """409 over HTTP; over Kafka its own event says `id_reused`, sealed to it; the first system's answer stays."""
    posted = inquiry(APPLICANT)
    await ask(site, posted, "default", kafka=False)
    assert (await asking.post_http(site, posted, tax)).status_code == httpx.codes.CONFLICT
    record = asking.posted_record(posted, asking.asserted(site, posted, tax))
    await sites.publish(site, [(topics.outbound_requested, record)])

    async def told() -> list[Message]:
        events = await answers.events(site, posted.question.id)
        return [one for one in events if one.headers["ce_type"] == b"renkei.request.refused"]

    [refused] = await until(told)
    assert answers.opened(site, refused, tax).said["code"] == "id_reused"
    with pytest.raises(jwe.Unopened):
        answers.opened(site, refused)
    assert read(site, posted.question.id, "default").status_code == httpx.codes.OK


async def test_a_vendor_posts_and_reads_with_keys_that_stay_with_it(site: Site, vendor: KeySet) -> None:
    """Enrolled by its public key set; the installation has no private half of them."""
    kids = {record.purpose: record.kid for record in kept_records(site, ASKER) if record.system == WELFARE}
    signing, sealing = vendor.keys
    posted = inquiry(APPLICANT)
    private = signing.raw_value.private_bytes_raw()  # type: ignore[union-attr]
    assertion = assert_request(posted, kids["assertion"], private, int(time.time()) + 60)
    await sites.publish(site, [(topics.outbound_requested, asking.posted_record(posted, assertion))])
    [event] = await sites.completed(site, {posted.question.id})
    addressed = jwe.Addressed(event.headers["ce_id"].decode(), ASKER, WELFARE)
    raw = sealing.raw_value.private_bytes_raw()  # type: ignore[union-attr]
    content = json.loads(jwe.opened(event.value, addressed, {kids["answer"]: ("x25519", raw)}))
    assert content["business"]["records"] == [sites.copy_of(APPLICANT)]
    assert (content["exchange"], content["state"]) == (posted.question.id, "answered")
    assert WELFARE not in key_sets.systems_here(site, ASKER)


async def test_a_system_whose_answer_key_is_revoked_reads_over_http(site: Site) -> None:
    """Its event says how it ended and no more; with its posting key it still fetches the answer."""
    systems.create(site, ASKER, "archive", "1", now())
    [sealing] = [one for one in kept_records(site, ASKER) if (one.system, one.purpose) == ("archive", "answer")]
    revocation.revoke(site, sealing, now())
    await _published(site)
    posted = inquiry(APPLICANT)
    event = await ask(site, posted, "archive", kafka=False)
    assert event.value == b""
    assert event.headers.keys() == {"ce_specversion", "ce_type", "ce_source", "ce_id"}
    assert event.headers["ce_type"] == b"renkei.exchange.answered"
    assert read(site, posted.question.id, "archive").json()["business"]["records"] == [sites.copy_of(APPLICANT)]


async def test_a_removed_system_is_refused(site: Site) -> None:
    """Neither does it post any more, nor read what it has asked before."""
    systems.create(site, ASKER, "retired", "1", now())
    await _published(site)
    posted = inquiry(APPLICANT)
    await ask(site, posted, "retired", kafka=False)
    systems.remove(site, ASKER, "retired", now())
    await _published(site)
    assert (await asking.post_http(site, inquiry(APPLICANT), "retired")).status_code == httpx.codes.UNAUTHORIZED
    assert read(site, posted.question.id, "retired").status_code == httpx.codes.UNAUTHORIZED
    assert read(site, posted.question.id, "default").status_code == httpx.codes.NOT_FOUND


def test_an_exchange_of_before_is_that_of_default(postgres: str) -> None:
    """The tables are upgraded in place: what was opened before there were systems belongs to `default`."""
    with databases.migrated(postgres, "before", ["exchange"], ["gateway"]) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("DROP SCHEMA exchange CASCADE")
        _migrate_to(dsn, "0004")
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO exchange.exchanges (agency, id, receiver, basis, item, person, state, created, expires)"
                " VALUES (%s, gen_random_uuid(), '221007', '{}', '{}', 'p', 'open', now(), now())",
                [ASKER],
            )
        migrations.migrate(dsn, "exchange", role_of("exchange"))
        with psycopg.connect(dsn) as connection:
            connection.execute("SELECT set_config('renkei.agencies', %s, true)", [ASKER])
            assert connection.execute("SELECT system FROM exchange.exchanges").fetchall() == [("default",)]
            connection.execute("SET ROLE renkei_gateway")
            shown = connection.execute("SELECT agency, system FROM exchange.progress").fetchall()
            assert shown == [(ASKER, "default")]


def _migrate_to(dsn: str, revision: str) -> None:
    """As `migrations.migrate` does, to an earlier revision."""
    engine = create_engine(dsn.replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA exchange AUTHORIZATION {migrations.OWNER}"))
            connection.execute(text("GRANT USAGE ON SCHEMA exchange TO renkei_exchange"))
            connection.execute(text(f"SET LOCAL ROLE {migrations.OWNER}"))
            config = migrations.configuration("exchange")
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    finally:
        engine.dispose()
