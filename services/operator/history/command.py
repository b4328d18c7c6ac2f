"""`renkei exchange show`, as a person reads it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Final

import typer
from pydantic import TypeAdapter, ValidationError
from rich.box import SIMPLE_HEAD
from rich.table import Table

from schemas.control import Control
from schemas.text import MessageId
from services.operator.console import HERE, Folder, fail, finished, group, opened, screen
from services.operator.history.posts import post
from services.operator.history.steps import History, history
from services.operator.history.store import Summary
from services.operator.installation import Installation

exchange = group("What became of an exchange.")
Rows = Sequence[Sequence[str]]


@exchange.command("show")
def show(
    exchange: Annotated[
        str,
        typer.Argument(
            help="Its id: that of the inquiry that opened it. Or where a post stands: topic/partition/offset."
        ),
    ],
    folder: Folder = HERE,
) -> None:
    """Show an exchange's state, every step that was recorded of it, and what the services keep; no business data.

    Of a post that was dropped: by which rule."""
    if POSITION.fullmatch(exchange):
        exchange = _at(opened(folder), exchange)
    try:
        TypeAdapter(MessageId).validate_python(exchange)
    except ValidationError:
        fail(f"{exchange[:36]!r} is no id of an exchange and no topic/partition/offset of a post")
    found = finished(history(opened(folder), exchange))
    if found.summary is None and not found.steps:
        fail(f"no exchange {exchange} is known here")
    for table in tables(found):
        screen.print(table)


POSITION: Final = re.compile(r"[a-z._]{1,64}/[0-9]{1,4}/[0-9]{1,18}")


def _at(installation: Installation, position: str) -> str:
    """Shows what was recorded of the post there, and gives the id of the exchange that it opened; else the command ends."""
    found = finished(post(installation, position))
    if found.faults:
        rows = [(one.time, one.agency or "-", one.finding.outcome, one.finding.rule) for one in found.faults]
        screen.print(_table(f"post {position}", ("time", "agency", "outcome", "rule"), rows))
    if found.exchange is not None:
        return found.exchange
    if not found.faults:
        fail(f"nothing is known here of a post at {position}")
    raise typer.Exit


def tables(found: History) -> Iterator[Table]:
    """State, where the exchange was opened here; messages; steps in the order of time; decisions."""
    messages = {step.control.id: step.control for step in found.steps}
    names = {id: f"{place} {control.kind}" for place, (id, control) in enumerate(messages.items(), 1)}  # noqa: A001
    if found.summary is not None:
        yield _table("exchange (処理状況)", ("asked by", "of", *STATES), [_state(found.summary)])
    yield _table("messages", ("message", "from", "to", "created", "expires", "id"), _messages(messages, names))
    yield _table(
        "steps, as they were recorded",
        ("time", "agency", "block", "layer", "outcome", "rule", "edition", "message"),
        _steps(found, names),
    )
    yield _table(
        "decisions, as they are kept",
        ("service", "agency", "step", "verdict", "entered the block at", "message"),
        _decisions(found, names),
    )


STATES: Final = ("state", "created", "expires", "completed")


def _state(summary: Summary) -> Sequence[str]:
    times = (summary.created, summary.expires, summary.completed or "-")
    return (summary.agency, summary.receiver, summary.state, *times)


def _messages(messages: Mapping[str, Control], names: Mapping[str, str]) -> Rows:
    return [(names[one.id], one.sender, one.receiver, one.created, one.expires, one.id) for one in messages.values()]


def _steps(found: History, names: Mapping[str, str]) -> Rows:
    return [
        (
            step.time,
            step.agency,
            step.block,
            step.finding.layer,
            step.finding.outcome,
            step.finding.rule,
            str(step.finding.edition),
            names[step.control.id],
        )
        for step in found.steps
    ]


def _decisions(found: History, names: Mapping[str, str]) -> Rows:
    return [
        (service, stored.agency, stored.step, stored.verdict, stored.source, names.get(stored.id, stored.id))
        for service, stored in ((one.service, one.stored) for one in found.decisions)
    ]


def _table(title: str, columns: Sequence[str], rows: Rows) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table
