"""An inquiry that the gateway does not take, or whose state it cannot tell, ends `renkei inquire` in one line, status 2."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import pytest

from services.gateway.problem import malformed
from services.operator import command
from services.operator.installation import Installation
from services.operator.keys import enrolment
from services.operator.tables import now
from services.runtime.problem import AWAY, DEFECT

SENDER, RECEIVER = "221309", "221007"
INQUIRY: Final = (
    *("inquire", SENDER, RECEIVER, "--number", "SYN0000001", "--officer", "a:b:c"),
    *("--row", "57", "--branch", "2", "--year", "2026", "--seconds", "0"),
)
ACCEPTED: Final = (202, b"{}")

Answer = tuple[int, bytes]


def problem(status: int, body: object) -> Answer:
    return status, json.dumps(body).encode()


@contextmanager
def gateway(answers: Callable[[str, str], Answer]) -> Iterator[int]:
    """Answers HTTP on a port of its own as it is told, by method and path."""

    class Page(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, body = answers(self.command, self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            serving.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    enrolment.create_keys(Installation(tmp_path), [SENDER], "1", now())
    return tmp_path


def said(
    folder: Path,
    answers: Callable[[str, str], Answer],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> str:
    """Standard error of `renkei inquire`, which fails with status 2."""
    with gateway(answers) as port:
        (folder / "run" / "gateway.port").write_text(str(port))
        monkeypatch.setattr(sys, "argv", ["renkei", *INQUIRY, "--folder", str(folder)])
        with pytest.raises(SystemExit, match="2"):
            command.main()
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (problem(503, AWAY.body), "(503): Temporarily unavailable; nothing was lost. See `renkei status`."),
        (problem(500, DEFECT.body), f"(500): {DEFECT.en} See `renkei status`."),
        (problem(400, malformed("basis.row").body), "(400): The request does not have the required form. basis.row"),
        ((502, b"<html>"), "(502): Bad Gateway See `renkei status`."),
        (problem(403, ["a list"]), "(403): "),
        (problem(401, None), "(401): Unauthorized"),
    ],
)
def test_an_inquiry_that_is_not_taken(
    answer: Answer, line: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """While Kafka or PostgreSQL is down the gateway says 503; its own sentence is shown, whatever it answers."""
    shown = said(folder, lambda *_: answer, monkeypatch, capsys)
    assert shown == f"renkei: the gateway has not taken the inquiry {line}\n"


def test_a_state_that_cannot_be_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The inquiry was taken, then PostgreSQL went away."""
    shown = said(
        folder, lambda method, _: ACCEPTED if method == "POST" else problem(503, AWAY.body), monkeypatch, capsys
    )
    assert shown == f"renkei: the gateway cannot tell the state: {AWAY.en} See `renkei status`.\n"
