"""The hub's tables: who has a core id, what was permitted (情報提供等の記録), what the directory holds."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from schemas.directory import HUB
from services.hub.checking import Provision
from services.hub.permitting import noted
from services.runtime.postgres import Connection

NOBODY: Final = 0
"""The database draws core ids from one on."""


async def known_persons(connection: Connection, cores: Collection[int | None]) -> set[int]:
    """Which of the core ids name a person; where there is none, nobody's is asked for, so that the path is the same."""
    if not cores:
        return set()
    rows = await connection.fetch(_PERSONS, HUB, sorted({NOBODY if core is None else core for core in cores}))
    return {row["core"] for row in rows}


async def add_persons(connection: Connection, count: int) -> list[int]:
    """New core ids, drawn by the database."""
    rows = await connection.fetch(_ADD_PERSONS, HUB, count)
    return [row["core"] for row in rows]


async def permitted(connection: Connection, asked: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], Provision]:
    """The records of permitted inquiries by (sender, id); M and D are those of the decision that stands there.

    They are locked until the transaction ends: of two answers to one inquiry the second sees the first."""
    if not asked:
        return {}
    senders, ids = zip(*sorted(asked), strict=True)
    rows = await connection.fetch(_PERMITTED, list(senders), list(ids))
    return {(row["agency"], row["id"]): _provision(row) for row in rows}


def _provision(row: Mapping[str, Any]) -> Provision:
    decision = noted(row["note"]).decision
    assert decision is not None
    return Provision(
        sender=row["agency"],
        receiver=row["provider"],
        id=row["id"],
        message=row["digest"],
        decision=decision.digest,
        basis=row["basis"],
        item=row["item"],
        core=row["core"],
        expires=row["expires"],
        answered=row["answered"],
    )


async def mark_answered(connection: Connection, answers: Mapping[tuple[str, str], str]) -> None:
    """Notes with each inquiry, by (sender, id), the id of the answer that is permitted."""
    if not answers:
        return
    senders, ids = zip(*sorted(answers), strict=True)
    await connection.execute(_ANSWERED, list(senders), list(ids), [answers[place] for place in sorted(answers)])


async def record(connection: Connection, provisions: Sequence[tuple[Provision, str]]) -> None:
    """Records each permitted message with the instant of its decision; kept seven years (施行令30条)."""
    unique = {(provision.sender, provision.id): (provision, time) for provision, time in provisions}
    rows = [unique[place] for place in sorted(unique)]
    if not rows:
        return
    await connection.execute(
        _RECORD,
        [provision.sender for provision, _ in rows],
        [provision.id for provision, _ in rows],
        [provision.receiver for provision, _ in rows],
        [provision.basis for provision, _ in rows],
        [provision.item for provision, _ in rows],
        [provision.core for provision, _ in rows],
        [provision.expires for provision, _ in rows],
        [time for _, time in rows],
    )


@dataclass(frozen=True, slots=True)
class Publication:
    """A signed record as the directory's topic carries it."""

    place: str
    record: bytes
    signature: bytes
    edition: int = 0


async def hand_in(connection: Connection, publications: Sequence[Publication]) -> int:
    """Takes signed records for publication, each under the next edition; the same bytes again change nothing.

    One hand-in at a time: editions become visible in their order, so that no beat ever counts one that is still to come."""
    await connection.execute(_ALONE)
    latest = {publication.place: publication for publication in publications}
    rows = [latest[place] for place in sorted(latest)]
    taken = await connection.fetch(
        _HAND_IN,
        HUB,
        [row.place for row in rows],
        [row.record for row in rows],
        [row.signature for row in rows],
    )
    return len(taken)


async def unpublished(connection: Connection, limit: int) -> list[Publication]:
    """Records whose edition was not yet acknowledged by the topic, in the order of their editions."""
    rows = await connection.fetch(_UNPUBLISHED, limit)
    return [_publication(row) for row in rows]


async def published(connection: Connection) -> list[Publication]:
    """All that has been published, and was not replaced since."""
    return [_publication(row) for row in await connection.fetch(_PUBLISHED)]


async def published_at(connection: Connection, places: Collection[str], limit: int) -> list[Publication]:
    """Of what has been published the records at these places, the first by edition."""
    return [_publication(row) for row in await connection.fetch(_PUBLISHED_AT, sorted(places), limit)]


def _publication(row: Mapping[str, Any]) -> Publication:
    return Publication(row["place"], row["record"], row["signature"], row["edition"])


async def mark_published(connection: Connection, editions: Sequence[int]) -> None:
    """After the acknowledgement; repeats are harmless."""
    await connection.execute(_MARK, list(editions))


async def last_edition(connection: Connection) -> int:
    """The highest edition up to which everything is published."""
    return int(await connection.fetchval(_LAST))


_PERSONS = "SELECT core FROM persons WHERE agency = $1 AND core = ANY ($2::bigint[])"
_ADD_PERSONS = "INSERT INTO persons (agency) SELECT $1 FROM generate_series(1, $2) RETURNING core"
_PERMITTED = """
SELECT p.agency, p.id::text AS id, p.provider, p.basis, p.item, p.core, p.answered::text AS answered, d.digest, d.note,
       to_char(p.expires AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS expires
FROM unnest($1::text[], $2::text[]::uuid[]) AS asked (agency, id)
JOIN provisions AS p USING (agency, id)
JOIN decisions AS d ON (d.agency, d.step, d.sender, d.id) = (p.agency, 'permit', p.agency, p.id)
ORDER BY p.agency, p.id
FOR UPDATE OF p
"""
_ANSWERED = """
UPDATE provisions AS p SET answered = a.answer
FROM unnest($1::text[], $2::text[]::uuid[], $3::text[]::uuid[]) AS a (agency, id, answer)
WHERE p.agency = a.agency AND p.id = a.id
"""
_RECORD = """
INSERT INTO provisions (agency, id, provider, basis, item, core, expires, decided)
SELECT agency, id, provider, basis, item, core, expires::timestamptz, decided::timestamptz
FROM unnest($1::text[], $2::text[]::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[])
     AS permitted (agency, id, provider, basis, item, core, expires, decided)
ORDER BY agency, id
ON CONFLICT DO NOTHING
"""
_ALONE = "LOCK TABLE publications IN SHARE ROW EXCLUSIVE MODE"
"""No advisory lock, which every role of the database could take, and so hold up a revocation."""
_HAND_IN = """
INSERT INTO publications AS known (agency, place, record, signature)
SELECT $1, place, record, signature
FROM unnest($2::text[], $3::bytea[], $4::bytea[]) AS handed (place, record, signature)
ORDER BY place
ON CONFLICT (agency, place) DO UPDATE
SET record = excluded.record, signature = excluded.signature, edition = DEFAULT, published = false
WHERE known.record <> excluded.record
RETURNING place
"""
_UNPUBLISHED = """
SELECT place, record, signature, edition FROM publications WHERE NOT published ORDER BY edition LIMIT $1
"""
_PUBLISHED = "SELECT place, record, signature, edition FROM publications WHERE published ORDER BY edition"
_PUBLISHED_AT = """
SELECT place, record, signature, edition FROM publications WHERE published AND place = ANY ($1::text[])
ORDER BY edition LIMIT $2
"""
_MARK = "UPDATE publications SET published = true WHERE edition = ANY ($1::bigint[])"
_LAST = """
SELECT coalesce((SELECT min(edition) - 1 FROM publications WHERE NOT published),
                (SELECT max(edition) FROM publications), 0)
"""
