"""Tables of either kind for the tests that hold one against the other."""

import uuid
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from services.runtime import migrations
from services.runtime.migrations import OWNER
from services.runtime.postgres import Database, role_of
from tests.simulation.database import MemoryDatabase, Tables, Untroubled
from tests.simulation.ground import SERVICES
from tests.simulation.real import emptied, opened


@pytest.fixture(scope="package")
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
    emptied(dsn, "exchange")
    async with opened(dsn, "exchange") as database:
        yield database
