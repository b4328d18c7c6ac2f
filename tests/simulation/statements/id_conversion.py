"""The code conversion table."""

from collections.abc import Sequence
from typing import Any, Final

from tests.simulation.statements.rows import Row, Rows, found, replaced, zipped

_CODE: Final = ("agency", "number", "link_code", "sealed_number", "sealed_link_code", "sealed")


async def by_number(rows: Rows, agencies: Sequence[str], numbers: Sequence[bytes]) -> list[Row]:
    return [row for _, row in found(rows, "codes", zipped(agencies, numbers))]


async def by_link_code(rows: Rows, agencies: Sequence[str], codes: Sequence[bytes]) -> list[Row]:
    known = {(row["agency"], row["link_code"]): row for _, row in rows.all("codes")}
    return [known[place] for place in zipped(agencies, codes) if place in known]


async def enroll(rows: Rows, *columns: Sequence[Any]) -> list[Row]:
    for values in zipped(*columns):
        await replaced(rows, "codes", values[:2], dict(zip(_CODE, values, strict=True)))
    return []
