"""`renkei exchange show`, as a person reads it."""

from collections.abc import Sequence
from typing import Annotated, Final

import typer
from pydantic import TypeAdapter, ValidationError
from rich.table import Table
from rich.text import Text

from schemas.text import MessageId
from services.operator.console import HERE, Folder, fail, finished, group, opened, screen
from services.operator.history.steps import Decision, History, Step, history
from services.operator.history.store import Summary

exchange = group("What became of an exchange.")
STEP: Final = ("time", "agency", "block", "layer", "outcome", "rule", "edition", "kind", "message")
DECISION: Final = ("service", "agency", "step", "sender", "message", "verdict", "entered at")


@exchange.command("show")
def show(
    exchange: Annotated[str, typer.Argument(help="Its id: that of the inquiry that opened it.")], folder: Folder = HERE
) -> None:
    """Show an exchange's state, every step that was recorded of it, and what the services keep; no business data."""
    try:
        TypeAdapter(MessageId).validate_python(exchange)
    except ValidationError:
        fail(f"{exchange[:64]!r} is no id of an exchange: expected a UUID of version 7 or 8, in lower case")
    found = finished(history(opened(folder), exchange))
    if found.summary is None and not found.steps:
        fail(f"nothing is known here of an exchange {exchange}")
    for table in tables(found):
        screen.print(table)


def tables(found: History) -> list[Table]:
    """State, where the exchange was opened here; steps; decisions."""
    state = [] if found.summary is None else [_state(found.summary)]
    steps = _table("steps, as they were recorded", STEP, [_step(step) for step in found.steps])
    return [*state, steps, _table("decisions, as they are kept", DECISION, [_decision(one) for one in found.decisions])]


def _state(summary: Summary) -> Table:
    rows = [
        ("asked by", summary.agency),
        ("of", summary.receiver),
        ("state", summary.state),
        ("created", summary.created),
        ("expires", summary.expires),
        ("completed", summary.completed or "-"),
    ]
    table = _table("exchange (処理状況)", ("", ""), rows)
    table.show_header = False
    return table


def _step(step: Step) -> Sequence[str]:
    finding, control = step.finding, step.control
    said = (finding.layer, finding.outcome, finding.rule, str(finding.edition))
    return (step.time, step.agency, step.block, *said, control.kind, control.id)


def _decision(decision: Decision) -> Sequence[str]:
    stored = decision.stored
    return (decision.service, stored.agency, stored.step, stored.sender, stored.id, stored.verdict, stored.source)


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left")
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table
