"""Commands about staff, persons, copies and inquiries. What is personal is read from a file or typed, never printed."""

import json
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import typer
from pydantic import BaseModel, ConfigDict, Field
from rich.table import Table

from schemas import canonical
from schemas.control import Basis, Item, Officer
from schemas.law import EDITION
from schemas.request import Posted
from services.operator import asking, copies, files, residents
from services.operator.administration import item_of
from services.operator.console import (
    HERE,
    Code,
    Folder,
    fail,
    finished,
    group,
    known_code,
    opened,
    progress,
    readable,
    screen,
)
from services.operator.copies import Replica
from services.operator.installation import Installation
from services.operator.lines import Problems, Trimming
from services.operator.persons import Person, require_different
from services.operator.tables import rings
from services.reference.registering import WITHDRAWN

staff = group("Members of staff (職員権限).")
person = group("Persons and their link codes (リンクコード).")
replica = group("Copies in the reference database (副本).")

LONGEST_LINE: Final = 2 * 1024 * 1024
"""Bytes of a line of copies: the largest business part with every character escaped, and more."""
ItemName = Annotated[str, typer.Option(help="Item as name:layout.")]
Year = Annotated[int, typer.Option(help="Fiscal year (年度).")]


@staff.command("load")
def load(
    code: Code,
    file: Annotated[Path, typer.Argument(help="CSV: staff,office,role.")],
    empty: Annotated[
        bool, typer.Option("--empty", help="Accept a file without a row, which removes everybody.")
    ] = False,
    folder: Folder = HERE,
) -> None:
    """Replace an agency's list of staff."""
    with readable():
        officers, trimming = _officers(file, empty)
        _require_agency(opened(folder), code)
        done = finished(residents.load_staff(opened(folder), code, officers))
        screen.print(f"{done.added} added, {done.kept} kept, {done.removed} removed{trimming.said()}")


@person.command("enroll")
def enroll(
    file: Annotated[Path, typer.Argument(help="CSV: a column per agency code, a line per person, internal numbers.")],
    folder: Folder = HERE,
) -> None:
    """Give persons link codes at every agency that knows them (符号取得)."""
    with readable():
        people, trimming = _people(set(rings(opened(folder), "intermediate").agencies()), file)
        with progress("enrolling", len(people)) as step:
            done = finished(residents.enroll_lines(opened(folder), people))
            step(len(people))
        screen.print(f"numbers: {done.added} added, {done.kept} kept{trimming.said()}")


@replica.command("register")
def register(
    code: Code,
    file: Annotated[Path, typer.Argument(help='JSON lines: {"number": …, "year": …, "records": […]}.')],
    item: ItemName = "income_tax_certificate:1",
    folder: Folder = HERE,
) -> None:
    """Register copies of an item (副本登録): every line is right, or nothing is published."""
    with readable():
        replicas, trimming = _replicas(code, item_of(item), file, _Copy)
        _publish(opened(folder), code, replicas, "registering", trimming)


@replica.command("withdraw")
def withdraw(
    code: Code,
    file: Annotated[Path, typer.Argument(help='JSON lines: {"number": …, "year": …}.')],
    item: ItemName = "income_tax_certificate:1",
    folder: Folder = HERE,
) -> None:
    """Withdraw copies of an item (公開終了): an inquiry finds no data from then on."""
    with readable():
        replicas, trimming = _replicas(code, item_of(item), file, _Withdrawn)
        _publish(opened(folder), code, replicas, "withdrawing", trimming)


@replica.command("flag")
def flag(
    code: Code,
    number: Annotated[str, typer.Option(prompt=True, hide_input=True, help="Internal number; asked for if absent.")],
    automatic: Annotated[bool, typer.Option("--automatic/--no-automatic", help="自動応答可 or 自動応答不可.")],
    new: Annotated[bool, typer.Option("--new", help="The person may be unknown to the agency as yet.")] = False,
    folder: Folder = HERE,
) -> None:
    """Say whether answers about a person may be automatic, and wait until that is in force."""
    with readable():
        trimming = Trimming()
        checked = _number_option(number, trimming)
        _require_agency(opened(folder), code)
        since = finished(_flag(opened(folder), code, checked, automatic, new))
        how = "automatic" if automatic else "not automatic"
        screen.print(f"{code}: answers about this person are {how} since {since}{trimming.said()}")


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
        checked = _number_option(number, Trimming())
        basis = Basis(edition=EDITION, row=row, branch=branch)
        asked_by = officer_of(officer)
        posted = asking.inquiry(sender, receiver, checked, basis, item_of(item), asked_by, year)
        answer = finished(_ask(folder, posted, over, seconds))
    table = Table(title=f"{answer.exchange}: {answer.outcome}", show_header=False)
    for name, value in answer.business.items():
        table.add_row(name, json.dumps(value, ensure_ascii=False, indent=1) if isinstance(value, list) else str(value))
    screen.print(table)


def _require_agency(installation: Installation, code: str) -> None:
    if code not in rings(installation, "intermediate").agencies():
        raise ValueError(f"CODE: no keys of agency {code} are here: `renkei keys create`")


def _number_option(number: str, trimming: Trimming) -> str:
    try:
        return trimming.number(number)
    except ValueError as error:
        raise ValueError(f"--number: {error}") from None


async def _flag(installation: Installation, code: str, number: str, automatic: bool, new: bool) -> str:
    if not new and not await residents.is_known(installation, code, number):
        raise ValueError(
            f"--number: agency {code} does not know this person; `--new` sets the flag before registration"
        )
    await residents.flag(installation, code, number, automatic)
    return await copies.flag_in_force(installation, code, number, automatic)


def _people(known: Collection[str], file: Path) -> tuple[list[Person], Trimming]:
    """The persons of a file; ValueError, without their numbers, for a column of no agency here or any wrong line."""
    trimming, problems, people = Trimming(), Problems(), []
    for line, cells in files.table(file, known, "no code of an agency whose keys are here"):
        numbers = {}
        for code, cell in cells.items():
            if cell.strip():
                with problems.at(f"line {line}, {code}"):
                    numbers[code] = trimming.number(cell)
        if not any(cell.strip() for cell in cells.values()):
            problems.found.append(f"line {line}: expected at least one internal number")
        people.append(Person(line, numbers))
    problems.require_none()
    require_different(people)
    return people, trimming


def _officers(file: Path, empty: bool) -> tuple[list[Officer], Trimming]:
    """The staff of a file; ValueError for any wrong line, one that stands twice, and a file without any unless `empty`."""
    trimming, problems, seen = Trimming(), Problems(), dict[Officer, int]()
    for line, cells in files.table(file, Officer.model_fields, f"none of {', '.join(Officer.model_fields)}"):
        with problems.at(f"line {line}"):
            officer = Officer.model_validate({name: trimming.text(cell) for name, cell in cells.items()})
            if officer in seen:
                raise ValueError(f"the same as line {seen[officer]}")
            seen[officer] = line
    problems.require_none()
    if not seen and not empty:
        raise ValueError("the file has no row: `--empty` removes everybody")
    return list(seen), trimming


def _replicas(code: str, item: Item, file: Path, model: "type[_Withdrawn]") -> tuple[list[Replica], Trimming]:
    """The copies of a file, checked as the reference database checks them; ValueError that names every wrong line."""
    trimming, problems, seen, found = Trimming(), Problems(), dict[tuple[str, int], int](), []
    for line, text in files.lines(file):
        with problems.at(f"line {line}"):
            found.append(_replica(code, item, model.read(text), trimming))
            place = (found[-1].number, found[-1].year)
            if place in seen:
                raise ValueError(f"the same number and year as line {seen[place]}")
            seen[place] = line
    problems.require_none()
    return found, trimming


def _replica(code: str, item: Item, copy: "_Withdrawn", trimming: Trimming) -> Replica:
    try:
        number = trimming.number(copy.number)
    except ValueError as error:
        raise ValueError(f"number: {error}") from None
    replica = Replica(code, number, item, copy.year, copy.records)
    if isinstance(copy, _Copy) and not copy.records:
        raise ValueError("records: expected 1 to 100 records; `renkei replica withdraw` withdraws a copy")
    copies.check(replica)
    return replica


def _publish(
    installation: Installation, code: str, replicas: Sequence[Replica], doing: str, trimming: Trimming
) -> None:
    """Publishes copies, waits until they are in force, and says how many there were of each kind."""
    _require_agency(installation, code)
    before = finished(copies.stored(installation, replicas))
    with progress(doing, len(replicas)) as step:
        finished(copies.publish(installation, replicas, step))
    finished(copies.taken(installation))
    after = finished(copies.stored(installation, replicas))
    missing = sum(after.get(one.place) != one.value for one in replicas)
    if missing:
        fail(f"{missing} of {len(replicas)} are not in the reference database: see `renkei quarantine list`")
    kinds = [_change(before.get(one.place, WITHDRAWN), one.value) for one in replicas]
    said = ", ".join(f"{count} {kind}" for kind, count in sorted(Counter(kinds).items())) or "0 copies"
    screen.print(f"{said}{trimming.said()}")


def _change(before: bytes, after: bytes) -> str:
    if before == after:
        return "unchanged"
    if before == WITHDRAWN:
        return "new"
    return "withdrawn" if after == WITHDRAWN else "replaced"


def officer_of(text: str) -> Officer:
    """`office:role:staff` as an officer; ValueError for anything else."""
    try:
        office, role, staff = text.split(":")
        return Officer(office=office, role=role, staff=staff)
    except ValueError:  # a ValidationError is one
        raise ValueError("--officer: expected office:role:staff") from None


class _Withdrawn(BaseModel):
    """A line of `replica withdraw`."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True, hide_input_in_errors=True)
    number: str
    year: Annotated[int, Field(ge=1000, le=9999, strict=True)]
    records: Annotated[list[dict[str, Any]], Field(max_length=0)] = []

    @classmethod
    def read(cls, text: str) -> Self:
        """A line of a file; ValueError without its text."""
        data = text.encode()
        if len(data) > LONGEST_LINE:
            raise ValueError(f"expected at most {LONGEST_LINE} bytes")
        return cls.model_validate(canonical.read(data))


class _Copy(_Withdrawn):
    """A line of `replica register`."""

    records: list[dict[str, Any]]


async def _ask(folder: Path, posted: Posted, over: str, seconds: float) -> asking.Answer:
    installation = opened(folder)
    if over == "kafka":
        await asking.post_kafka(installation, posted)
    else:
        asking.require_taken(await asking.post_http(installation, posted))
    return await asking.wait(installation, posted.question.sender, posted.question.id, seconds)
