"""How wide the command's tables are where no terminal says so."""

import os
import subprocess
import sys

import pytest

from services.operator.console import REDIRECTED

ASKED = "from services.operator.console import screen; print(screen.width)"


@pytest.mark.parametrize(("columns", "width"), [({}, REDIRECTED), ({"COLUMNS": "90"}, 90)])
def test_a_table_in_a_pipe_is_as_wide_as_it_needs(columns: dict[str, str], width: int) -> None:
    """Unless whoever reads it says how wide."""
    kept = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    told = subprocess.run([sys.executable, "-c", ASKED], env=kept | columns, capture_output=True, text=True, check=True)
    assert int(told.stdout) == width
