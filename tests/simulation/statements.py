"""What each SQL statement of the services does, on tables in memory: a function for every statement, and no other is known.

A function yields when it must wait for a row's lock. What a statement reads is what was committed when it began; a row that
it locks is read again once it has the lock (READ COMMITTED).
"""

import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from services.exchange import store as exchange
from services.hub import store as hub
from services.id_conversion import store as id_conversion
from services.reference import store as reference
from services.routing import store as routing
from services.runtime import decisions

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


# --- decisions

_DECISION: Final = ("agency", "step", "sender", "id", "digest", "source", "verdict", "note", "expires")


async def recall(rows: Rows, *places: Sequence[Any]) -> list[Row]:
    return [row for _, row in found(rows, "decisions", zipped(*places))]


async def settle(rows: Rows, *columns: Sequence[Any]) -> list[Row]:
    decided = [dict(zip(_DECISION, values, strict=True)) for values in zipped(*columns)]
    return [
        row for row in decided if await inserted(rows, "decisions", tuple(row[name] for name in _DECISION[:4]), row)
    ]


# --- exchange

_EXCHANGE: Final = ("agency", "id", "receiver", "basis", "item", "person", "created", "expires", "asked")
_UNFINISHED: Final = dict.fromkeys(("completed", "control", "value", "sealed"))


async def open_exchanges(rows: Rows, *columns: Sequence[Any]) -> list[Row]:
    for values in zipped(*columns):
        row = dict(zip(_EXCHANGE, values, strict=True)) | {"state": "open"} | _UNFINISHED
        await inserted(rows, "exchanges", values[:2], row)
    return []


async def standing_exchanges(rows: Rows, *columns: Sequence[Any]) -> list[Row]:
    return await _locked(rows, "exchanges", zipped(*columns))


async def finish(rows: Rows, *columns: Sequence[Any]) -> list[Row]:
    values = zipped(*columns)
    changed: list[Row] = []
    async for place, row in updated(rows, "exchanges", [one[:2] for one in values], "open"):
        new = dict(zip(("state", "completed", "control", "value", "sealed"), values[place][2:], strict=True))
        rows.put("exchanges", values[place][:2], {**row, **new})
        changed.append({"agency": row["agency"], "id": row["id"]})
    return changed


async def due(rows: Rows, agencies: Sequence[str], before: str, limit: int) -> list[Row]:
    over = [
        row
        for _, row in rows.all("exchanges")
        if row["state"] == "open" and row["asked"] and row["expires"] <= before and row["agency"] in agencies
    ]
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


async def forget_staff(rows: Rows, agency: str) -> list[Row]:
    for key, _ in [(key, row) for key, row in rows.all("staff") if row["agency"] == agency]:
        await rows.lock("staff", key)
        rows.remove("staff", key)
    return []


async def load_staff(rows: Rows, agency: str, *columns: Sequence[Any]) -> list[Row]:
    for values in zipped(*columns):
        await replaced(rows, "staff", (agency, *values), dict(zip(_STAFF, (agency, *values), strict=True)))
    return []


# --- id_conversion

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


# --- routing

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
    return await _locked(rows, "cases", zipped(*columns))


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


# --- reference

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


# --- hub

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
    for (agency, where), row in found(rows, "provisions", zipped(senders, ids)):
        decision = rows.get("decisions", (agency, "permit", agency, where))
        if decision is not None:
            out.append({**row, "digest": decision["digest"], "note": decision["note"]})
    return out


async def record(rows: Rows, *columns: Sequence[Any]) -> list[Row]:
    for values in zipped(*columns):
        await inserted(rows, "provisions", values[:2], dict(zip(_PROVISION, values, strict=True)))
    return []


async def hand_in_lock(rows: Rows) -> list[Row]:
    await rows.lock("advisory", ("publications",))
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


async def _locked(rows: Rows, table: str, keys: Sequence[Key]) -> list[Row]:
    """FOR UPDATE: the rows that are there when the statement begins, locked in order, as they then are."""
    out = []
    for key, _ in sorted(found(rows, table, keys), key=lambda one: one[0]):
        await rows.lock(table, key)
        row = rows.get(table, key)
        assert row is not None
        out.append(row)
    return out


STATEMENTS: Final[dict[str, Statement]] = {
    decisions._RECALL: recall,
    decisions._SETTLE: settle,
    exchange._OPEN: open_exchanges,
    exchange._STANDING: standing_exchanges,
    exchange._FINISH: finish,
    exchange._DUE: due,
    exchange._OPENED: opened,
    exchange._COUNT_OPENED: count_opened,
    exchange._STAFF: staff,
    exchange._LOAD_STAFF: load_staff,
    "DELETE FROM staff WHERE agency = $1": forget_staff,
    id_conversion._BY_NUMBER: by_number,
    id_conversion._BY_LINK_CODE: by_link_code,
    id_conversion._ENROLL: enroll,
    routing._OPEN: open_cases,
    routing._STANDING: standing_cases,
    routing._ANSWER: answer,
    routing._PARK: park,
    reference._FIND: find,
    reference._MANUAL: manual,
    reference._REGISTER: register,
    reference._FLAG: flag,
    hub._PERSONS: persons,
    hub._ADD_PERSONS: add_persons,
    hub._PERMITTED: permitted,
    hub._RECORD: record,
    hub._HAND_IN: hand_in,
    hub._UNPUBLISHED: unpublished,
    hub._MARK: mark,
    hub._LAST: last_edition,
    "SELECT pg_advisory_xact_lock(hashtext('renkei.hub.publications'))": hand_in_lock,
}
"""By their very text: a statement that was changed is not known until its meaning here was changed too."""
