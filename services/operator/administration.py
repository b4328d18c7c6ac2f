"""Commands about topics, the database and the directory."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from schemas.control import Item
from schemas.directory import Grant, Hours
from services.operator import lifecycle, publication
from services.operator.console import HERE, Codes, Folder, finished, group, opened, progress, readable, screen
from services.runtime.kafka.topics import apply_topics, diff_topics
from services.topology import all_topics, groups

topics = group("The topics of the log.")
database = group("The database.")
directory = group("The directory of agencies, keys, policies and assessments.")

Replication = Annotated[int, typer.Option(help="Copies of each partition; three on a cluster of several brokers.")]
Provides = Annotated[list[str], typer.Option("--provides", help="An item that the agency provides, as name:layout.")]


@topics.command("apply")
def apply(folder: Folder = HERE, replication: Replication = 1) -> None:
    """Create missing topics and initial group offsets; what is there already stays as it is."""
    done = finished(apply_topics(opened(folder).kafka(), all_topics(), groups(), replication))
    screen.print("\n".join(done) or "Nothing to do.")


@topics.command("diff")
def diff(folder: Folder = HERE, replication: Replication = 1) -> None:
    """Say what differs between the log and what the services need; status 1 if anything does."""
    differences = finished(diff_topics(opened(folder).kafka(), all_topics(), groups(), replication))
    screen.print("\n".join(differences) or "No difference.")
    raise typer.Exit(1 if differences else 0)


@database.command("migrate")
def migrate(folder: Folder = HERE) -> None:
    """Create roles and schemas, and bring every service's schema to what its code expects."""
    installation = opened(folder)
    with readable(), installation.alone(), progress("migrating", 1):
        installation.prepare()
        lifecycle.migrate(installation)


@directory.command("describe")
def describe(
    codes: Codes,
    folder: Folder = HERE,
    provides: Provides = ["income_tax_certificate:1"],  # noqa: B006  # typer copies it
    policy: Annotated[Path | None, typer.Option(help="JSON list of grants: office, role, rows. Default: none.")] = None,
    automatic: Annotated[
        str, typer.Option(help="office:role of automatic answers; empty: every answer is manual.")
    ] = "",
    quota: Annotated[int | None, typer.Option(help="Inquiries that each may open on a Japanese calendar day.")] = None,
    hours: Annotated[
        str,
        typer.Option(
            help="When inquiries are accepted, Japanese time: mon,tue,wed,thu,fri:08:30-17:15. Empty: always."
        ),
    ] = "",
) -> None:
    """Write and sign agency, policy and assessment records of local governments; publish them with `directory publish`."""
    with readable(), opened(folder).alone(), progress("signing records", 1):
        grants = TypeAdapter(list[Grant]).validate_json(policy.read_bytes()) if policy else []
        items = [item_of(text) for text in provides]
        publication.describe(opened(folder), codes, items, grants, _automatic(automatic), quota, hours=hours_of(hours))


@directory.command("publish")
def publish(folder: Folder = HERE) -> None:
    """Hand all signed records to the hub, which publishes those that are new."""
    with progress("publishing", 1):
        taken = finished(publication.publish(opened(folder)))
        finished(publication.published(opened(folder)))
    screen.print(f"{taken} records are new.")


def item_of(text: str) -> Item:
    """`income_tax_certificate:1` as an item; ValueError for anything else."""
    name, _, layout = text.partition(":")
    try:
        return Item(name=name, layout=int(layout or 1))
    except ValueError:  # a ValidationError is one
        raise ValueError("an item is a name and the number of its layout, such as income_tax_certificate:1") from None


def hours_of(text: str) -> Hours | None:
    """`mon,fri:08:30-17:15` as opening hours (受付時間); ValueError for anything else but nothing."""
    if not text:
        return None
    days, _, times = text.partition(":")
    starts, _, until = times.partition("-")
    try:
        return Hours.model_validate({"days": days.split(","), "from": starts, "until": until})
    except ValidationError:
        raise ValueError("hours are days and times of one day, such as mon,tue,wed:08:30-17:15") from None


def _automatic(text: str) -> Grant | None:
    office, _, role = text.partition(":")
    try:
        return Grant(office=office, role=role, rows="all") if text else None
    except ValidationError:
        raise ValueError("--automatic: expected office:role") from None
