"""Bringing an installation up and down: parts, topics, migrations, the hub's keys, then the processes of a layout."""

import asyncio
import shutil

from schemas.directory import HUB
from services.operator import enrolment, publication
from services.operator.console import progress
from services.operator.installation import Installation, Layout, database_services, process_names
from services.operator.local import kafka, postgres, process
from services.operator.tables import now
from services.runtime import migrations
from services.runtime.kafka.topics import apply_topics
from services.runtime.postgres import role_of
from services.topology import SERVICES, all_topics, groups


def bring_up(installation: Installation, layout: Layout) -> None:
    """Everything in its order; what runs already stays as it is, but for the processes of another layout."""
    names = process_names(layout)
    wanted = {*names, kafka.NAME, postgres.NAME}
    installation.stop([one.name for one in process.running(installation.folder) if one.name not in wanted])
    with progress("starting", 4 + 2 * len(names)) as step:
        installation.start_parts()
        step()
        asyncio.run(apply_topics(installation.kafka(), all_topics(), groups()))
        step()
        migrate(installation)
        step()
        prepare_hub(installation)
        asyncio.run(publication.publish(installation))
        step()
        started = []
        for name in names:
            started.append(process.find(name, installation.folder) or installation.start(name))
            step()
        for one in started:
            installation.wait_ready([one])
            step()


def bring_down(installation: Installation) -> None:
    """The services first, all at once, then Kafka and PostgreSQL."""
    names = [one.name for one in process.running(installation.folder) if one.name not in ("kafka", "postgres")]
    with progress("stopping", 2) as step:
        installation.stop(names)
        step()
        installation.stop_parts()
        step()


def remove(installation: Installation) -> None:
    """An installation that was made to be thrown away, with its database wherever that is; what still runs is stopped."""
    if process.running(installation.folder):
        bring_down(installation)
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
    if not (installation.root_keys / HUB).exists():
        enrolment.create_keys(installation, [HUB], "1", now())
        publication.describe_hub(installation)
