"""Bringing an installation up and down: parts, topics, migrations, the hub's keys, then the processes of a layout."""

import asyncio
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, cast, get_args

from schemas.directory import HUB
from services.operator import publication
from services.operator.console import progress
from services.operator.installation import Installation, Layout, database_services, process_names
from services.operator.keys import enrolment
from services.operator.local import kafka, postgres, process
from services.operator.local.error import InstallationError
from services.operator.local.files import replace_file
from services.operator.local.signals import finished_with
from services.operator.tables import now
from services.runtime import migrations
from services.runtime.kafka.topics import apply_topics
from services.runtime.postgres import role_of
from services.topology import SERVICES, all_topics, groups

PATIENCE: Final = 30.0
"""Seconds that a start waits for processes which ran before it: longer than their pauses between attempts."""


def bring_up(installation: Installation, layout: Layout | None = None) -> list[str]:
    """Everything in its order; what runs already stays as it is, but for the processes of another layout.

    Without a layout it is that of the last start. Returns what was started and what was
    stopped. Of another layout those are forgotten too that have ended long ago."""
    layout = layout or _laid_out(installation)
    names = process_names(layout)
    wanted = {*names, kafka.NAME, postgres.NAME}
    before = process.running(installation.folder)
    with progress("starting", 4 + 2 * len(names)) as step:
        installation.start_parts()
        replace_file(installation.layout, f"{layout}\n".encode())
        installation.stop([one.name for one in process.remembered(installation.folder) if one.name not in wanted])
        step()
        asyncio.run(apply_topics(installation.kafka(), all_topics(), groups()))
        step()
        migrate(installation)
        step()
        prepare_hub(installation)
        asyncio.run(publication.publish(installation))
        step()
        ran = [name for name in names if process.find(name, installation.folder)]
        started = []
        for name in names:
            started += [] if name in ran else [installation.start(name)]
            step()
        for one in started:
            installation.wait_ready([one])
            step()
        _work_again(installation, ran)
        step(len(ran))
    after = process.running(installation.folder)
    return [f"{one.name} was started" for one in after if one not in before] + [
        f"{one.name} was stopped" for one in before if one.name not in wanted
    ]


def _laid_out(installation: Installation) -> Layout:
    """That of the last start; where it is not known, that of the processes which run or were not stopped."""
    remembered = installation.layout.read_text().strip() if installation.layout.exists() else ""
    for layout in get_args(Layout):
        if remembered == layout:
            return cast(Layout, layout)
    names = {one.name for one in process.remembered(installation.folder)}
    return "block" if names & {*process_names("block")} - {*process_names("service")} else "service"


def _work_again(installation: Installation, ran: list[str]) -> None:
    """Those that ran before are not ended if they do not become ready: nobody has asked for that."""
    deadline = time.monotonic() + PATIENCE
    waiting = [name for name in ran if not installation.ready(name)]
    while waiting:
        if time.monotonic() > deadline:
            raise InstallationError(f"{', '.join(waiting)} run, but are not ready: `renkei status` says why.")
        time.sleep(0.1)
        waiting = [name for name in waiting if not installation.ready(name)]


def bring_down(installation: Installation) -> list[str]:
    """The services first, all at once, then Kafka and PostgreSQL; returns what was stopped. What has ended is forgotten."""
    before = [one.name for one in process.running(installation.folder)]
    with progress("stopping", 2) as step:
        _stop(installation, step)
    return before


def _stop(installation: Installation, step: Callable[[], object]) -> None:
    known = [one.name for one in process.remembered(installation.folder)]
    installation.stop([name for name in known if name not in (kafka.NAME, postgres.NAME)])
    step()
    installation.stop_parts()
    step()


@contextmanager
def thrown_away(installation: Installation, keep: bool = False) -> Iterator[None]:
    """An installation of nothing yet. However the block ends, by a signal too, nothing of it runs afterwards; it is removed,
    unless its folder is to be kept."""
    remove(installation)
    with finished_with(lambda: stop(installation) if keep else remove(installation)):
        yield


def stop(installation: Installation) -> None:
    """Without a word: the terminal may be gone."""
    _stop(installation, lambda: None)


def remove(installation: Installation) -> None:
    """An installation that was made to be thrown away, with its database wherever that is; what still runs is stopped."""
    stop(installation)
    postgres.remove(postgres.PostgresSettings(installation.folder))
    shutil.rmtree(installation.folder, ignore_errors=True)


def migrate(installation: Installation) -> None:
    """Roles with their passwords, then each service's schema."""
    dsn = installation.superuser()
    roles = [role_of(service) for service in database_services()]
    migrations.prepare(dsn, {role: (installation.passwords / role).read_text() for role in roles})
    for service in SERVICES:
        if service.tables:
            migrations.migrate(dsn, service.name, role_of(service.name))


def prepare_hub(installation: Installation) -> None:
    """The stand-in hub has keys and records of its own before any other agency, since it signs what is said of them."""
    installation.prepare()
    if HUB not in enrolment.enrolled(installation):
        enrolment.create_keys(installation, [HUB], "1", now())
    publication.describe_hub(installation)
