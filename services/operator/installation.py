"""A whole installation in one folder: where its secrets, keys, ports and processes are, and what its services are told.

`RENKEI_KAFKA` and `RENKEI_POSTGRES` point to a Kafka and a PostgreSQL (as superuser) that exist already; else both run here.
"""

import os
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit, urlunsplit

import httpx

from schemas import quarantine
from services.operator.local import kafka, postgres, process
from services.operator.local.error import InstallationError
from services.operator.local.files import replace_file, require_none, settle
from services.operator.local.lock import locked
from services.operator.local.port import HOST, choose_port
from services.runtime.postgres import role_of
from services.runtime.quarantine import FILE
from services.runtime.settings import Settings
from services.topology import SERVICES

Layout = Literal["service", "block"]
"""One process per service, or one per block (hub and gateway apart)."""
START_SECONDS: Final = 90.0
WAITING: Final = "renkei: another command changes this installation; waiting until it is done\n"
PASSED: Final = ("RENKEI_PATIENCE", "RENKEI_GRACE", "RENKEI_LOG_LEVEL")
"""What an operator may set for all processes, in the environment of `renkei up`."""


@dataclass(frozen=True)
class Installation:
    """The folder, and what is where in it. Everything secret is readable by its owner alone."""

    folder: Path
    told: Mapping[str, str] = field(default_factory=dict, kw_only=True, hash=False)
    """Settings of its processes that are not to have their defaults, by variable."""

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets"

    @property
    def passwords(self) -> Path:
        return self.secrets / "postgres"

    @property
    def key_encryption_key(self) -> Path:
        return self.secrets / "key-encryption-key"

    @property
    def quarantine_key(self) -> Path:
        """What opens and releases what was set aside: the operator's, held by no service."""
        return self.secrets / "quarantine"

    @property
    def root_keys(self) -> Path:
        """The agencies' root keys: the operator's, held by no service."""
        return self.secrets / "roots"

    @property
    def systems(self) -> Path:
        """The key sets of the posting systems whose private keys were made here."""
        return self.secrets / "systems"

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    @property
    def roots(self) -> Path:
        return self.folder / "roots.json"

    @property
    def layout(self) -> Path:
        """The layout of the last start."""
        return self.folder / "layout"

    @property
    def records(self) -> Path:
        """Signed directory records, waiting to be published."""
        return self.folder / "directory"

    def prepare(self) -> None:
        """Makes what is missing: folders, keys, passwords; InstallationError for a file that others need to be the old one."""
        self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        run = self.folder / "run"
        for folder in (self.secrets, self.passwords, self.root_keys, self.systems, self.keys, self.records, run):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.key_encryption_key.exists():
            require_none(self.key_encryption_key, self.keys.glob("*/*.ring"))
            replace_file(self.key_encryption_key, secrets.token_bytes(32))
        if not self.quarantine_key.exists():
            require_none(self.quarantine_key, self.keys.glob(FILE))
            replace_file(self.quarantine_key, quarantine.new_key().encoded())
        if not (self.keys / FILE).exists():
            held = quarantine.OperatorKey.model_validate_json(self.quarantine_key.read_bytes())
            replace_file(self.keys / FILE, held.public.encoded())
        for service in database_services():
            if not (self.passwords / role_of(service)).exists():
                replace_file(self.passwords / role_of(service), secrets.token_urlsafe(24).encode())
        if not self.roots.exists():
            require_none(self.roots, self.root_keys.iterdir())
            replace_file(self.roots, b"[]")
        settle()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While no other command changes the installation: waits until none does, and says so. Does not nest."""
        if not self.folder.exists():
            yield
            return
        with locked(self.folder / "changing.lock", lambda: sys.stderr.write(WAITING)):
            yield

    def kafka(self) -> str:
        """Bootstrap servers."""
        return (
            os.environ.get("RENKEI_KAFKA")
            or f"{HOST}:{_running_port('kafka', self.folder, kafka.KafkaSettings(self.folder).home / 'port')}"
        )

    def superuser(self) -> str:
        """PostgreSQL as the operator sees it; holds the superuser's password."""
        given = os.environ.get("RENKEI_POSTGRES")
        if given:
            return given
        local = postgres.PostgresSettings(self.folder)
        port = _running_port("postgres", self.folder, local.port_file)
        return f"postgresql://{postgres.SUPERUSER}:{local.password_file.read_text().strip()}@{HOST}:{port}/postgres"

    def environment(self, http: int, kafka: str | None = None) -> dict[str, str]:
        """What a process of this installation is told; without `kafka` it is the one that runs."""
        parts = urlsplit(self.superuser())
        return {
            "PATH": os.environ.get("PATH", ""),
            "RENKEI_KAFKA": self.kafka() if kafka is None else kafka,
            "RENKEI_POSTGRES": urlunsplit(parts._replace(netloc=parts.netloc.rsplit("@", 1)[-1])),
            "RENKEI_PASSWORDS": str(self.passwords.resolve()),
            "RENKEI_KEYS": str(self.keys.resolve()),
            "RENKEI_KEY_ENCRYPTION_KEY": str(self.key_encryption_key.resolve()),
            "RENKEI_ROOTS": str(self.roots.resolve()),
            "RENKEI_HTTP": str(http),
            **{name: os.environ[name] for name in PASSED if name in os.environ},
            **self.told,
        }

    def settings(self, kafka: str | None = None) -> Settings:
        """The same for the operator's own commands, which serve nothing."""
        told = self.environment(0, kafka)
        return Settings.model_validate({k.removeprefix("RENKEI_").lower(): v for k, v in told.items() if k != "PATH"})

    def require_possible(self) -> None:
        """InstallationError, before anything is written, where a Kafka of its own could not work in this folder."""
        if not os.environ.get("RENKEI_KAFKA"):
            kafka.require_possible(kafka.KafkaSettings(self.folder))

    def start_parts(self) -> None:
        """Kafka and PostgreSQL, where they are this installation's own."""
        self.require_possible()
        self.prepare()
        if not os.environ.get("RENKEI_POSTGRES"):
            postgres.start(postgres.PostgresSettings(self.folder))
        if not os.environ.get("RENKEI_KAFKA"):
            kafka.start(kafka.KafkaSettings(self.folder))

    def stop_parts(self) -> None:
        """Kafka and PostgreSQL, if they run here as this installation's own."""
        kafka.stop(kafka.KafkaSettings(self.folder))
        postgres.stop(postgres.PostgresSettings(self.folder))

    def start(self, name: str) -> process.Process:
        """Starts one process of a layout: a service, or a block."""
        command = [sys.executable, "-m", "services.running", name]
        port = choose_port(self.port_file(name), None)
        return process.start(name, command, self.environment(port), self.folder)

    def port_file(self, name: str) -> Path:
        """Where the port of a process is kept: it outlives the process, which is found under the same one again."""
        return self.folder.resolve() / "run" / f"{name}.port"

    def url(self, name: str) -> str:
        """Where a process of the installation answers HTTP; InstallationError if it was never started."""
        if not self.port_file(name).exists():
            raise InstallationError(
                f"{name} was never started in {self.folder}. Start the installation first: renkei up."
            )
        return f"http://{HOST}:{self.port_file(name).read_text().strip()}"

    def wait_ready(self, started: Sequence[process.Process]) -> None:
        """Until each process says that it does its work; else InstallationError with the end of its log.

        None is ended that lives: a loop that waits stops neither the others of its process nor what they do."""
        limit = START_SECONDS + self.settings().patience
        for one in started:
            process.wait_ready(one, lambda name=one.name: self.ready(name), limit, spare=True)  # type: ignore[misc]

    def ready(self, name: str) -> bool:
        """Whether a process says that it does its work; False also while nobody answers."""
        try:
            return httpx.get(f"{self.url(name)}/ready", timeout=5, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def stop(self, names: Sequence[str]) -> None:
        """Asks all at once to stop, then waits: each finishes its batch and commits."""
        with ThreadPoolExecutor(max(1, len(names))) as asking:
            list(asking.map(lambda name: process.stop(name, self.folder), names))


def process_names(layout: Layout) -> list[str]:
    """The processes of a layout, in the order in which they are started: the hub first, since it beats."""
    if layout == "block":
        return ["hub", "linkage", "intermediate", "gateway"]
    return ["hub", *(service.name for service in SERVICES if service.name != "hub")]


def database_services() -> list[str]:
    """Services with a role in the database: those with tables, and the gateway, which reads a view."""
    return [service.name for service in SERVICES if service.tables] + ["gateway"]


def _running_port(name: str, folder: Path, file: Path) -> int:
    if process.find(name, folder) is None or not file.exists():
        raise InstallationError(f"{name} is not running in {folder}. Start the installation first: renkei up.")
    return int(file.read_text())
