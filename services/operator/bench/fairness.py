"""`renkei fairness`: what one agency with four fifths of the load does to the others; written to build/fairness.json.

The others post at a steady rate, open loop; without the one and with it in turn, so that what else happens on the machine
meets both alike. The one posts at four times their rate, or drops a backlog at once.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Annotated, Final, Literal

import typer
from rich.table import Table

from schemas import topics
from services.operator.bench import population
from services.operator.bench.bed import BUILD, installed, kept
from services.operator.bench.driver import Run, drive, drive_at, steady
from services.operator.console import progress, screen
from services.operator.installation import Installation, Layout
from services.runtime.kafka.log import partition_of

Load = Literal["none", "steady", "backlog"]
"""What the one does."""
ROUND: Final[tuple[Load, ...]] = ("none", "steady", "none", "backlog")
FACTOR: Final = 4
"""The one posts so many times what all others post together: four fifths of the load."""
BACKLOG_AT: Final = 2.0
WARMING: Final = 2_000


@dataclass(frozen=True)
class Crowd:
    """The one, which has the most persons to ask about; who shares its partition; all others."""

    one: Sequence[population.Case]
    beside: Sequence[population.Case]
    others: Sequence[population.Case]


@dataclass(frozen=True)
class Latency:
    """Milliseconds from posting to completion."""

    p50: float
    p99: float


@dataclass(frozen=True)
class Pass:
    """How long each of them waited."""

    load: Load
    others: Latency
    beside: Latency
    one: Latency | None


def fairness(
    rate: Annotated[float, typer.Option(help="What the others post together, a second.")] = 28.0,
    seconds: Annotated[int, typer.Option(help="Length of each pass.")] = 15,
    backlog: Annotated[int, typer.Option(help="What the one drops at once.")] = 2_000,
    rounds: Annotated[int, typer.Option(help="How often all of it is repeated.")] = 3,
    layout: Annotated[Layout, typer.Option(help="One process per service, or per block.")] = "service",
    output: Path = BUILD / "fairness.json",
) -> None:
    """Measure what one agency with four fifths of the load does to the latency of the others."""
    with installed() as installation:
        people = population.prepare(installation, layout)
        passes = measure(installation, people, rate, seconds, backlog, rounds)
    given = {"layout": layout, "rate": rate, "seconds": seconds, "backlog": backlog}
    kept(output, {**given, "passes": [asdict(one) for one in passes]})
    show(passes)


def measure(
    installation: Installation,
    people: Sequence[population.Case],
    rate: float,
    seconds: int,
    backlog: int,
    rounds: int,
) -> list[Pass]:
    """All passes, in turn."""
    with progress("warming up", WARMING) as step:  # what is made once an hour for a pair of agencies
        warming = population.requests(installation, people, WARMING)
        asyncio.run(drive(installation.kafka(), warming, None, step))
    crowd = crowd_of(people)
    return [_pass(installation, crowd, load, rate, seconds, backlog) for _ in range(rounds) for load in ROUND]


def crowd_of(people: Sequence[population.Case]) -> Crowd:
    """By who asks, and the partition that its requests go to."""
    [(code, _)] = Counter(case.asker for case in people).most_common(1)
    partition = {case.asker: partition_of(case.asker, topics.outbound_requested) for case in people}
    return Crowd(
        [case for case in people if case.asker == code],
        [case for case in people if case.asker != code and partition[case.asker] == partition[code]],
        [case for case in people if partition[case.asker] != partition[code]],
    )


def _pass(installation: Installation, crowd: Crowd, load: Load, rate: float, seconds: int, backlog: int) -> Pass:
    count = round(rate * seconds)
    few = round(count * len(crowd.beside) / (len(crowd.beside) + len(crowd.others)))
    others = population.requests(installation, crowd.others, count - few)
    beside = population.requests(installation, crowd.beside, few)
    one = population.requests(installation, crowd.one, {"none": 0, "steady": FACTOR * count, "backlog": backlog}[load])
    flood = steady(one, FACTOR * rate) if load == "steady" else [(BACKLOG_AT, one)]
    schedule = [*steady(others, (count - few) / seconds), *steady(beside, few / seconds), *flood]
    with progress(f"the one: {load}", count + len(one)) as step:
        run = asyncio.run(drive_at(installation.kafka(), sorted(schedule, key=lambda posted: posted[0]), step))
    return Pass(load, _latency(run, others), _latency(run, beside), _latency(run, one) if one else None)


def _latency(run: Run, messages: Sequence[population.Request]) -> Latency:
    part = run.of({message.exchange for message in messages})
    return Latency(part.percentile(0.5), part.percentile(0.99))


def show(passes: Sequence[Pass]) -> None:
    """Medians of the passes, and how many times the p99 without the one that with it is."""
    table = Table("the one", "others p50", "p99", "times", "its partition p50", "p99", "times", title="ms, medians")
    for load in ("none", "steady", "backlog"):
        row = [load]
        for who in ("others", "beside"):
            p50, p99, alone = (
                _median(passes, *which) for which in ((load, who, "p50"), (load, who, "p99"), ("none", who, "p99"))
            )
            row += [f"{p50:.0f}", f"{p99:.0f}", f"{p99 / alone:.2f}"]
        table.add_row(*row)
    screen.print(table)


def _median(passes: Sequence[Pass], load: str, who: str, share: str) -> float:
    return float(median(getattr(getattr(one, who), share) for one in passes if one.load == load))
