"""Which of its keys an agency signs with: the one that began last, of those that the directory has and has not revoked.

So a key that nobody can check yet signs nothing: while an older one is valid that one goes on, and where there is none
the message waits, for a minute, for the record that the operator is about to publish.
"""

from collections.abc import MutableMapping
from datetime import timedelta
from typing import Final

from schemas.directory import Purpose
from schemas.text import Instant, later
from services.runtime.directory import Directory
from services.runtime.errors import Unavailable
from services.runtime.keys import PrivateKey, Ring

PATIENCE: Final = timedelta(seconds=60)
"""How long a key waits for its record; then it counts as one that the directory does not have."""


def signing_key(
    ring: Ring, purpose: Purpose, now: Instant, directory: Directory, awaited: MutableMapping[str, Instant]
) -> PrivateKey | None:
    """None where every key has ended, is revoked, or has no record after `PATIENCE`; before that `Unavailable`.

    `awaited` remembers since when each key without a record is waited for: as many as the ring holds."""
    held = ring.usable(purpose, now)
    for key in held:
        record = directory.key(key.kid)
        if record is not None and record.valid(now):
            return key
    for key in held:
        if directory.key(key.kid) is None and now < later(awaited.setdefault(key.kid, now), PATIENCE):
            raise Unavailable(f"the directory has no record yet of the {purpose} key of agency {ring.agency}")
    return None
