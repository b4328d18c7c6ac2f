"""`renkei demo`: an installation, the play on it, tables of what was expected and what came, and build/demo.json."""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import typer
from rich.table import Column, Table
from rich.text import Text

from services.operator.console import finished, progress, readable, screen
from services.operator.demo import deadline
from services.operator.demo.preparing import prepare
from services.operator.demo.scenes import PARTS, Part
from services.operator.installation import Installation
from services.operator.lifecycle import bring_up, thrown_away

BUILD: Final = Path("build")
WIDTHS: Final = {"case": 4, "expected": 5, "got": 5}
"""Shares of the width: in 80 columns the longest word that is expected has room."""
PIPE: Final = 80
"""Columns of the tables where no terminal and no COLUMNS says how wide it is."""


@dataclass(frozen=True)
class Case:
    """One line of `build/demo.json`."""

    part: int
    case: str
    expected: str
    got: str
    milliseconds: int

    @property
    def right(self) -> bool:
        return self.expected == self.got


def demo(
    output: Path = BUILD / "demo.json", keep: bool = typer.Option(False, help="Keep the folder build/demo.")
) -> None:
    """Start a whole installation, play the scenario, print it, write build/demo.json, stop everything."""
    installation = Installation((BUILD / "demo").resolve(), told={"RENKEI_GRACE": str(deadline.GRACE)})
    with readable(), thrown_away(installation, keep):
        bring_up(installation, "service")
        cases = finished(play(installation, PARTS))
    conclude(PARTS, cases, output)


async def play(installation: Installation, parts: Sequence[Part]) -> list[Case]:
    """Prepares the municipalities and their residents, then plays scene after scene."""
    with progress("preparing four municipalities", 1):
        await prepare(installation)
    cases = []
    with progress("asking", sum(len(part.scenes) for part in parts)) as step:
        for number, part in enumerate(parts, 1):
            for scene in part.scenes:
                began = time.monotonic()
                got = await scene.act(installation)
                took = int((time.monotonic() - began) * 1000)
                cases.append(Case(number, scene.shows, scene.expected, got, took))
                step()
    return cases


def conclude(parts: Sequence[Part], cases: Sequence[Case], output: Path) -> None:
    """The file and the tables; status 1 if anything came otherwise than expected."""
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps([asdict(case) for case in cases], ensure_ascii=False, indent=1) + "\n")
    for table in tables(parts, cases):
        screen.print(table, width=None if screen.is_terminal or "COLUMNS" in os.environ else PIPE)
    screen.print(verdict(cases), soft_wrap=True)
    if not all(case.right for case in cases):
        raise typer.Exit(1)


def verdict(cases: Sequence[Case]) -> str:
    """How many cases came as expected; the number of each that did not."""
    wrong = [case.case.split()[0] for case in cases if not case.right]
    counted = f"{len(cases) - len(wrong)} of {len(cases)} as expected"
    return f"{counted}; not as expected: {', '.join(wrong)}" if wrong else counted


def tables(parts: Sequence[Part], cases: Sequence[Case]) -> list[Table]:
    """What was expected and what came, a table for each part, all of one width."""
    shown = []
    for number, part in enumerate(parts, 1):
        columns = [Column(name, ratio=share, overflow="fold") for name, share in WIDTHS.items()]
        table = Table(*columns, Column("ms", width=5, justify="right"), title=part.title, expand=True)
        for case in [case for case in cases if case.part == number]:
            got = Text(case.got, "green" if case.right else "red")
            table.add_row(case.case, case.expected, got, str(case.milliseconds))
        shown.append(table)
    return shown
