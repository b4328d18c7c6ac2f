"""A terminal of another encoding than UTF-8 gets every page and table; it shows `?` for what it does not have."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.unit.test_agency_codes import every_command

ASKING: Final = """
import sys
from services.operator import command
for path in sys.argv[1].split(","):
    sys.argv = ["renkei", *path.split(), "--help"]
    try:
        command.main()
    except SystemExit as ended:
        assert not ended.code, path
"""


def encoded(encoding: str) -> dict[str, str]:
    """The environment of a terminal of this encoding, where Python does not choose UTF-8 by itself."""
    told = {"LC_ALL": "C", "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    return {**os.environ, **told, "COLUMNS": "100"}


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp932"])
def test_every_page_of_help_is_shown(encoding: str) -> None:
    """Of every command and every group of commands."""
    paths = ",".join([" ".join(path) for path in every_command()])
    told = subprocess.run(
        [sys.executable, "-c", ASKING, paths], env=encoded(encoding), capture_output=True, check=False
    )
    assert (told.returncode, told.stderr) == (0, b"")
    shown = told.stdout.decode(encoding)
    assert shown.count("Usage: ") == paths.count(",") + 1
    assert ("職員権限" in shown) == (encoding == "cp932")


def test_tables_are_shown_in_ascii() -> None:
    """A table with Japanese cells, with the characters of its frame."""
    command = [sys.executable, "-m", "services.operator", "traffic", "plan", "221309"]
    told = subprocess.run(command, env=encoded("ascii"), capture_output=True, check=False)
    assert (told.returncode, told.stderr) == (0, b"")
    assert "?" in told.stdout.decode("ascii")


def test_failures_are_shown_in_ascii(tmp_path: Path) -> None:
    """A path is named as far as the terminal can."""
    folder = tmp_path / "連携"
    command = [sys.executable, "-m", "services.operator", "logs", "--folder", str(folder)]
    told = subprocess.run(command, env=encoded("ascii"), capture_output=True, check=False)
    assert told.returncode == 2
    assert told.stderr.decode("ascii").startswith("renkei: there are no logs in ")
