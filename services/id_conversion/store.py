"""The code conversion table (コード変換テーブル): internal number and link code, sealed, with a look-up value of each."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.runtime.postgres import Connection
from services.runtime.rest import AtRest, Part

NUMBER: Final = "number"
LINK_CODE: Final = "link_code"
TABLE: Final = b"id_conversion.codes"
"""Stands where a record's control part stands in the seal of a message."""

Row = Mapping[str, Any]
Value = tuple[str, bytes]
"""(agency, look-up value)"""


@dataclass(frozen=True, slots=True)
class Code:
    """A row in clear: one person of one agency."""

    agency: str
    number: bytes
    link_code: bytes


async def lock(connection: Connection) -> None:
    """Until the transaction ends nobody else who locks enrolls: numbers that are unknown stay unknown."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtext('renkei.id_conversion.codes'))")


async def link_codes(connection: Connection, rest: AtRest, numbers: Collection[Value]) -> dict[Value, bytes]:
    """The link codes of these internal numbers, as far as they have one."""
    rows = await _found(connection, _BY_NUMBER, numbers)
    return {(row["agency"], row["number"]): _opened(rest, row, "subject", row["sealed_link_code"]) for row in rows}


async def numbers(connection: Connection, rest: AtRest, codes: Collection[Value]) -> dict[Value, bytes]:
    """The internal numbers behind these link codes, as far as there is a row."""
    rows = await _found(connection, _BY_LINK_CODE, codes)
    return {(row["agency"], row["link_code"]): _opened(rest, row, "value", row["sealed_number"]) for row in rows}


async def enroll(connection: Connection, rest: AtRest, codes: Sequence[Code]) -> None:
    """Binds numbers and link codes (符号取得); a number that is bound already gets the new code."""
    rows = sorted((code.agency, rest.index(code.agency, NUMBER, code.number), code) for code in codes)
    sealed = [rest.seal(code.agency, TABLE, {"value": code.number, "subject": code.link_code}) for _, _, code in rows]
    await connection.execute(
        _ENROLL,
        [agency for agency, _, _ in rows],
        [number for _, number, _ in rows],
        [rest.index(code.agency, LINK_CODE, code.link_code) for _, _, code in rows],
        [parts["value"] for parts in sealed],
        [parts["subject"] for parts in sealed],
        [parts["sealed"].decode() for parts in sealed],
    )


async def _found(connection: Connection, query: str, values: Collection[Value]) -> list[Row]:
    if not values:
        return []
    agencies, keys = zip(*sorted(values), strict=True)
    rows: list[Row] = await connection.fetch(query, list(agencies), list(keys))
    return rows


def _opened(rest: AtRest, row: Row, part: Part, data: bytes) -> bytes:
    return rest.open_part(row["agency"], row["sealed"], part, TABLE, data)


_BY_NUMBER = """
SELECT c.agency, c.number, c.sealed_link_code, c.sealed
FROM unnest($1::text[], $2::bytea[]) AS wanted (agency, number) JOIN codes AS c USING (agency, number)
"""
_BY_LINK_CODE = """
SELECT c.agency, c.link_code, c.sealed_number, c.sealed
FROM unnest($1::text[], $2::bytea[]) AS wanted (agency, link_code) JOIN codes AS c USING (agency, link_code)
"""
_ENROLL = """
INSERT INTO codes (agency, number, link_code, sealed_number, sealed_link_code, sealed)
SELECT * FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[], $6::text[])
ON CONFLICT (agency, number) DO UPDATE
SET link_code = excluded.link_code, sealed_number = excluded.sealed_number,
    sealed_link_code = excluded.sealed_link_code, sealed = excluded.sealed
"""
