"""The servers of a local installation, and the programs that it starts."""

import asyncio
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from services.operator.installation import Installation
from services.operator.local import account, jars, kafka, postgres, process
from services.operator.local.error import InstallationError
from services.operator.local.kafka import KafkaSettings
from services.operator.local.port import HOST, choose_port, free_port
from services.operator.local.postgres import PostgresSettings

KINDS = ["local", "container"]
ENVIRONMENT = {"PATH": os.environ["PATH"]}
API_VERSIONS = 18

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives PostgreSQL another account")


@pytest.fixture
def folder() -> Iterator[Path]:
    """An installation folder of one's own, below a folder that an ordinary account can pass through."""
    outer = Path(tempfile.mkdtemp(prefix="renkei-test-"))
    outer.chmod(0o711)
    inner = outer / "installation"
    inner.mkdir()
    yield inner
    for running in process.running(inner):
        process.kill(running.name, inner)
    shutil.rmtree(outer)


# --- Kafka


@pytest.mark.parametrize("kind", KINDS)
def test_kafka_speaks_its_protocol(kind: str, request: pytest.FixtureRequest) -> None:
    """A broker answers a request for the versions of its protocol on 127.0.0.1, without error."""
    bootstrap: str = request.getfixturevalue(f"{kind}_kafka")
    assert bootstrap.startswith("127.0.0.1:")
    assert api_versions(bootstrap) == (7, 0)


def test_kafka_starts_again_on_its_data(folder: Path) -> None:
    """A second start keeps port, cluster and topics; what runs and does not answer is waited for, and left to go on."""
    settings = KafkaSettings(folder, brief=True)
    first = kafka.start(settings)
    cluster = (settings.home / "data" / "meta.properties").read_text()
    asyncio.run(create_topic(first.bootstrap, "kept"))
    assert kafka.stop(settings)
    assert not kafka.stop(settings)

    second = kafka.start(settings)
    assert kafka.start(settings) == second
    assert second.bootstrap == first.bootstrap
    assert second.process != first.process
    assert (settings.home / "data" / "meta.properties").read_text() == cluster
    assert asyncio.run(topics(second.bootstrap)) == {"kept"}
    (settings.home / "port").write_text(str(free_port()))
    with pytest.raises(InstallationError, match=r"not ready after 0\.1 s, and goes on"):
        kafka.start(replace(settings, start_seconds=0.1))
    assert kafka.stop(settings)


def test_vanished_records_are_not_replaced_by_none(folder: Path) -> None:
    """A start without them fails and says what to do, also where nothing else of the broker's is left."""
    settings = KafkaSettings(folder)
    (settings.home / "data").mkdir(parents=True)
    (settings.home / "data" / "meta.properties").touch()
    with pytest.raises(InstallationError, match="kafka ended while starting"):
        kafka.start(settings)
    shutil.rmtree(settings.home)
    with pytest.raises(InstallationError, match=r"kafka/data is gone\. Restore it from a backup; .*kafka\.made"):
        kafka.start(settings)
    assert not (settings.home / "data").exists()


def test_kafka_that_does_not_start_says_why(folder: Path) -> None:
    """The end of the broker's log is in the error; nothing is left running."""
    settings = KafkaSettings(folder)
    data = settings.home / "data"
    data.mkdir(parents=True)
    (data / "meta.properties").write_text("version=1\ncluster.id=other\nnode.id=2\n")
    with pytest.raises(InstallationError, match=r"(?s)kafka ended while starting.*Stored node id 2"):
        kafka.start(settings)
    assert process.running(folder) == []


def test_retention_of_offsets_exceeds_that_of_records() -> None:
    """40 days of records, 60 days of reading positions."""
    policies = kafka.policies(partitions=12, retention_days=40)
    assert policies["log.retention.hours"] == "960"
    assert int(policies["offsets.retention.minutes"]) == 60 * 24 * 60


def test_a_foreign_jar_is_refused(tmp_path: Path) -> None:
    """What Maven brings must be what `jars.sha256` lists, no more, no less."""
    (tmp_path / "a.jar").write_bytes(b"changed")
    (tmp_path / "b.jar").write_bytes(b"")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    with pytest.raises(InstallationError, match=r"lists: a\.jar, c\.jar\."):
        jars._verify(tmp_path, f"{empty}  a.jar\n{empty}  b.jar\n{empty}  c.jar\n")


def test_missing_java_names_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without Java the operator is told what to install."""
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(InstallationError, match="apt-get install openjdk-17-jre-headless maven"):
        jars.find_java()


@pytest.mark.parametrize("name", ["連携　𠮷 基盤", "a b#=!\\u0041:%20$"])
def test_a_folder_may_have_any_name(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spaces, Japanese and what Java's files mean something by; for the checkout too. Nothing is written beside it."""
    deployment, named = folder / name.replace(":", "") / "deploy", folder / name
    shutil.copytree(jars.DEPLOYMENT, deployment)
    libraries = named.with_name(name.replace(":", "")) / "kafka-libs"
    libraries.symlink_to(jars.fetch_jars())
    monkeypatch.setattr(kafka, "DEPLOYMENT", deployment)
    monkeypatch.setenv("LC_ALL", "C")
    settings = KafkaSettings(named, libraries=libraries, brief=True)
    with kafka.running(settings) as broker:
        assert api_versions(broker.bootstrap) == (7, 0)
    assert kafka.STARTED in (named / "log" / "kafka.log").read_text()
    assert (named / "kafka" / "data" / "meta.properties").exists()
    assert {path.name for path in folder.iterdir()} == {name, name.replace(":", "")}
    with postgres.running(PostgresSettings(named)) as database, psycopg.connect(database.dsn) as connection:
        assert setting(connection, "data_directory") == str(named / "postgres" / "data")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("a,b", "has ',' in it: "), ("a\nb", "not in one line: "), ("a\udcff", "not in UTF-8 or ")],
)
def test_a_folder_that_cannot_work_is_refused(name: str, reason: str, tmp_path: Path) -> None:
    """Kafka takes a comma for the end of a folder's name. Nothing is written before, by no part of a start."""
    installation = Installation(tmp_path / name)
    for start in (lambda: kafka.start(KafkaSettings(installation.folder)), installation.start_parts):
        with pytest.raises(InstallationError, match=reason):
            start()
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("name", ["a:b", "a*b"])
def test_libraries_that_java_cannot_find_are_refused(name: str, tmp_path: Path) -> None:
    """Java takes a colon for the end of a folder's name, and an asterisk for all jars."""
    with pytest.raises(InstallationError, match=f"has '{re.escape(name[1])}' in it: .*Choose another"):
        kafka.start(KafkaSettings(tmp_path / "new", libraries=tmp_path / name))
    assert [*tmp_path.iterdir()] == []


# --- PostgreSQL


@pytest.mark.parametrize("kind", KINDS)
def test_postgres_asks_for_the_password(kind: str, request: pytest.FixtureRequest) -> None:
    """A wrong password is refused by SCRAM; the right one opens PostgreSQL 18."""
    dsn: str = request.getfixturevalue(f"{kind}_postgres")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(dsn, password="wrong")
    with psycopg.connect(dsn) as connection:
        assert connection.info.server_version // 10_000 == 18
        assert setting(connection, "password_encryption") == "scram-sha-256"


@pytest.mark.parametrize("kind", KINDS)
def test_postgres_keeps_what_it_confirmed(kind: str, request: pytest.FixtureRequest) -> None:
    """fsync, synchronous_commit and full_page_writes are on."""
    dsn: str = request.getfixturevalue(f"{kind}_postgres")
    with psycopg.connect(dsn) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            assert setting(connection, name) == "on"


def test_postgres_starts_again_on_its_data(folder: Path) -> None:
    """Rows survive an orderly stop and a kill; port and password stay; the password file is the owner's alone."""
    settings = PostgresSettings(folder)
    first = postgres.start(settings)
    with psycopg.connect(first.dsn) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 'before stop' AS said")
    assert postgres.stop(settings)
    assert not postgres.stop(settings)

    second = postgres.start(settings)
    assert postgres.start(settings) == second
    assert second.dsn == first.dsn
    with psycopg.connect(second.dsn) as connection:
        connection.execute("INSERT INTO kept VALUES ('before kill')")
    assert process.kill("postgres", folder)

    third = postgres.start(settings)
    assert said(third.dsn) == ["before kill", "before stop"]
    assert settings.password_file.stat().st_mode & 0o777 == 0o600
    assert third.password not in repr(third)
    assert postgres.stop(settings)


def test_postgres_log_holds_no_values(folder: Path) -> None:
    """Neither the statement nor the row of an error gets into the log."""
    settings = PostgresSettings(folder)
    with postgres.running(settings) as database, psycopg.connect(database.dsn) as connection:
        connection.execute("CREATE TABLE person (number text PRIMARY KEY)")
        connection.execute("INSERT INTO person VALUES ('secret-value')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO person VALUES ('secret-value')")
    log = process.tail(folder / "log" / "postgres.log")
    assert "duplicate key value" in log
    assert "secret-value" not in log


def test_lost_password_is_not_replaced(folder: Path) -> None:
    """With data but without its password file nothing is overwritten; the error names the file."""
    settings = PostgresSettings(folder)
    with postgres.running(settings):
        settings.password_file.unlink()
    with pytest.raises(InstallationError, match="postgres-superuser"):
        postgres.start(settings)


@needs_root
def test_postgres_of_root_below_a_closed_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the account can reach neither folder nor programs, both live elsewhere, and no permission is loosened."""
    elsewhere = folder.parent / "elsewhere"
    site = folder / "site-packages"
    programs = account._installed_programs()
    package = programs.parents[1]
    shutil.copytree(programs.parent, site / package.name / programs.parent.name)
    shutil.copytree(package.with_name(f"{package.name}.libs"), site / f"{package.name}.libs")
    folder.chmod(0o700)
    monkeypatch.setattr(account, "_installed_programs", lambda: site / package.name / programs.parent.name / "bin")

    settings = PostgresSettings(folder, elsewhere=elsewhere)
    with postgres.running(settings) as database, psycopg.connect(database.dsn) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 'elsewhere' AS said")
    with postgres.running(settings) as database:
        assert said(database.dsn) == ["elsewhere"]
    [home] = elsewhere.iterdir()
    assert home.stat().st_mode & 0o777 == 0o700
    assert folder.stat().st_mode & 0o777 == 0o700
    assert not settings.home.exists()

    postgres.remove(settings)
    assert list(elsewhere.iterdir()) == []


@needs_root
def test_vanished_data_is_not_replaced_by_an_empty_database(folder: Path) -> None:
    """When the folder elsewhere is gone, the start fails and says so."""
    settings = PostgresSettings(folder, elsewhere=folder.parent / "elsewhere")
    folder.chmod(0o700)
    postgres.start(settings)
    postgres.stop(settings)
    shutil.rmtree(settings.elsewhere)
    with pytest.raises(InstallationError, match="is gone"):
        postgres.start(settings)


def test_a_vanished_data_folder_is_not_replaced_either(folder: Path) -> None:
    """Also where the rest of the server's folder is there; then one may begin with an empty database."""
    settings = PostgresSettings(folder)
    postgres.start(settings)
    postgres.stop(settings)
    data = account.private_folder(settings.home, account.ordinary_account(settings.account)) / "data"
    shutil.rmtree(data)
    with pytest.raises(InstallationError, match=r"data is gone\. Restore it from a backup; .*postgres\.made"):
        postgres.start(settings)
    assert not data.exists()
    settings.made.unlink()
    (data.parent / "data.cut").mkdir()  # a start that was killed while the data was made
    (data.parent / "data.cut" / "PG_VERSION").write_text("18")
    postgres.start(settings)
    assert {path.name for path in data.parent.iterdir()} <= {
        "data",
        *(path.name for path in data.parent.glob("programs*")),
    }
    assert list(folder.glob(".*password*")) == []


def test_a_pid_file_of_nobody_is_no_hindrance(folder: Path) -> None:
    """A power cut may leave it empty, and PostgreSQL would not start beside it."""
    settings = PostgresSettings(folder)
    postgres.start(settings)
    process.kill("postgres", folder)
    data = account.private_folder(settings.home, account.ordinary_account(settings.account)) / "data"
    (data / "postmaster.pid").write_bytes(b"")
    postgres.start(settings)


@pytest.mark.parametrize("said", ["", "relative/postgres-1", "/", "/var/lib"])
def test_a_spoilt_location_is_no_folder_to_delete(folder: Path, said: str) -> None:
    """A power cut may leave the file empty, which would name the folder that one is in."""
    settings = PostgresSettings(folder)
    (folder / "postgres.location").write_text(said)
    for attempt in (postgres.start, postgres.remove):
        with pytest.raises(InstallationError, match="does not say where the database is"):
            attempt(settings)


def test_a_database_that_is_gone_can_be_removed(folder: Path) -> None:
    """What was to be thrown away and is gone is no hindrance to begin anew."""
    (folder / "postgres.location").write_text(str(folder / "postgres-1"))
    postgres.remove(PostgresSettings(folder))
    assert list(folder.glob("postgres*")) == []


@needs_root
def test_another_owners_database_stays_theirs(folder: Path) -> None:
    """Root that starts an ordinary user's installation by mistake changes no owner."""
    settings = PostgresSettings(folder)
    (settings.home / "data").mkdir(parents=True)
    os.chown(settings.home, 1, 1)
    with pytest.raises(InstallationError, match=r"belongs to the account daemon: start as that account"):
        postgres.start(settings)
    assert settings.home.stat().st_uid == 1


@needs_root
def test_the_umask_of_root_does_not_close_the_folder_elsewhere(folder: Path) -> None:
    """As hardened machines have it."""
    nobody = account.ordinary_account("nobody")
    assert nobody is not None
    before = os.umask(0o077)
    try:
        made = account._made_elsewhere("postgres", nobody, folder / "elsewhere")
    finally:
        os.umask(before)
    assert made.parent.stat().st_mode & 0o777 == 0o711
    made.parent.chmod(0o700)
    with pytest.raises(InstallationError, match="nobody cannot get into"):
        account._made_elsewhere("postgres", nobody, folder / "elsewhere")
    assert list(made.parent.iterdir()) == [made]


# --- Ports and programs


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    """A server is not started on a port that another program has."""
    with socket.create_server((HOST, free_port())) as other, pytest.raises(InstallationError, match="in use"):
        choose_port(tmp_path / "port", other.getsockname()[1])


def test_any_command_can_stop_a_program(folder: Path) -> None:
    """What one process started, another finds by its pid file and stops."""
    started = process.start("sleeper", ["sleep", "60"], ENVIRONMENT, folder)
    code = (
        "from pathlib import Path; from services.operator.local import process;"
        f"print(process.stop('sleeper', Path({str(folder)!r})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=jars.CHECKOUT)
    assert done.stdout == "True\n"
    assert not process.is_alive(started)
    assert process.running(folder) == []


def test_a_stranger_with_the_same_process_id_is_left_alone(folder: Path) -> None:
    """A process id that was given to another program since is not signalled."""
    process.start("ours", ["sleep", "60"], ENVIRONMENT, folder)
    process.kill("ours", folder)
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        process._remember(process.Process("ours", stranger.pid, "another moment", folder, 0))
        assert process.find("ours", folder) is None
        assert not process.stop("ours", folder)
        assert not process.kill("ours", folder)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_program_that_will_not_end_is_ended(folder: Path) -> None:
    """After the grace period it is killed, with its children."""
    script = "trap '' TERM; sleep 60 & echo $!; wait; wait"
    started = process.start("stubborn", ["sh", "-c", script], ENVIRONMENT, folder)
    process.wait_ready(started, lambda: started.output().endswith("\n"), 10)
    child = int(started.output())
    assert process.stop("stubborn", folder, grace_seconds=0.1)
    assert not process.is_alive(started)
    assert process._moment(child) is None


def test_a_program_that_may_be_recovering_is_spared(folder: Path) -> None:
    """It would begin anew at the next start, and be ended anew."""
    started = process.start("slow", ["sleep", "60"], ENVIRONMENT, folder)
    with pytest.raises(InstallationError, match=r"slow is not ready after 0\.1 s, and goes on: .*renkei up"):
        process.wait_ready(started, lambda: False, 0.1, spare=True)
    assert process.is_alive(started)
    with pytest.raises(InstallationError, match=r"slow was not ready after 0\.1 s"):
        process.wait_ready(started, lambda: False, 0.1)
    assert not process.is_alive(started)


def test_kill_ends_the_children_too(folder: Path) -> None:
    """Also those in sessions of their own, as PostgreSQL's are: on return none is left."""
    started = process.start("parent", ["sh", "-c", "setsid sleep 60 & echo $!; wait"], ENVIRONMENT, folder)
    process.wait_ready(started, lambda: started.output().endswith("\n"), 10)
    child = int(started.output())
    assert process._moment(child)
    assert process.kill("parent", folder)
    assert process._moment(child) is None


def test_polite_signal_comes_first(folder: Path) -> None:
    """A program gets the chosen signal and may end in good order."""
    script = "trap 'echo in good order; exit' USR1; echo ready; while :; do sleep 0.02; done"
    started = process.start("polite", ["sh", "-c", script], ENVIRONMENT, folder)
    process.wait_ready(started, lambda: "ready" in started.output(), 10)
    assert process.stop("polite", folder, polite=signal.SIGUSR1)
    assert started.output() == "ready\nin good order\n"


def test_a_program_gets_only_the_environment_given(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the operator's environment leaks into a service."""
    monkeypatch.setenv("RENKEI_LEAK", "1")
    started = process.start("env", ["/usr/bin/env"], {"GIVEN": "yes"}, folder)
    with pytest.raises(InstallationError, match="GIVEN=yes"):
        process.wait_ready(started, lambda: False, 10)
    assert started.output() == "GIVEN=yes\n"


def test_a_program_runs_once(folder: Path) -> None:
    """A second start under the same name is refused while the first runs."""
    process.start("single", ["sleep", "60"], ENVIRONMENT, folder)
    with pytest.raises(InstallationError, match="runs already"):
        process.start("single", ["sleep", "60"], ENVIRONMENT, folder)


def test_a_command_that_does_not_exist_is_named(folder: Path) -> None:
    """The error names the command; no pid file is left."""
    with pytest.raises(InstallationError, match=r"/no/such/command: No such file"):
        process.start("nothing", ["/no/such/command"], ENVIRONMENT, folder)
    assert process.running(folder) == []


def api_versions(bootstrap: str) -> tuple[int, int]:
    """Correlation id and error code of the answer to ApiVersions, version 0 (Kafka protocol guide)."""
    host, port = bootstrap.split(":")
    request = struct.pack(">hhih", API_VERSIONS, 0, 7, -1)
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        _, correlation, error = struct.unpack(">iih", connection.makefile("rb").read(10))
    return correlation, error


async def create_topic(bootstrap: str, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def topics(bootstrap: str) -> set[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return set(await admin.list_topics())
    finally:
        await admin.close()


def setting(connection: psycopg.Connection, name: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])


def said(dsn: str) -> list[str]:
    with psycopg.connect(dsn) as connection:
        return sorted(row[0] for row in connection.execute("SELECT said FROM kept"))
