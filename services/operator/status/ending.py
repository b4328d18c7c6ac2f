"""Which agencies will lack a key within a month. Of each one ring file is opened: 1,741 take a second or two."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from schemas.directory import RECORDS, KeyRecord, Purpose
from schemas.text import instant
from services.operator.installation import Installation
from services.operator.keys.enrolment import kept
from services.operator.status.facts import Ending
from services.runtime.keys import KeyRings, Ring, read_key_encryption_key

MONTH: Final = timedelta(days=31)
NEEDED: Final[dict[str, Sequence[Purpose]]] = {"linkage": ("sign", "wrap", "salt"), "hub": ("sign", "permit", "wrap")}
"""What an agency signs and seals with, by the block whose ring holds it all."""
FEW: Final = 5


def ending(installation: Installation, now: datetime) -> Ending:
    """Counts the agencies; of each the purpose that ends first."""
    found: list[tuple[str, str, str]] = []
    agencies, revoked, soon = 0, _revoked(installation), instant(now + MONTH)
    secret = read_key_encryption_key(installation.key_encryption_key)
    for block, purposes in NEEDED.items():
        rings = KeyRings(installation.keys, secret, block)
        rings.refresh()
        for agency in rings.agencies():
            agencies += 1
            until, purpose = min(_covered(rings.of(agency), purposes, revoked))
            if until < soon:
                found.append((agency, purpose, until))
    found.sort(key=lambda one: (one[2], one[0]))
    return Ending(agencies, len(found), found[:FEW])


def _covered(ring: Ring, purposes: Sequence[Purpose], revoked: set[str]) -> Iterator[tuple[str, str]]:
    """Until when there is a key of each purpose; empty where there is none."""
    for purpose in purposes:
        held = [key.until for key in ring.keys if key.purpose == purpose and key.kid not in revoked]
        yield max(held, default=""), purpose


def _revoked(installation: Installation) -> set[str]:
    """Key ids whose kept record says so; only those records are read in full, since there are many."""
    return {kid for file in installation.records.glob("key_*") if (kid := _revoked_in(file))}


def _revoked_in(file: Path) -> str | None:
    data = kept(file).record
    record = RECORDS.validate_json(data) if b'"revoked"' in data else None
    return record.kid if isinstance(record, KeyRecord) and record.revoked else None
