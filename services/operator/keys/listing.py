"""An agency's keys as its operator sees them: what is held here, and what was published and no longer is."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from schemas.directory import POSTING, RECORDS, KeyRecord
from schemas.text import instant
from services.operator.installation import Installation
from services.operator.keys.enrolment import kept
from services.operator.keys.keyrings import held_keys
from services.runtime.keys import PrivateKey

State = Literal["current", "superseded", "coming", "ended", "revoked"]
"""Superseded: still valid, for what it has signed, but a later one is used."""
SHORT: Final = 12
"""Characters of a key id that are shown, and that name a key."""


@dataclass(frozen=True)
class Listed:
    """One key and what it is good for now."""

    kid: str
    purpose: str
    algorithm: str
    starts: str
    until: str
    state: State
    system: str
    """The posting system whose key it is, or nothing."""


def listed(installation: Installation, agency: str, now: datetime) -> list[Listed]:
    """By purpose, and within it by the moment from which it is used."""
    held = {key.kid: key for key in held_keys(installation, agency)}
    records = {record.kid: record for record in kept_records(installation, agency)}
    keys: list[PrivateKey | KeyRecord] = [*held.values(), *(one for kid, one in records.items() if kid not in held)]
    revoked = {kid for kid, record in records.items() if record.revoked}
    used = _used([key for key in keys if key.kid not in revoked], instant(now))
    found = [
        Listed(
            key.kid,
            key.purpose,
            key.algorithm,
            key.starts,
            key.until,
            _state(key, revoked, used, instant(now)),
            _system(key),
        )
        for key in keys
    ]
    return sorted(found, key=lambda one: (one.purpose, one.system, one.starts, one.kid))


def kept_records(installation: Installation, agency: str = "*") -> list[KeyRecord]:
    """The records of an agency's keys, or of all, as last signed here."""
    return [_record(file) for file in sorted(installation.records.glob(f"key_{agency}_*"))]


def _record(file: Path) -> KeyRecord:
    record = RECORDS.validate_json(kept(file).record)
    assert isinstance(record, KeyRecord)
    return record


def _used(keys: list[PrivateKey | KeyRecord], now: str) -> set[str]:
    """Of each purpose, and each posting system, the valid one that began last."""
    latest: dict[tuple[str, str], PrivateKey | KeyRecord] = {}
    for key in sorted(keys, key=lambda key: key.starts):
        if key.starts <= now < key.until:
            latest[key.purpose, _system(key)] = key
    return {key.kid for key in latest.values()}


def _system(key: PrivateKey | KeyRecord) -> str:
    return key.posting_system if key.purpose in POSTING else ""


def _state(key: PrivateKey | KeyRecord, revoked: set[str], used: set[str], now: str) -> State:
    if key.kid in revoked:
        return "revoked"
    if key.until <= now:
        return "ended"
    if key.starts > now:
        return "coming"
    return "current" if key.kid in used else "superseded"
