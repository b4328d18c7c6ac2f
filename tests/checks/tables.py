"""The tables of `hub` and `crypto` in a database of their own, as the service's role sees them, and empty."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import psycopg

from services.runtime.postgres import Database
from tests import databases

SERVICES: Final = ("hub", "crypto")


@contextmanager
def database(postgres: str) -> Iterator[str]:
    """A new database with the schemas of both; the superuser's DSN."""
    with databases.migrated(postgres, "checks", SERVICES) as dsn:
        yield dsn


@asynccontextmanager
async def opened(dsn: str, service: str) -> AsyncIterator[Database]:
    """The service's tables; every one is emptied first."""
    databases.emptied(dsn, service)
    async with databases.opened(dsn, service) as tables:
        yield tables


def rows(dsn: str, query: str) -> list[tuple[Any, ...]]:
    """What the database holds, as its superuser sees it."""
    with psycopg.connect(dsn) as connection:
        return connection.execute(query).fetchall()
