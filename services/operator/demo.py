"""The study's use case №1, child-rearing allowance (児童扶養手当, row 57, asker a city), played on a real installation."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import typer
from rich.table import Table

from schemas.control import Basis, Item, Officer
from schemas.directory import Grant
from schemas.law import EDITION
from services.operator import asking, enrolment, publication, residents
from services.operator.asking import Answer
from services.operator.console import finished, progress, readable, screen
from services.operator.installation import Installation
from services.operator.lifecycle import bring_down, bring_up, remove
from services.operator.samples import income_tax_certificate
from services.operator.tables import now

ASKER: Final = "221309"
"""浜松市, 静岡県: asks."""
NEIGHBOUR: Final = "221007"
"""静岡市, 静岡県: shares the cloud, and was the 1 January municipality of one applicant."""
ELSEWHERE: Final = "401307"
"""福岡市, 福岡県: another prefecture; 1 January municipality of the others."""
ITEM: Final = Item(name="income_tax_certificate", layout=1)
YEAR: Final = 2026
OFFICE: Final = "子育て支援課"
OFFICER: Final = Officer(office=OFFICE, role="allowance_clerk", staff="hamamatsu-0107")
ALLOWANCE: Final = Basis(edition=EDITION, row="57", branch=2)
"""児童扶養手当法による児童扶養手当の支給: 都道府県知事等 asks 市町村長 for 地方税関係情報."""
UNLAWFUL: Final = Basis(edition=EDITION, row="57", branch=1)
"""The same affairs, but the line whose provider is 都道府県知事 and which does not list 地方税関係情報."""
BUILD: Final = Path("build")
SECONDS: Final = 30.0


@dataclass(frozen=True)
class Case:
    """One line of `build/demo.json`."""

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
    installation = Installation((BUILD / "demo").resolve())
    with readable():
        remove(installation)
        try:
            bring_up(installation, "service")
            cases = finished(play(installation))
        finally:
            bring_down(installation)
            if not keep:
                remove(installation)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps([asdict(case) for case in cases], ensure_ascii=False, indent=1) + "\n")
    show(cases)
    if not all(case.right for case in cases):
        raise typer.Exit(1)


async def play(installation: Installation) -> list[Case]:
    """Prepares the three municipalities and their residents, then asks."""
    with progress("preparing three municipalities", 1):
        await prepare(installation)
    cases = []
    with progress("asking", len(SCENARIO)) as step:
        for name, expected, ask in SCENARIO:
            began = time.monotonic()
            got = await ask(installation)
            cases.append(Case(name, expected, got, int((time.monotonic() - began) * 1000)))
            step()
    return cases


async def prepare(installation: Installation) -> None:
    """Keys, records, staff, persons and copies. All persons are synthetic."""
    codes = [ASKER, NEIGHBOUR, ELSEWHERE]
    clerk = Grant(office=OFFICE, role=OFFICER.role, rows=["57"])
    automatic = Grant(office="税務課", role="automatic", rows="all")
    await asyncio.to_thread(enrolment.create_keys, installation, codes, "1", now())
    await asyncio.to_thread(publication.describe, installation, codes, [ITEM], [clerk], automatic)
    await publication.publish(installation)
    await publication.published(installation)
    await residents.load_staff(installation, ASKER, [OFFICER])
    await residents.enroll(
        installation,
        [
            {ASKER: "SYN0000001", NEIGHBOUR: "SYN5000001"},
            {ASKER: "SYN0000002", ELSEWHERE: "SYN7000002"},
            {ASKER: "SYN0000003", ELSEWHERE: "SYN7000003"},
            {ASKER: "SYN0000004", ELSEWHERE: "SYN7000004"},
        ],
    )
    copies = [(NEIGHBOUR, "SYN5000001"), (ELSEWHERE, "SYN7000003"), (ELSEWHERE, "SYN7000004")]
    await residents.register(
        installation,
        [residents.Replica(code, number, ITEM, YEAR, [income_tax_certificate(YEAR)]) for code, number in copies],
    )
    await residents.flag(installation, ELSEWHERE, "SYN7000003", automatic=False)


async def applicant(installation: Installation) -> str:
    """The applicant's local tax information, from the 1 January municipality in the same cloud."""
    return (await _ask(installation, NEIGHBOUR, "SYN0000001")).outcome


async def spouse(installation: Installation) -> str:
    """A spouse of whom the other municipality has no copy."""
    return (await _ask(installation, ELSEWHERE, "SYN0000002")).outcome


async def unlawful(installation: Installation) -> str:
    """Affairs that the law does not allow: the own side refuses, nothing reaches the network."""
    return (await _ask(installation, NEIGHBOUR, "SYN0000001", UNLAWFUL)).outcome


async def flagged(installation: Installation) -> str:
    """自動応答不可: the answering side holds it for a person; the asker sees only that it waits."""
    answer = await _ask(installation, ELSEWHERE, "SYN0000003", seconds=3)
    return f"{answer.outcome}, {await residents.case_state(installation, ELSEWHERE, ASKER, answer.exchange)}"


async def twice(installation: Installation) -> str:
    """The same inquiry posted twice: one exchange, one answer."""
    posted = asking.inquiry(ASKER, NEIGHBOUR, "SYN0000001", ALLOWANCE, ITEM, OFFICER, YEAR)
    statuses = [(await asking.post_http(installation, posted)).status_code for _ in range(2)]
    answer = await asking.wait(installation, ASKER, posted.question.id, SECONDS)
    answers = await asking.completions(installation, ASKER, posted.question.id)
    return f"{statuses[0]} {statuses[1]} {answer.outcome}, {answers} answer"


async def both_ways(installation: Installation) -> str:
    """Posted over HTTP and over Kafka: the same answer."""
    over_http = await _ask(installation, ELSEWHERE, "SYN0000004")
    over_kafka = await _ask(installation, ELSEWHERE, "SYN0000004", kafka=True)
    return over_http.outcome if over_http.business == over_kafka.business else "different answers"


Ask = Callable[[Installation], Awaitable[str]]
SCENARIO: Final[tuple[tuple[str, str, Ask], ...]] = (
    ("1 applicant's local tax information, answered automatically", "records", applicant),
    ("2 spouse without a record there", "no_data", spouse),
    ("3 affairs that the law does not allow", "not_in_law_table", unlawful),
    ("4 person flagged 自動応答不可", "waiting, waiting_manual", flagged),
    ("5 the same inquiry posted twice", "202 202 records, 1 answer", twice),
    ("6 over HTTP and over Kafka", "records", both_ways),
)


def show(cases: list[Case]) -> None:
    """The table of what was expected and what came."""
    table = Table("case", "expected", "got", "ms", title="児童扶養手当: who asks whom for what, and what comes back")
    for case in cases:
        colour = "green" if case.right else "red"
        table.add_row(case.case, case.expected, f"[{colour}]{case.got}[/{colour}]", str(case.milliseconds))
    screen.print(table)


async def _ask(
    installation: Installation,
    receiver: str,
    number: str,
    basis: Basis = ALLOWANCE,
    *,
    kafka: bool = False,
    seconds: float = SECONDS,
) -> Answer:
    posted = asking.inquiry(ASKER, receiver, number, basis, ITEM, OFFICER, YEAR)
    if kafka:
        await asking.post_kafka(installation, posted)
    else:
        (await asking.post_http(installation, posted)).raise_for_status()
    return await asking.wait(installation, ASKER, posted.question.id, seconds)
