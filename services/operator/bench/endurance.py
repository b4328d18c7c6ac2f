"""`renkei endurance`: whether memory grows with the inquiries that were answered; written to build/endurance.json."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from services.operator.bench import population
from services.operator.bench.bed import BUILD, installed, kept
from services.operator.bench.cost import mebibytes
from services.operator.bench.driver import drive
from services.operator.console import progress, screen
from services.operator.installation import Installation, Layout
from services.operator.local import kafka

PART: Final = 20_000
"""Inquiries posted between two looks at the memory."""
BOUNDED: Final = {"log.retention.bytes": str(64 * 1024 * 1024), "log.segment.bytes": str(32 * 1024 * 1024)}
"""What a partition keeps: a million inquiries leave 85 GB in the log."""
EARLY: Final = 0.1
"""Share of the inquiries after which memory is taken as what it should stay at."""


@dataclass(frozen=True)
class Look:
    """Memory of every process, in MiB, once so many inquiries were answered."""

    inquiries: int
    memory: Mapping[str, float]


def endurance(
    inquiries: Annotated[int, typer.Option(help="How many in all.")] = 1_000_000,
    layout: Annotated[Layout, typer.Option(help="One process per service, or per block.")] = "block",
    output: Path = BUILD / "endurance.json",
) -> None:
    """Measure whether memory grows: of every process after a tenth of the inquiries, and after all of them."""
    with installed() as installation:
        kafka.start(kafka.KafkaSettings(installation.folder, properties=BOUNDED))
        people = population.prepare(installation, layout)
        looks: list[Look] = []
        for look in measure(installation, people, inquiries):
            looks.append(look)
            kept(output, {"layout": layout, "looks": [asdict(look) for look in looks]})
    show(looks)


def measure(installation: Installation, people: Sequence[population.Case], inquiries: int) -> Iterator[Look]:
    """As fast as they are answered, with a look after each part."""
    with progress("as fast as it goes", inquiries) as step:
        for start in range(0, inquiries, PART):
            messages = population.requests(installation, people, min(PART, inquiries - start))
            asyncio.run(drive(installation.kafka(), messages, None, step))
            yield Look(start + len(messages), mebibytes(installation))


def growth(looks: Sequence[Look]) -> dict[str, tuple[float, float]]:
    """By process, MiB after a tenth and at the end."""
    early, late = next(look for look in looks if look.inquiries >= looks[-1].inquiries * EARLY), looks[-1]
    return {name: (early.memory[name], late.memory[name]) for name in sorted(late.memory)}


def show(looks: Sequence[Look]) -> None:
    """Every process, and what its memory has become."""
    table = Table("MiB", "after a tenth", "at the end", "times", title=f"{looks[-1].inquiries:,} inquiries")
    for name, (early, late) in growth(looks).items():
        table.add_row(name, f"{early:.0f}", f"{late:.0f}", f"{late / early:.2f}")
    screen.print(table)
