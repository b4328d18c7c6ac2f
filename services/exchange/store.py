"""The tables of exchange: its exchanges (処理状況, メッセージ一時保管), the staff (職員権限), and what was opened in a day."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from schemas.control import Control, Officer
from schemas.directory import DEFAULT_SYSTEM
from services.runtime.postgres import Connection

Exchange = tuple[str, str]
"""(agency, exchange id)"""


@dataclass(frozen=True, slots=True)
class Asked:
    """An inquiry that was accepted, by which posting system; `person` is the look-up value of its internal number."""

    control: Control
    person: bytes
    system: str = DEFAULT_SYSTEM

    @property
    def place(self) -> Exchange:
        return (self.control.sender, self.control.id)


@dataclass(frozen=True, slots=True)
class Standing:
    """What an answer is compared with, and the posting system that waits for it."""

    receiver: str
    basis: str
    item: str
    person: bytes
    state: str
    system: str


@dataclass(frozen=True, slots=True)
class Finished:
    """An answer or refusal as it is kept for the asker: sealed under its data key `sealed`, for the control part."""

    place: Exchange
    state: str
    completed: str
    control: bytes
    value: bytes
    sealed: str


async def open_exchanges(connection: Connection, asked: Sequence[Asked]) -> None:
    """New exchanges; one that is there already stays as it is."""
    rows = sorted({one.place: one for one in asked}.items())
    if not rows:
        return
    controls = [one.control for _, one in rows]
    await connection.execute(
        _OPEN,
        [control.sender for control in controls],
        [control.id for control in controls],
        [control.receiver for control in controls],
        [control.basis.encoded().decode() for control in controls],
        [control.item.encoded().decode() for control in controls],
        [one.person for _, one in rows],
        [control.created for control in controls],
        [control.expires for control in controls],
        [control.encoded() for control in controls],
        [one.system for _, one in rows],
    )


async def standing(connection: Connection, places: Collection[Exchange]) -> Mapping[Exchange, Standing]:
    """The exchanges at these places, locked in order until the transaction ends: so one transaction alone ends each."""
    if not places:
        return {}
    agencies, ids = zip(*sorted(places), strict=True)
    rows = await connection.fetch(_STANDING, list(agencies), list(ids))
    return {
        (row["agency"], row["id"]): Standing(
            row["receiver"], row["basis"], row["item"], row["person"], row["state"], row["system"]
        )
        for row in rows
    }


async def finish(connection: Connection, finished: Sequence[Finished]) -> set[Exchange]:
    """The one transition out of `open`; returns the exchanges that made it now."""
    rows = sorted({one.place: one for one in finished}.items())
    if not rows:
        return set()
    stored = await connection.fetch(
        _FINISH,
        [agency for (agency, _), _ in rows],
        [text for (_, text), _ in rows],
        [one.state for _, one in rows],
        [one.completed for _, one in rows],
        [one.control for _, one in rows],
        [one.value for _, one in rows],
        [one.sealed for _, one in rows],
    )
    return {(row["agency"], row["id"]) for row in stored}


async def due(
    connection: Connection, agencies: Collection[str], before: str, known: Collection[str], limit: int
) -> list[tuple[str, str, bytes]]:
    """(agency, id, control part of the inquiry) of open exchanges that have expired by `before`, the oldest first, but for
    those that are `known`."""
    rows = await connection.fetch(_DUE, sorted(agencies), before, sorted(known), limit)
    return [(row["agency"], row["id"], row["asked"]) for row in rows]


async def opened(connection: Connection, agencies: Collection[str], day: date) -> dict[str, int]:
    """How many inquiries each agency has opened that day; nobody else counts any until the transaction ends."""
    if not agencies:
        return {}
    rows = await connection.fetch(_OPENED, sorted(agencies), day)
    return {row["agency"]: row["count"] for row in rows}


async def count_opened(connection: Connection, counts: Mapping[str, int], day: date) -> None:
    """Adds to what `opened` has returned."""
    if counts:
        agencies, numbers = zip(*sorted(counts.items()), strict=True)
        await connection.execute(_COUNT_OPENED, list(agencies), day, list(numbers))


async def known_staff(connection: Connection, officers: Collection[tuple[str, Officer]]) -> set[tuple[str, Officer]]:
    """Which of these (agency, officer) are on the agency's list of staff."""
    wanted = sorted((agency, officer.staff, officer.office, officer.role) for agency, officer in officers)
    if not wanted:
        return set()
    rows = await connection.fetch(_STAFF, *map(list, zip(*wanted, strict=True)))
    return {(row["agency"], Officer(office=row["office"], role=row["role"], staff=row["staff"])) for row in rows}


async def listed_staff(connection: Connection, agency: str) -> set[Officer]:
    """An agency's list of staff."""
    rows = await connection.fetch(_LISTED, agency)
    return {Officer(office=row["office"], role=row["role"], staff=row["staff"]) for row in rows}


async def load_staff(connection: Connection, agency: str, officers: Sequence[Officer]) -> None:
    """Replaces an agency's list of staff."""
    await connection.execute("DELETE FROM staff WHERE agency = $1", agency)
    rows = sorted({(officer.staff, officer.office, officer.role) for officer in officers})
    if rows:
        await connection.execute(_LOAD_STAFF, agency, *map(list, zip(*rows, strict=True)))


_OPEN = """
INSERT INTO exchanges (agency, id, receiver, basis, item, person, state, created, expires, asked, system)
SELECT agency, id, receiver, basis, item, person, 'open', created::timestamptz, expires::timestamptz, asked, system
FROM unnest($1::text[], $2::text[]::uuid[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::text[], $8::text[],
            $9::bytea[], $10::text[])
     AS opened (agency, id, receiver, basis, item, person, created, expires, asked, system)
ORDER BY agency, id
ON CONFLICT DO NOTHING
"""
_STANDING = """
SELECT e.agency, e.id::text AS id, e.receiver, e.basis, e.item, e.person, e.state, e.system
FROM unnest($1::text[], $2::text[]::uuid[]) AS wanted (agency, id)
JOIN exchanges AS e USING (agency, id)
ORDER BY e.agency, e.id
FOR UPDATE OF e
"""
_FINISH = """
UPDATE exchanges AS e
SET state = f.state, completed = f.completed::timestamptz, control = f.control, value = f.value, sealed = f.sealed
FROM unnest($1::text[], $2::text[]::uuid[], $3::text[], $4::text[], $5::bytea[], $6::bytea[], $7::text[])
     AS f (agency, id, state, completed, control, value, sealed)
WHERE e.agency = f.agency AND e.id = f.id AND e.state = 'open'
RETURNING e.agency, e.id::text AS id
"""
_DUE = """
SELECT agency, id::text AS id, asked FROM exchanges
WHERE state = 'open' AND asked IS NOT NULL AND expires <= $2::text::timestamptz AND agency = ANY ($1::text[])
AND id <> ALL ($3::text[]::uuid[])
ORDER BY expires, agency, id LIMIT $4
"""
_OPENED = """
INSERT INTO openings AS o (agency, day, count)
SELECT agency, $2::date, 0 FROM unnest($1::text[]) AS limited (agency)
ORDER BY agency
ON CONFLICT (agency, day) DO UPDATE SET count = o.count
RETURNING agency, count
"""
_COUNT_OPENED = """
UPDATE openings AS o SET count = o.count + counted.count
FROM unnest($1::text[], $3::integer[]) AS counted (agency, count)
WHERE o.agency = counted.agency AND o.day = $2::date
"""
_STAFF = """
SELECT s.agency, s.staff, s.office, s.role
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS wanted (agency, staff, office, role)
JOIN staff AS s USING (agency, staff, office, role)
"""
_LISTED = "SELECT staff, office, role FROM staff WHERE agency = $1"
_LOAD_STAFF = """
INSERT INTO staff (agency, staff, office, role)
SELECT $1, staff, office, role FROM unnest($2::text[], $3::text[], $4::text[]) AS loaded (staff, office, role)
"""
