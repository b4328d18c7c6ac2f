"""Replicas and flags."""

from collections.abc import Sequence
from typing import Any, Final

from tests.simulation.statements.rows import Row, Rows, found, replaced, zipped

_REPLICA: Final = ("agency", "person", "item", "layout", "year", "value", "control", "sealed")


async def find(rows: Rows, places: Sequence[int], *columns: Sequence[Any]) -> list[Row]:
    out = []
    for place, agency, person, item, layout, first, last in zipped(places, *columns):
        keys = [(agency, person, item, layout, year) for year in range(first, last + 1)]
        out += [{"place": place, **row} for _, row in found(rows, "replicas", keys)]
    return sorted(out, key=lambda row: (row["place"], row["year"]))


async def manual(rows: Rows, agencies: Sequence[str], persons: Sequence[bytes]) -> list[Row]:
    return [row for _, row in found(rows, "flags", zipped(agencies, persons)) if not row["automatic"]]


async def register(rows: Rows, *columns: Sequence[Any]) -> list[Row]:
    for values in zipped(*columns):
        await replaced(rows, "replicas", values[:5], dict(zip(_REPLICA, values, strict=True)))
    return []


async def flag(rows: Rows, *columns: Sequence[Any]) -> list[Row]:
    for agency, person, automatic in zipped(*columns):
        row = {"agency": agency, "person": person, "automatic": automatic}
        await replaced(rows, "flags", (agency, person), row)
    return []
