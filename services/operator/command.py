"""The operator's command `renkei`."""

import sys
from typing import Annotated, Literal

import typer

from services import running
from services.operator import administration, people, quarantine, traffic
from services.operator.bench.command import bench
from services.operator.bench.endurance import endurance
from services.operator.bench.fairness import fairness
from services.operator.console import HERE, Folder, mendable, opened, readable, screen
from services.operator.demo.playing import demo
from services.operator.generate.command import gen
from services.operator.history import command as history
from services.operator.keys import system_command
from services.operator.keys.command import keys
from services.operator.lifecycle import bring_down, bring_up
from services.operator.local.terminal import show_any_character
from services.operator.logs.command import show as logs
from services.operator.status.command import status
from services.topology import BLOCKS

app = typer.Typer(
    help="連携: lawful, provable and fast exchange between local governments.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    add_completion=False,
)
app.add_typer(administration.topics, name="topics")
app.add_typer(administration.database, name="db")
app.add_typer(keys, name="keys")
app.add_typer(system_command.commands, name="system")
app.add_typer(administration.directory, name="directory")
app.add_typer(quarantine.commands, name="quarantine")
app.add_typer(people.staff, name="staff")
app.add_typer(people.person, name="person")
app.add_typer(people.replica, name="replica")
app.add_typer(history.exchange, name="exchange")
app.add_typer(traffic.application)
app.command("status")(status)
app.command("logs")(logs)
app.command("inquire")(people.inquire)
app.command("demo")(demo)
app.command("bench")(bench)
app.command("fairness")(fairness)
app.command("endurance")(endurance)
app.command("gen")(gen)

Layouts = Annotated[
    Literal["service", "block"] | None,
    typer.Option(help="One process per service, or one per block. Default: as at the last start; else per service."),
]


@app.command()
def up(folder: Folder = HERE, layout: Layouts = None) -> None:
    """Start Kafka, PostgreSQL and all services on this machine, and keep them running; their data stays in the folder."""
    opened(folder).require_possible()
    folder.mkdir(parents=True, exist_ok=True)
    with readable(), opened(folder).alone():
        changed = bring_up(opened(folder), layout)
    screen.print("\n".join(changed) if changed else "Everything ran already; nothing was changed.")
    screen.print(f"Running. Gateway: {opened(folder).url('gateway')}   Stop it with: renkei down")


@app.command()
def down(folder: Folder = HERE) -> None:
    """Stop what `up` has started; every process finishes its batch first."""
    with readable(), opened(folder).alone():
        stopped = bring_down(opened(folder))
    screen.print(f"Stopped: {', '.join(stopped)}." if stopped else f"Nothing ran in {folder}.")


@app.command()
def run(names: Annotated[list[str], typer.Argument(help=f"Services, or a block: {', '.join(BLOCKS)}.")]) -> None:
    """Run services in this process, told by the environment (RENKEI_KAFKA, RENKEI_POSTGRES, …), until SIGTERM."""
    sys.exit(running.run(names))


def main() -> None:
    """Entry point; what an operator can mend is said in one line, without a traceback."""
    show_any_character(sys.stdout, sys.stderr)
    with mendable():
        app()
