"""The services' real tables, for what must be equal to them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier

from schemas.text import instant
from tests.databases import tables


@contextmanager
def as_superuser(dsn: str) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as connection:
        yield connection


def contents(dsn: str, service: str) -> dict[str, list[str]]:
    """Every row of every table, in words that both kinds share."""
    with psycopg.connect(dsn) as connection:
        names = tables(connection, service)
    with as_superuser(dsn) as connection:
        every = {
            table: connection.execute(SQL("SELECT * FROM {}").format(Identifier(service, table))).fetchall()
            for table in names
        }
    return {table: sorted(map(said, rows)) for table, rows in every.items() if rows}


def said(row: Any) -> str:
    """A row, whatever the kind of its values."""
    return repr(sorted((name, _spelled(value)) for name, value in row.items()))


def _spelled(value: Any) -> Any:
    match value:
        case datetime():
            return instant(value)
        case UUID():
            return str(value)
    return value
