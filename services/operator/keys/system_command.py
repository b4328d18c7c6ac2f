"""Commands about posting systems: make or enrol their keys, renew, list and remove them."""

from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from rich.table import Column, Table

from schemas.directory import KeyRecord
from schemas.jwk import LIMIT
from services.operator import publication
from services.operator.console import HERE, Code, Folder, finished, group, opened, readable, screen
from services.operator.keys import key_sets, systems
from services.operator.keys.command import PUBLISH, minute
from services.operator.keys.listing import SHORT
from services.operator.tables import now

commands = group("Posting systems (業務システム) of an agency, each with keys of its own.")

Name = Annotated[str, typer.Argument(help="Name of the system: lower-case letters, digits, hyphens, up to 32.")]
HERE_TOO: Final = "here"
ELSEWHERE: Final = "with the system"


@commands.command("create")
def create(
    code: Code,
    name: Name,
    folder: Folder = HERE,
    suite: Annotated[Literal["1", "2"], typer.Option(help="Of the answer key: 1 for X25519, 2 for P-256.")] = "1",
) -> None:
    """Make the keys of a new system, and enrol their public halves; the private ones are in one JWK set file."""
    with readable(), opened(folder).alone():
        file = systems.create(opened(folder), code, name, suite, now())
    typer.echo(f"The private keys of {name} are in {file}: hand that file to the system, and to nobody else.")
    typer.echo(PUBLISH)


@commands.command("enroll")
def enroll(
    code: Code,
    name: Name,
    file: Annotated[Path, typer.Argument(help="Public JWK set of the system (RFC 7517).")],
    folder: Folder = HERE,
) -> None:
    """Enrol the public keys that a system has made itself; those that are enrolled stay valid beside them."""
    with readable(), opened(folder).alone():
        records = systems.enroll(opened(folder), code, name, _read(file), now())
    for record in records:
        typer.echo(f"{record.purpose} key, in force until {record.until[:10]}, is named by kid {record.kid}")
    typer.echo(PUBLISH if records else "They are enrolled already.")


@commands.command("renew")
def renew(
    code: Code,
    name: Name,
    folder: Folder = HERE,
    overlap: Annotated[int, typer.Option(min=0, help="Minutes until the new keys are used.")] = 10,
) -> None:
    """Make keys that follow those of a system whose key set is here; the old ones stay valid beside them."""
    with readable(), opened(folder).alone():
        made = systems.renew(opened(folder), code, name, now(), overlap)
    for key in made:
        typer.echo(f"{key.agency} {key.purpose} {key.kid[:SHORT]} from {key.starts} until {key.until}")
    typer.echo(PUBLISH if made else "Nothing is missing.")


@commands.command("list")
def show(code: Code, folder: Folder = HERE) -> None:
    """Show an agency's systems and their keys."""
    with readable():
        installation = opened(folder)
        found, held = systems.of_systems(installation, code, now()), key_sets.systems_here(installation, code)
    table = Table(
        "system", Column("key", no_wrap=True), "purpose", "from", "until", "state", "private half", title=code
    )
    for one in found:
        where = HERE_TOO if one.system in held else ELSEWHERE
        table.add_row(one.system, one.kid[:SHORT], one.purpose, minute(one.starts), minute(one.until), one.state, where)
    screen.print(table)
    for system in systems.without_answers(found):
        typer.echo(f"{system} has no valid answer key: what completes its exchanges has no content on Kafka.")


@commands.command("remove")
def remove(code: Code, name: Name, folder: Folder = HERE) -> None:
    """Revoke every key of a system for good, and publish that at once; its key set file stays, to read older answers."""
    with readable(), opened(folder).alone():
        revoked = systems.remove(opened(folder), code, name, now())
    _say(revoked)
    typer.echo(f"Signed. If publishing fails, do it as soon as the hub runs. {PUBLISH}")
    taken = finished(publication.publish(opened(folder)))
    finished(publication.published(opened(folder)))
    typer.echo(f"{taken} records are new.")


def _say(revoked: list[KeyRecord]) -> None:
    for record in revoked:
        typer.echo(f"{record.agency} {record.purpose} {record.kid[:SHORT]} is revoked since {record.revoked}.")


def _read(file: Path) -> bytes:
    """No more of it than says that it is too large."""
    with file.open("rb") as opened_file:
        return opened_file.read(LIMIT + 1)
