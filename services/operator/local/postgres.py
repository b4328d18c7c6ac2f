"""One real PostgreSQL 18 on 127.0.0.1, with a password, that loses nothing it has confirmed."""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from services.operator.local import process
from services.operator.local.account import (
    ELSEWHERE,
    ordinary_account,
    private_folder,
    programs,
    remove_private_folder,
)
from services.operator.local.error import InstallationError
from services.operator.local.files import replace_file, require_never_made, settle
from services.operator.local.lock import locked
from services.operator.local.port import HOST, answers, choose_port
from services.operator.local.process import Account, Process

NAME = "postgres"
SUPERUSER = "postgres"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
STATUS_LINE = 7
"""Line of postmaster.pid, counted from 0, on which the server says that it is ready (LOCK_FILE_LINE_PM_STATUS)."""


@dataclass(frozen=True)
class PostgresSettings:
    """Where the server lives and how large it is."""

    folder: Path
    """The installation; data is below `postgres`, the password in `secrets`."""
    port: int | None = None
    """None: the same port as last time, at first a free one."""
    account: str = "nobody"
    """Whom the server runs as when root starts it."""
    elsewhere: Path = ELSEWHERE
    """Where data goes when that account cannot reach the installation folder."""
    shared_buffers: str = "256MB"
    max_connections: int = 200
    start_seconds: float = 60

    @property
    def home(self) -> Path:
        return self.folder.resolve() / "postgres"

    @property
    def port_file(self) -> Path:
        return self.folder.resolve() / "run" / "postgres.port"

    @property
    def made(self) -> Path:
        """Says that there has been a database."""
        return self.folder.resolve() / "postgres.made"

    @property
    def password_file(self) -> Path:
        return self.folder.resolve() / "secrets" / "postgres-superuser"


@dataclass(frozen=True)
class Database:
    """A server that answers."""

    process: Process
    port: int
    password: str = field(repr=False)

    @property
    def dsn(self) -> str:
        """Connects as the superuser; holds the password."""
        return f"postgresql://{SUPERUSER}:{self.password}@{HOST}:{self.port}/postgres"


def start(settings: PostgresSettings) -> Database:
    """Starts the server on new or existing data and returns when it answers; one that runs already stays as it is.

    Raises InstallationError where the port is taken, the data or its password is gone, or the server does not come up.
    One that has data is not ended if it takes long: it may be recovering, and would begin that anew.
    """
    with locked(settings.folder / "run" / "postgres-start.lock"):
        if running := process.find(NAME, settings.folder):
            port = int(settings.port_file.read_text())
            process.wait_ready(running, lambda: answers(port), settings.start_seconds, spare=True)
            return Database(running, port, settings.password_file.read_text())
        account = ordinary_account(settings.account)
        home = private_folder(settings.home, account, settings.elsewhere)
        executables = programs(home, account)
        data = home / "data"
        is_new = not data.exists()
        if is_new:
            require_never_made(data, settings.made)
        password = _password(settings.password_file, is_new)
        if is_new:
            _initialise(executables, home, password, account)
        settings.made.touch()
        port = choose_port(settings.port_file, settings.port)
        _forget_stranger(data)
        command: list[str | Path] = [executables / "postgres", "-D", data, *_configuration(settings, port)]
        started = process.start(NAME, command, ENVIRONMENT, settings.folder, account)
        process.wait_ready(started, lambda: _is_ready(data, started), settings.start_seconds, spare=not is_new)
        return Database(started, port, password)


def stop(settings: PostgresSettings, grace_seconds: float = 30) -> bool:
    """Ends the server in good order: sessions are cut off, what was confirmed is kept. False where it did not run."""
    # SIGINT is PostgreSQL's fast shutdown; at SIGTERM it would wait until every client has left.
    return process.stop(NAME, settings.folder, grace_seconds, polite=signal.SIGINT)


def remove(settings: PostgresSettings) -> None:
    """Stops the server and deletes its data, wherever it is, and its password."""
    stop(settings)
    remove_private_folder(settings.home)
    for file in (settings.password_file, settings.made):
        file.unlink(missing_ok=True)


@contextmanager
def running(settings: PostgresSettings) -> Iterator[Database]:
    """A server for as long as the block lasts; its data stays."""
    try:
        yield start(settings)
    finally:
        stop(settings)


def _forget_stranger(data: Path) -> None:
    """Deletes postmaster.pid where its process id is another program's now, or none, beside which PostgreSQL would not start.

    That may be so after a restart of the machine. The server's own processes all work in the data folder: while one does,
    or where the process id is free, PostgreSQL finds out by itself whether it may start.
    """
    file = data / "postmaster.pid"
    pid = file.read_text().partition("\n")[0] if file.exists() else "0"
    taken = psutil.pid_exists(int(pid)) if pid.isdigit() else True
    if taken and not any(_folder_of(one) == data.resolve() for one in psutil.process_iter()):
        file.unlink()


def _folder_of(one: psutil.Process) -> Path | None:
    try:
        return Path(one.cwd())
    except (psutil.Error, OSError):
        return None


def _password(file: Path, is_new: bool) -> str:
    if file.exists():
        return file.read_text()
    if not is_new:
        raise InstallationError(f"The database has data, but its password is gone: {file}. Restore that file.")
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    password = secrets.token_urlsafe(32)
    replace_file(file, password.encode())
    settle()
    return password


def _initialise(executables: Path, home: Path, password: str, account: Account | None) -> None:
    """Makes `data`, whole or not at all; what earlier attempts have left is removed."""
    for left in (*home.glob("data.*"), *home.parent.glob(_handing(home) + "*")):
        shutil.rmtree(left)
    partial = home / f"data.{secrets.token_hex(4)}"  # an attempt that nobody waits for any more may still write
    with _handed_over(password, home, account) as file:
        done = subprocess.run(
            [
                *(executables / "initdb", "-D", partial, f"--username={SUPERUSER}", f"--pwfile={file}"),
                # Code point order on every machine, whatever its libraries (PostgreSQL 18 manual, section 23.1.4).
                *("--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"),
            ],
            env=ENVIRONMENT,
            cwd="/",
            user=account.user_id if account else None,
            group=account.group_id if account else None,
            extra_groups=[] if account else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    if done.returncode:
        raise InstallationError(f"PostgreSQL could not make its data folder {partial}:\n{done.stdout}")
    partial.rename(home / "data")


def _handing(home: Path) -> str:
    return f".{home.name}-password-"


@contextmanager
def _handed_over(password: str, home: Path, account: Account | None) -> Iterator[Path]:
    """A file that the account can read, in a folder in which only we can put something else in its place."""
    with tempfile.TemporaryDirectory(prefix=_handing(home), dir=home.parent) as name:
        folder = Path(name)
        folder.chmod(0o711)
        file = folder / "password"
        file.touch(mode=0o600)
        file.write_text(password)
        if account:
            os.chown(file, account.user_id, account.group_id)
        yield file


def _configuration(settings: PostgresSettings, port: int) -> list[str]:
    """As arguments: root writes no file in a folder of another account's."""
    values = {
        "listen_addresses": HOST,
        "port": port,
        "unix_socket_directories": "",
        "max_connections": settings.max_connections,
        "shared_buffers": settings.shared_buffers,
        "password_encryption": "scram-sha-256",
        # What a commit has confirmed survives a power cut: decision points rely on it (architecture, section 4).
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "wal_compression": "off",
        # Short statements over batches: compiling them costs more than it saves.
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        # The log never repeats a statement, a parameter or a row (the DETAIL of an error): they are personal data.
        "log_statement": "none",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "log_parameter_max_length": 0,
        "log_parameter_max_length_on_error": 0,
    }
    return [argument for name, value in values.items() for argument in ("-c", f"{name}={value}")]


def _is_ready(data: Path, started: Process) -> bool:
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return lines[:1] == [str(started.pid)] and [line.strip() for line in lines[STATUS_LINE:]] == ["ready"]
