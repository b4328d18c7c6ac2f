"""How the command's tables and failures look where no terminal says how wide it is."""

import os
import subprocess
import sys

import pytest
from rich.table import Table

from services.operator.console import REDIRECTED, fail, screen

ASKED = "from services.operator.console import screen; print(screen.width)"


@pytest.mark.parametrize(("columns", "width"), [({}, REDIRECTED), ({"COLUMNS": "90"}, 90)])
def test_a_table_in_a_pipe_is_as_wide_as_it_needs(columns: dict[str, str], width: int) -> None:
    """Unless whoever reads it says how wide."""
    kept = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    told = subprocess.run([sys.executable, "-c", ASKED], env=kept | columns, capture_output=True, text=True, check=True)
    assert int(told.stdout) == width


def test_a_failure_is_one_line_as_it_was_said(capsys: pytest.CaptureFixture[str]) -> None:
    """However long it is, and whatever stands in it that a terminal would take for a colour."""
    said = f"[red] {'a folder/' * 40} [/red]: no such file [/x :x:"
    with pytest.raises(SystemExit, match="2"):
        fail(said)
    assert capsys.readouterr().err == f"renkei: {said}\n"


def test_what_is_shown_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """An answer, a path or an error may look like a colour, or like the end of one that never began, or a pictogram."""
    table = Table("[red]", title="[/red]")
    table.add_row("[/x] office:key:x")
    screen.print(table, "[bold]", "a:x:b")
    shown = capsys.readouterr().out
    assert all(part in shown for part in ("[red]", "[/red]", "[/x] office:key:x", "[bold]", "a:x:b"))
