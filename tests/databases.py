"""Databases beside others on one server, for as long as a test needs them; the roles are the server's."""

import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import psycopg
from psycopg.sql import SQL, Identifier

from services.runtime import migrations
from services.runtime.postgres import Database, role_of


@contextmanager
def temporary(postgres: str, name: str) -> Iterator[str]:
    """A new, empty database; the superuser's DSN."""
    name = f"{name}_{uuid.uuid4().hex}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    try:
        yield urlunsplit(urlsplit(postgres)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@contextmanager
def migrated(postgres: str, name: str, services: Sequence[str], readers: Sequence[str] = ()) -> Iterator[str]:
    """One with the schemas of these services. Roles are made where they are missing, and keep the passwords they have."""
    migrations.prepare(postgres, {})
    with psycopg.connect(postgres, autocommit=True) as connection:
        for role in map(role_of, (*services, *readers)):
            connection.execute(migrations._role(role, "LOGIN").encode())
    with temporary(postgres, name) as dsn:
        for service in services:
            migrations.migrate(dsn, service, role_of(service))
        yield dsn


@asynccontextmanager
async def opened(dsn: str, service: str, patience: float | None = None) -> AsyncIterator[Database]:
    """A service's tables in its own role, so that row-level security holds; a statement waits for so many seconds."""
    settings = {"search_path": service, "role": role_of(service)}
    pool = await asyncpg.create_pool(dsn, min_size=1, max_size=4, command_timeout=patience, server_settings=settings)
    try:
        yield Database(pool)
    finally:
        await pool.close()


def emptied(dsn: str, service: str) -> None:
    """No row is left, and what counts begins anew."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for table in tables(connection, service):
            connection.execute(SQL("TRUNCATE {} RESTART IDENTITY").format(Identifier(service, table)))
        if service == "hub":
            connection.execute("ALTER SEQUENCE hub.editions RESTART")


def tables(connection: "psycopg.Connection[tuple[str]]", service: str) -> list[str]:
    """The tables of a service's schema, but for the version of its migrations."""
    query = "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename <> 'alembic_version'"
    return [name for (name,) in connection.execute(query, [service]).fetchall()]
