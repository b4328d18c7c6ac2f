"""Commands about keys: make, renew, list and revoke them, and hand roots from operator to operator."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from rich.table import Column, Table

from schemas.directory import KeyRecord
from services.operator import publication
from services.operator.agencies import require_known
from services.operator.console import (
    HERE,
    Code,
    Codes,
    Folder,
    finished,
    group,
    known_codes,
    opened,
    progress,
    readable,
    screen,
)
from services.operator.keys import enrolment, removal, renewal, revocation, roots
from services.operator.keys.listing import SHORT, listed
from services.operator.tables import now
from services.runtime.keys import PrivateKey

keys = group("Keys and key rings.")

PUBLISH: Final = "Publish the new records: renkei directory publish."

Revocable = Annotated[
    Literal["sign", "wrap", "permit", "assertion", "answer"] | None,
    typer.Option(help="With a code: all of the agency's keys of this purpose that are valid now."),
]


@keys.command("create")
def create(
    codes: Codes,
    folder: Folder = HERE,
    suite: Annotated[Literal["1", "2"], typer.Option(help="1: Ed25519, X25519. 2: ECDSA and ECDH on P-256.")] = "1",
) -> None:
    """Make root, signing, sealing, salt, data and posting keys for agencies that have none."""
    with readable(), opened(folder).alone(), progress("creating keys", len(codes)) as step:
        enrolment.create_keys(opened(folder), codes, suite, now(), step)


@keys.command("renew")
def renew(
    codes: Annotated[
        list[str] | None, typer.Argument(help="Codes of agencies, such as 221309.", callback=known_codes)
    ] = None,
    folder: Folder = HERE,
    every: Annotated[bool, typer.Option("--all", help="All agencies whose root keys are here, and the hub.")] = False,
    sign: Annotated[bool, typer.Option("--sign", help="A new signing key too; for the hub also for permits.")] = False,
    assertion: Annotated[bool, typer.Option("--assertion", help="A new posting key for each system here too.")] = False,
    answer: Annotated[bool, typer.Option("--answer", help="A new answer key for each system here too.")] = False,
    overlap: Annotated[int, typer.Option(min=0, help="Minutes until a new signing or posting key is used.")] = 10,
) -> None:
    """Make the sealing and salt keys that are missing for the months ahead, and signing and posting keys that follow."""
    with readable(), opened(folder).alone():
        if bool(codes) == every:
            raise ValueError("say either codes of agencies or --all")
        made: list[PrivateKey] = []
        for code in codes or enrolment.enrolled_here(opened(folder)):
            rotated = renewal.rotated_by(code, sign, assertion, answer)
            made += renewal.renew(opened(folder), code, now(), rotated, timedelta(minutes=overlap))
    for key in made:  # a line each, however narrow the screen
        typer.echo(f"{key.agency} {key.purpose} {key.kid[:SHORT]} from {key.starts} until {key.until}")
    typer.echo(PUBLISH if made else "Nothing is missing.")


@keys.command("remove")
def remove(code: Code, folder: Folder = HERE) -> None:
    """Delete every key of an agency of which the hub has published nothing. What was sealed under them is lost."""
    with readable(), opened(folder).alone():
        finished(removal.remove(opened(folder), code))
    typer.echo(f"{code} has no keys here any more.")


@keys.command("list")
def show(code: Code, folder: Folder = HERE) -> None:
    """Show an agency's keys: what they are for, how long, and in which state."""
    with readable():
        found = listed(opened(folder), code, now())
    table = Table(
        Column("key", no_wrap=True), "purpose", "system", "algorithm", "from", "until", "state", title=f"{code}, in UTC"
    )
    for one in found:
        table.add_row(
            one.kid[:SHORT], one.purpose, one.system, one.algorithm, minute(one.starts), minute(one.until), one.state
        )
    screen.print(table)


@keys.command("revoke")
def revoke(
    key: Annotated[
        str, typer.Argument(help="Id of the key, its first characters, or with --purpose an agency's code.")
    ],
    purpose: Revocable = None,
    folder: Folder = HERE,
) -> None:
    """Revoke keys for good, and publish that at once. After one whose id begins with a dash say: renkei keys revoke -- -x…"""
    with readable(), opened(folder).alone():
        revoked = [revocation.revoke(opened(folder), record, now()) for record in _named(folder, key, purpose)]
    for record in revoked:
        typer.echo(f"{record.agency} {record.purpose} {record.kid[:SHORT]} is revoked since {record.revoked}.")
    typer.echo(f"Signed. If publishing fails, do it as soon as the hub runs. {PUBLISH}")
    taken = finished(publication.publish(opened(folder)))
    finished(publication.published(opened(folder)))
    typer.echo(f"{taken} records are new.")


@keys.command("root")
def root(code: Code, folder: Folder = HERE) -> None:
    """Print the root of an agency whose root key is here, with its proof, for operators who enroll it elsewhere."""
    with readable():
        typer.echo(roots.root_of(opened(folder), code).model_dump_json())


@keys.command("enroll")
def enroll(
    file: Annotated[Path, typer.Argument(help="JSON of `renkei keys root`: agency, algorithm, key, proof.")],
    folder: Folder = HERE,
) -> None:
    """Enroll the root of an agency that another operator runs; do it before its records are published here."""
    with readable(), opened(folder).alone():
        enrolled = roots.enroll(opened(folder), file.read_bytes())
    typer.echo(f"{enrolled.agency} is enrolled." if enrolled else "It is enrolled already.")


def _named(folder: Path, key: str, purpose: str | None) -> list[KeyRecord]:
    if purpose is None:
        return [revocation.by_kid(opened(folder), key)]
    require_known([key], enrolment.enrolled(opened(folder)))
    return list(revocation.by_purpose(opened(folder), key, purpose, now()))


def minute(instant: str) -> str:
    """For a narrow screen: day and minute may stand on two lines."""
    return instant[:16].replace("T", " ")
