"""The services' real tables, for what must be equal to them."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any

import asyncpg
import psycopg
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier

from schemas.text import instant
from services.runtime.postgres import Database, role_of


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


def emptied(dsn: str, service: str) -> None:
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
