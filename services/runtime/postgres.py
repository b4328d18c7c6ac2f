"""Transactions that see the rows of the agencies of one batch and no others (architecture section 5)."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from services.runtime.errors import Misconfigured, Unavailable
from services.runtime.revisions import head
from services.runtime.service import Environment
from services.runtime.settings import Settings

Connection = Any
"""An asyncpg connection in a transaction; only `store.py` files speak SQL with it."""

_AWAY: Final = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)
_GHOST: Final = "20s"
"""After which the server ends a transaction in which nobody speaks: its client may be gone without a word, and its locks would
keep everybody else waiting; before their statements give up, which wait for 30 s."""
_CODE: Final = re.compile(r"[0-9A-Z]{1,16}")
_OPERATORS: Final = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedFunctionError,
    asyncpg.InvalidSchemaNameError,
    asyncpg.InvalidCatalogNameError,
)


class Database:
    """A pool in the role of one service; every transaction names the agencies that it is about."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    @asynccontextmanager
    async def transaction(self, agencies: Iterable[str]) -> AsyncIterator[Connection]:
        """Commits at the end. `Unavailable` when the database is away, `Misconfigured` for permissions and schema."""
        begin = f"BEGIN; SET LOCAL renkei.agencies = '{_named(agencies)}'"  # one round trip
        with _translated():
            async with self._pool.acquire() as connection:
                try:
                    await connection.execute(begin)
                    yield connection
                    await connection.execute("COMMIT")
                except TimeoutError:
                    await self._silent(connection)
                    raise
                except BaseException:
                    await _rolled_back(connection)
                    raise

    async def _silent(self, connection: Connection) -> None:
        """Nobody answers on it, so likely on none: whoever asks them one after the other waits as long for each."""
        connection.terminate()
        await self._pool.expire_connections()


def _named(agencies: Iterable[str]) -> str:
    """The agencies of a batch, as the policies compare them; ValueError for what is no code."""
    codes = sorted(set(agencies))
    if not all(_CODE.fullmatch(code) for code in codes):
        raise ValueError("a record's key is no agency code")
    return ",".join(codes)


async def _reset(connection: Connection) -> None:
    """Nothing outlives a transaction here, so only one that did not end needs the round trip."""
    if connection.is_in_transaction():
        await connection.reset()


async def _rolled_back(connection: Connection) -> None:
    """A connection that does not even do this is closed by the pool."""
    with suppress(*_AWAY, asyncpg.PostgresError):
        await connection.execute("ROLLBACK")


_BY_KEY: Final = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
"""Every statement looks rows up by their keys, however many it is given, so one plan a connection serves. Without the last
three, a plan made while a table is small reads the whole table, and goes on doing so while the table grows."""


@asynccontextmanager
async def database(
    environment: Environment, schema: str = "", revisions: Path | None = None
) -> AsyncIterator[Database]:
    """The service's pool, in its own role; `schema` where it reads views that another service grants.

    The schema must be at the head of `revisions`, which are in `services/<schema>/migrations` unless said otherwise."""
    role, schema = role_of(environment.service), schema or environment.service
    with _translated():
        pool = await asyncpg.create_pool(
            dsn_of(environment.settings, role),
            min_size=1,
            max_size=4,
            command_timeout=30,
            reset=_reset,
            server_settings={
                "search_path": schema,
                "application_name": role,
                "idle_in_transaction_session_timeout": _GHOST,
                **_BY_KEY,
            },
        )
    try:
        await _check_migrations(pool, schema, revisions)
        yield Database(pool)
    finally:
        await _close(pool)


async def _close(pool: Any) -> None:
    try:
        await asyncio.wait_for(pool.close(), 10)
    except TimeoutError:
        pool.terminate()


async def _check_migrations(pool: Any, schema: str, revisions: Path | None) -> None:
    """A schema older or newer than the code is the operator's to mend, never a message's fault."""
    with _translated():
        found = await pool.fetchval("SELECT version_num FROM alembic_version")
    expected = head(schema, revisions)
    if found != expected:
        raise Misconfigured(f"schema {schema} is at {found}, the code at {expected}: `renkei db migrate`")


def role_of(service: str) -> str:
    """The database role of a service."""
    return f"renkei_{service}"


def dsn_of(settings: Settings, role: str) -> str:
    """The installation's database as seen by `role`."""
    parts = urlsplit(settings.postgres)
    return urlunsplit(parts._replace(netloc=f"{role}:{settings.password(role)}@{parts.netloc.rsplit('@', 1)[-1]}"))


@contextmanager
def _translated() -> Iterator[None]:
    """Database errors as the runtime's: the driver's messages and parameters may hold rows, so they are left behind."""
    try:
        yield
    except asyncpg.DataError:
        raise RuntimeError("a parameter does not fit its statement") from None
    except _OPERATORS as error:
        raise Misconfigured(f"PostgreSQL refuses: {type(error).__name__}; are the migrations applied?") from None
    except _AWAY as error:
        raise Unavailable(f"PostgreSQL is away: {type(error).__name__}") from None
    except asyncpg.PostgresError as error:
        raise RuntimeError(f"PostgreSQL: {type(error).__name__}") from None
