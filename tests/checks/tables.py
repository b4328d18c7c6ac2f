"""The tables of `hub` and `crypto` in a database of their own, as the service's role sees them, and empty."""

import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import psycopg
from psycopg.sql import SQL, Identifier

from services.runtime import migrations
from services.runtime.postgres import Database, role_of

ROLE: Final = "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS"
SERVICES: Final = ("hub", "crypto")


@contextmanager
def database(postgres: str) -> Iterator[str]:
    """A new database with the schemas of both; the superuser's DSN."""
    name = f"checks_{uuid.uuid4().hex}"
    dsn = urlunsplit(urlsplit(postgres)._replace(path=f"/{name}"))
    migrations.prepare(postgres, {})
    with psycopg.connect(postgres, autocommit=True) as connection:
        for role in map(role_of, SERVICES):  # without a password: other tests may have given the role one
            if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchall():
                connection.execute(SQL(ROLE).format(Identifier(role)))
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    try:
        for service in SERVICES:
            migrations.migrate(dsn, service, role_of(service))
        yield dsn
    finally:
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@asynccontextmanager
async def opened(dsn: str, service: str) -> AsyncIterator[Database]:
    """In the service's role, so that row-level security holds; every table is emptied first."""
    with psycopg.connect(dsn) as connection:
        for (table,) in connection.execute(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relname <> 'alembic_version'"
            " AND relnamespace = %s::regnamespace",
            [service],
        ).fetchall():
            connection.execute(SQL("TRUNCATE {} RESTART IDENTITY").format(Identifier(*table.split("."))))
    settings = {"role": role_of(service), "search_path": service}
    pool = await asyncpg.create_pool(dsn, min_size=1, max_size=2, server_settings=settings)
    try:
        yield Database(pool)
    finally:
        await pool.close()


def rows(dsn: str, query: str) -> list[tuple[Any, ...]]:
    """What the database holds, as its superuser sees it."""
    with psycopg.connect(dsn) as connection:
        return connection.execute(query).fetchall()
