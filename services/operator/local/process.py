"""A program started here is found again by any later command, and no other program is ever signalled in its place.

An installation folder holds, for each program, `run/<name>.json` (process id and the moment it began) and `log/<name>.log`.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from services.operator.local.error import InstallationError
from services.operator.local.lock import locked
from services.operator.local.signals import uninterrupted

POLL_SECONDS = 0.02
KILL_SECONDS = 10


@dataclass(frozen=True)
class Account:
    """The system account that a program runs under, where it is not the one who starts it."""

    name: str
    user_id: int
    group_id: int


@dataclass(frozen=True)
class Process:
    """A program that was started and may have ended since."""

    name: str
    pid: int
    began: str
    """Tells it from a later program that was given the same process id."""
    folder: Path
    log_start: int
    """Length of the log in bytes when this run began."""
    restarts: int = 0
    """How often it was started after it had ended by itself, since it was last stopped in order."""

    @property
    def log(self) -> Path:
        return _log_file(self.name, self.folder)

    def output(self) -> str:
        """What this run has written so far."""
        with self.log.open("rb") as file:
            file.seek(self.log_start)
            return file.read().decode(errors="replace")


def start(
    name: str,
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    folder: Path,
    account: Account | None = None,
) -> Process:
    """Starts a program in a session of its own, in `/`, with exactly this environment, output appended to its log.

    It outlives the one who started it; Ctrl-C in a terminal does not reach it. Raises InstallationError where a program of
    this name runs already, or where the command cannot be executed.
    """
    for part in ("run", "log"):
        (folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(_lock_file(name, folder)):
        if running := find(name, folder):
            raise InstallationError(f"{name} runs already (process {running.pid}). Stop it first: renkei down.")
        log_file = _log_file(name, folder)
        with os.fdopen(os.open(log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as log:
            log_start = log_file.stat().st_size
            former = _recorded(name, folder)
            with uninterrupted():  # nobody would find a program that runs and is not remembered
                pid = _spawn(name, command, environment, log.fileno(), account)
                # None: it ended at once; the log says why, and wait_ready reports it.
                began = _moment(pid) or "ended"
                process = Process(name, pid, began, folder, log_start, former.restarts + 1 if former else 0)
                _remember(process)
        return process


def find(name: str, folder: Path) -> Process | None:
    """The running program of this name, whoever started it; None where it has ended or was never started."""
    process = _recorded(name, folder)
    return process if process and is_alive(process) else None


def running(folder: Path) -> list[Process]:
    """Every running program of an installation, by name."""
    return [process for process in remembered(folder) if is_alive(process)]


def family(process: Process) -> list[psutil.Process]:
    """A running program, first, and all that it has started, as far as that runs too."""
    whole = psutil.Process(process.pid)
    return [one for one in (whole, *whole.children(recursive=True)) if one.is_running()]


def remembered(folder: Path) -> list[Process]:
    """Every program that was started and not stopped since, by name: those too that have ended by themselves."""
    run = folder / "run"
    files = run.iterdir() if run.exists() else ()  # glob would show nothing of a folder that is another's
    names = sorted(file.stem for file in files if file.suffix == ".json")
    return [process for name in names if (process := _recorded(name, folder))]


def is_alive(process: Process) -> bool:
    """This very program runs still: same process id, same beginning, and not merely waiting to be buried."""
    return _moment(process.pid) == process.began


def stop(name: str, folder: Path, grace_seconds: float = 30, polite: signal.Signals = signal.SIGTERM) -> bool:
    """Asks the program to end, and ends it after the grace period. False where it did not run. On return it is gone."""
    return _end(name, folder, lambda process: _ask(process, polite, grace_seconds))


def kill(name: str, folder: Path) -> bool:
    """Ends the program and its children at once, as a power cut would. False where it did not run."""
    return _end(name, folder, _kill_family)


def wait_ready(process: Process, is_ready: Callable[[], bool], deadline_seconds: float, spare: bool = False) -> None:
    """Returns when the program is ready. Where it ends before, or takes too long, the log's end is shown.

    In the second case it is ended, unless it is to be spared: then it goes on, and a later call may find it ready."""
    deadline = time.monotonic() + deadline_seconds
    while not is_ready():
        if not is_alive(process):
            raise InstallationError(f"{process.name} ended while starting.{_last_lines(process)}")
        if time.monotonic() > deadline:
            if spare:
                raise InstallationError(
                    f"{process.name} is not ready after {deadline_seconds:g} s, and goes on: a server looks through its"
                    " data after a crash, of a service `renkei status` says what it waits for."
                    f" Look again: renkei up.{_last_lines(process)}"
                )
            kill(process.name, process.folder)
            raise InstallationError(f"{process.name} was not ready after {deadline_seconds:g} s.{_last_lines(process)}")
        time.sleep(POLL_SECONDS)


def tail(log: Path, lines: int = 30) -> str:
    """The last lines of a log."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 64 * 1024))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])


def _spawn(
    name: str, command: Sequence[str | Path], environment: Mapping[str, str], output: int, account: Account | None
) -> int:
    try:
        child = subprocess.Popen(
            command,
            env=dict(environment),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            umask=0o077,
            start_new_session=True,
            user=account.user_id if account else None,
            group=account.group_id if account else None,
            extra_groups=[] if account else None,
        )
    except OSError as error:
        raise InstallationError(f"{name} cannot be started: {command[0]}: {error.strerror}.") from error
    # From here the pid file speaks for it. Popen would otherwise complain when it is collected while its child still runs.
    child.returncode = 0
    return child.pid


def _end(name: str, folder: Path, how: Callable[[Process], None]) -> bool:
    with locked(_lock_file(name, folder)):
        process = find(name, folder)
        if process:
            how(process)
        _pid_file(name, folder).unlink(missing_ok=True)
        return process is not None


def _ask(process: Process, polite: signal.Signals, grace_seconds: float) -> None:
    with suppress(ProcessLookupError):
        os.kill(process.pid, polite)
    if not _gone({process.pid: process.began}, grace_seconds):
        _kill_family(process)


def _kill_family(process: Process) -> None:
    """PostgreSQL's children lead groups of their own, and while one lives the server cannot start again: so by descent."""
    with suppress(psutil.NoSuchProcess):
        descent = psutil.Process(process.pid).children(recursive=True)
        family = {process.pid: process.began} | {child.pid: _moment(child.pid) for child in descent}
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not _gone(family, KILL_SECONDS):
            raise InstallationError(f"{process.name} (process {process.pid}) could not be killed: see ps, state D.")


def _gone(family: Mapping[int, str | None], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(began and _moment(pid) == began for pid, began in family.items()):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _moment(pid: int) -> str | None:
    """When the process began; None where there is none, or where it has ended.

    On Linux boot and clock tick: a start time in seconds since 1970 moves whenever the clock is set.
    """
    try:
        process = psutil.Process(pid)
        # One whose first thread has ended but not its others (Java, for a moment) still holds its files and ports.
        if process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1:
            _bury(pid)
            return None
        if sys.platform != "linux":
            return str(process.create_time())
        ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]  # proc_pid_stat(5): field 22
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()}/{ticks}"
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
        return None


def _bury(pid: int) -> None:
    with suppress(ChildProcessError):  # another's child, and for the other to bury
        os.waitpid(pid, os.WNOHANG)


def _recorded(name: str, folder: Path) -> Process | None:
    """What its pid file says; None without one, or where a power cut has left half of it: then nothing of then runs."""
    try:
        record = json.loads(_pid_file(name, folder).read_text())
        return Process(**{**record, "folder": folder})
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _remember(process: Process) -> None:
    record = {key: value for key, value in asdict(process).items() if key != "folder"}
    path = _pid_file(process.name, process.folder)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(record) + "\n")
    partial.replace(path)


def _last_lines(process: Process) -> str:
    return f" The end of {process.log}:\n{tail(process.log)}"


def _pid_file(name: str, folder: Path) -> Path:
    return folder / "run" / f"{name}.json"


def _lock_file(name: str, folder: Path) -> Path:
    return folder / "run" / f"{name}.lock"


def _log_file(name: str, folder: Path) -> Path:
    return folder / "log" / f"{name}.log"
