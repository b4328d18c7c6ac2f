"""`renkei bench`: throughput, processor time and latency of both layouts, printed and written to build/bench.json."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from services.operator.bench import population
from services.operator.bench.bed import BUILD, installed, kept
from services.operator.bench.cost import per_inquiry, processor_seconds
from services.operator.bench.driver import Run, drive
from services.operator.bench.flames import flames
from services.operator.console import fail, progress, screen
from services.operator.installation import Installation, Layout, process_names
from services.operator.lifecycle import bring_up

LAYOUTS: Final[tuple[Layout, ...]] = ("service", "block")
NAMES: Final = frozenset(name for layout in LAYOUTS for name in process_names(layout))
QUIET_RATE: Final = 20.0


@dataclass(frozen=True)
class Figures:
    """One layout's figures."""

    layout: Layout
    inquiries: int
    inquiries_per_second: float
    cpu_ms_per_inquiry: dict[str, float]
    cpu_ms_total: float
    p50_ms_at_20: float
    p99_ms_at_20: float
    half_rate: float
    p50_ms_at_half: float
    p99_ms_at_half: float
    repeats: int


def bench(
    inquiries: Annotated[int, typer.Option(help="Inquiries of the throughput run, per layout.")] = 20_000,
    seconds: Annotated[int, typer.Option(help="Length of each latency run.")] = 30,
    output: Path = BUILD / "bench.json",
    flame: Annotated[
        list[str] | None, typer.Option(help="Draw a flame graph of this process under full load, to build/flames.")
    ] = None,
) -> None:
    """Measure throughput, processor time and latency with all 1,741 municipalities, one layout after the other."""
    if unknown := set(flame or []) - NAMES:
        fail(f"there is no process {', '.join(sorted(unknown))}")
    with installed() as installation:
        figures = measure(installation, inquiries, seconds, flame or [])
    kept(output, {"layouts": [asdict(one) for one in figures]})
    show(figures)


def measure(installation: Installation, inquiries: int, seconds: int, flame: Sequence[str]) -> list[Figures]:
    """Prepares once, then runs both layouts on the same data."""
    people = population.prepare(installation, LAYOUTS[0])
    figures = []
    for layout in LAYOUTS:
        bring_up(installation, layout)
        figures.append(_figures(installation, layout, people, inquiries, seconds, flame))
    return figures


def _figures(
    installation: Installation,
    layout: Layout,
    people: Sequence[population.Case],
    inquiries: int,
    seconds: int,
    flame: Sequence[str],
) -> Figures:
    _run(installation, population.requests(installation, people, inquiries // 10), None, f"{layout}: warming up")
    loaded = population.requests(installation, people, inquiries)
    before = processor_seconds(installation)
    with flames(installation, flame, BUILD / "flames" / layout):
        full = _run(installation, loaded, None, f"{layout}: as fast as it goes")
    cost = per_inquiry(before, processor_seconds(installation), inquiries)
    quiet = _timed(installation, people, QUIET_RATE, seconds, f"{layout}: {QUIET_RATE:.0f}/s")
    half_rate = round(full.rate() / 2, 1)
    half = _timed(installation, people, half_rate, seconds, f"{layout}: {half_rate:.0f}/s, half of that")
    return Figures(
        layout=layout,
        inquiries=inquiries,
        inquiries_per_second=round(full.rate(), 1),
        cpu_ms_per_inquiry=cost,
        cpu_ms_total=round(sum(cost.values()), 3),
        p50_ms_at_20=quiet.percentile(0.5),
        p99_ms_at_20=quiet.percentile(0.99),
        half_rate=half_rate,
        p50_ms_at_half=half.percentile(0.5),
        p99_ms_at_half=half.percentile(0.99),
        repeats=full.repeats + quiet.repeats + half.repeats,
    )


def _timed(installation: Installation, people: Sequence[population.Case], rate: float, seconds: int, what: str) -> Run:
    return _run(installation, population.requests(installation, people, int(rate * seconds)), rate, what)


def _run(installation: Installation, messages: Sequence[population.Request], rate: float | None, what: str) -> Run:
    with progress(what, len(messages)) as step:
        return asyncio.run(drive(installation.kafka(), messages, rate, step))


def show(figures: Sequence[Figures]) -> None:
    """Both layouts side by side."""
    table = Table(
        "", *(f"one process per {one.layout}" for one in figures), title="1,741 municipalities, answers of 2 KB"
    )
    for name in ("inquiries_per_second", "cpu_ms_total", "p50_ms_at_20", "p99_ms_at_20", "half_rate", "p50_ms_at_half"):
        table.add_row(name, *(str(getattr(one, name)) for one in figures))
    table.add_row("p99_ms_at_half", *(str(one.p99_ms_at_half) for one in figures))
    for name in sorted({name for one in figures for name in one.cpu_ms_per_inquiry}):
        table.add_row(f"cpu ms: {name}", *(str(one.cpu_ms_per_inquiry.get(name, "")) for one in figures))
    screen.print(table)
