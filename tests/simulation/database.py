"""Tables in memory with what the services use of PostgreSQL: READ COMMITTED, row locks, row-level security, atomic commits.

A transaction's changes are its own until it commits. Whoever wants a row that another transaction has written, locked or is
inserting waits for its end; a circle of waiting is told to the last who joined it. Faults come from outside: `Access`.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from services.runtime.errors import Misconfigured, Unavailable
from services.runtime.postgres import _named
from tests.simulation.statements import STATEMENTS
from tests.simulation.statements.rows import Key, Row

Place = tuple[str, Key]
OPEN_TO_ALL: Final = frozenset({"table"})


class Access(Protocol):
    """Who is speaking with the database, and what becomes of it: waiting, `Unavailable`, or an end without a word."""

    async def spoken(self, what: str) -> None:
        """Between the client's word and its effect, or between the effect and its answer."""


class Untroubled:
    """Nothing ever happens."""

    async def spoken(self, what: str) -> None:
        pass


@dataclass
class Tables:
    """The tables of one schema, as committed."""

    rows: dict[str, dict[Key, Row]] = field(default_factory=lambda: defaultdict(dict))
    sequences: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    holders: dict[Place, "Transaction"] = field(default_factory=dict)
    deadlocks: int = 0

    def copy(self) -> "Tables":
        """The same rows, to go on from."""
        copied = Tables(sequences=defaultdict(int, self.sequences))
        copied.rows.update((name, dict(rows)) for name, rows in self.rows.items())
        return copied


class Transaction:
    """One transaction: the connection that `store.py` files speak with, and the rows as its statements see them."""

    def __init__(self, tables: Tables, agencies: Iterable[str], access: Access) -> None:
        self._tables, self._agencies, self._access = tables, frozenset(agencies), access
        self._written: dict[Place, Row | None] = {}
        self._held: list[Place] = []
        self._ended: asyncio.Future[None] | None = None
        self._waits_for: Transaction | None = None

    # — what a connection does

    async def fetch(self, statement: str, *arguments: Any) -> list[Row]:
        await self._access.spoken("statement")
        rows = await STATEMENTS[statement](self, *arguments)
        await self._access.spoken("answer")
        return rows

    async def execute(self, statement: str, *arguments: Any) -> None:
        await self.fetch(statement, *arguments)

    async def fetchrow(self, statement: str, *arguments: Any) -> Row | None:
        return next(iter(await self.fetch(statement, *arguments)), None)

    async def fetchval(self, statement: str, *arguments: Any) -> Any:
        row = await self.fetchrow(statement, *arguments)
        return None if row is None else next(iter(row.values()))

    # — what statements see

    def get(self, table: str, key: Key) -> Row | None:
        place = (table, key)
        row = self._written[place] if place in self._written else self._tables.rows[table].get(key)
        return row if row is not None and row["agency"] in self._agencies else None

    def all(self, table: str) -> Iterator[tuple[Key, Row]]:
        rows: dict[Key, Row | None] = dict(self._tables.rows[table])
        rows.update((key, row) for (name, key), row in self._written.items() if name == table)
        return ((key, row) for key, row in rows.items() if row is not None and row["agency"] in self._agencies)

    async def lock(self, table: str, key: Key) -> None:
        place = (table, key)
        while (holder := self._tables.holders.get(place)) not in (None, self):
            assert holder is not None
            await self._wait(holder)
        if place not in self._tables.holders:
            self._tables.holders[place] = self
            self._held.append(place)

    def put(self, table: str, key: Key, row: Row) -> None:
        if table not in OPEN_TO_ALL and row["agency"] not in self._agencies:
            raise Misconfigured("row-level security: the transaction has not named this agency")
        self._written[table, key] = row

    def remove(self, table: str, key: Key) -> None:
        self._written[table, key] = None

    def sequence(self, name: str) -> int:
        self._tables.sequences[name] += 1
        return self._tables.sequences[name]

    # — its end

    def commit(self) -> None:
        """All at once."""
        for (table, key), row in self._written.items():
            if row is None:
                self._tables.rows[table].pop(key, None)
            else:
                self._tables.rows[table][key] = row
        self.end()

    def end(self) -> None:
        """Gives back its locks; whoever waited goes on."""
        self._written = {}
        for place in self._held:
            del self._tables.holders[place]
        self._held = []
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    async def _wait(self, holder: "Transaction") -> None:
        other: Transaction | None = holder
        while other is not None:
            if other is self:
                self._tables.deadlocks += 1
                raise Unavailable("PostgreSQL is away: DeadlockDetectedError")
            other = other._waits_for
        if holder._ended is None:
            holder._ended = asyncio.get_running_loop().create_future()
        self._waits_for = holder
        try:
            await asyncio.shield(holder._ended)
        finally:
            self._waits_for = None


@dataclass(frozen=True)
class MemoryDatabase:
    """One service's tables, as one process reaches them."""

    tables: Tables
    access: Access

    @asynccontextmanager
    async def transaction(self, agencies: Iterable[str]) -> AsyncIterator[Transaction]:
        """Commits at the end; rolls back on any error. The commit may happen and its answer be lost."""
        _named(named := set(agencies))
        await self.access.spoken("begin")
        opened = Transaction(self.tables, named, self.access)
        try:
            yield opened
            await self.access.spoken("commit")
            opened.commit()
        finally:
            opened.end()
        await self.access.spoken("committed")
