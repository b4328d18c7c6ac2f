"""`renkei demo`: the parts of the play with what is expected of each case, the table of what came, and build/demo.json."""

import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import typer
from rich.table import Column, Table
from rich.text import Text

from schemas.directory import HUB
from services.operator.console import finished, progress, readable, screen
from services.operator.demo import deadline, duties, everyday, reuse, revoked, unlawful, wire
from services.operator.demo.preparing import prepare
from services.operator.installation import Installation
from services.operator.lifecycle import bring_down, bring_up, remove

BUILD: Final = Path("build")
NOWHERE: Final = "0 opened, 0 answered"


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


@dataclass(frozen=True)
class Scene:
    """What is shown, in plain words, what is expected, and what is done: it says what came of it."""

    shows: str
    expected: str
    act: Callable[[Installation], Awaitable[str]]


@dataclass(frozen=True)
class Part:
    """Scenes under one title."""

    title: str
    scenes: Sequence[Scene]


PARTS: Final = (
    Part(
        "児童扶養手当: who asks whom for what, and what comes back",
        (
            Scene("1 applicant's local tax information, answered automatically", "records", everyday.applicant),
            Scene("2 spouse without a record there", "no_data", everyday.spouse),
            Scene("3 affairs that the law does not allow", "not_in_law_table", everyday.unlawful),
            Scene("4 person flagged 自動応答不可", "waiting, waiting_manual", everyday.flagged),
            Scene("5 the same inquiry posted twice", "202 202 records, 1 answer", everyday.twice),
            Scene("6 over HTTP and over Kafka", "records", everyday.both_ways),
        ),
    ),
    Part(
        "what must not pass, and who stops it",
        (
            Scene(
                "7a case 3, the asker's own check left out: the hub refuses",
                f"not_in_law_table, said by {HUB}",
                unlawful.past_own_side,
            ),
            Scene(
                "7b case 3, permitted by a lying hub: the answering side refuses, unopened",
                "authorization: not_in_law_table, crypto: not_in_law_table, 0 opened",
                unlawful.past_the_hub,
            ),
            Scene(
                "8 the id of an answered inquiry, about another person",
                "records, then renkei.request.refused id_reused, still records",
                reuse.about_another,
            ),
            Scene("9a on the wire: a sealed message with one bit altered", f"bad_signature, {NOWHERE}", wire.altered),
            Scene("9b on the wire: a message that was delivered before", f"replayed, {NOWHERE}", wire.replayed),
            Scene("9c on the wire: the permit of another message", f"bad_permit, {NOWHERE}", wire.permit_of_another),
            Scene(
                "9d on the wire: another person than the sender committed to",
                f"subject_mismatch, {NOWHERE}",
                wire.about_another,
            ),
            Scene("10a an officer whose role may not handle the affairs", "role_not_allowed", duties.wrong_role),
            Scene("10b an agency assessed for other affairs alone", "assessment_missing", duties.unassessed),
            Scene(
                "11 a municipality's signing key is revoked",
                "records, then key_revoked to the asker, key_revoked at the hub",
                revoked.signing_key,
            ),
            Scene("12 nobody decides before the deadline", "timed_out", deadline.passes),
        ),
    ),
)


def demo(
    output: Path = BUILD / "demo.json", keep: bool = typer.Option(False, help="Keep the folder build/demo.")
) -> None:
    """Start a whole installation, play the scenario, print it, write build/demo.json, stop everything."""
    installation = Installation((BUILD / "demo").resolve(), told={"RENKEI_GRACE": str(deadline.GRACE)})
    with readable():
        remove(installation)
        try:
            bring_up(installation, "service")
            cases = finished(play(installation, PARTS))
        finally:
            bring_down(installation)
            if not keep:
                remove(installation)
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
        screen.print(table)
    if not all(case.right for case in cases):
        raise typer.Exit(1)


def tables(parts: Sequence[Part], cases: Sequence[Case]) -> list[Table]:
    """What was expected and what came, a table for each part, all of one width."""
    shown = []
    for number, part in enumerate(parts, 1):
        columns = [Column("case", ratio=5), Column("expected", ratio=4), Column("got", ratio=4)]
        table = Table(*columns, Column("ms", width=5, justify="right"), title=part.title, expand=True)
        for case in [case for case in cases if case.part == number]:
            got = Text(case.got, "green" if case.right else "red")
            table.add_row(case.case, case.expected, got, str(case.milliseconds))
        shown.append(table)
    return shown
