"""`python -m tests.faults [--rows a,b] [--times 20]`: plays the fault matrix; status 1 if the books of a row do not balance.

Groups of rows, each on servers of its own, are played two at a time: most of a fault's time is spent waiting.
"""

import argparse
import asyncio
import json
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from rich.table import Table

from services.operator.bench.bed import machine
from services.operator.console import screen
from tests.faults.matrix import BUILD, GROUPS, Group, Outcome, Row, play
from tests.faults.table import COLUMNS

TIMES: Final = 20
TOGETHER: Final = 2


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Plays the fault matrix.")
    parser.add_argument("--rows", default="", help="keys of rows, comma-separated; default: all")
    parser.add_argument("--times", type=int, default=TIMES, help="strikes of each row at least")
    parser.add_argument("--output", type=Path, default=BUILD / "faults.json")
    parser.add_argument("--group", default="", help=argparse.SUPPRESS)
    told = parser.parse_args()
    wanted = {key for key in told.rows.split(",") if key}
    if unknown := wanted - {row.key for group in GROUPS for row in group.rows}:
        parser.error(f"there is no row {', '.join(sorted(unknown))}")
    if told.group:
        [group] = [group for group in GROUPS if group.key == told.group]
        return _play(group, _chosen(group, wanted), told.times, told.output)
    return _play_all(wanted, told.times, told.output)


def _chosen(group: Group, wanted: set[str]) -> list[Row]:
    """All rows, or those that are asked for by name: these as often as is asked for, however long each takes."""
    return [replace(row, most=None) for row in group.rows if row.key in wanted] if wanted else list(group.rows)


# --- all groups, each in a process of its own


def _play_all(wanted: set[str], times: int, output: Path) -> int:
    began, groups = time.monotonic(), [group for group in GROUPS if _chosen(group, wanted)]
    output.parent.mkdir(parents=True, exist_ok=True)
    parts = [output.with_suffix(f".{group.key}.json") for group in groups]
    ended = asyncio.run(_processes(groups, parts, wanted, times))
    rows = [row for part in parts if part.exists() for row in json.loads(part.read_text())]
    for part in parts:
        part.unlink(missing_ok=True)
    seconds = round(time.monotonic() - began)
    output.write_text(json.dumps({"machine": machine(), "seconds": seconds, "rows": rows}, indent=1) + "\n")
    _show(rows, seconds)
    return max(ended, default=1)


async def _processes(groups: Sequence[Group], parts: Sequence[Path], wanted: set[str], times: int) -> list[int]:
    gate = asyncio.Semaphore(TOGETHER)

    async def played(group: Group, part: Path) -> int:
        told = ("--group", group.key, "--rows", ",".join(wanted), "--times", str(times), "--output", str(part))
        async with gate:
            process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.faults", *told)
            try:
                return await process.wait()
            except asyncio.CancelledError:  # it takes its servers away
                process.send_signal(signal.SIGINT)
                await process.wait()
                raise

    async with asyncio.TaskGroup() as playing:
        tasks = [playing.create_task(played(*one)) for one in zip(groups, parts, strict=True)]
    return [task.result() for task in tasks]


def _show(rows: Sequence[dict[str, object]], seconds: int) -> None:
    table = Table(*COLUMNS, title=f"{seconds / 60:.0f} minutes; seconds after mending: median / longest")
    for row in rows:
        table.add_row(*(str(row[name]) for name in COLUMNS))
    screen.print(table)


# --- one of them


def _play(group: Group, rows: Sequence[Row], times: int, output: Path) -> int:
    """Its figures are written as they come."""
    if not group.needs():
        outcomes = [Outcome(row.key, row.fault.name, failure="not played: it needs root on Linux") for row in rows]
        for outcome in outcomes:
            _say(outcome)
        output.write_text(json.dumps([_figures(outcome) for outcome in outcomes]))
        return 1
    return asyncio.run(_rows(group, rows, times, output))


async def _rows(group: Group, rows: Sequence[Row], times: int, output: Path) -> int:
    outcomes: list[Outcome] = []
    async with group.opened() as ground:
        for row in rows:
            outcomes.append(await play(ground, row, times))
            _say(outcomes[-1])
            output.write_text(json.dumps([_figures(outcome) for outcome in outcomes]))
    return 0 if all(outcome.good() for outcome in outcomes) else 1


def _figures(outcome: Outcome) -> dict[str, object]:
    """A row as the table has it, and everything behind it."""
    verdict = outcome.verdict
    found = (verdict.lost, verdict.twice, verdict.disordered, verdict.clear, verdict.wrong)
    counts = dict(zip(COLUMNS[3:8], map(len, found), strict=True))
    told = {"fault": outcome.fault, "times": outcome.struck, "posted": outcome.posted}
    seconds = {"first s": outcome.of("first"), "empty s": outcome.of("empty")}
    return {**told, **counts, **seconds, "good": outcome.good(), "all": asdict(outcome)}


def _say(outcome: Outcome) -> None:
    """A line as soon as a row has been played."""
    figures = _figures(outcome)
    said = ", ".join(f"{name} {figures[name]}" for name in COLUMNS[1:])
    screen.print(f"{outcome.row}: {said} ({outcome.seconds:.0f} s)", soft_wrap=True, highlight=False)
    for line in [outcome.failure, *(one for found in asdict(outcome.verdict).values() for one in found[:5])]:
        if line:
            screen.print(f"  {line}", soft_wrap=True, markup=False, highlight=False)


if __name__ == "__main__":
    sys.exit(main())
