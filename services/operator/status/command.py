"""`renkei status`."""

import json
from contextlib import suppress
from dataclasses import asdict
from typing import Annotated

import typer

from services.operator.console import HERE, Folder, fail, finished, opened, screen
from services.operator.installation import Installation
from services.operator.local import process
from services.operator.local.error import InstallationError
from services.operator.status.asking import facts
from services.operator.status.judging import attention
from services.operator.status.screen import rendered
from services.runtime import settings

Json = Annotated[bool, typer.Option("--json", help="The same facts as JSON.")]


def status(folder: Folder = HERE, as_json: Json = False) -> None:
    """Show how the installation is. Exit status 0: all is well; 1: something needs attention; 2: it does not run."""
    installation = opened(folder)
    require_running(installation)
    require_settings(installation)
    found = finished(facts(installation))
    needs = attention(found)
    if as_json:
        typer.echo(json.dumps({**asdict(found), "attention": needs}, ensure_ascii=False, indent=1))
    else:
        screen.print(rendered(found, needs))
    raise typer.Exit(1 if needs else 0)


def require_running(installation: Installation) -> None:
    """Ends the command where nothing of it runs."""
    if process.running(installation.folder):
        return
    lost = [one.name for one in process.remembered(installation.folder)]
    after = f" ({', '.join(lost)} ended without being stopped)" if lost else ""
    fail(f"nothing runs in {installation.folder}{after}. Start the installation: renkei up.")


def require_settings(installation: Installation) -> None:
    """`Misconfigured` for a variable such as RENKEI_PATIENCE that no process takes; a server that is away is none."""
    with suppress(InstallationError, OSError):
        settings.load(installation.environment(0, kafka=""))
