"""Cases."""

from collections.abc import Sequence
from typing import Any, Final

from tests.simulation.statements.rows import Row, Rows, found, inserted, locked, updated, zipped

_CASE: Final = (
    "agency",
    "sender",
    "id",
    "exchange",
    "received",
    "expires",
    "control",
    "subject",
    "value",
    "sealed",
    "proof",
)
_ANSWER: Final = ("answer_control", "answer_subject", "answer_value", "answer_sealed")
_UNANSWERED: Final = dict.fromkeys(_ANSWER)


async def open_cases(rows: Rows, *columns: Sequence[Any]) -> list[Row]:
    for values in zipped(*columns):
        row = dict(zip(_CASE, values, strict=True)) | {"state": "asked"} | _UNANSWERED
        await inserted(rows, "cases", values[:3], row)
    return []


async def standing_cases(rows: Rows, *columns: Sequence[Any]) -> list[Row]:
    return await locked(rows, "cases", zipped(*columns))


async def answer(rows: Rows, *columns: Sequence[Any]) -> list[Row]:
    values = zipped(*columns)
    async for place, row in updated(rows, "cases", [one[:3] for one in values], "asked"):
        new = dict(zip(_ANSWER, values[place][3:], strict=True))
        rows.put("cases", values[place][:3], {**row, "state": "answered", **new})
    return []


async def park(rows: Rows, *columns: Sequence[Any]) -> list[Row]:
    for key, _ in found(rows, "cases", zipped(*columns)):
        await rows.lock("cases", key)
        row = rows.get("cases", key)
        assert row is not None
        rows.put("cases", key, {**row, "state": "waiting_manual", **_UNANSWERED})
    return []
