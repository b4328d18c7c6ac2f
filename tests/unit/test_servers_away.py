"""While Kafka and PostgreSQL are down every command that needs them says so in one line, with status 2."""

import json
import sys
from pathlib import Path
from typing import Final

import pytest

from schemas.directory import HUB
from services.operator import command
from services.operator.installation import Installation
from services.operator.keys import enrolment
from services.operator.local.port import free_port
from services.operator.samples import income_tax_certificate
from services.operator.tables import now
from tests.unit.test_agency_codes import every_command

CODE, OTHER = "221309", "221007"
OFFLINE: Final = {
    *((), ("topics",), ("db",), ("keys",), ("directory",), ("quarantine",), ("staff",), ("person",), ("replica",)),
    *(("exchange",), ("traffic",), ("traffic", "plan"), ("traffic", "report"), ("traffic", "profile"), ("gen",)),
    *(("keys", "create"), ("keys", "renew"), ("keys", "list"), ("keys", "root"), ("keys", "enroll"), ("logs",)),
    *(("directory", "describe"), ("down",), ("status",), ("run",)),
    *(("system",), ("system", "create"), ("system", "enroll"), ("system", "renew"), ("system", "list")),
    *(("demo",), ("bench",), ("fairness",), ("endurance",)),
}
"""Groups, commands that need no server, and those whose servers are their own; `status` and `run` have tests of their own."""
INQUIRY: Final = (
    *("inquire", CODE, OTHER, "--number", "SYN0000001", "--officer", "a:b:c"),
    *("--row", "57", "--branch", "2", "--year", "2026"),
)
ONLINE: Final = (
    ("up",),
    ("topics", "apply"),
    ("topics", "diff"),
    ("db", "migrate"),
    ("directory", "publish"),
    ("keys", "remove", CODE),
    ("keys", "revoke", CODE, "--purpose", "sign"),
    ("system", "remove", CODE, "default"),
    ("staff", "load", CODE, "staff.csv"),
    ("person", "enroll", "persons.csv"),
    ("replica", "register", OTHER, "copies.jsonl"),
    ("replica", "withdraw", OTHER, "withdrawn.jsonl"),
    ("replica", "flag", OTHER, "--number", "SYN5000001", "--no-automatic"),
    INQUIRY,
    (*INQUIRY, "--over", "kafka"),
    ("quarantine", "list"),
    ("quarantine", "release", "inbound.asked/3/17"),
    ("quarantine", "drop", "inbound.asked/3/17"),
    ("exchange", "show", "01990000-0000-7000-8000-000000000000"),
)


def test_no_command_is_forgotten() -> None:
    """Each is either shown here or said to need no server."""
    shown = {told[:2] if told[:2] in every_command() else told[:1] for told in ONLINE}
    assert {*every_command()} - OFFLINE == shown


@pytest.mark.parametrize("told", ONLINE, ids=lambda told: " ".join(told[:2] + told[-1:]))
def test_a_command_while_its_servers_are_down(
    told: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """One line on standard error, whatever is written there by whom, without a traceback."""
    installation = Installation(tmp_path / "installation")
    enrolment.create_keys(installation, [HUB, CODE, OTHER], "1", now())
    (installation.folder / "run" / "gateway.port").write_text(str(free_port()))
    copy = {"number": "SYN5000001", "year": 2026, "records": [income_tax_certificate(2026)]}
    for name, text in {
        "staff.csv": "staff,office,role\na,b,c\n",
        "persons.csv": f"{CODE},{OTHER}\nSYN0000001,SYN5000001\n",
        "copies.jsonl": json.dumps(copy) + "\n",
        "withdrawn.jsonl": json.dumps({"number": "SYN5000001", "year": 2026}) + "\n",
    }.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RENKEI_KAFKA", f"127.0.0.1:{free_port()}")
    monkeypatch.setenv("RENKEI_POSTGRES", f"postgresql://postgres:x@127.0.0.1:{free_port()}/postgres")
    monkeypatch.setattr(sys, "argv", ["renkei", *told, "--folder", str(installation.folder)])
    with pytest.raises(SystemExit, match="2"):
        command.main()
    said = capfd.readouterr().err
    assert said.startswith(
        ("renkei: Kafka is not reachable", "renkei: PostgreSQL is away", "renkei: the gateway does not")
    )
    assert said.count("\n") == 1
