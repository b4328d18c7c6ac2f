"""Decision points remember what they decided, so that a message has one effect however often it comes (section 4.2).

Under (agency, step, sender, id) a decision holds the content's digest, the `source` it was first decided for, the verdict
and the note: the times and ids it gave. The same source again: the stored outcome is emitted again. Another source with the
same content: a copy. Other content: `id_reused`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from services.runtime.postgres import Connection

Place = tuple[str, str, str, str]
"""(agency, step, sender, id)"""

TABLE = """
CREATE TABLE {schema}.decisions (
    agency text NOT NULL,
    step text NOT NULL,
    sender text NOT NULL,
    id uuid NOT NULL,
    digest bytea NOT NULL,
    source text NOT NULL,
    verdict text NOT NULL,
    note text NOT NULL,
    expires timestamptz NOT NULL,
    PRIMARY KEY (agency, step, sender, id)
)
"""
"""What a decision point's first migration creates. `expires` says from when a row may go; nothing deletes one yet."""


Relation = Literal["first", "again", "copy", "reused"]
"""First at its place; the same source again; other source, same content; other content."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision. `expires` is the message's own limit, an instant."""

    place: Place
    digest: bytes
    source: str
    verdict: str
    note: str
    expires: str


async def recall(connection: Connection, places: Iterable[Place]) -> dict[Place, Decided]:
    """What was decided at these places."""
    wanted = sorted(set(places))
    if not wanted:
        return {}
    rows = await connection.fetch(_RECALL, *_columns(wanted))
    return {decided.place: decided for decided in map(_decided, rows)}


async def settle(connection: Connection, proposals: Sequence[Decided]) -> list[Decided]:
    """Stores decisions, the first at a place wins; returns what now stands at each proposal's place.

    Rows are made unique and sorted, so that two batches never wait for each other in a circle."""
    first: dict[Place, Decided] = {}
    for proposal in proposals:
        first.setdefault(proposal.place, proposal)
    stored = await _store(connection, [first[place] for place in sorted(first)])
    others = await recall(connection, first.keys() - stored)  # a second statement sees what others committed meanwhile
    return [others.get(proposal.place, first[proposal.place]) for proposal in proposals]


def relation(standing: Decided, proposal: Decided) -> Relation:
    """What a proposal is to the decision that stands at its place."""
    if standing is proposal:
        return "first"
    if standing.source == proposal.source:
        return "again"
    return "copy" if standing.digest == proposal.digest else "reused"


async def _store(connection: Connection, rows: Sequence[Decided]) -> set[Place]:
    if not rows:
        return set()
    stored = await connection.fetch(
        _SETTLE,
        *_columns([row.place for row in rows]),
        [row.digest for row in rows],
        [row.source for row in rows],
        [row.verdict for row in rows],
        [row.note for row in rows],
        [row.expires for row in rows],
    )
    return {(row["agency"], row["step"], row["sender"], row["id"]) for row in stored}


def _columns(places: Sequence[Place]) -> list[list[object]]:
    agencies, steps, senders, ids = zip(*places, strict=True)
    return [list(agencies), list(steps), list(senders), list(ids)]


def _decided(row: Mapping[str, Any]) -> Decided:
    place = (row["agency"], row["step"], row["sender"], row["id"])
    return Decided(place, row["digest"], row["source"], row["verdict"], row["note"], row["expires"])


_RECALL = """
SELECT d.agency, d.step, d.sender, d.id::text AS id, d.digest, d.source, d.verdict, d.note,
       to_char(d.expires AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS expires
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]::uuid[]) AS wanted (agency, step, sender, id)
JOIN decisions AS d USING (agency, step, sender, id)
"""

_SETTLE = """
INSERT INTO decisions (agency, step, sender, id, digest, source, verdict, note, expires)
SELECT agency, step, sender, id, digest, source, verdict, note, expires::timestamptz
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]::uuid[], $5::bytea[], $6::text[], $7::text[], $8::text[],
            $9::text[])
     AS decided (agency, step, sender, id, digest, source, verdict, note, expires)
ORDER BY agency, step, sender, id
ON CONFLICT DO NOTHING
RETURNING agency, step, sender, id::text AS id
"""
