"""A process of services: which names it takes, and what it does without."""

import subprocess
import sys

import pytest

from services import running
from services.runtime.errors import Misconfigured
from services.topology import BLOCKS, SERVICES, services_of

OPERATORS = {"alembic", "fastapi", "matplotlib", "sqlalchemy", "typer"}
"""What the operator's commands need, and the gateway's pages: a third of a second or more each, in every process."""


def test_a_name_is_a_service_or_a_block() -> None:
    assert [service.name for service in services_of("crypto")] == ["crypto"]
    for block in BLOCKS:
        assert services_of(block) == [service for service in SERVICES if service.block == block]
    assert services_of("outside") == []  # the hub and the gateway share nothing


def test_an_unknown_name_is_told_with_those_there_are() -> None:
    with pytest.raises(Misconfigured, match=r"no service exchanges; there are intermediate, linkage, exchange, "):
        running.run(["exchanges", "crypto"])


def test_what_is_wrong_is_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "services.running", "nobody"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("renkei: there is no block and no service nobody")
    assert done.stderr.count("\n") == 1


def test_a_process_imports_nothing_of_the_operators() -> None:
    told = "import sys, services.running; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert not OPERATORS & set(done.stdout.split())


def test_a_variable_of_the_operators_commands_may_stand_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other that is unknown is told."""
    monkeypatch.setenv("RENKEI_FOLDER", "here")
    monkeypatch.setenv("RENKEI_TRAFFIC_SMALL_LINE", "256")
    monkeypatch.setenv("RENKEI_KAFKAS", "there")
    with pytest.raises(Misconfigured, match="unknown settings: RENKEI_KAFKAS; "):
        running.run(["crypto"])
