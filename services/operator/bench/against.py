"""Two checkouts measured alternately in one run: the machine drifts, and only ratios of neighbours are of use."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from rich.table import Table

from services.operator.bench.bed import BUILD
from services.operator.console import progress, screen
from services.operator.local.error import InstallationError

COMPARED: Final = (
    "inquiries_per_second",
    "cpu_ms_total",
    "p50_ms_at_20",
    "p99_ms_at_20",
    "p50_ms_at_half",
    "p99_ms_at_half",
)
Pair = tuple[Mapping[str, Any], Mapping[str, Any]]
"""Figures of the other checkout and of this one, by layout."""


def pairs(other: Path, count: int, inquiries: int, seconds: int) -> list[Pair]:
    """Runs `renkei bench` of the other checkout and of this one in turn, each with its own `.venv`."""
    checkouts, found = (other.resolve(), Path.cwd()), []
    with progress(f"{other.name} and {checkouts[1].name} in turn", 2 * count) as step:
        for number in range(count):
            found.append(tuple(_bench(one, number, inquiries, seconds, step) for one in checkouts))
    return [(before, after) for before, after in found]


def _bench(checkout: Path, number: int, inquiries: int, seconds: int, step: Any) -> Mapping[str, Any]:
    output = (BUILD / f"against-{checkout.name}-{number}.json").resolve()
    renkei = checkout / ".venv" / "bin" / "renkei"
    options = ["--inquiries", str(inquiries), "--seconds", str(seconds), "--output", str(output)]
    ended = subprocess.run([renkei, "bench", *options], cwd=checkout, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise InstallationError(f"the bench of {checkout} failed:\n{ended.stderr[-2000:]}")
    step()
    layouts = json.loads(output.read_text())["layouts"]
    return {one["layout"]: one for one in layouts}


def ratios(found: Sequence[Pair]) -> dict[str, dict[str, tuple[float, float, float]]]:
    """By layout and figure: median of the other checkout, median of this one, median of the ratios pair by pair."""
    return {
        layout: {
            name: (
                median(before[layout][name] for before, _ in found),
                median(after[layout][name] for _, after in found),
                round(median(after[layout][name] / before[layout][name] for before, after in found), 3),
            )
            for name in COMPARED
        }
        for layout in found[0][1]
    }


def show_ratios(found: Sequence[Pair]) -> None:
    """Medians and ratios, layout by layout."""
    table = Table("layout", "figure", "other", "this", "ratio", title=f"{len(found)} pairs, medians")
    for layout, figures in ratios(found).items():
        for name, (before, after, ratio) in figures.items():
            table.add_row(layout, name, f"{before:g}", f"{after:g}", f"{ratio:g}")
    screen.print(table)
