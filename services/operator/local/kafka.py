"""One real Kafka broker, which is its own controller (KRaft), on 127.0.0.1, with its data in the installation folder."""

import base64
import subprocess
import unicodedata
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from services.operator.local import process
from services.operator.local.error import InstallationError
from services.operator.local.files import require_never_made
from services.operator.local.jars import DEPLOYMENT, LIBRARIES, fetch_jars, find_java
from services.operator.local.lock import locked
from services.operator.local.port import HOST, answers, choose_port, free_port
from services.operator.local.process import Process
from services.operator.local.properties import properties_text

NAME = "kafka"
ENVIRONMENT = {"LC_ALL": "C.UTF-8"}
"""Of Java: without it a path is read in ASCII, and files are written under another name."""
STARTED = "Kafka Server started"
HOURS_PER_DAY = 24
# A padded business part has 1 MiB; headers and the record batch around it come on top.
MESSAGE_BYTES = 1024 * 1024 + 256 * 1024
BRIEF = ["-XX:TieredStopAtLevel=1"]
"""The virtual machine of a broker that lives for minutes: compiled quickly rather than well, half the work to start."""
LASTING = ["-XX:+AlwaysPreTouch", "-XX:+UseTransparentHugePages"]
"""Of one that lives for days: takes its memory at the start, not bit by bit, and in large pages where there are any."""


@dataclass(frozen=True)
class KafkaSettings:
    """Where the broker lives and how large it is."""

    folder: Path
    """The installation; the broker's own files are below `kafka`."""
    port: int | None = None
    """None: the same port as last time, at first a free one."""
    libraries: Path = LIBRARIES
    partitions: int = 12
    retention_days: int = 40
    heap_megabytes: int = 512
    start_seconds: float = 90
    brief: bool = False
    """Whether it lives for minutes."""
    properties: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Of the broker, beside ours or instead of them."""

    @property
    def home(self) -> Path:
        return self.folder.resolve() / "kafka"

    @property
    def made(self) -> Path:
        """Says that there have been records."""
        return self.folder.resolve() / "kafka.made"


@dataclass(frozen=True)
class Broker:
    """A broker that answers."""

    process: Process
    port: int

    @property
    def bootstrap(self) -> str:
        return f"{HOST}:{self.port}"


def start(settings: KafkaSettings) -> Broker:
    """Starts the broker on new or existing data and returns when it answers; one that runs already stays as it is.

    Raises InstallationError where Kafka cannot work with a path, Java or Maven is missing, the port is taken, the data is
    gone, or the broker does not come up. One that has data is not ended if it takes long: it may be recovering, and would
    begin that anew.
    """
    require_possible(settings)
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(settings.home / "lock"):
        if running := process.find(NAME, settings.folder):
            port = int((settings.home / "port").read_text())
            process.wait_ready(running, lambda: answers(port), settings.start_seconds, spare=True)
            return Broker(running, port)
        java, libraries = find_java(), fetch_jars(settings.libraries)
        port = choose_port(settings.home / "port", settings.port)
        configuration = _write_properties(settings, port)
        recovers = not _format(settings, java, libraries, configuration)
        started = process.start(NAME, _command(settings, java, libraries, configuration), ENVIRONMENT, settings.folder)
        process.wait_ready(
            started, lambda: STARTED in started.output() and answers(port), settings.start_seconds, spare=recovers
        )
        return Broker(started, port)


def require_possible(settings: KafkaSettings) -> None:
    """InstallationError, before anything is written, for a path that Kafka or Java would take for another or for several."""
    for path, separators in ((settings.home, ","), (settings.libraries, ":*"), (DEPLOYMENT, ",")):
        if wrong := [mark for mark in separators if mark in str(path)]:
            raise InstallationError(
                f"Kafka cannot run with a path that has {wrong[0]!r} in it: {path}. Choose another."
            )
        if any(unicodedata.category(character) in ("Cc", "Cs") for character in str(path)):
            raise InstallationError(
                f"Kafka cannot run with a path that is not in UTF-8 or not in one line: {str(path)!a}."
            )


def stop(settings: KafkaSettings, grace_seconds: float = 30) -> bool:
    """Ends the broker in good order. False where it did not run."""
    return process.stop(NAME, settings.folder, grace_seconds)


@contextmanager
def running(settings: KafkaSettings) -> Iterator[Broker]:
    """A broker for as long as the block lasts."""
    try:
        yield start(settings)
    finally:
        stop(settings)


def policies(partitions: int, retention_days: int) -> dict[str, str]:
    """The broker properties that the exchange relies on, wherever the broker runs (architecture, section 9)."""
    return {
        "auto.create.topics.enable": "false",
        "num.partitions": str(partitions),
        "default.replication.factor": "1",
        "min.insync.replicas": "1",
        "log.retention.hours": str(retention_days * HOURS_PER_DAY),
        # Longer than the records: a reader that was away must still find its place (auto_offset_reset=none).
        "offsets.retention.minutes": str(retention_days * HOURS_PER_DAY * 60 * 3 // 2),
        "message.max.bytes": str(MESSAGE_BYTES),
        "compression.type": "uncompressed",  # clients may lack a codec, and would unpack whatever comes
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        # An open transaction holds back everybody who reads what is committed: no producer may keep one open longer.
        "transaction.max.timeout.ms": "60000",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        # One process reads each group here; waiting for others (3 s by default) would only delay it.
        "group.initial.rebalance.delay.ms": "0",
    }


def _write_properties(settings: KafkaSettings, port: int) -> Path:
    controller = free_port()
    properties = {
        "node.id": "1",
        "process.roles": "broker,controller",
        "controller.quorum.voters": f"1@{HOST}:{controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(settings.home / "data"),
        # 128 MiB by default, a quarter of this broker's heap
        "log.cleaner.dedupe.buffer.size": str(32 * 1024 * 1024),
        # After a kill the controller takes the broker of before for alive, and lets nobody in its place, for so long (9 s)
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        **policies(settings.partitions, settings.retention_days),
        **settings.properties,
    }
    path = settings.home / "server.properties"
    path.write_text(properties_text(properties), encoding="ascii")
    return path


def _format(settings: KafkaSettings, java: Path, libraries: Path, configuration: Path) -> bool:
    """Gives an empty data folder its cluster id; one that has one keeps it: False."""
    data = settings.home / "data"
    if (data / "meta.properties").exists():
        settings.made.touch()
        return False
    require_never_made(data, settings.made)
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    done = subprocess.run(
        [
            *(java, "-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", f"{libraries}/*", _logging()),
            # as one argument: an id may begin with a hyphen
            *("kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "--config", configuration),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=ENVIRONMENT,
        cwd="/",
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode or not (data / "meta.properties").exists():
        raise InstallationError(f"Kafka could not format {data}:\n{done.stdout}")
    settings.made.touch()
    return True


def _command(settings: KafkaSettings, java: Path, libraries: Path, configuration: Path) -> list[str | Path]:
    heap = settings.heap_megabytes
    return [
        *(
            java,
            f"-Xms{heap}m",
            f"-Xmx{heap}m",
            "-XX:+UseG1GC",
            "-XX:MaxGCPauseMillis=20",
            "-XX:+ExitOnOutOfMemoryError",
        ),
        *(BRIEF if settings.brief else LASTING),
        *("-Djava.awt.headless=true", _logging(), "-cp", f"{libraries}/*", "kafka.Kafka", configuration),
    ]


def _logging() -> str:
    return f"-Dlog4j2.configurationFile={DEPLOYMENT / 'log4j2.properties'}"
