"""An installation of three municipalities on the servers of the session, run in the layout that a test wants.

Whatever is personal here is a marker: internal numbers, amounts and a condition that occur nowhere else, so that a test
can say where they are found, and where not.
"""

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
from psycopg.sql import SQL, Identifier

from schemas import canonical, proof, topics
from schemas.control import LIFETIME, Basis, Control, Officer, Question, read_control, replying
from schemas.control import LIMIT as CONTROL_LIMIT
from schemas.directory import HUB, Grant
from schemas.message import Message
from schemas.request import Posted, read_request
from schemas.text import decoded, instant, later
from services.exchange.service import Exchange, open_exchange
from services.hub.link_codes import LinkCodes
from services.operator import answers as opening
from services.operator import asking, copies, lifecycle, publication, residents
from services.operator.demo import ALLOWANCE, ASKER, ELSEWHERE, ITEM, NEIGHBOUR, OFFICE, OFFICER, YEAR, bypassing
from services.operator.demo.bypassing import open_alone as open_alone
from services.operator.demo.bypassing import publish as publish
from services.operator.identifiers import uuid7
from services.operator.installation import Installation, Layout, process_names
from services.operator.keys import enrolment
from services.operator.local import kafka, postgres, process
from services.operator.samples import income_tax_certificate
from services.operator.tables import at_rest, directory, now, rings
from services.runtime.clock import Clock
from services.runtime.kafka import KafkaLog
from services.runtime.kafka.lags import lags
from services.runtime.kafka.scan import scan
from services.runtime.memory import MemoryLog
from services.runtime.rest import LINK, Part
from services.runtime.service import Environment
from services.topology import SERVICES, all_topics, groups
from tests import databases
from tests.waiting import until

NUMBER: Final = "ZQXJKVWP7HNS"
"""With this begins every internal number."""
AMOUNT: Final = "827364519"
"""With these digits begins every amount."""
CONDITION: Final = "照会ZQVKXJ条件WPHQZ"
"""Stands in every inquiry's business part."""
GRACE: Final = 0.5
"""Seconds that an asker of the site waits beyond `expires`, so that a test need not wait for an hour."""
OLD: Final = timedelta(hours=1)
"""Age of the agencies' keys: greater than any clock of these tests is wrong, else a hub that is behind knows none of them."""
CODES: Final = (ASKER, NEIGHBOUR, ELSEWHERE)


@dataclass(frozen=True)
class Resident:
    """Somebody whom the asker knows, and perhaps the provider."""

    place: int
    provider: str

    @property
    def number(self) -> str:
        """Internal number at the asker."""
        return f"{NUMBER}{self.place:04}"

    @property
    def known_as(self) -> str:
        """Internal number at the provider."""
        return f"{NUMBER}{self.place + 5000:04}"

    @property
    def amount(self) -> int:
        """Every amount of the provider's copy."""
        return int(f"{AMOUNT}{self.place:04}")


RESIDENTS: Final = [Resident(place, (NEIGHBOUR, ELSEWHERE)[place % 2]) for place in range(40)]
"""With a copy each."""
SPOUSE: Final = Resident(100, ELSEWHERE)
"""Known there, without a copy."""
NEWCOMER: Final = Resident(101, ELSEWHERE)
"""Whom the provider does not know: a link code without a row."""
FLAGGED: Final = Resident(102, ELSEWHERE)
"""自動応答不可."""
STRANGER: Final = Resident(103, NEIGHBOUR)
"""Whom the asker itself has not enrolled."""
ENROLLED: Final = [*RESIDENTS, SPOUSE, FLAGGED, NEWCOMER]
"""In the order of their core ids at the hub."""


@dataclass(frozen=True)
class Site(Installation):
    """An installation on servers that others start and stop, with a database of its own."""

    bootstrap: str
    dsn: str = field(repr=False)

    def kafka(self) -> str:
        return self.bootstrap

    def superuser(self) -> str:
        return self.dsn

    def start_parts(self) -> None:
        self.prepare()

    def stop_parts(self) -> None:
        pass


@contextmanager
def opened(kafka: str, postgres: str) -> Iterator[Site]:
    """The site with its residents, running; stopped and removed in the end."""
    folder = Path(tempfile.mkdtemp(prefix="renkei-site-"))
    with databases.temporary(postgres, "site") as dsn:
        site = Site(folder, kafka, dsn, told={"RENKEI_GRACE": str(GRACE)})
        try:
            site.prepare()
            lifecycle.migrate(site)
            _uncompressed(site)
            lifecycle.bring_up(site, "block")
            asyncio.run(populate(site))
            yield site
        finally:
            for one in process.running(folder):
                process.kill(one.name, folder)
    shutil.rmtree(folder)


def switch(site: Site, layout: Layout) -> None:
    """Stops what is not of the layout, starts what is missing, and returns when all is ready."""
    wanted = process_names(layout)
    site.stop([one.name for one in process.running(site.folder) if one.name not in wanted])
    site.wait_ready([process.find(name, site.folder) or site.start(name) for name in wanted])


# --- asking


def inquiry(
    resident: Resident,
    basis: Basis = ALLOWANCE,
    officer: Officer = OFFICER,
    exchange: str = "",
    year: int = YEAR,
    expires: str | None = None,
    asker: str = ASKER,
) -> Posted:
    """What the asker wants to know about a resident."""
    question = Question(
        id=exchange or uuid7(),
        sender=asker,
        receiver=resident.provider,
        basis=basis,
        item=ITEM,
        officer=officer,
        expires=expires,
    )
    business = {"period": {"year": year}, "condition": CONDITION}
    return read_request(question.encoded(), resident.number.encode(), canonical.encode(business))


async def ask(site: Site, posted: Posted, *, kafka: bool = False) -> asking.Answer:
    """Posts an inquiry and waits for its end."""
    if kafka:
        await publish(site, [(topics.outbound_requested, record(site, posted))])
    else:
        assert (await asking.post_http(site, posted)).status_code == httpx.codes.ACCEPTED
    return await asking.wait(site, ASKER, posted.question.id, 30)


async def ask_past_own_side(site: Site, resident: Resident, basis: Basis) -> asking.Answer:
    """Opens an exchange and publishes its question as `authorization` would, without being asked."""
    code = link_codes(site, resident)[0].encode()
    control = await bypassing.ask_past_own_side(site, inquiry(resident, basis), code)
    return await asking.wait(site, ASKER, control.id, 30)


def run_out(site: Installation, exchange: str) -> None:
    """Lets the time of an open exchange be over for its asker, and for nobody else."""
    past = "UPDATE exchange.exchanges SET expires = now() - interval '1 day' WHERE id = %s AND state = 'open'"
    with psycopg.connect(site.superuser()) as connection:
        assert connection.execute(past, [exchange]).rowcount == 1


@asynccontextmanager
async def steps(site: Site, clock: Clock = now) -> AsyncIterator[Exchange]:
    """What the steps of `exchange` need, beside the running site: its tables, keys and the directory as it is now."""
    known, held = await directory(site, clock), rings(site, "intermediate")
    async with open_exchange(Environment("exchange", site.settings(), known, held, MemoryLog(clock), clock)) as found:
        yield found


async def answer_past_own_side(
    site: Site, posted: Posted, resident: Resident | None, business: bytes, **said: str
) -> None:
    """Answers an inquiry as its receiver's `authorization` would pass an answer on, whatever is said in it."""
    [(control, proven)] = rows(site, "SELECT control, proof FROM routing.cases WHERE id = %s", posted.question.id)
    asked, proved = decoded(Control, control, CONTROL_LIMIT), proof.read(proven)
    created = instant(now())
    right = replying(
        asked,
        "response",
        id=uuid7(),
        message=proved.message,
        decision=proved.decision,
        created=created,
        expires=later(created, LIFETIME),
    )
    answer = Control.model_validate({**right.model_dump(exclude_none=True), **said}).encoded()
    parts: dict[Part, bytes] = {"value": business}
    if resident is not None:
        parts["subject"] = LINK + link_codes(site, resident)[1].encode()
    sealed = at_rest(site).seal(asked.receiver, answer, parts)
    headers = {"control": answer, **{name: data for name, data in sealed.items() if name != "value"}}
    await publish(site, [(topics.outbound_authorized, Message(asked.receiver, sealed["value"], headers))])


def answers(answer: asking.Answer, resident: Resident) -> bool:
    """Whether this is what is known of the resident."""
    return answer.business == {"outcome": "records", "records": [copy_of(resident)]}


def copy_of(resident: Resident) -> dict[str, Any]:
    """The resident's copy (副本) at the provider."""
    return income_tax_certificate(YEAR, resident.amount)


def record(site: Site, posted: Posted) -> Message:
    """What a producer with its assertion puts on `outbound.requested`."""
    return asking.posted_record(posted, asking.asserted(site, posted))


# --- looking


async def completed(site: Installation, exchanges: Collection[str]) -> list[Message]:
    """The records on `exchange.completed` of these exchanges, once there is one of each."""

    async def all_there() -> list[Message]:
        records = await scan(site.kafka(), topics.exchange_completed)
        mine = [record for record in records if opening.exchange_of(record) in exchanges]
        return mine if {opening.exchange_of(record) for record in mine} == set(exchanges) else []

    found: list[Message] = await until(all_there)
    return found


def clear(site: Site, record: Message) -> dict[str, Any]:
    """The business part of a completed exchange, opened with the answer key of the system `default` of its agency."""
    return opening.opened(site, record).said


def ended_by(site: Site, record: Message) -> Control:
    """The control part of what completed an exchange, likewise."""
    return read_control(opening.opened(site, record).control)


def word(business: bytes) -> str:
    """A business part in one word: the refusal's code, or the answer's outcome."""
    part = json.loads(business)
    return str(part.get("code", part["outcome"]))


async def left(site: Installation) -> dict[str, int]:
    """What each consumer group has yet to do; nothing that is zero."""
    return {one.group: one.left for one in await lags(site.kafka(), groups(), 15) if one.left}


async def empty_topics(site: Site) -> list[str]:
    """The topics on which no record was ever put."""
    log = KafkaLog(site.kafka())
    return [topic.name for topic in all_topics() if not any((await log.ends(topic)).values())]


async def settled(site: Installation, seconds: float = 30) -> None:
    """Until nothing is left to be done on any topic, and every process says that it does its work."""

    async def done() -> bool:
        return not await left(site) and not waiting(site)

    try:
        await until(done, seconds)
    except AssertionError:
        raise AssertionError(f"left to be done: {await left(site)}; waiting: {waiting(site)}") from None


def waiting(site: Installation) -> dict[str, str]:
    """The processes that do not do their work, and why."""
    said = {name: httpx.get(f"{site.url(name)}/ready", timeout=5, trust_env=False) for name in running(site)}
    return {name: answer.text for name, answer in said.items() if answer.status_code != httpx.codes.OK}


def link_codes(site: Site, resident: Resident) -> tuple[str, str]:
    """The resident's link codes at asker and provider, as the hub computes them."""
    held = rings(site, "hub").of(HUB).current("permutation", instant(now()))
    cores = [row[0] for row in rows(site, "SELECT core FROM hub.persons ORDER BY core")]
    codes, core = LinkCodes(held.secret), cores[ENROLLED.index(resident)]
    return codes.issue(ASKER, core), codes.issue(resident.provider, core)


def running(site: Installation) -> list[str]:
    """The processes of the site, without servers of its own."""
    return [one.name for one in process.running(site.folder) if one.name not in (kafka.NAME, postgres.NAME)]


def rows(site: Installation, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """What the database holds, as its superuser sees it."""
    with psycopg.connect(site.superuser()) as connection:
        return connection.execute(query, values).fetchall()


def execute(site: Site, statement: str) -> None:
    """Changes the database, as its superuser may."""
    with psycopg.connect(site.superuser(), autocommit=True) as connection:
        connection.execute(statement)


async def until_ended(site: Site, name: str) -> None:
    """Until a process of the site is no more."""
    await until(lambda: name not in running(site))


def waiting_for_locks(site: Site) -> int:
    """How many transactions of `exchange` wait for what another has locked."""
    query = """
        SELECT count(*) FROM pg_stat_activity
        WHERE usename = 'renkei_exchange' AND datname = current_database() AND wait_event_type = 'Lock'
    """
    return int(rows(site, query)[0][0])


@contextmanager
def locked(site: Site, statement: str, *values: Any) -> Iterator[None]:
    """Nobody else gets what the statement locks."""
    with psycopg.connect(site.superuser()) as connection:
        connection.execute(statement, values)
        yield


def delete(site: Site, statement: str, *values: Any) -> None:
    """What a test has put there."""
    with psycopg.connect(site.superuser()) as connection:
        connection.execute(statement, values)


# --- preparing


def _uncompressed(site: Site) -> None:
    """Nothing is stored compressed, so that what is in clear can be found in the files."""
    columns = """
        SELECT attrelid::regclass::text, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = ANY (%s::regnamespace[]) AND relkind = 'r' AND attnum > 0 AND attstorage IN ('x', 'm')
    """
    schemas = [service.name for service in SERVICES if service.tables]
    with psycopg.connect(site.superuser()) as connection:
        for table, column in connection.execute(columns, [schemas]).fetchall():
            statement = SQL("ALTER TABLE {} ALTER COLUMN {} SET STORAGE EXTERNAL")
            connection.execute(statement.format(Identifier(*table.split(".")), Identifier(column)))


async def populate(site: Installation) -> None:
    """What the tests know of the site."""
    await settle_in(site, CODES, [ASKER], [_known(resident) for resident in ENROLLED], (*RESIDENTS, FLAGGED))
    await residents.flag(site, FLAGGED.provider, FLAGGED.known_as, automatic=False)
    await settled(site)


def _known(resident: Resident) -> dict[str, str]:
    there = {} if resident is NEWCOMER else {resident.provider: resident.known_as}
    return {ASKER: resident.number, **there}


async def settle_in(
    site: Installation,
    codes: Sequence[str],
    askers: Sequence[str],
    known: Sequence[Mapping[str, str]],
    copied: Sequence[Resident],
) -> None:
    """Keys and records of agencies, the staff of those that ask, persons with their numbers, copies at their providers."""
    clerk = Grant(office=OFFICE, role=OFFICER.role, rows=["57"])
    automatic = Grant(office="税務課", role="automatic", rows="all")
    await asyncio.to_thread(enrolment.create_keys, site, codes, "1", now() - OLD)
    await asyncio.to_thread(publication.describe, site, codes, [ITEM], [clerk], automatic)
    await publication.publish(site)
    await publication.published(site)
    for asker in askers:
        await residents.load_staff(site, asker, [OFFICER])
    await residents.enroll(site, known)
    await residents.register(site, [_replica(resident) for resident in copied])


def _replica(resident: Resident) -> copies.Replica:
    return copies.Replica(resident.provider, resident.known_as, ITEM, YEAR, [copy_of(resident)])
