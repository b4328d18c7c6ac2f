"""What the command prints and how it fails: one place for progress, tables and readable errors."""

import asyncio
import os
import sys
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import httpx
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from schemas.refusal import Refusal
from schemas.text import explained
from services.operator.agencies import require_known
from services.operator.installation import Installation
from services.operator.keys.enrolment import enrolled
from services.operator.local.error import InstallationError
from services.runtime.errors import Misconfigured, MissingKey, Unavailable

T = TypeVar("T")

REDIRECTED: Final = 240
"""Columns of a table that goes into a file or a pipe, where no terminal says how wide it is."""

screen = Console(
    width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else REDIRECTED, markup=False, emoji=False
)
HERE = Path(".renkei")


def known_code(context: typer.Context, code: str) -> str:
    """The code of an agency that is known here; else the command ends before it begins."""
    _require_known(context, [code])
    return code


def known_codes(context: typer.Context, codes: list[str] | None) -> list[str] | None:
    """Likewise for several: all of them are checked first."""
    _require_known(context, codes or [])
    return codes


Folder = Annotated[
    Path, typer.Option("--folder", envvar="RENKEI_FOLDER", help="Folder of the installation.", is_eager=True)
]
"""Eager: it is read before the codes of agencies, which are checked against the installation in it."""
Code = Annotated[str, typer.Argument(help="Code of the agency; the hub is NWS000.", callback=known_code)]
Codes = Annotated[list[str], typer.Argument(help="Codes of agencies, such as 221309.", callback=known_codes)]


def group(text: str) -> typer.Typer:
    """A group of commands."""
    return typer.Typer(help=text, no_args_is_help=True)


def finished(work: Coroutine[Any, Any, T]) -> T:
    """Runs a command's work; what an operator can mend is said in one line, without a traceback."""
    with readable():
        return asyncio.run(work)


@contextmanager
def readable() -> Iterator[None]:
    """What was given wrongly ends the command with status 2, in one line."""
    try:
        yield
    except ValidationError as error:
        fail(explained(error))
    except (ValueError, Refusal) as error:
        fail(str(error))
    except OverflowError:
        fail("a number or a span of time is too large")


@contextmanager
def mendable() -> Iterator[None]:
    """So does what is the operator's to mend, wherever a command meets it."""
    try:
        yield
    except (InstallationError, Misconfigured, Unavailable) as error:
        fail(str(error))
    except MissingKey as error:
        fail(f"{error}: `renkei keys create` makes the first, `renkei keys renew` those that follow")
    except httpx.HTTPError as error:
        fail(f"the gateway does not answer ({type(error).__name__}): see `renkei status`")
    except OSError as error:
        fail(f"{error.filename or 'this machine'}: {error.strerror}")


def fail(text: str) -> None:
    """Says what is wrong on standard error and ends with status 2: one line however long, and where a program or a server did
    not do what it was told, below it what that has said."""
    Console(stderr=True, markup=False, emoji=False).print(Text("renkei:", "red"), text, soft_wrap=True, highlight=False)
    sys.exit(2)


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Any]:
    """A progress bar; yields a function that advances it."""
    columns = [
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    ]
    with Progress(*columns, console=screen, transient=False) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count=1: bar.advance(task, count)
        bar.update(task, total=total or 1, completed=total or 1)


def opened(folder: Path) -> Installation:
    """The installation in a folder."""
    return Installation(folder.resolve())


def _require_known(context: typer.Context, codes: Sequence[str]) -> None:
    installation = opened(context.params.get("folder", HERE))
    with mendable(), readable():
        require_known(codes, enrolled(installation))
