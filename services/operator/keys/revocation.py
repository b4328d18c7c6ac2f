"""Revoking a key: a higher version of its record that says since when, signed by the agency's root. It is final."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from schemas.directory import KeyRecord
from schemas.text import instant
from services.operator.installation import Installation
from services.operator.keys.enrolment import keep_record, read_root
from services.operator.keys.listing import kept_records, listed

SHORTEST: Final = 8
"""Characters of a key id that name a key."""


def revoke(installation: Installation, record: KeyRecord, now: datetime) -> KeyRecord:
    """The revoked version, signed and kept for publication; one that is revoked already stays as it is."""
    if record.revoked is not None:
        return record
    root = read_root(installation, record.agency)
    revoked = record.model_copy(update={"version": record.version + 1, "revoked": instant(now)})
    keep_record(installation, revoked, root)
    return revoked


def by_kid(installation: Installation, kid: str) -> KeyRecord:
    """The key whose id begins so; ValueError where none or several do."""
    found = [record for record in kept_records(installation) if record.kid.startswith(kid)]
    if len(kid) < SHORTEST or len(found) != 1:
        raise ValueError(
            f"{len(found)} keys have an id that begins with {kid}; at least {SHORTEST} characters must name one key: "
            "see `renkei keys list CODE`. Salt and data keys are not in the directory, and are not revoked."
        )
    return found[0]


def by_purpose(installation: Installation, agency: str, purpose: str, now: datetime) -> Sequence[KeyRecord]:
    """The agency's keys of a purpose that are valid now; one that has yet to begin is not among them."""
    valid = {
        one.kid for one in listed(installation, agency, now)
        if one.purpose == purpose and one.state in ("current", "superseded")
    }  # fmt: skip
    found = [record for record in kept_records(installation, agency) if record.kid in valid]
    if not found:
        raise ValueError(f"agency {agency} has no valid {purpose} key in the directory")
    return found
