"""Removing an agency that was enrolled by mistake: allowed as long as the hub has published nothing of it."""

import json
from pathlib import Path
from typing import Final

from schemas import topics
from schemas.directory import HUB
from services.hub import store
from services.operator.installation import Installation
from services.operator.keys import key_sets
from services.operator.keys.keyrings import key_files
from services.operator.local.files import replace_file, settle
from services.operator.tables import tables
from services.runtime.kafka.scan import scan

ALL: Final = 2**31 - 1


async def remove(installation: Installation, agency: str) -> None:
    """Deletes the root, rings, posting keys and signed records of an agency; a removal that broke off is completed.

    ValueError where it has no keys here, or where the hub has published or been handed a record of it. `Unavailable` or
    InstallationError where that cannot be found out."""
    if agency == HUB:
        raise ValueError("the hub's keys are never removed: everything that is published rests on them")
    files = _files(installation, agency)
    if not files:
        raise ValueError(f"agency {agency} has no keys here")
    if await _is_published(installation, agency):
        raise ValueError(
            f"agency {agency} is published, and stays: what it has signed must remain verifiable. "
            "Revoke its keys instead: renkei keys revoke."
        )
    _delete(installation, agency, files)


def _files(installation: Installation, agency: str) -> list[Path]:
    """Those that there are, in the reverse of the order in which they were written: if a removal breaks off, both
    `keys remove` and `keys create` can complete their work."""
    signed = sorted(
        file
        for pattern in (f"key_{agency}_*", f"agency_{agency}", f"policy_{agency}", f"assessment_{agency}")
        for file in installation.records.glob(pattern)
    )
    systems = key_sets.files(installation, agency)
    files = [*signed, *systems, *reversed(key_files(installation, agency)), installation.root_keys / agency]
    return [file for file in dict.fromkeys(files) if file.exists()]


async def _is_published(installation: Installation, agency: str) -> bool:
    """Whether the hub's table or the topic holds a record of the agency: the table may have been restored from a backup."""
    async with tables(installation, "hub") as database, database.transaction({HUB}) as connection:
        waiting = [one.place for one in await store.unpublished(connection, ALL)]
    published = [record.key for record in await scan(installation.kafka(), topics.directory)]
    return any(place.split("/")[1:2] == [agency] for place in (*waiting, *published))


def _delete(installation: Installation, agency: str, files: list[Path]) -> None:
    """First nobody trusts the root any more, then nothing says what it signed, then it is gone."""
    roots = [root for root in json.loads(installation.roots.read_text()) if root["agency"] != agency]
    replace_file(installation.roots, json.dumps(roots, indent=1).encode())
    settle()
    for file in files:
        file.unlink()
    settle()
