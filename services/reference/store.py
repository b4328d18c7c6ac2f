"""The reference database (参照用DB): copies of what business systems master, separated per agency, sealed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from services.runtime.postgres import Connection

Person = tuple[str, bytes]
"""(agency, look-up value of the internal number)"""


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


async def register(connection: Connection, replicas: Sequence[Replica]) -> None:
    """Stores copies; of the same person, item and year the last in the topic's order stays."""
    latest = {(one.person, one.item, one.layout, one.year): one for one in replicas}
    rows = [latest[place] for place in sorted(latest)]
    if rows:
        await connection.execute(
            _REGISTER,
            [one.person[0] for one in rows],
            [one.person[1] for one in rows],
            [one.item for one in rows],
            [one.layout for one in rows],
            [one.year for one in rows],
            [one.value for one in rows],
            [one.control for one in rows],
            [one.sealed for one in rows],
        )


async def flag(connection: Connection, flags: Sequence[tuple[Person, bool]]) -> None:
    """Stores persons' flags; the last in the topic's order stays."""
    rows = sorted(dict(flags).items())
    if rows:
        agencies, values = zip(*(person for person, _ in rows), strict=True)
        await connection.execute(_FLAG, list(agencies), list(values), [automatic for _, automatic in rows])


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
_REGISTER = """
INSERT INTO replicas (agency, person, item, layout, year, value, control, sealed)
SELECT * FROM unnest($1::text[], $2::bytea[], $3::text[], $4::int[], $5::int[], $6::bytea[], $7::bytea[], $8::text[])
ON CONFLICT (agency, person, item, layout, year) DO UPDATE
SET value = excluded.value, control = excluded.control, sealed = excluded.sealed
"""
_FLAG = """
INSERT INTO flags (agency, person, automatic)
SELECT * FROM unnest($1::text[], $2::bytea[], $3::boolean[])
ON CONFLICT (agency, person) DO UPDATE SET automatic = excluded.automatic
"""
