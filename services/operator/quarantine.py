"""Quarantine in the operator's hands: what was set aside, and its way back or its end."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from schemas import canonical, quarantine, topics
from schemas.message import Message, Position
from schemas.quarantine import Aside, OperatorKey
from schemas.topics import Topic
from schemas.wire.suites import Unacceptable
from services.operator.console import HERE, Folder, finished, group, opened, screen
from services.operator.installation import Installation
from services.operator.local.error import InstallationError
from services.runtime.kafka import KafkaLog
from services.runtime.kafka.scan import scan
from services.topology import all_topics

commands = group("Records that a step could not do (隔離).")
Places = Annotated[list[str], typer.Argument(help="Positions, such as inbound.asked/3/17, as `list` shows them.")]


@commands.command("list")
def show(folder: Folder = HERE) -> None:
    """Show what is held: position, service, error, when. Nothing of the content."""
    held = finished(read(opened(folder)))
    table = Table("position", "service", "error", "place", "attempts", "since", title=f"{len(held)} records are held")
    for one in held:
        said = one.said
        table.add_row(str(said.position), said.service, said.error, said.place, str(said.attempts), said.time)
    screen.print(table if held else "Nothing is held.")


@commands.command("release")
def release(places: Places, folder: Folder = HERE) -> None:
    """Give records back to their topics, to be done as if nothing had happened; after what kept them out was mended."""
    for position in finished(let_go(opened(folder), places, "released")):
        screen.print(f"{position} is released.")


@commands.command("drop")
def drop(places: Places, folder: Folder = HERE) -> None:
    """Give records up: they will never be done. Where and why they were set aside stays on record."""
    for position in finished(let_go(opened(folder), places, "dropped")):
        screen.print(f"{position} is dropped.")


async def read(installation: Installation) -> list[Aside]:
    """What is held now, the oldest first."""
    latest: dict[str, Aside] = {}
    for record in await scan(installation.kafka(), topics.record_quarantined):
        try:
            latest[record.key] = quarantine.read(record)
        except canonical.Malformed:
            typer.echo(f"{record.position} is no record of a quarantine, and left alone.", err=True)
    held = [one for one in latest.values() if one.said.state == "held"]
    return sorted(held, key=lambda one: (one.said.time, one.said.position))


async def let_go(installation: Installation, places: Sequence[str], state: str) -> list[Position]:
    """Releases or drops; InstallationError, and nothing done, if one of them is not held.

    A release is published before it is recorded: if this ends in between it is repeated, which is harmless."""
    held = {str(one.said.position): one for one in await read(installation)}
    if unknown := [place for place in places if place not in held]:
        raise InstallationError(f"not held: {', '.join(unknown)}. `renkei quarantine list` shows what is.")
    key = OperatorKey.model_validate_json(installation.quarantine_key.read_bytes())
    log = KafkaLog(installation.kafka())
    try:
        for one in (held[place] for place in dict.fromkeys(places)):
            if state == "released":
                await log.publish([(_topic(one), _released(one, key))])
            ended = Aside(one.said.model_copy(update={"state": state}), b"")
            await log.publish([(topics.record_quarantined, quarantine.record_of(ended))])
    finally:
        await log.close()
    return [held[place].said.position for place in dict.fromkeys(places)]


def _topic(one: Aside) -> Topic:
    for topic in all_topics():
        if topic.name == one.said.topic:
            return topic
    raise InstallationError(f"there is no topic {one.said.topic} any more")


def _released(one: Aside, key: OperatorKey) -> Message:
    try:
        return quarantine.released(one, key)
    except Unacceptable:
        raise InstallationError(f"{one.said.position} does not open under this installation's quarantine key") from None
