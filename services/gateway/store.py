"""What exchange's views show the gateway of one agency's exchanges, and of the ids that it has used."""

import uuid
from dataclasses import dataclass

from services.runtime.postgres import Connection


@dataclass(frozen=True, slots=True)
class Row:
    """An exchange as its asker may see it; control and value are those of the answer, once there is one."""

    agency: str
    state: str
    created: str
    expires: str
    completed: str | None
    control: bytes | None
    value: bytes | None
    sealed: str | None


async def progress(connection: Connection, agency: str, exchange: str, system: str) -> Row | None:
    """The exchange of this id that the agency's posting system has opened."""
    row = await connection.fetchrow(_PROGRESS, agency, uuid.UUID(exchange), system)
    return Row(**row) if row else None


async def accepted(connection: Connection, agency: str, exchange: str) -> bytes | None:
    """The digest of the request that was accepted, or refused, under this id."""
    digest: bytes | None = await connection.fetchval(_ACCEPTED, agency, uuid.UUID(exchange))
    return digest


_INSTANT = """to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS {0}"""
_PROGRESS = f"""
SELECT agency, state, {_INSTANT.format("created")}, {_INSTANT.format("expires")}, {_INSTANT.format("completed")},
       control, value, sealed
FROM progress WHERE agency = $1 AND id = $2 AND system = $3
"""
_ACCEPTED = "SELECT digest FROM accepted WHERE agency = $1 AND id = $2"
