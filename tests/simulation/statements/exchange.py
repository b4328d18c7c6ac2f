"""Exchanges, quotas and staff."""

from collections.abc import Sequence
from typing import Any, Final

from tests.simulation.statements.rows import Row, Rows, found, inserted, locked, replaced, updated, zipped

_EXCHANGE: Final = ("agency", "id", "receiver", "basis", "item", "person", "created", "expires", "asked", "system")
_UNFINISHED: Final = dict.fromkeys(("completed", "control", "value", "sealed"))


async def open_exchanges(rows: Rows, *columns: Sequence[Any]) -> list[Row]:
    for values in zipped(*columns):
        row = dict(zip(_EXCHANGE, values, strict=True)) | {"state": "open"} | _UNFINISHED
        await inserted(rows, "exchanges", values[:2], row)
    return []


async def standing_exchanges(rows: Rows, *columns: Sequence[Any]) -> list[Row]:
    return await locked(rows, "exchanges", zipped(*columns))


async def finish(rows: Rows, *columns: Sequence[Any]) -> list[Row]:
    values = zipped(*columns)
    changed: list[Row] = []
    async for place, row in updated(rows, "exchanges", [one[:2] for one in values], "open"):
        new = dict(zip(("state", "completed", "control", "value", "sealed"), values[place][2:], strict=True))
        rows.put("exchanges", values[place][:2], {**row, **new})
        changed.append({"agency": row["agency"], "id": row["id"]})
    return changed


async def due(rows: Rows, agencies: Sequence[str], before: str, known: Sequence[str], limit: int) -> list[Row]:
    waiting = [row for _, row in rows.all("exchanges") if row["state"] == "open" and row["asked"]]
    over = [row for row in waiting if row["expires"] <= before and row["agency"] in agencies and row["id"] not in known]
    return sorted(over, key=lambda row: (row["expires"], row["agency"], row["id"]))[:limit]


async def opened(rows: Rows, agencies: Sequence[str], day: Any) -> list[Row]:
    out = []
    for agency in sorted(agencies):
        await rows.lock("openings", (agency, day))
        row = rows.get("openings", (agency, day)) or {"agency": agency, "day": day, "count": 0}
        rows.put("openings", (agency, day), row)
        out.append(row)
    return out


async def count_opened(rows: Rows, agencies: Sequence[str], day: Any, numbers: Sequence[int]) -> list[Row]:
    for agency, number in zipped(agencies, numbers):
        if rows.get("openings", (agency, day)) is not None:
            await rows.lock("openings", (agency, day))
            row = rows.get("openings", (agency, day))
            assert row is not None
            rows.put("openings", (agency, day), {**row, "count": row["count"] + number})
    return []


_STAFF: Final = ("agency", "staff", "office", "role")


async def staff(rows: Rows, *columns: Sequence[Any]) -> list[Row]:
    return [row for _, row in found(rows, "staff", zipped(*columns))]


async def listed_staff(rows: Rows, agency: str) -> list[Row]:
    return [row for _, row in rows.all("staff") if row["agency"] == agency]


async def forget_staff(rows: Rows, agency: str) -> list[Row]:
    for key, _ in [(key, row) for key, row in rows.all("staff") if row["agency"] == agency]:
        await rows.lock("staff", key)
        rows.remove("staff", key)
    return []


async def load_staff(rows: Rows, agency: str, *columns: Sequence[Any]) -> list[Row]:
    for values in zipped(*columns):
        await replaced(rows, "staff", (agency, *values), dict(zip(_STAFF, (agency, *values), strict=True)))
    return []
