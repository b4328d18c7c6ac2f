"""What statements are made of: rows, locks, and what becomes of a row that two transactions want."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any, Protocol

Row = Mapping[str, Any]
Key = tuple[Any, ...]


class Rows(Protocol):
    """A transaction, as statements see it: rows of the agencies that it has named, its own changes among them."""

    def get(self, table: str, key: Key) -> Row | None:
        """The row at this key, as the transaction sees it now."""

    def all(self, table: str) -> Iterator[tuple[Key, Row]]:
        """Every row that it sees."""

    async def lock(self, table: str, key: Key) -> None:
        """Waits until no other transaction has written or locked this key."""

    def put(self, table: str, key: Key, row: Row) -> None:
        """Writes a row that is locked."""

    def remove(self, table: str, key: Key) -> None:
        """Deletes a row that is locked."""

    def sequence(self, name: str) -> int:
        """The next number, never given back."""


Statement = Callable[..., Coroutine[Any, Any, list[Row]]]


def zipped(*columns: Sequence[Any]) -> list[tuple[Any, ...]]:
    """`unnest` of arrays of one length."""
    return list(zip(*columns, strict=True))


def found(rows: Rows, table: str, keys: Sequence[Key]) -> list[tuple[Key, Row]]:
    """An inner join of what is wanted with the table's key; a key that is wanted twice comes twice."""
    return [(key, row) for key in keys if (row := rows.get(table, key)) is not None]


async def inserted(rows: Rows, table: str, key: Key, row: Row) -> bool:
    """ON CONFLICT DO NOTHING: whoever inserts the same key at the same time is waited for."""
    if rows.get(table, key) is None:
        await rows.lock(table, key)
        if rows.get(table, key) is None:
            rows.put(table, key, row)
            return True
    return False


async def replaced(rows: Rows, table: str, key: Key, row: Row) -> None:
    """ON CONFLICT DO UPDATE of every column."""
    await rows.lock(table, key)
    rows.put(table, key, row)


async def updated(rows: Rows, table: str, keys: Sequence[Key], state: str) -> AsyncIterator[tuple[int, Row]]:
    """Places of `keys` whose rows are in this state when the statement begins, and still when they are locked."""
    wanted = [place for place, key in enumerate(keys) if (row := rows.get(table, key)) and row["state"] == state]
    for place in wanted:
        await rows.lock(table, keys[place])
        row = rows.get(table, keys[place])
        if row is not None and row["state"] == state:
            yield place, row


async def locked(rows: Rows, table: str, keys: Sequence[Key]) -> list[Row]:
    """FOR UPDATE: the rows that are there when the statement begins, locked in order, as they then are."""
    out = []
    for key, _ in sorted(found(rows, table, keys), key=lambda one: one[0]):
        await rows.lock(table, key)
        row = rows.get(table, key)
        assert row is not None
        out.append(row)
    return out
