"""Decision points."""

from collections.abc import Sequence
from typing import Any, Final

from tests.simulation.statements.rows import Row, Rows, found, inserted, zipped

_DECISION: Final = ("agency", "step", "sender", "id", "digest", "source", "verdict", "note", "expires")


async def recall(rows: Rows, *places: Sequence[Any]) -> list[Row]:
    return [row for _, row in found(rows, "decisions", zipped(*places))]


async def settle(rows: Rows, *columns: Sequence[Any]) -> list[Row]:
    decided = [dict(zip(_DECISION, values, strict=True)) for values in zipped(*columns)]
    return [
        row for row in decided if await inserted(rows, "decisions", tuple(row[name] for name in _DECISION[:4]), row)
    ]
