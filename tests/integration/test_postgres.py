"""A service's role may do its work and nothing else; what the database refuses is told without any value."""

import asyncio
import traceback
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from sqlalchemy import text

from services.operator.local.port import HOST, free_port
from services.runtime import migrations
from services.runtime.decisions import Decided, settle
from services.runtime.errors import Misconfigured, Unavailable
from services.runtime.postgres import Database
from services.runtime.revisions import head
from tests import databases
from tests.dummy.chain import REVISIONS
from tests.dummy.site import PASSWORD
from tests.dummy.tables import tables
from tests.proxy import Proxy
from tests.waiting import until

TOKYO, OSAKA = "131016", "271004"
SECRET = "never-to-be-shown"
WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query NOT LIKE '%pg_stat_activity%'"
"""A session that waits for another's transaction."""


def address(postgres: str, user: str, password: str) -> str:
    """The same database as seen by somebody else."""
    parts = urlsplit(postgres)
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{parts.netloc.rsplit('@', 1)[-1]}"))


@pytest.fixture
async def database(tmp_path: Path, postgres: str) -> AsyncIterator[Database]:
    async with tables(tmp_path, postgres) as opened:
        yield opened


async def attempt(database: Database, statement: str, *values: object) -> None:
    async with database.transaction([TOKYO]) as connection:
        await connection.execute(statement, *values)


def test_migrating_twice_changes_nothing(postgres: str, tmp_path: Path) -> None:
    """The second time the schema is at its head already."""
    migrations.prepare(postgres, {"renkei_second": "for-tests-only"})
    for _ in range(2):
        migrations.migrate(postgres, "second", "renkei_second", REVISIONS)
    with psycopg.connect(postgres) as connection:
        assert connection.execute("SELECT version_num FROM second.alembic_version").fetchall() == [("0001",)]
    assert head("second", REVISIONS) == "0001"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ("0002", "schema second is at 0002, the code at 0001: run the newer code"),
        ("0000", "the migration failed: CommandError"),
    ],
)
def test_a_schema_that_is_not_of_this_code_stays_as_it_is(postgres: str, found: str, said: str) -> None:
    """A newer one in the words of a service that finds the same; of a strange one Alembic's error is told by its type."""
    with databases.temporary(postgres, "other") as dsn:
        migrations.prepare(dsn, {"renkei_second": PASSWORD})
        migrations.migrate(dsn, "second", "renkei_second", REVISIONS)
        with psycopg.connect(dsn) as connection:
            connection.execute("UPDATE second.alembic_version SET version_num = %s", [found])
        with pytest.raises(Misconfigured, match=f"^{said}$"):
            migrations.migrate(dsn, "second", "renkei_second", REVISIONS)


def test_migrations_need_a_superuser(postgres: str) -> None:
    """Whoever is none is told so, without the statement, in which a password stands."""
    migrations.prepare(postgres, {"renkei_second": PASSWORD})
    with pytest.raises(Misconfigured, match="RENKEI_POSTGRES is to name a superuser") as caught:
        migrations.prepare(address(postgres, "renkei_second", PASSWORD), {"renkei_third": SECRET})
    with pytest.raises(Misconfigured, match=r"^the migration failed: SyntaxError$") as failed:
        migrations.prepare(postgres, {"renkei second": SECRET})
    for error in (caught, failed):
        assert SECRET not in "".join(traceback.format_exception(error.value))


@pytest.mark.parametrize(
    ("user", "password"),
    [("postgres", SECRET), ("nobody", SECRET), ("postgres", "")],
)
def test_a_password_that_is_wrong(postgres: str, user: str, password: str) -> None:
    """The database is not away: waiting does not help."""
    with pytest.raises(Misconfigured, match=r"^PostgreSQL refuses the user, the password or the database of") as caught:
        migrations.prepare(address(postgres, user, password), {})
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_database_that_goes_away_while_it_is_migrated(postgres: str) -> None:
    """Though the server had asked for the password."""

    def cut_off() -> None:
        with migrations._connected(postgres) as connection, psycopg.connect(postgres) as other:
            pid = connection.execute(text("SELECT pg_backend_pid()")).scalar()
            other.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
            connection.execute(text("SELECT 1"))

    with pytest.raises(Unavailable, match=r"^PostgreSQL is away: AdminShutdown$"):
        cut_off()


async def test_two_migrations_wait_for_one_another(postgres: str) -> None:
    """PostgreSQL would end the second that changes a role while the first has yet to commit."""
    migrations.prepare(postgres, {"renkei_second": PASSWORD})
    with psycopg.connect(postgres, autocommit=True) as other:
        with migrations._connected(postgres) as first:
            first.execute(text(f"ALTER ROLE renkei_second PASSWORD '{PASSWORD}'"))
            second = asyncio.create_task(asyncio.to_thread(migrations.prepare, postgres, {"renkei_second": PASSWORD}))
            await until(lambda: other.execute(WAITING).fetchall())
        await second


async def test_a_service_owns_no_table(database: Database, postgres: str) -> None:
    """Its tables are the owner's, who cannot log in; row-level security is forced on each."""
    with psycopg.connect(postgres) as connection:
        found = connection.execute("""
            SELECT relname, relowner::regrole::text, relrowsecurity, relforcerowsecurity FROM pg_class
            WHERE relnamespace = 'second'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version' ORDER BY 1
        """).fetchall()
        owner = connection.execute("SELECT rolcanlogin, rolbypassrls FROM pg_roles WHERE rolname = 'renkei_owner'")
        assert owner.fetchall() == [(False, False)]
    assert found == [(name, "renkei_owner", True, True) for name in ("decisions", "effects")]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE second.mine (x text)",
        "CREATE TABLE public.mine (x text)",
        "ALTER TABLE second.effects DISABLE ROW LEVEL SECURITY",
        "DELETE FROM second.effects",
        "UPDATE second.alembic_version SET version_num = '9'",
        "SET ROLE renkei_owner",
    ],
)
async def test_a_service_may_do_its_work_alone(database: Database, statement: str) -> None:
    """It changes no schema, lifts no protection, deletes nothing, and becomes nobody else."""
    with pytest.raises(Misconfigured, match="InsufficientPrivilegeError"):
        await attempt(database, statement)


async def test_no_row_is_written_for_another_agency(database: Database) -> None:
    """A step that did not name an agency cannot write a row of it."""
    with pytest.raises(Misconfigured, match="InsufficientPrivilegeError"):
        await attempt(database, "INSERT INTO effects VALUES ($1, $2, 1)", OSAKA, uuid.uuid4())
    await attempt(database, "INSERT INTO effects VALUES ($1, $2, 1)", TOKYO, uuid.uuid4())


async def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    """What it did is undone, and the next one has its own agencies."""
    identity = str(uuid.uuid4())

    async def fail() -> None:
        async with database.transaction([TOKYO]) as connection:
            place = (TOKYO, "second", OSAKA, identity)
            await settle(connection, [Decided(place, b"a", "x/0/1", "done", "", "2100-01-01T00:00:00.000Z")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with database.transaction([OSAKA, TOKYO]) as connection:
        assert await connection.fetchval("SELECT current_setting('renkei.agencies')") == f"{TOKYO},{OSAKA}"
        assert await connection.fetchval("SELECT count(*) FROM decisions WHERE id = $1", identity) == 0


@pytest.mark.parametrize("key", ["", "太郎", "131016,271004", "131016'; DROP TABLE effects; --"])
async def test_what_is_no_agency_code_is_named_in_no_transaction(database: Database, key: str) -> None:
    """It reaches no statement; the message is at fault, not the installation."""
    with pytest.raises(ValueError, match="no agency code"):
        async with database.transaction([TOKYO, key]):
            pass
    await attempt(database, "SELECT 1 FROM effects")


@pytest.mark.parametrize(
    ("statement", "values", "error"),
    [
        ("SELECT * FROM nowhere", [], Misconfigured),
        ("SELECT nothing FROM effects", [], Misconfigured),
        ("INSERT INTO effects VALUES ($1, $2, 1), ($1, $2, 1)", [TOKYO, uuid.uuid4()], RuntimeError),
        ("SELECT $1::integer", ["太郎"], RuntimeError),
        ("SELECT pg_terminate_backend(pg_backend_pid())", [], Unavailable),
    ],
    ids=["table", "column", "unique", "parameter", "session"],
)
async def test_errors_tell_no_values(
    database: Database, statement: str, values: list[object], error: type[Exception]
) -> None:
    """Missing tables are the operator's, a lost session is transient, the rest a bug; the text has no row or value."""
    with pytest.raises(error) as caught:
        await attempt(database, statement, *values)
    assert not any(str(value) in str(caught.value) for value in values)
    assert caught.value.__suppress_context__
    await attempt(database, "SELECT 1")


async def test_who_falls_silent_is_asked_once(database: Database, postgres: str) -> None:
    """Connections whose other end is gone without a word: one statement waits in vain, and all of them are made anew."""
    parts = urlsplit(postgres)
    proxy = Proxy(parts.port or 5432, free_port())
    await proxy.open()
    behind = urlunsplit(parts._replace(netloc=f"{parts.username}:{parts.password}@{HOST}:{proxy.port}"))
    async with databases.opened(behind, "second", patience=1) as opened:
        await asyncio.gather(*(attempt(opened, "SELECT pg_sleep(0.2)") for _ in range(4)))  # one connection each
        proxy.silence()
        with pytest.raises(Unavailable, match="TimeoutError"):
            await attempt(opened, "SELECT 1")
        await asyncio.gather(*(attempt(opened, "SELECT 1") for _ in range(4)))
        await proxy.bury()
    await proxy.close()


async def test_a_transaction_without_a_client_ends(database: Database) -> None:
    """Else what it has locked would be kept from everybody until the system notices that nobody is there, in two hours."""

    async def fall_silent() -> None:
        async with database.transaction([TOKYO]) as connection:
            assert await connection.fetchval("SHOW idle_in_transaction_session_timeout") == "20s"
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = '50ms'")
            await until(connection.is_closed)

    with pytest.raises(Unavailable):
        await fall_silent()
    await attempt(database, "SELECT 1")
