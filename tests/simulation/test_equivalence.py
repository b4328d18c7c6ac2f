"""Tables in memory do what PostgreSQL does, statement by statement."""

import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from schemas.directory import HUB
from services.exchange import store as exchange
from services.hub import store as hub
from services.id_conversion import store as id_conversion
from services.reference import store as reference
from services.routing import store as routing
from services.runtime import decisions
from services.runtime.errors import Misconfigured
from tests.databases import emptied, opened
from tests.simulation.database import MemoryDatabase, Tables, Transaction, Untroubled
from tests.simulation.ground import AGENCIES, SERVICES
from tests.simulation.operations import Drawing
from tests.simulation.real import contents, said
from tests.simulation.statements import STATEMENTS

ROUNDS = 60


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
    emptied(migrated, service)
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
    decided = set() if service in ("id_conversion", "reference") else {decisions._RECALL, decisions._SETTLE}
    return (own & STATEMENTS.keys()) | odd.get(service, set()) | decided


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
