"""Asking everything of an installation at once; what does not answer in time is `Unknown`, and hinders nothing else."""

import asyncio
import shutil
from collections.abc import Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from schemas import canonical, topics
from schemas.directory import HUB, LIMIT
from schemas.directory import Beat as BeatRecord
from schemas.message import Message
from schemas.text import decoded, instant, moment
from services.hub import store
from services.operator import quarantine
from services.operator.installation import Installation
from services.operator.local import kafka, postgres
from services.operator.local.error import InstallationError
from services.operator.status.ending import ending
from services.operator.status.facts import Beat, Disk, Facts, Held, Unknown
from services.operator.status.programs import programs, server
from services.operator.tables import now, tables
from services.runtime.errors import Misconfigured, Unavailable
from services.runtime.kafka.lags import Lag, lags, tail
from services.topology import groups

T = TypeVar("T")
SECONDS: Final = 4.0
"""How long anything may take to answer."""
TAIL: Final = 200
"""Offsets of the directory's topic that are looked through for a beat: there is one a second."""
SETTLED: Final = 10.0
"""Seconds after which every process ought to have an edition: records take a moment, the metric is written every two."""


async def facts(installation: Installation, seconds: float = SECONDS) -> Facts:
    """All that is known within about `seconds`."""
    running, lagging, beat, published, held, keys = await asyncio.gather(
        programs(installation, seconds),
        asked(_groups(installation, seconds), 2 * seconds),
        asked(_beat(installation, seconds), 2 * seconds),
        asked(_published(installation), seconds),
        asked(_held(installation), seconds),
        asked(asyncio.to_thread(ending, installation, now()), 2 * seconds),
    )
    servers = [server(installation, kafka.NAME, lagging), server(installation, postgres.NAME, published)]
    return Facts(
        folder=str(installation.folder),
        time=instant(now()),
        programs=[*servers, *running],
        groups=lagging,
        beat=beat,
        published=published,
        quarantine=held,
        keys=keys,
        disks=disks(installation),
    )


async def asked(work: Coroutine[Any, Any, T], seconds: float) -> T | Unknown:
    """What comes of it, or in words why nothing does."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        return Unknown(f"no answer within {seconds:g} s")
    except (Unavailable, Misconfigured, InstallationError) as error:
        return Unknown(str(error))
    except OSError as error:
        return Unknown(f"{error.filename or 'this machine'}: {error.strerror}")
    except (ValueError, KeyError) as error:
        return Unknown(type(error).__name__)


def beat_of(records: list[Message], at: datetime) -> Beat | None:
    """The last beat among the directory's last records; its signature is for the services to check."""
    found = [record for record in records if record.key == "beat"]
    if not found:
        return None
    try:
        beat = decoded(BeatRecord, found[-1].value, LIMIT)
    except canonical.Malformed:
        return None
    latest = max((record.time for record in records if record.key != "beat"), default=0) / 1000
    return Beat(beat.edition, (at - moment(beat.time)).total_seconds(), at.timestamp() - latest > SETTLED)


def disks(installation: Installation) -> list[Disk]:
    """The folder's, and the database's where that lies elsewhere."""
    pointer = postgres.PostgresSettings(installation.folder).home.with_name("postgres.location")
    folders = [installation.folder, *([Path(pointer.read_text().strip())] if pointer.exists() else [])]
    found = {folder.stat().st_dev: folder for folder in reversed(folders) if folder.exists()}
    return [_disk(folder) for folder in reversed(found.values())]


def _disk(folder: Path) -> Disk:
    usage = shutil.disk_usage(folder)
    return Disk(str(folder), usage.free, usage.total)


async def _groups(installation: Installation, seconds: float) -> list[Lag]:
    return await lags(installation.kafka(), groups(), seconds)


async def _beat(installation: Installation, seconds: float) -> Beat | None:
    return beat_of(await tail(installation.kafka(), topics.directory, TAIL, seconds), now())


async def _published(installation: Installation) -> int:
    async with tables(installation, "hub") as database, database.transaction({HUB}) as connection:
        return await store.last_edition(connection)


async def _held(installation: Installation) -> Held:
    held = await quarantine.read(installation)
    if not held:
        return Held(0)
    said = held[0].said
    return Held(len(held), str(said.position), said.service, said.error, said.time)
