"""Tables in memory do what PostgreSQL does, statement by statement and where two transactions meet."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier

from schemas.directory import HUB
from schemas.text import instant
from services.exchange import store as exchange
from services.hub import store as hub
from services.id_conversion import store as id_conversion
from services.reference import store as reference
from services.routing import store as routing
from services.runtime import decisions, migrations
from services.runtime.decisions import Decided
from services.runtime.errors import Misconfigured, Unavailable
from services.runtime.migrations import OWNER
from services.runtime.postgres import Database, role_of
from tests.simulation.database import MemoryDatabase, Tables, Transaction, Untroubled
from tests.simulation.ground import AGENCIES, SERVICES
from tests.simulation.operations import Drawing
from tests.simulation.statements import STATEMENTS

ROUNDS = 60
A, B, C = AGENCIES
EXPIRES = "2026-12-01T09:00:00.123Z"
Both = list[Database | MemoryDatabase]
Open = Callable[[str], Any]


@pytest.fixture(scope="module")
def migrated(postgres: str) -> Iterator[str]:
    """A database of its own with every service's schema; the roles are the server's, and keep their passwords."""
    name = f"simulation_{uuid.uuid4().hex}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        for role, login in [(OWNER, "NOLOGIN"), *((role_of(one), "LOGIN") for one in (*SERVICES, "gateway"))]:
            connection.execute(migrations._role(role, login).encode())
    dsn = urlunsplit(urlsplit(postgres)._replace(path=f"/{name}"))
    try:
        for service in SERVICES:
            migrations.migrate(dsn, service, role_of(service))
        yield dsn
    finally:
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@pytest.fixture(params=["postgres", "memory"])
async def tables(request: pytest.FixtureRequest) -> AsyncIterator[Database | MemoryDatabase]:
    """The tables of exchange, empty, of either kind."""
    if request.param == "memory":
        yield MemoryDatabase(Tables(), Untroubled())
        return
    dsn = request.getfixturevalue("migrated")
    _emptied(dsn, "exchange")
    async with opened(dsn, "exchange") as database:
        yield database


@asynccontextmanager
async def opened(dsn: str, service: str) -> AsyncIterator[Database]:
    """The real thing, in the role of the service."""
    settings = {"search_path": service, "role": role_of(service)}
    pool = await asyncpg.create_pool(dsn, min_size=1, max_size=4, server_settings=settings)
    try:
        yield Database(pool)
    finally:
        await pool.close()


@contextmanager
def as_superuser(dsn: str) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as connection:
        yield connection


def _emptied(dsn: str, service: str) -> None:
    with as_superuser(dsn) as connection:
        for table in _names(connection, service):
            connection.execute(SQL("TRUNCATE {} RESTART IDENTITY").format(Identifier(service, table)))
        if service == "hub":
            connection.execute("ALTER SEQUENCE hub.editions RESTART")


def _names(connection: psycopg.Connection[dict[str, Any]], service: str) -> list[str]:
    query = "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename <> 'alembic_version'"
    return [row["tablename"] for row in connection.execute(query, [service])]


def contents(dsn: str, service: str) -> dict[str, list[str]]:
    """Every row of every table, in words that both kinds share."""
    with as_superuser(dsn) as connection:
        every = {
            table: connection.execute(SQL("SELECT * FROM {}").format(Identifier(service, table))).fetchall()
            for table in _names(connection, service)
        }
    return {table: sorted(map(said, rows)) for table, rows in every.items() if rows}


def said(row: Any) -> str:
    """A row, whatever the kind of its values."""
    return repr(sorted((name, instant(v) if isinstance(v, datetime) else v) for name, v in row.items()))


async def attempted(database: Any, agencies: list[str], work: Callable[[Any], Awaitable[Any]]) -> str:
    """What came of it, in words; what has no order, sorted."""
    try:
        async with database.transaction(agencies) as connection:
            found = await work(connection)
    except (Misconfigured, RuntimeError) as error:
        return type(error).__name__
    return repr(sorted(found, key=repr)) if isinstance(found, set) else repr(_ordered(found))


def _ordered(found: Any) -> Any:
    return sorted(found.items(), key=repr) if isinstance(found, dict) else found


@pytest.mark.parametrize("service", SERVICES)
async def test_every_statement_does_the_same(migrated: str, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results and tables are equal after hundreds of operations, some about agencies that the transaction has not named."""
    _emptied(migrated, service)
    chance, memory, used = random.Random(service), Tables(), set()
    fetch = Transaction.fetch

    async def noted(self: Transaction, statement: str, *arguments: Any) -> Any:
        rows = await fetch(self, statement, *arguments)
        used.add(statement)
        return rows

    monkeypatch.setattr(Transaction, "fetch", noted)
    async with opened(migrated, service) as real:
        for _ in range(ROUNDS):
            named = [*chance.sample(AGENCIES, chance.choice((1, 2, 2))), *([HUB] if service == "hub" else [])]
            about = AGENCIES if chance.random() < 0.3 else [one for one in named if one != HUB]
            operations = Drawing(chance, about).operations(service)
            for work in chance.sample(operations, len(operations)):
                results = [
                    await attempted(database, named, work) for database in (real, MemoryDatabase(memory, Untroubled()))
                ]
                assert results[0] == results[1]
    kept = {table: sorted(map(said, rows.values())) for table, rows in memory.rows.items() if rows}
    assert contents(migrated, service) == kept
    assert used == known_to(service), "a statement of the service was not tried"


def known_to(service: str) -> set[str]:
    """The statements that the service's store, and decision points, execute."""
    mine = {
        "exchange": exchange,
        "hub": hub,
        "id_conversion": id_conversion,
        "reference": reference,
        "routing": routing,
    }
    own = {text for text in vars(mine[service]).values() if isinstance(text, str)} if service in mine else set()
    odd = {"exchange": {"DELETE FROM staff WHERE agency = $1"}}
    locking = {"SELECT pg_advisory_xact_lock(hashtext('renkei.hub.publications'))"} if service == "hub" else set()
    decided = set() if service in ("id_conversion", "reference") else {decisions._RECALL, decisions._SETTLE}
    return (own & STATEMENTS.keys()) | odd.get(service, set()) | locking | decided


def test_every_statement_is_known() -> None:
    """What any store executes has a function here; what is known here, some store executes."""
    assert set().union(*map(known_to, SERVICES)) == STATEMENTS.keys()
    stores = (exchange, hub, id_conversion, reference, routing)
    written = {
        text
        for module in (*stores, decisions)
        for name, text in vars(module).items()
        if name.startswith("_") and name.isupper() and isinstance(text, str)
    }
    assert written <= STATEMENTS.keys()


# — two transactions


def proposal(agency: str, number: int = 1, note: str = "first") -> Decided:
    return Decided((agency, "accept", agency, str(uuid.UUID(int=number))), b"a", "x", "done", note, EXPIRES)


async def settled(database: Any, *proposals: Decided) -> list[Decided]:
    async with database.transaction({one.place[0] for one in proposals}) as connection:
        return await decisions.settle(connection, proposals)


async def begun(task: "asyncio.Task[Any]") -> None:
    """Long enough that it would have ended, were it not waiting."""
    await asyncio.wait([task], timeout=0.2)
    assert not task.done()


async def test_who_inserts_second_waits(tables: Any) -> None:
    """Until the first commits, and then finds its row."""
    async with tables.transaction([A]) as connection:
        await decisions.settle(connection, [proposal(A)])
        waiting = asyncio.create_task(settled(tables, proposal(A, note="second")))
        await begun(waiting)
    assert [one.note for one in await waiting] == ["first"]


async def test_who_inserts_after_a_rollback_is_first(tables: Any) -> None:
    """The row of a transaction that gave up was never there."""
    waiting: list[asyncio.Task[list[Decided]]] = []

    async def give_up() -> None:
        async with tables.transaction([A]) as connection:
            await decisions.settle(connection, [proposal(A)])
            waiting.append(asyncio.create_task(settled(tables, proposal(A, note="second"))))
            await begun(waiting[0])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await give_up()
    assert [one.note for one in await waiting[0]] == ["second"]


async def test_nobody_sees_what_is_not_committed(tables: Any) -> None:
    """Another transaction reads the rows as they were, without waiting; afterwards as they are (READ COMMITTED)."""
    wanted = [proposal(A).place]
    async with tables.transaction([A]) as reading:
        async with tables.transaction([A]) as connection:
            await decisions.settle(connection, [proposal(A)])
            assert await decisions.recall(reading, wanted) == {}
        assert (await decisions.recall(reading, wanted)).keys() == {*wanted}


async def open_one(database: Any, agency: str = A) -> exchange.Exchange:
    control = Drawing(random.Random(1), [agency]).control()
    async with database.transaction([agency]) as connection:
        await exchange.open_exchanges(connection, [exchange.Asked(control, b"p")])
    return (agency, control.id)


def finished(place: exchange.Exchange) -> exchange.Finished:
    return exchange.Finished(place, "answered", EXPIRES, b"c", b"v", "k")


async def test_a_locked_row_is_read_again(tables: Any) -> None:
    """FOR UPDATE waits for whoever has locked the row, and returns it as that one has left it."""
    place = await open_one(tables)

    async def state() -> str:
        async with tables.transaction([A]) as connection:
            return (await exchange.standing(connection, [place]))[place].state

    async with tables.transaction([A]) as connection:
        await exchange.standing(connection, [place])
        waiting = asyncio.create_task(state())
        await begun(waiting)
        await exchange.finish(connection, [finished(place)])
    assert await waiting == "answered"


async def test_a_condition_is_judged_again(tables: Any) -> None:
    """Of two transitions out of `open`, the second waits and makes none."""
    place = await open_one(tables)

    async def second() -> set[exchange.Exchange]:
        async with tables.transaction([A]) as connection:
            return await exchange.finish(connection, [finished(place)])

    async with tables.transaction([A]) as connection:
        assert await exchange.finish(connection, [finished(place)]) == {place}
        waiting = asyncio.create_task(second())
        await begun(waiting)
    assert await waiting == set()


async def test_an_uncommitted_row_is_not_locked(tables: Any) -> None:
    """FOR UPDATE does not wait for a row that was not there when the statement began."""
    async with tables.transaction([A]) as connection:
        control = Drawing(random.Random(1), [A]).control()
        await exchange.open_exchanges(connection, [exchange.Asked(control, b"p")])
        async with tables.transaction([A]) as other:
            assert await exchange.standing(other, [(A, control.id)]) == {}


async def test_a_circle_ends(tables: Any) -> None:
    """Two that wait for each other: one of them is told, the other goes on."""

    async def both(first: Decided, second: Decided) -> None:
        async with tables.transaction([A]) as connection:
            await decisions.settle(connection, [first])
            await asyncio.sleep(0.1)
            await decisions.settle(connection, [second])

    one, two = proposal(A, 1), proposal(A, 2)
    results = await asyncio.gather(both(one, two), both(two, one), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["NoneType", "Unavailable"]
    assert any(isinstance(result, Unavailable) for result in results)


async def test_another_agencys_row_is_not_written(tables: Any) -> None:
    """A transaction that has not named the agency is refused, and leaves nothing behind."""
    with pytest.raises(Misconfigured):
        async with tables.transaction([A]) as connection:
            await decisions.settle(connection, [proposal(A), proposal(B)])
    async with tables.transaction([A, B]) as connection:
        assert await decisions.recall(connection, [proposal(A).place]) == {}
