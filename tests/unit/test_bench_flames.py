"""Flame graphs of a process that works: py-spy really looks into one."""

import sys
import time
from pathlib import Path

import pytest

from services.operator.bench.flames import flames
from services.operator.installation import Installation
from services.operator.local import process
from services.operator.local.error import InstallationError

BUSY = "def counting():\n    while True:\n        sum(range(1000))\ncounting()"


def test_what_a_process_does_is_drawn(tmp_path: Path) -> None:
    """The function that takes the time is in the picture; who was not asked for has none."""
    for name in ("busy", "other"):
        process.start(name, [sys.executable, "-c", BUSY], {}, tmp_path)
    try:
        with flames(Installation(tmp_path), ["busy"], tmp_path / "flames"):
            time.sleep(1)  # to be looked into, however often
    finally:
        for name in ("busy", "other"):
            process.kill(name, tmp_path)
    [picture] = (tmp_path / "flames").iterdir()
    assert picture.name == "busy.svg"
    assert "counting" in picture.read_text(encoding="utf-8")


def test_a_process_that_cannot_be_looked_into_is_named(tmp_path: Path) -> None:
    """Such as one that is no Python program."""
    process.start("sleeper", ["sleep", "60"], {}, tmp_path)
    try:
        with (
            pytest.raises(InstallationError, match="could not look into sleeper"),
            flames(Installation(tmp_path), ["sleeper"], tmp_path / "flames"),
        ):
            time.sleep(1)
    finally:
        process.kill("sleeper", tmp_path)
