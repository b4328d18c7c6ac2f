"""Persons, provisions and publications."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from tests.simulation.statements.rows import Row, Rows, found, inserted, locked, zipped

_PROVISION: Final = ("agency", "id", "provider", "basis", "item", "core", "expires", "decided")


async def persons(rows: Rows, agency: str, cores: Sequence[int]) -> list[Row]:
    return [row for _, row in found(rows, "persons", [(agency, core) for core in sorted(set(cores))])]


async def add_persons(rows: Rows, agency: str, count: int) -> list[Row]:
    added = [{"agency": agency, "core": rows.sequence("cores")} for _ in range(count)]
    for row in added:
        await inserted(rows, "persons", (agency, row["core"]), row)
    return list(added)


async def permitted(rows: Rows, senders: Sequence[str], ids: Sequence[uuid.UUID]) -> list[Row]:
    out: list[Row] = []
    for row in await locked(rows, "provisions", zipped(senders, ids)):
        decision = rows.get("decisions", (row["agency"], "permit", row["agency"], row["id"]))
        if decision is not None:
            out.append({**row, "digest": decision["digest"], "note": decision["note"]})
    return out


async def mark_answered(rows: Rows, *columns: Sequence[Any]) -> list[Row]:
    for agency, where, answer in zipped(*columns):
        await rows.lock("provisions", (agency, where))
        row = rows.get("provisions", (agency, where))
        if row is not None:
            rows.put("provisions", (agency, where), {**row, "answered": answer})
    return []


async def record(rows: Rows, *columns: Sequence[Any]) -> list[Row]:
    for values in zipped(*columns):
        new = dict(zip(_PROVISION, values, strict=True)) | {"answered": None}
        await inserted(rows, "provisions", values[:2], new)
    return []


async def hand_in_lock(rows: Rows) -> list[Row]:
    await rows.lock("table", ("publications",))
    return []


async def hand_in(rows: Rows, agency: str, *columns: Sequence[Any]) -> list[Row]:
    out: list[Row] = []
    for place, data, signature in sorted(zipped(*columns)):
        edition = rows.sequence("editions")  # the default is drawn before the conflict is met
        await rows.lock("publications", (agency, place))
        known = rows.get("publications", (agency, place))
        if known is not None and known["record"] == data:
            continue
        new = {"agency": agency, "place": place, "record": data, "signature": signature, "published": False}
        drawn = edition if known is None else rows.sequence("editions")
        rows.put("publications", (agency, place), {**new, "edition": drawn})
        out.append({"place": place})
    return out


async def unpublished(rows: Rows, limit: int) -> list[Row]:
    waiting = [row for _, row in rows.all("publications") if not row["published"]]
    return sorted(waiting, key=lambda row: int(row["edition"]))[:limit]


async def published(rows: Rows) -> list[Row]:
    return sorted((row for _, row in rows.all("publications") if row["published"]), key=lambda row: int(row["edition"]))


async def published_at(rows: Rows, places: Sequence[str], limit: int) -> list[Row]:
    return [row for row in await published(rows) if row["place"] in places][:limit]


async def mark(rows: Rows, editions: Sequence[int]) -> list[Row]:
    wanted = set(editions)
    for key, row in [(key, row) for key, row in rows.all("publications") if row["edition"] in wanted]:
        await rows.lock("publications", key)
        new = rows.get("publications", key)
        assert new is not None
        if new["edition"] == row["edition"]:
            rows.put("publications", key, {**new, "published": True})
    return []


async def last_edition(rows: Rows) -> list[Row]:
    every = [(row["edition"], row["published"]) for _, row in rows.all("publications")]
    waiting = [edition for edition, published in every if not published]
    last = min(waiting) - 1 if waiting else max((edition for edition, _ in every), default=0)
    return [{"edition": last}]
