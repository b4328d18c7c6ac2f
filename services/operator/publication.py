"""The directory as the operator makes it: agency, policy and assessment records, signed and handed to the hub."""

import asyncio
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, TypeVar

import httpx

from schemas.agencies import Municipality, Prefecture, classes_of
from schemas.control import Item
from schemas.directory import HUB, AgencyRecord, AssessmentRecord, Grant, Hours, PolicyRecord, place
from services.hub import store
from services.hub.store import Publication
from services.operator.agencies import local_governments, require_known
from services.operator.installation import Installation
from services.operator.keys.enrolment import keep_record, kept, read_root, record_file
from services.operator.local import kafka, postgres, process
from services.operator.tables import tables
from services.operator.waiting import reached
from services.runtime.errors import Unavailable

PART = 2000
EDITION: Final = re.compile(r"^renkei_directory_edition (\S+)$", re.MULTILINE)
R = TypeVar("R", AgencyRecord, PolicyRecord, AssessmentRecord)


def describe(
    installation: Installation,
    codes: Sequence[str],
    items: Sequence[Item],
    grants: Sequence[Grant],
    automatic: Grant | None,
    quota: int | None = None,
    assessed: list[str] | Literal["all"] = "all",
    hours: Hours | None = None,
) -> None:
    """Agency and policy records under each agency's root, the assessment of rows under the hub's: for local governments.

    ValueError, and nothing written, where one of them is none; InstallationError where a root key is not here."""
    require_known(codes)
    known = local_governments()
    hub = read_root(installation, HUB)
    if other := [code for code in codes if code not in known]:
        raise ValueError(f"{', '.join(other)}: only municipalities and prefectures are described here")
    roots = {code: read_root(installation, code) for code in codes}
    for code, root in roots.items():
        policy = PolicyRecord(agency=code, version=1, grants=list(grants), automatic=automatic, quota=quota)
        keep_record(installation, risen(installation, agency_record(known[code], items, hours)), root)
        keep_record(installation, risen(installation, policy), root)
        keep_record(installation, risen(installation, AssessmentRecord(agency=code, version=1, rows=assessed)), hub)


def risen(installation: Installation, record: R) -> R:
    """The record under the version that follows the kept one's, if it says something else: else nobody would take it."""
    file = record_file(installation, place(record))
    if not file.exists():
        return record
    last = type(record).model_validate_json(kept(file).record)
    if record.model_copy(update={"version": last.version}) == last:
        return last
    return record.model_copy(update={"version": last.version + 1})


def agency_record(agency: Municipality | Prefecture, items: Sequence[Item], hours: Hours | None = None) -> AgencyRecord:
    """What the directory says of a local government."""
    classes = sorted(str(one) for one in classes_of(agency))
    return AgencyRecord(
        agency=agency.code, version=1, name=agency.name, classes=classes, items=list(items), hours=hours
    )


def describe_hub(installation: Installation) -> None:
    """The hub is an agency of the directory, without classes and items; where that has been said nothing is done."""
    record = AgencyRecord(agency=HUB, version=1, name="情報提供ネットワークシステム", classes=[], items=[])
    if not record_file(installation, place(record)).exists():
        keep_record(installation, record, read_root(installation, HUB))


async def publish(installation: Installation) -> int:
    """Hands every kept record to the hub; returns how many were new."""
    waiting = [kept(file) for file in published_files(installation)]
    publications = [Publication(one.place, one.record, one.signature) for one in waiting]
    taken = 0
    async with tables(installation, "hub") as database:
        for start in range(0, len(publications), PART):
            async with database.transaction({HUB}) as connection:
                taken += await store.hand_in(connection, publications[start : start + PART])
    return taken


def published_files(installation: Installation) -> list[Path]:
    """The kept records, without the drafts that a crash may have left."""
    return [file for file in sorted(installation.records.iterdir()) if not file.name.startswith(".")]


async def published(installation: Installation, seconds: float = 60) -> None:
    """Until the running hub has published all that it was handed; raises `Unavailable` after `seconds`."""
    deadline = time.monotonic() + seconds
    async with tables(installation, "hub") as database:
        while True:
            async with database.transaction({HUB}) as connection:
                if not await store.unpublished(connection, 1):
                    return
            if time.monotonic() > deadline:
                raise Unavailable(f"the hub has not published the directory within {seconds:.0f} s: is it running?")
            await asyncio.sleep(0.1)


async def in_force(installation: Installation, seconds: float = 60) -> None:
    """Until every running process works by what is published now; raises `Unavailable` after `seconds`."""
    async with tables(installation, "hub") as database, database.transaction({HUB}) as connection:
        edition = await store.last_edition(connection)
    names = [one.name for one in process.running(installation.folder) if one.name not in (kafka.NAME, postgres.NAME)]

    async def everywhere() -> bool:
        return min(await asyncio.gather(*(_edition(installation, name) for name in names))) >= edition

    if not await reached(everywhere, seconds):
        raise Unavailable(f"not every process works by edition {edition} of the directory after {seconds:.0f} s")


async def _edition(installation: Installation, name: str) -> float:
    """By which a process works."""
    async with httpx.AsyncClient(base_url=installation.url(name), timeout=5, trust_env=False) as client:
        found = EDITION.search((await client.get("/metrics")).text)
    return float(found[1]) if found else 0
