"""Commands about staff, persons, copies and inquiries. What is personal is read from a file or typed, never printed."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import BaseModel, ConfigDict
from rich.table import Table

from schemas.control import Basis, Officer
from schemas.law import EDITION
from schemas.request import Posted
from services.operator import asking, files, residents
from services.operator.administration import item_of
from services.operator.console import (
    HERE,
    Code,
    Folder,
    finished,
    group,
    known_code,
    opened,
    progress,
    readable,
    screen,
)
from services.operator.installation import Installation
from services.operator.tables import rings

staff = group("Members of staff (職員権限).")
person = group("Persons and their link codes (リンクコード).")
replica = group("Copies in the reference database (副本).")

ItemName = Annotated[str, typer.Option(help="Item as name:layout.")]
Year = Annotated[int, typer.Option(help="Fiscal year (年度).")]


@staff.command("load")
def load(
    code: Code, file: Annotated[Path, typer.Argument(help="CSV: staff,office,role.")], folder: Folder = HERE
) -> None:
    """Replace an agency's list of staff."""
    with readable(), progress("loading staff", 1):
        lines = files.table(file, Officer.model_fields, f"none of {', '.join(Officer.model_fields)}")
        officers = [_officer(number, cells) for number, cells in lines]
        finished(residents.load_staff(opened(folder), code, officers))


@person.command("enroll")
def enroll(
    file: Annotated[Path, typer.Argument(help="CSV: a column per agency code, a line per person, internal numbers.")],
    folder: Folder = HERE,
) -> None:
    """Give persons link codes at every agency that knows them (符号取得)."""
    with readable():
        persons = _persons(opened(folder), file)
        with progress("enrolling", len(persons)) as step:
            finished(residents.enroll(opened(folder), persons))
            step(len(persons))


@replica.command("register")
def register(
    code: Code,
    file: Annotated[Path, typer.Argument(help='JSON lines: {"number": …, "year": …, "records": […]}.')],
    item: ItemName = "income_tax_certificate:1",
    folder: Folder = HERE,
) -> None:
    """Register copies of an item (副本登録)."""
    with readable():
        of = item_of(item)
        copies = [_copy(number, text) for number, text in files.lines(file)]
        replicas = [residents.Replica(code, copy.number, of, copy.year, copy.records) for copy in copies]
        with progress("registering", len(replicas)) as step:
            finished(residents.register(opened(folder), replicas))
            step(len(replicas))


@replica.command("flag")
def flag(
    code: Code,
    number: Annotated[str, typer.Option(prompt=True, hide_input=True, help="Internal number; asked for if absent.")],
    automatic: Annotated[bool, typer.Option("--automatic/--no-automatic", help="自動応答可 or 自動応答不可.")],
    folder: Folder = HERE,
) -> None:
    """Say whether answers about a person may be automatic."""
    finished(residents.flag(opened(folder), code, number, automatic))


def inquire(
    sender: Annotated[str, typer.Argument(help="Code of the asking agency.", callback=known_code)],
    receiver: Annotated[str, typer.Argument(help="Code of the answering agency.", callback=known_code)],
    number: Annotated[str, typer.Option(prompt=True, hide_input=True, help="Internal number at the sender.")],
    officer: Annotated[str, typer.Option(help="office:role:staff of the officer who asks.")],
    row: Annotated[str, typer.Option(help="Row of Appended Table 2 (項番).")],
    branch: Annotated[int, typer.Option(help="Its branch (枝番).")],
    year: Year,
    item: ItemName = "income_tax_certificate:1",
    over: Annotated[Literal["http", "kafka"], typer.Option(help="How it is posted.")] = "http",
    seconds: Annotated[float, typer.Option(help="How long to wait for the answer.")] = 30,
    folder: Folder = HERE,
) -> None:
    """Post an inquiry (照会) and wait for its answer (応答)."""
    with readable():
        basis = Basis(edition=EDITION, row=row, branch=branch)
        asked_by = officer_of(officer)
        posted = asking.inquiry(sender, receiver, number, basis, item_of(item), asked_by, year)
        answer = finished(_ask(folder, posted, over, seconds))
    table = Table(title=f"{answer.exchange}: {answer.outcome}", show_header=False)
    for name, value in answer.business.items():
        table.add_row(name, json.dumps(value, ensure_ascii=False, indent=1) if isinstance(value, list) else str(value))
    screen.print(table)


def _persons(installation: Installation, file: Path) -> list[residents.Person]:
    """Each one's internal numbers; ValueError, without them, for a column of no agency here or a number that stands twice."""
    known = set(rings(installation, "intermediate").agencies())
    persons: list[residents.Person] = []
    seen: set[tuple[str, str]] = set()
    for line, cells in files.table(file, known, "no code of an agency whose keys are here"):
        person = {code: number for code, number in cells.items() if number}
        if not seen.isdisjoint(person.items()):
            raise ValueError(f"line {line}: a number that stands in a line before")
        seen.update(person.items())
        persons.append(person)
    return persons


def officer_of(text: str) -> Officer:
    """`office:role:staff` as an officer; ValueError for anything else."""
    try:
        office, role, staff = text.split(":")
        return Officer(office=office, role=role, staff=staff)
    except ValueError:  # a ValidationError is one
        raise ValueError("--officer: expected office:role:staff") from None


class _Copy(BaseModel):
    """A line of `replica register`."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)
    number: str
    year: int
    records: list[dict[str, Any]]


def _copy(number: int, text: str) -> _Copy:
    with files.line(number):
        return _Copy.model_validate_json(text)


def _officer(number: int, cells: dict[str, str]) -> Officer:
    with files.line(number):
        return Officer.model_validate(cells)


async def _ask(folder: Path, posted: Posted, over: str, seconds: float) -> asking.Answer:
    installation = opened(folder)
    if over == "kafka":
        await asking.post_kafka(installation, posted)
    else:
        asking.require_taken(await asking.post_http(installation, posted))
    return await asking.wait(installation, posted.question.sender, posted.question.id, seconds)
