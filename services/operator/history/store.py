"""What the services' tables say of one exchange; no business data, no person."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from services.runtime.postgres import Connection


@dataclass(frozen=True)
class Summary:
    """An exchange as its asking side has it (処理状況)."""

    agency: str
    receiver: str
    state: str
    created: str
    expires: str
    completed: str | None


@dataclass(frozen=True)
class Stored:
    """A decision of one service on one message."""

    agency: str
    step: str
    sender: str
    id: str
    verdict: str
    source: str
    """Where the message entered the block."""


async def summary(connection: Connection, agencies: Collection[str], exchange: str) -> Summary | None:
    """The exchange, whichever of these agencies has opened it."""
    row = await connection.fetchrow(_SUMMARY, sorted(agencies), uuid.UUID(exchange))
    return Summary(**row) if row else None


async def opened_at(connection: Connection, agencies: Collection[str], position: str) -> str | None:
    """The id of the exchange that the post at this position opened, or was refused under."""
    found = await connection.fetchval(_OPENED_AT, sorted(agencies), position)
    return None if found is None else str(found)


async def decisions(
    connection: Connection, agencies: Collection[str], senders: Collection[str], ids: Collection[str]
) -> list[Stored]:
    """What was decided at these agencies about these messages of these senders."""
    rows = await connection.fetch(_DECISIONS, sorted(agencies), sorted(senders), [uuid.UUID(one) for one in ids])
    return [Stored(**{**row, "id": str(row["id"])}) for row in rows]


_INSTANT = """to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS {0}"""
_SUMMARY = f"""
SELECT agency, receiver, state, {_INSTANT.format("created")}, {_INSTANT.format("expires")}, {_INSTANT.format("completed")}
FROM exchanges WHERE agency = ANY ($1::text[]) AND id = $2
"""
_OPENED_AT = """
SELECT id FROM decisions WHERE agency = ANY ($1::text[]) AND step = 'accept' AND source = $2 LIMIT 1
"""
_DECISIONS = """
SELECT agency, step, sender, id, verdict, source FROM decisions
WHERE agency = ANY ($1::text[]) AND sender = ANY ($2::text[]) AND id = ANY ($3::uuid[])
ORDER BY agency, step, sender, id
"""
