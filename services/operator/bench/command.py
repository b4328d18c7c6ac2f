"""`renkei bench`: throughput, processor time and latency of both layouts, printed and written to build/bench.json."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from services.operator.bench import population
from services.operator.bench.against import pairs, show_ratios
from services.operator.bench.bed import BUILD, installed, kept
from services.operator.bench.cost import per_inquiry, processor_seconds
from services.operator.bench.driver import Run, drive
from services.operator.bench.flames import flames
from services.operator.bench.steps import Step, counts, steps
from services.operator.console import fail, progress, readable, screen
from services.operator.installation import Installation, Layout, process_names
from services.operator.lifecycle import bring_up

LAYOUTS: Final[tuple[Layout, ...]] = ("service", "block")
NAMES: Final = frozenset(name for layout in LAYOUTS for name in process_names(layout))
QUIET_RATE: Final = 20.0
SHOWN: Final = (
    *("inquiries_per_second", "cpu_ms_total", "p50_ms_at_20", "p99_ms_at_20", "cpu_ms_at_20"),
    *("half_rate", "p50_ms_at_half", "p99_ms_at_half"),
)


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
    cpu_ms_at_20: float
    half_rate: float
    p50_ms_at_half: float
    p99_ms_at_half: float
    repeats: int
    steps: dict[str, list[Step]]
    """By load: `full`, `quiet` (20/s) and `half`."""


@dataclass(frozen=True)
class Measured:
    """One run, its processor milliseconds an inquiry by process, and its steps."""

    run: Run
    cost: dict[str, float]
    steps: list[Step]

    def cpu(self) -> float:
        return round(sum(self.cost.values()), 3)


def bench(
    inquiries: Annotated[int, typer.Option(help="Inquiries of the throughput run, per layout.")] = 20_000,
    seconds: Annotated[int, typer.Option(help="Length of each latency run.")] = 30,
    output: Path = BUILD / "bench.json",
    flame: Annotated[
        list[str] | None, typer.Option(help="Draw a flame graph of this process under full load, to build/flames.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="Another checkout, installed: it and this one are measured in turn.")
    ] = None,
    count: Annotated[int, typer.Option("--pairs", help="How often, with --against.")] = 3,
) -> None:
    """Measure throughput, processor time and latency with all 1,741 municipalities, one layout after the other."""
    if against is not None:
        with readable():
            found = pairs(against, count, inquiries, seconds)
        kept(output, {"pairs": found})
        show_ratios(found)
        return
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
    _measured(installation, people, inquiries // 10, None, f"{layout}: warming up")
    with flames(installation, flame, BUILD / "flames" / layout):
        full = _measured(installation, people, inquiries, None, f"{layout}: as fast as it goes")
    quiet = _timed(installation, people, QUIET_RATE, seconds, f"{layout}: {QUIET_RATE:.0f}/s")
    half_rate = round(full.run.rate() / 2, 1)
    half = _timed(installation, people, half_rate, seconds, f"{layout}: {half_rate:.0f}/s, half of that")
    return Figures(
        layout=layout,
        inquiries=inquiries,
        inquiries_per_second=round(full.run.rate(), 1),
        cpu_ms_per_inquiry=full.cost,
        cpu_ms_total=full.cpu(),
        p50_ms_at_20=quiet.run.percentile(0.5),
        p99_ms_at_20=quiet.run.percentile(0.99),
        cpu_ms_at_20=quiet.cpu(),
        half_rate=half_rate,
        p50_ms_at_half=half.run.percentile(0.5),
        p99_ms_at_half=half.run.percentile(0.99),
        repeats=sum(one.run.repeats for one in (full, quiet, half)),
        steps={"full": full.steps, "quiet": quiet.steps, "half": half.steps},
    )


def _timed(
    installation: Installation, people: Sequence[population.Case], rate: float, seconds: int, what: str
) -> Measured:
    return _measured(installation, people, int(rate * seconds), rate, what)


def _measured(
    installation: Installation, people: Sequence[population.Case], count: int, rate: float | None, what: str
) -> Measured:
    messages = population.requests(installation, people, count)
    before, earlier = processor_seconds(installation), counts(installation)
    with progress(what, len(messages)) as step:
        run = asyncio.run(drive(installation.kafka(), messages, rate, step))
    cost = per_inquiry(before, processor_seconds(installation), count)
    return Measured(run, cost, steps(earlier, counts(installation)))


def show(figures: Sequence[Figures]) -> None:
    """Both layouts side by side."""
    table = Table(
        "", *(f"one process per {one.layout}" for one in figures), title="1,741 municipalities, answers of 2 KB"
    )
    for name in SHOWN:
        table.add_row(name, *(str(getattr(one, name)) for one in figures))
    for name in sorted({name for one in figures for name in one.cpu_ms_per_inquiry}):
        table.add_row(f"cpu ms: {name}", *(str(one.cpu_ms_per_inquiry.get(name, "")) for one in figures))
    screen.print(table)
    for one in figures:
        _show_steps(one)


def _show_steps(figures: Figures) -> None:
    """Microseconds a message and mean batch, at each load: a change that costs time at a step is seen here."""
    table = Table("service", "topic", *figures.steps, title=f"one process per {figures.layout}: µs a message (batch)")
    for place in sorted({(step.service, step.topic) for found in figures.steps.values() for step in found}):
        cells = [
            next((f"{one.microseconds:g} ({one.batch:g})" for one in found if (one.service, one.topic) == place), "")
            for found in figures.steps.values()
        ]
        table.add_row(*place, *cells)
    screen.print(table)
