"""What an operator gives wrongly, or finds away, is said in a line that names it; nothing personal, and no traceback."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.directory import HUB
from services.operator import command, files, residents
from services.operator.installation import Installation
from services.operator.keys import enrolment
from services.operator.local.port import free_port
from services.operator.status import command as status
from services.operator.tables import now
from services.runtime import migrations
from services.runtime.errors import Misconfigured, MissingKey, Unavailable

CODE = "221309"
OTHER = "221007"
SECRET = "太郎"
NUMBER = "SYN5000001"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Installation(tmp_path).prepare()
    return tmp_path


Said = Callable[..., str]


@pytest.fixture
def said(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Said:
    """Runs a command of the operator that fails, and gives what stands on standard error below usage and progress."""

    def failing(*told: str) -> str:
        monkeypatch.setattr(sys, "argv", ["renkei", *told, "--folder", str(folder)])
        with pytest.raises(SystemExit, match="2"):
            command.main()
        return capsys.readouterr().err

    return failing


def written(folder: Path, text: str, encoding: str = "utf-8") -> str:
    path = folder / "given"
    path.write_text(text, encoding=encoding)
    return str(path)


def test_keys_that_are_not_here(said: Said, folder: Path) -> None:
    """Of an agency of which nothing was made."""
    assert said("keys", "list", CODE) == (
        f"renkei: no key ring of agency {CODE} in block intermediate: `renkei keys create` makes the first, "
        "`renkei keys renew` those that follow\n"
    )
    inquiry = ("inquire", CODE, "221007", "--number", "1", "--officer", "a:b:c", "--row", "27", "--branch", "4")
    (folder / "run" / "gateway.port").write_text(str(free_port()))
    assert f"no posting key of agency {CODE}" in said(*inquiry, "--year", "2026")


def test_a_gateway_that_does_not_answer(said: Said, folder: Path) -> None:
    """Its port outlives it."""
    enrolment.create_keys(Installation(folder), [CODE], "1", now())
    (folder / "run" / "gateway.port").write_text(str(free_port()))
    inquiry = ("inquire", CODE, "221007", "--number", "1", "--officer", "a:b:c", "--row", "27", "--branch", "4")
    assert (
        said(*inquiry, "--year", "2026") == "renkei: the gateway does not answer (ConnectError): see `renkei status`\n"
    )


@pytest.mark.parametrize(
    ("dsn", "error", "text"),
    [
        (f"postgresql://postgres:{SECRET}@127.0.0.1:1/postgres", Unavailable, "PostgreSQL is away: OperationalError"),
        (f"not {SECRET} an address", Misconfigured, "the address of PostgreSQL is not postgresql://"),
        (f"postgresql://postgres:{SECRET}@127.0.0.1:port/postgres", Misconfigured, "the address of PostgreSQL is not"),
    ],
)
def test_a_database_that_is_not_there(dsn: str, error: type[Exception], text: str) -> None:
    """Migrations say so as all others do; the address, which holds a password, is not repeated."""
    with pytest.raises(error, match=text) as caught:
        migrations.prepare(dsn, {})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("told", "text", "reason"),
    [
        (
            ("staff", "load", CODE),
            f"staff,office,role\n{SECRET},tax,clerk,more\n",
            "line 2: not as many cells as the first",
        ),
        (("staff", "load", CODE), f"staff,office\n{SECRET},tax\n", "line 2: role: this field is missing"),
        (
            ("staff", "load", CODE),
            f'staff,office,role\na,tax,clerk\n"{SECRET}"b,tax,clerk\n',
            "line 3: ',' expected after",
        ),
        (("staff", "load", CODE), f"{SECRET},tax,clerk\n", "line 1, column 1: none of office, role, staff"),
        (("staff", "load", CODE), "", "line 1: the names of the columns are expected"),
        (
            ("replica", "register", CODE),
            f'{{"number": "{SECRET}", "records": []}}\n',
            "line 1: year: this field is missing",
        ),
        (("replica", "register", CODE), f'\n["{SECRET}"]\n', "line 2: record: expected an object in braces"),
        (("replica", "register", CODE), f'{{"number": "{SECRET}"', "line 1: expected JSON"),
        (("replica", "register", CODE, "--item", f"x:{SECRET}"), "", "an item is a name and the number of its layout"),
    ],
)
def test_a_file_that_is_not_as_it_should_be(
    said: Said, folder: Path, told: tuple[str, ...], text: str, reason: str
) -> None:
    """Which line, and why; not what stands there."""
    answer = said(*told[:3], written(folder, text), *told[3:])
    assert f"renkei: {reason}" in answer
    assert SECRET not in answer


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{CODE},{OTHER}\n{NUMBER}\n", "line 2: not as many cells as the first line has"),
        (f"{NUMBER},{NUMBER}2\n{NUMBER}3,{NUMBER}4\n", "line 1, column 1: no code of an agency whose keys are here"),
        (f"{CODE},{NUMBER}\n", "line 1, column 2: no code of an agency whose keys are here"),
        (f"{CODE},{CODE}\n{NUMBER},{NUMBER}2\n", "line 1, column 2: named like a column before it"),
        (f"{CODE},{OTHER}\n{NUMBER},\n{NUMBER},{NUMBER}2\n", "line 3, 221309: a number that stands in line 2"),
        (f'{CODE},"{NUMBER}"2\n', "line 1: ',' expected after '\"'"),
        ("", "line 1: the names of the columns are expected"),
    ],
)
def test_persons_are_looked_at_before_any_is_enrolled(said: Said, folder: Path, text: str, reason: str) -> None:
    """A first line that is a person's, too: of no column and no cell is more said than its place. No server runs here."""
    enrolment.create_keys(Installation(folder), [HUB, CODE, OTHER], "1", now())
    assert said("person", "enroll", written(folder, text)) == f"renkei: {reason}\n"


async def test_no_person_is_added_for_an_agency_without_keys(folder: Path) -> None:
    """The hub's table comes after the look at the keys; there is none here."""
    enrolment.create_keys(Installation(folder), [HUB, CODE], "1", now())
    with pytest.raises(MissingKey, match=f"no key ring of agency {OTHER} in block intermediate"):
        await residents.enroll(Installation(folder), [{CODE: NUMBER, OTHER: NUMBER}])


@pytest.mark.parametrize("told", [("staff", "load", CODE), ("person", "enroll"), ("replica", "register", CODE)])
def test_a_file_in_another_encoding(said: Said, folder: Path, told: tuple[str, ...]) -> None:
    """Which byte it was is nobody's business."""
    assert said(*told, written(folder, SECRET, "cp932")) == "renkei: the file is not in UTF-8\n"


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("RENKEI_LOG_LEVEL", "verbose", "Input should be 'debug', 'info', 'warning' or 'error'"),
        ("RENKEI_PATIENCE", "0", "Input should be greater than 0"),
    ],
)
def test_a_variable_that_no_process_takes(
    said: Said, monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    """Which, and what is expected, before anything is asked."""
    monkeypatch.setattr(status, "require_running", lambda installation: None)
    for server in ("RENKEI_KAFKA", "RENKEI_POSTGRES"):
        monkeypatch.setenv(server, f"postgresql://127.0.0.1:{free_port()}/postgres")
    monkeypatch.setenv(name, value)
    assert said("status") == f"renkei: {name}: {reason}\n"


def test_a_folder_in_which_kafka_cannot_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`up` refuses it before it makes the folder."""
    monkeypatch.delenv("RENKEI_KAFKA", raising=False)
    monkeypatch.setattr(sys, "argv", ["renkei", "up", "--folder", str(tmp_path / "a,b")])
    with pytest.raises(SystemExit, match="2"):
        command.main()
    assert capsys.readouterr().err == (
        f"renkei: Kafka cannot run with a path that has ',' in it: {tmp_path}/a,b/kafka. Choose another.\n"
    )
    assert not (tmp_path / "a,b").exists()


def test_spans_of_time_that_no_calendar_has(said: Said) -> None:
    """Back and ahead."""
    large = "renkei: a number or a span of time is too large\n"
    assert said("logs", "--since", "999999d") == large
    assert said("keys", "renew", CODE, "--sign", "--overlap", "10000000000000") == large


def test_a_number_that_is_none(said: Said) -> None:
    """It is refused as the gateway refuses it."""
    inquiry = ("inquire", CODE, OTHER, "--number", SECRET, "--officer", "a:b:c", "--row", "27", "--branch", "4")
    answer = said(*inquiry, "--year", "2026")
    assert answer == "renkei: --number: expected an internal number of 1 to 64 ASCII letters and digits\n"


async def test_a_file_of_a_spreadsheet(folder: Path) -> None:
    """It begins with a byte order mark, which is no part of the first column's name."""
    path = Path(written(folder, "staff,office,role\na,tax,clerk\n", "utf-8-sig"))
    assert list(files.table(path, ("staff", "office", "role"), "")) == [
        (2, {"staff": "a", "office": "tax", "role": "clerk"})
    ]
    assert list(files.lines(path)) == [(1, "staff,office,role\n"), (2, "a,tax,clerk\n")]


def test_words_that_are_none(said: Said, folder: Path) -> None:
    """Of a few that there are."""
    inquiry = ("inquire", CODE, "221007", "--number", "1", "--officer", "a:b", "--row", "27", "--branch", "4")
    assert "--officer: expected office:role:staff" in said(*inquiry, "--year", "2026")
    assert "'Kafka' is not one of" in said(*inquiry, "--year", "2026", "--over", "Kafka")
    assert "--automatic: expected office:role" in said("directory", "describe", CODE, "--automatic", "foo")
    assert said("logs", "hub") == f"renkei: no log of hub in {folder / 'log'}: nothing was started here\n"
    assert (
        said("keys", "renew")
        == said("keys", "renew", "--all", CODE)
        == "renkei: say either codes of agencies or --all\n"
    )
