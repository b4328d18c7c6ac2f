"""The reference database (参照用DB): copies of what business systems master, separated per agency, sealed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

from services.runtime.postgres import Connection

Person = tuple[str, bytes]
"""(agency, look-up value of the internal number)"""
Order = tuple[int, int]
"""Where the record stands that registers something: (its offset, when it was appended in milliseconds)."""
K = TypeVar("K", bound=tuple[object, ...])
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an inquiry asks of the reference database: one person's item, in a span of fiscal years."""

    person: Person
    item: str
    layout: int
    years: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Replica:
    """Copies of one item for one year, sealed for the control part they were registered with."""

    person: Person
    item: str
    layout: int
    year: int
    value: bytes
    control: bytes
    sealed: str


async def find(connection: Connection, wanted: Sequence[Wanted]) -> dict[int, list[Replica]]:
    """By index of `wanted`: its replicas by year."""
    if not wanted:
        return {}
    rows = await connection.fetch(
        _FIND,
        list(range(len(wanted))),
        [one.person[0] for one in wanted],
        [one.person[1] for one in wanted],
        [one.item for one in wanted],
        [one.layout for one in wanted],
        [one.years[0] for one in wanted],
        [one.years[1] for one in wanted],
    )
    found: dict[int, list[Replica]] = {}
    for row in rows:
        person = (row["agency"], row["person"])
        replica = Replica(person, row["item"], row["layout"], row["year"], row["value"], row["control"], row["sealed"])
        found.setdefault(row["place"], []).append(replica)
    return found


async def manual(connection: Connection, persons: Collection[Person]) -> set[Person]:
    """Who must not be answered about automatically (自動応答不可)."""
    if not persons:
        return set()
    agencies, values = zip(*sorted(persons), strict=True)
    rows = await connection.fetch(_MANUAL, list(agencies), list(values))
    return {(row["agency"], row["person"]) for row in rows}


async def has_copies(connection: Connection, person: Person) -> bool:
    """Whether any copy about a person is here, or was until its withdrawal."""
    return bool(await connection.fetchval(_HAS_COPIES, *person))


async def flagged(connection: Connection, person: Person) -> tuple[bool, int] | None:
    """A person's flag, and when its record was appended in milliseconds; None without a flag."""
    rows = await connection.fetch(_FLAGGED, *person)
    return (rows[0]["automatic"], rows[0]["appended"]) if rows else None


async def register(connection: Connection, replicas: Sequence[tuple[Replica, Order]]) -> None:
    """Stores copies; of the same person, item and year the last in the topic's order stays, whenever it is stored."""
    rows = _latest([((one.person, one.item, one.layout, one.year), one, order) for one, order in replicas])
    if rows:
        await connection.execute(
            _REGISTER,
            [one.person[0] for one, _ in rows],
            [one.person[1] for one, _ in rows],
            [one.item for one, _ in rows],
            [one.layout for one, _ in rows],
            [one.year for one, _ in rows],
            [one.value for one, _ in rows],
            [one.control for one, _ in rows],
            [one.sealed for one, _ in rows],
            *_columns(rows),
        )


async def flag(connection: Connection, flags: Sequence[tuple[Person, bool, Order]]) -> None:
    """Stores persons' flags; the last in the topic's order stays, whenever it is stored."""
    rows = _latest([(person, (person, automatic), order) for person, automatic, order in flags])
    if rows:
        await connection.execute(
            _FLAG,
            [person[0] for (person, _), _ in rows],
            [person[1] for (person, _), _ in rows],
            [automatic for (_, automatic), _ in rows],
            *_columns(rows),
        )


def _latest(registered: Sequence[tuple[K, V, Order]]) -> list[tuple[V, Order]]:
    """Of each key the one that stays, sorted by it."""
    kept: dict[K, tuple[V, Order]] = {}
    for key, row, order in registered:
        if key not in kept or follows(order, kept[key][1]):
            kept[key] = (row, order)
    return [kept[key] for key in sorted(kept)]


def follows(order: Order, stored: Order) -> bool:
    """Not what stands before it and is older. Offsets alone begin anew with a new broker, and times alone may be set back."""
    return order[0] >= stored[0] or order[1] > stored[1]


def _columns(rows: Sequence[tuple[V, Order]]) -> Sequence[list[int]]:
    return [offset for _, (offset, _) in rows], [appended for _, (_, appended) in rows]


_FIND = """
SELECT wanted.place, r.agency, r.person, r.item, r.layout, r.year, r.value, r.control, r.sealed
FROM unnest($1::int[], $2::text[], $3::bytea[], $4::text[], $5::int[], $6::int[], $7::int[])
     AS wanted (place, agency, person, item, layout, first, last)
JOIN replicas AS r ON r.agency = wanted.agency AND r.person = wanted.person AND r.item = wanted.item
     AND r.layout = wanted.layout AND r.year BETWEEN wanted.first AND wanted.last
ORDER BY wanted.place, r.year
"""
_MANUAL = """
SELECT f.agency, f.person
FROM unnest($1::text[], $2::bytea[]) AS wanted (agency, person) JOIN flags AS f USING (agency, person)
WHERE NOT f.automatic
"""
_HAS_COPIES = "SELECT EXISTS (SELECT FROM replicas WHERE agency = $1 AND person = $2)"
_FLAGGED = "SELECT automatic, appended FROM flags WHERE agency = $1 AND person = $2"
_REGISTER = """
INSERT INTO replicas AS r (agency, person, item, layout, year, value, control, sealed, log_offset, appended)
SELECT * FROM unnest($1::text[], $2::bytea[], $3::text[], $4::int[], $5::int[], $6::bytea[], $7::bytea[], $8::text[],
                     $9::bigint[], $10::bigint[])
ON CONFLICT (agency, person, item, layout, year) DO UPDATE
SET value = excluded.value, control = excluded.control, sealed = excluded.sealed, log_offset = excluded.log_offset,
    appended = excluded.appended
WHERE excluded.log_offset >= r.log_offset OR excluded.appended > r.appended
"""
_FLAG = """
INSERT INTO flags AS f (agency, person, automatic, log_offset, appended)
SELECT * FROM unnest($1::text[], $2::bytea[], $3::boolean[], $4::bigint[], $5::bigint[])
ON CONFLICT (agency, person) DO UPDATE
SET automatic = excluded.automatic, log_offset = excluded.log_offset, appended = excluded.appended
WHERE excluded.log_offset >= f.log_offset OR excluded.appended > f.appended
"""
