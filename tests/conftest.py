"""Real servers for the tests that ask for them.

`kafka` and `postgres` are, in this order: the ones that RENKEI_KAFKA and RENKEI_POSTGRES name; containers, where
RENKEI_TEST_CONTAINERS=1 and a Docker engine answers; servers started here and stopped at the end of the session.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings

from services.operator.local import kafka as local_kafka_server
from services.operator.local import postgres as local_postgres_server
from services.operator.local.kafka import KafkaSettings
from services.operator.local.port import HOST, free_port
from services.operator.local.postgres import PostgresSettings

KAFKA_IMAGE = "apache/kafka:4.3.1"
POSTGRES_IMAGE = "postgres:18"
DEADLINE_SECONDS = 60

settings.register_profile("renkei", deadline=None)  # no test depends on time
settings.load_profile("renkei")


@pytest.fixture(scope="session")
def installation() -> Iterator[Path]:
    """An installation folder that an ordinary account can enter but not read (pytest's own are closed to it)."""
    with temporary_installation() as folder:
        yield folder


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest) -> str:
    """Bootstrap address of a Kafka broker with the exchange's policies."""
    return os.environ.get("RENKEI_KAFKA") or request.getfixturevalue(f"{_kind()}_kafka")


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> str:
    """DSN of the superuser of a PostgreSQL 18 server."""
    return os.environ.get("RENKEI_POSTGRES") or request.getfixturevalue(f"{_kind()}_postgres")


@pytest.fixture(scope="session")
def local_kafka(installation: Path) -> Iterator[str]:
    with local_kafka_server.running(KafkaSettings(installation, brief=True)) as broker:
        yield broker.bootstrap


@pytest.fixture(scope="session")
def local_postgres(installation: Path) -> Iterator[str]:
    with local_postgres_server.running(PostgresSettings(installation)) as database:
        yield database.dsn


@pytest.fixture(scope="session")
def docker_engine() -> None:
    """Skips where there is none."""
    if reason := _why_no_docker():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def container_kafka(docker_engine: None) -> Iterator[str]:
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    port = free_port()
    properties = {
        "node.id": "1",
        "process.roles": "broker,controller",
        "controller.quorum.voters": "1@localhost:9093",
        "controller.listener.names": "CONTROLLER",
        "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        **local_kafka_server.policies(partitions=12, retention_days=40),
    }
    container = DockerContainer(KAFKA_IMAGE).waiting_for(LogMessageWaitStrategy(local_kafka_server.STARTED))
    for name, value in properties.items():
        container.with_env(f"KAFKA_{name.upper().replace('.', '_')}", value)
    container.ports["9092/tcp"] = (HOST, port)  # type: ignore[assignment]  # the Docker API takes an address too
    with container:
        yield f"{HOST}:{port}"


@pytest.fixture(scope="session")
def container_postgres(docker_engine: None) -> Iterator[str]:
    from testcontainers.core.container import DockerContainer

    port = free_port()
    container = DockerContainer(POSTGRES_IMAGE).with_env("POSTGRES_PASSWORD", "for-tests-only")
    container.ports["5432/tcp"] = (HOST, port)  # type: ignore[assignment]  # the Docker API takes an address too
    dsn = f"postgresql://postgres:for-tests-only@{HOST}:{port}/postgres"
    with container:
        _wait_for(dsn)
        yield dsn


@contextmanager
def temporary_installation() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="renkei-test-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        local_kafka_server.stop(KafkaSettings(folder))
        local_postgres_server.remove(PostgresSettings(folder))
        shutil.rmtree(folder)


def _kind() -> str:
    wanted = os.environ.get("RENKEI_TEST_CONTAINERS") == "1"
    return "container" if wanted and not _why_no_docker() else "local"


def _why_no_docker() -> str | None:
    if not shutil.which("docker"):
        return "the command docker is not installed"
    done = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False, timeout=DEADLINE_SECONDS)
    answers = done.returncode == 0 and "Server Version" in done.stdout
    return None if answers else "no Docker engine answers (docker info)"


def _wait_for(dsn: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            psycopg.connect(dsn).close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
