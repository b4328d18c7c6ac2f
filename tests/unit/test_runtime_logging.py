"""A log line has allow-listed keys only, and of a library only the place."""

import io
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from services.runtime.logging import ALLOWED, QUIET, Foreign, configure, place

Lines = Callable[[], list[dict[str, object]]]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """What has been logged so far."""
    handlers, level = logging.root.handlers[:], logging.root.level
    output = io.StringIO()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", output)
        configure("info")
    yield lambda: [json.loads(line) for line in output.getvalue().splitlines()]
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def test_allowed_keys_are_written(lines: Lines) -> None:
    """As one line of JSON, with level and time."""
    structlog.get_logger().info("done", service="hub", topic="network.submitted", count=3)
    [line] = lines()
    assert line.pop("timestamp")
    assert line == {"event": "done", "level": "info", "service": "hub", "topic": "network.submitted", "count": 3}


def test_any_other_key_is_dropped(lines: Lines) -> None:
    """With its value; the line says how many were."""
    structlog.get_logger().warning("done", number="123456789012", name="太郎", count=1)
    [line] = lines()
    assert (line["dropped_keys"], line["count"]) == (2, 1)
    assert line.keys() <= ALLOWED | {"dropped_keys"}
    assert "太郎" not in str(line)


def test_levels_below_are_silent(lines: Lines) -> None:
    """`info` writes no debug line."""
    structlog.get_logger().debug("detail")
    assert lines() == []


def test_of_a_library_only_the_place(lines: Lines) -> None:
    """Its text may repeat what it was given, so it is left out; its errors are named by type."""
    logger = logging.getLogger("library")
    logger.info("nothing")
    logger.warning("person %s", "太郎")
    try:
        raise ValueError("太郎")
    except ValueError:
        logger.exception("person 太郎")
    warning, error = lines()
    assert (warning["event"], warning["error"], error["error"]) == ("library", "warning", "ValueError")
    assert str(warning["where"]).startswith("library:")
    assert "太郎" not in f"{warning}{error}"


def test_a_library_does_not_flood(lines: Lines) -> None:
    """One line a place and `QUIET` seconds, with how often it was said since the last."""
    [handler] = [handler for handler in logging.root.handlers if isinstance(handler, Foreign)]
    for second in (0, 1, QUIET - 1, QUIET + 1):
        record = logging.LogRecord("library", logging.ERROR, "x.py", 7, "away", None, None)
        record.created = 1000 + second
        handler.emit(record)
    assert [(line["where"], line["count"]) for line in lines()] == [("library:7", 1), ("library:7", 3)]


def test_an_error_is_placed() -> None:
    """By file and line of where it was raised, not by its text."""
    with pytest.raises(ValueError, match="invalid literal") as caught:
        int("x")
    assert re.fullmatch(r"unit/test_runtime_logging\.py:\d+", place(caught.value))
    assert place(ValueError("never raised")) == "unknown"


FULL = """
import sys, structlog
from services.runtime.logging import configure
from services.runtime.metrics import Metrics
metrics = Metrics()
configure("info", metrics.log_lines_lost.inc)
for count in range(3):
    structlog.get_logger().info("done", count=count)
sys.stderr.write(str(metrics.registry.get_sample_value("renkei_log_lines_lost_total")))
"""
PARTLY = """
import resource, structlog
from services.runtime.logging import configure
lost = []
configure("info", lambda: lost.append(1))
structlog.get_logger().info("before")
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
structlog.get_logger().info("in part")
structlog.get_logger().info("not at all")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
structlog.get_logger().info("after", error=chr(0x9023) + chr(0x643A))
assert len(lost) == 2, lost
"""


def test_a_full_disk_ends_no_process() -> None:
    """Every line is lost and counted; the process goes on, and ends as if nothing had been."""
    with Path("/dev/full").open("wb") as full:
        told = subprocess.run([sys.executable, "-c", FULL], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "3.0")


def test_a_pipe_that_nobody_reads_ends_no_process() -> None:
    """As where the one who kept the log has ended."""
    reading, writing = os.pipe()
    os.close(reading)
    told = subprocess.run([sys.executable, "-c", FULL], stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (told.returncode, told.stderr) == (0, "3.0")


def test_a_line_after_a_lost_one_is_whole(tmp_path: Path) -> None:
    """Of the first that had no room a part is there; the next with room begins in a line of its own, in UTF-8."""
    kept = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    with (tmp_path / "log").open("ab") as log:
        subprocess.run([sys.executable, "-c", PARTLY], stdout=log, env={**os.environ, **kept}, check=True)
    before, part, after = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    assert json.loads(before)["event"] == "before"
    assert len(before) + 1 + len(part) == 100
    assert (json.loads(after)["event"], json.loads(after)["error"]) == ("after", "連携")
