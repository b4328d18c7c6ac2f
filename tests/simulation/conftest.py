"""Tables of either kind for the tests that hold one against the other."""

from collections.abc import AsyncIterator, Iterator

import pytest

from services.runtime.postgres import Database
from tests import databases
from tests.databases import emptied, opened
from tests.simulation.database import MemoryDatabase, Tables, Untroubled
from tests.simulation.ground import SERVICES


@pytest.fixture(scope="package")
def migrated(postgres: str) -> Iterator[str]:
    """A database of its own with every service's schema; the roles are the server's, and keep their passwords."""
    with databases.migrated(postgres, "simulation", SERVICES, readers=["gateway"]) as dsn:
        yield dsn


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
