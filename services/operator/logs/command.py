"""`renkei logs`."""

import re
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Final

import typer
from rich.text import Text

from services.operator.console import HERE, Folder, fail, opened, readable, screen
from services.operator.logs.files import logs, merged
from services.operator.logs.lines import Entry
from services.operator.tables import now

LAST: Final = 200
"""Entries that are shown where no time is given."""
EVERY: Final = 0.3
UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

Names = Annotated[list[str] | None, typer.Argument(help="Processes, such as hub or kafka; all if none is named.")]
Follow = Annotated[bool, typer.Option("--follow", help="Go on with what is written from now on.")]
Since = Annotated[str, typer.Option(help="Only what is as new as 30s, 10m, 2h or 1d; else the last 200 entries.")]
Errors = Annotated[bool, typer.Option("--errors", help="Errors alone.")]


def show(
    names: Names = None, folder: Folder = HERE, follow: Follow = False, since: Since = "", errors: Errors = False
) -> None:
    """Show what all processes have logged, in the order of time (UTC)."""
    files = logs(opened(folder).folder, names or ())
    with readable():
        first = chosen(merged(files), now() - span(since) if since else None, errors)
    _print(first)
    if not files:
        fail(f"there are no logs in {opened(folder).folder}")
    while follow:
        time.sleep(EVERY)
        _print(one for one in merged(files) if one.is_error() or not errors)


def chosen(found: list[Entry], since: datetime | None, errors: bool) -> list[Entry]:
    """As new as wanted, or the last ones."""
    kept = [one for one in found if (one.is_error() or not errors) and (since is None or one.time >= since)]
    return kept if since else kept[-LAST:]


def span(text: str) -> timedelta:
    """Such as 10m; ValueError for anything else."""
    match = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    if match is None:
        raise ValueError(f"{text} is no span of time: expected a number with s, m, h or d, such as 10m")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def _print(found: Iterable[Entry]) -> None:
    for one in found:
        colour = "red" if one.is_error() else "yellow" if one.level.startswith("warn") else ""
        line = f"{one.time:%Y-%m-%d %H:%M:%S}.{one.time.microsecond // 1000:03} {one.name:13} {one.level:7} {one.text}"
        screen.print(Text(line, colour), soft_wrap=True)
