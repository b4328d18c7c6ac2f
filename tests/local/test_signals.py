"""What was started to be thrown away does not outlive its command, however that is ended."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from services.operator.installation import Installation
from services.operator.lifecycle import remove
from services.operator.local import process
from services.operator.local.jars import CHECKOUT
from services.operator.local.signals import finished_with, uninterrupted
from tests.waiting import until


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the command runs; an ordinary account can pass through, for PostgreSQL."""
    outer = Path(tempfile.mkdtemp(prefix="renkei-signals-"))
    outer.chmod(0o711)
    yield outer
    remove(Installation(outer / "build" / "demo"))
    remove(Installation(outer / "build" / "bench"))
    shutil.rmtree(outer)


def of(folder: Path) -> list[int]:
    """Programs that were started with a path in the folder, or work in it."""
    return [one.pid for one in psutil.process_iter() if _belongs(one, str(folder))]


def _belongs(one: psutil.Process, folder: str) -> bool:
    try:
        told = (*one.cmdline(), *one.environ().values(), one.cwd())
        return one.status() != psutil.STATUS_ZOMBIE and any(folder in text for text in told)
    except (psutil.Error, OSError):
        return False


@pytest.mark.parametrize(
    ("command", "number", "started"),
    [
        ("demo", signal.SIGTERM, "postgres"),
        ("fairness", signal.SIGHUP, "kafka"),
        ("bench", signal.SIGINT, "hub"),
    ],
)
def test_no_server_outlives_a_signal(command: str, number: signal.Signals, started: str, folder: Path) -> None:
    """To the whole process group, as a terminal sends it, and Ctrl-C after it until the command has ended."""
    installation = folder / "build" / ("demo" if command == "demo" else "bench")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RENKEI_")}
    told = [sys.executable, "-m", "services.operator", command]
    with (folder / "said").open("wb") as said:
        running = subprocess.Popen(
            told,
            cwd=folder,
            env={**kept, "PYTHONPATH": str(CHECKOUT)},
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        try:
            asyncio.run(until(lambda: process.find(started, installation) or running.poll() is not None, 120))
            assert running.poll() is None, (folder / "said").read_text()
            os.killpg(running.pid, number)
            asyncio.run(until(lambda: _ended(running), 120))
        finally:
            running.kill()
            running.wait()
    assert running.returncode in (128 + number, -signal.SIGINT)  # Ctrl-C also comes while Python itself ends
    assert of(installation) == []
    assert not installation.exists()


def _ended(running: "subprocess.Popen[bytes]") -> bool:
    if running.poll() is None:
        os.killpg(running.pid, signal.SIGINT)
    return running.poll() is not None


def test_a_start_is_not_cut_in_two() -> None:
    """A signal between a program's start and its pid file takes effect after both."""
    done = []

    def start() -> None:
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            done.append("remembered")

    with pytest.raises(KeyboardInterrupt):
        start()
    assert done == ["remembered"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_cleaning_is_done_whole(number: signal.Signals) -> None:
    """Whatever comes while it is done; what was the handler before is so again."""
    before, done = signal.getsignal(number), []

    def cleaning() -> None:
        for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.raise_signal(one)
        done.append("cleaned")

    def work() -> None:
        with finished_with(cleaning):
            signal.raise_signal(number)
            done.append("not interrupted")

    with pytest.raises(SystemExit) as ended:
        work()
    assert (ended.value.code, done) == (128 + number, ["cleaned"])
    with finished_with(cleaning):
        done.append("worked")
    assert done == ["cleaned", "worked", "cleaned"]
    assert signal.getsignal(number) is before


def test_an_ignored_signal_stays_ignored() -> None:
    """As nohup wants it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with finished_with(lambda: None):
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_another_thread_needs_no_handlers() -> None:
    """Python would refuse to set them there."""
    done = []

    def work() -> None:
        with uninterrupted():
            done.append("done")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == ["done"]
