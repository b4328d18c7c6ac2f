"""Replicas and flags."""

from collections.abc import Sequence
from typing import Any, Final

from tests.simulation.statements.rows import Key, Row, Rows, found, zipped

_REPLICA: Final = ("agency", "person", "item", "layout", "year", "value", "control", "sealed", "log_offset", "appended")
_FLAG: Final = ("agency", "person", "automatic", "log_offset", "appended")


async def find(rows: Rows, places: Sequence[int], *columns: Sequence[Any]) -> list[Row]:
    out = []
    for place, agency, person, item, layout, first, last in zipped(places, *columns):
        keys = [(agency, person, item, layout, year) for year in range(first, last + 1)]
        out += [{"place": place, **row} for _, row in found(rows, "replicas", keys)]
    return sorted(out, key=lambda row: (row["place"], row["year"]))


async def manual(rows: Rows, agencies: Sequence[str], persons: Sequence[bytes]) -> list[Row]:
    return [row for _, row in found(rows, "flags", zipped(agencies, persons)) if not row["automatic"]]


async def has_copies(rows: Rows, agency: str, person: bytes) -> list[Row]:
    return [{"exists": any(key[:2] == (agency, person) for key, _ in rows.all("replicas"))}]


async def flagged(rows: Rows, agency: str, person: bytes) -> list[Row]:
    return [row for _, row in found(rows, "flags", [(agency, person)])]


async def register(rows: Rows, *columns: Sequence[Any]) -> list[Row]:
    for values in zipped(*columns):
        await _followed(rows, "replicas", values[:5], dict(zip(_REPLICA, values, strict=True)))
    return []


async def flag(rows: Rows, *columns: Sequence[Any]) -> list[Row]:
    for values in zipped(*columns):
        await _followed(rows, "flags", values[:2], dict(zip(_FLAG, values, strict=True)))
    return []


async def _followed(rows: Rows, table: str, key: Key, row: Row) -> None:
    """ON CONFLICT DO UPDATE of every column, unless what is there came after it."""
    await rows.lock(table, key)
    there = rows.get(table, key)
    if there is None or row["log_offset"] >= there["log_offset"] or row["appended"] > there["appended"]:
        rows.put(table, key, row)
