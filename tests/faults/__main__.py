"""`python -m tests.faults [--rows a,b] [--times 20]`: plays the fault matrix; status 1 if the books of a row do not balance.

Groups of rows, each on servers of its own, are played two at a time: most of a fault's time is spent waiting.
"""

import argparse
import asyncio
import json
import logging
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from rich.table import Table

from services.operator.bench.command import machine
from services.operator.console import screen
from tests.faults.matrix import GROUPS, Group, Outcome, play

TIMES: Final = 20
TOGETHER: Final = 2
COLUMNS: Final = ("fault", "times", "posted", "lost", "twice", "disordered", "in clear", "wrong", "first s", "empty s")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Plays the fault matrix.")
    parser.add_argument("--rows", default="", help="keys of rows, comma-separated; default: all")
    parser.add_argument("--times", type=int, default=TIMES, help="strikes of each row at least")
    parser.add_argument("--output", type=Path, default=Path("build/faults.json"))
    told = parser.parse_args()
    began, wanted = time.monotonic(), {key for key in told.rows.split(",") if key}
    if unknown := wanted - {row.key for group in GROUPS for row in group.rows}:
        parser.error(f"there is no row {', '.join(sorted(unknown))}")
    outcomes = _played([group.key for group in GROUPS], wanted, told.times)
    told.output.parent.mkdir(parents=True, exist_ok=True)
    figures = [asdict(outcome) | {"good": outcome.good()} for outcome in outcomes]
    seconds = round(time.monotonic() - began)
    told.output.write_text(json.dumps({"machine": machine(), "seconds": seconds, "rows": figures}, indent=1) + "\n")
    _show(outcomes)
    return 0 if outcomes and all(outcome.good() for outcome in outcomes) else 1


def _played(keys: Sequence[str], wanted: set[str], times: int) -> list[Outcome]:
    with ProcessPoolExecutor(TOGETHER) as pool:
        playing = [pool.submit(_group, key, wanted, times) for key in keys]
        for done in as_completed(playing):
            done.result()
        return [outcome for one in playing for outcome in one.result()]


def _group(key: str, wanted: set[str], times: int) -> list[Outcome]:
    """One group in a process of its own."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    [group] = [group for group in GROUPS if group.key == key]
    rows = [row for row in group.rows if not wanted or row.key in wanted]
    if rows and not group.needs():
        screen.print(f"{', '.join(row.key for row in rows)}: not played, since that needs root on Linux")
        return [Outcome(row.key, row.fault.name, failure="not played: needs root on Linux") for row in rows]
    return asyncio.run(_rows(replace(group, rows=rows), times)) if rows else []


async def _rows(group: Group, times: int) -> list[Outcome]:
    outcomes = []
    async with group.opened() as ground:
        for row in group.rows:
            outcome = await play(ground, row, times)
            _say(outcome)
            outcomes.append(outcome)
    return outcomes


def _say(outcome: Outcome) -> None:
    """A line as soon as a row has been played."""
    verdict = outcome.verdict
    counts = [len(found) for found in (verdict.lost, verdict.twice, verdict.disordered, verdict.clear, verdict.wrong)]
    line = (
        f"{outcome.row}: struck {outcome.struck}, posted {outcome.posted}, repeats {outcome.repeats},"
        f" lost/twice/disordered/in clear/wrong {counts}, first {outcome.of('first')}, empty {outcome.of('empty')},"
        f" {outcome.seconds:.0f} s"
    )
    screen.print(line, soft_wrap=True, highlight=False)
    for line in [outcome.failure, *(said for found in asdict(verdict).values() for said in found[:5])]:
        if line:
            screen.print(f"  {line}", soft_wrap=True, markup=False, highlight=False)


def _show(outcomes: Sequence[Outcome]) -> None:
    table = Table(*COLUMNS, title="seconds after mending: median / longest")
    for outcome in outcomes:
        verdict = outcome.verdict
        found = (verdict.lost, verdict.twice, verdict.disordered, verdict.clear, verdict.wrong)
        counts = [str(len(one)) for one in found]
        times = [outcome.of("first"), outcome.of("empty")]
        table.add_row(outcome.fault, str(outcome.struck), str(outcome.posted), *counts, *times)
    screen.print(table)


if __name__ == "__main__":
    sys.exit(main())
