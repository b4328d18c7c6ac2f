"""An installation of its own servers, ended without order and brought up again."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil
import psycopg
import pytest
from typer.testing import CliRunner, Result

from services.operator import asking, lifecycle
from services.operator.answers import opened
from services.operator.command import app
from services.operator.demo import ASKER
from services.operator.installation import Installation, process_names
from services.operator.local import postgres, process
from services.operator.local.account import ordinary_account
from services.operator.local.error import InstallationError
from services.operator.local.port import HOST, choose_port
from services.operator.local.postgres import PostgresSettings
from tests import site as sites
from tests.site import RESIDENTS
from tests.waiting import until

COUNT: Final = 30
SERVERS: Final = {"kafka", "postgres"}


@pytest.fixture
def folder() -> Iterator[Path]:
    """An installation folder of one's own, below a folder that an ordinary account can pass through."""
    outer = Path(tempfile.mkdtemp(prefix="renkei-restart-"))
    outer.chmod(0o711)
    yield outer / "installation"
    for one in process.running(outer / "installation"):
        process.kill(one.name, one.folder)
    postgres.remove(PostgresSettings(outer / "installation"))
    shutil.rmtree(outer)


@pytest.fixture
def own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """A running installation with residents, one process per block, whatever servers the session uses."""
    for name in ("RENKEI_KAFKA", "RENKEI_POSTGRES"):
        monkeypatch.delenv(name, raising=False)
    installation = Installation(folder)
    lifecycle.bring_up(installation, "block")
    asyncio.run(sites.populate(installation))
    return installation


def test_an_installation_survives_the_end_of_all_its_processes(own: Installation) -> None:
    """Posted, killed, started again in the other layout: every inquiry ends as it should, once; then `up`, `down` and a
    taken port say what they are. One installation for all of it: it takes its time to start."""
    posted = asyncio.run(post(own))
    kill_everything(own)
    assert run(own, "status").exit_code == 2
    started = lifecycle.bring_up(own, "service")
    assert {"kafka was started", "postgres was started", "crypto was started"} <= set(started)
    assert {one.name for one in process.remembered(own.folder)} == {*SERVERS, *process_names("service")}
    asyncio.run(all_ended(own, posted))

    before = process.running(own.folder)
    assert "nothing was changed" in run(own, "up").output
    assert process.running(own.folder) == before
    a_taken_port_is_named(own)
    assert {one.restarts for one in process.running(own.folder) if one.name in (*SERVERS, "hub")} == {1}
    assert run(own, "down").output.count("Stopped: ") == 1
    assert "Nothing ran" in run(own, "down").output
    assert process.remembered(own.folder) == []
    a_stop_forgets_no_layout(own)


def a_stop_forgets_no_layout(own: Installation) -> None:
    """`up --layout block`, `down`, `up`: one process per block again."""
    lifecycle.bring_up(own, "block")
    assert run(own, "down").exit_code == 0
    assert run(own, "up").exit_code == 0
    assert {one.name for one in process.running(own.folder)} == {*SERVERS, *process_names("block")}


def a_taken_port_is_named(own: Installation) -> None:
    """The one who took it is to end; then the next `up` starts what is missing, and nothing else."""
    end(own, "gateway")
    taken = (HOST, int(own.port_file("gateway").read_text()))
    named = r"(?s)in use by another program.*gateway\.port"
    with socket.create_server(taken), pytest.raises(InstallationError, match=named):
        lifecycle.bring_up(own, "service")
    assert lifecycle.bring_up(own, "service") == ["gateway was started"]


async def post(own: Installation) -> list[str]:
    """Inquiries about residents, accepted and not waited for."""
    inquiries = [sites.inquiry(resident) for resident in RESIDENTS[:COUNT]]
    for posted in inquiries:
        (await asking.post_http(own, posted)).raise_for_status()
    return [posted.question.id for posted in inquiries]


async def all_ended(own: Installation, exchanges: list[str]) -> None:
    """Each with the records of its resident, recorded once by the hub, and with nothing left to be done."""
    for exchange in exchanges:
        answer = await asking.wait(own, ASKER, exchange, 60)
        assert answer.outcome == "records"
    await sites.settled(own, 60)
    states = sites.rows(own, "SELECT state, count(*) FROM exchange.exchanges GROUP BY state")
    assert states == [("answered", COUNT)]
    assert sites.rows(own, "SELECT count(*) FROM hub.provisions WHERE agency = %s", ASKER) == [(COUNT,)]
    answers: dict[str, set[bytes]] = {}
    for record in await sites.completed(own, exchanges):
        event = opened(own, record)
        answers.setdefault(event.exchange, set()).add(event.control)
    assert {len(found) for found in answers.values()} == {1}


def run(own: Installation, command: str) -> Result:
    return CliRunner().invoke(app, [command, "--folder", str(own.folder)])


def kill_everything(own: Installation) -> None:
    """All at once, with children, as the end of the machine would; every file of theirs stays."""
    family = [psutil.Process(one.pid) for one in process.running(own.folder)]
    family += [child for one in family for child in one.children(recursive=True)]
    for one in family:
        with suppress(psutil.NoSuchProcess):  # PostgreSQL's children end with their parent
            one.kill()
    asyncio.run(until(lambda: not process.running(own.folder)))


def end(own: Installation, name: str) -> None:
    """One process, which nobody has stopped in order."""
    one = process.find(name, own.folder)
    assert one is not None
    os.kill(one.pid, signal.SIGKILL)
    asyncio.run(until(lambda: not process.is_alive(one)))


@pytest.mark.parametrize(("left", "layout"), [("linkage", "block"), ("crypto", "service"), ("hub", "service")])
def test_up_alone_keeps_the_layout(folder: Path, left: str, layout: str) -> None:
    """What has ended by itself is started again as it was."""
    (folder / "run").mkdir(parents=True)
    process._remember(process.Process(left, 1, "another moment", folder, 0))
    assert lifecycle._laid_out(Installation(folder)) == layout


@pytest.mark.parametrize(
    ("kept", "layout"), [("block\n", "block"), ("service\n", "service"), ("", "service"), ("x", "service")]
)
def test_the_layout_of_the_last_start_is_kept(folder: Path, kept: str, layout: str) -> None:
    """Also where every process was stopped; a file that a power cut has emptied says nothing."""
    folder.mkdir()
    (folder / "layout").write_text(kept)
    assert lifecycle._laid_out(Installation(folder)) == layout


# --- What is left by a machine that has ended


def test_postgres_starts_beside_a_stranger_with_its_process_id(folder: Path) -> None:
    """After a restart of the machine the process id in postmaster.pid may be another program's of the same account."""
    settings = PostgresSettings(folder)
    first = postgres.start(settings)
    with psycopg.connect(first.dsn) as connection:
        connection.execute("CREATE TABLE kept (said text)")
    lines = (settings.home / "data" / "postmaster.pid").read_text().splitlines()
    process.kill("postgres", folder)
    account = ordinary_account(settings.account)
    stranger = subprocess.Popen(["sleep", "60"], user=account.user_id if account else None)
    try:
        file = settings.home / "data" / "postmaster.pid"
        file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        second = postgres.start(settings)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
    with psycopg.connect(second.dsn) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_half_written_files_are_no_hindrance(folder: Path) -> None:
    """A power cut may leave a pid file and a port file empty: nothing of then runs, and another port is as good."""
    process.start("sleeper", ["sleep", "60"], {"PATH": os.environ["PATH"]}, folder)
    process.kill("sleeper", folder)
    (folder / "run" / "sleeper.json").write_text("")
    (folder / "run" / "sleeper.port").write_text("")
    assert process.find("sleeper", folder) is None
    assert process.remembered(folder) == []
    assert choose_port(folder / "run" / "sleeper.port", None) > 0
    process.start("sleeper", ["sleep", "60"], {"PATH": os.environ["PATH"]}, folder)
    assert json.loads((folder / "run" / "sleeper.json").read_text())["restarts"] == 0


def test_starts_after_an_end_are_counted(folder: Path) -> None:
    """Until the program is stopped in order."""
    for restarts in (0, 1, 2):
        one = process.start("brief", ["true"], {"PATH": os.environ["PATH"]}, folder)
        assert one.restarts == restarts
        asyncio.run(until(lambda one=one: not process.is_alive(one)))  # type: ignore[misc]
    process.stop("brief", folder)
    assert process.start("brief", ["true"], {"PATH": os.environ["PATH"]}, folder).restarts == 0
