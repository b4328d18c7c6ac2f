"""The demo's own judgement: what it says of a play, whoever played it."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from typing import Final

import pytest
import typer
from rich.cells import cell_len
from rich.console import Console

from services.operator.demo.playing import Case, conclude, tables
from services.operator.demo.scenes import PARTS, Part, Scene
from services.operator.installation import Installation


async def nothing(_: Installation) -> str:
    return "nothing"


PLAY: Final = (
    Part("one", (Scene("1 first", "records", nothing),)),
    Part("two", (Scene("2 second", "refused", nothing), Scene("3 third", "refused", nothing))),
)


def played(*got: str) -> list[Case]:
    """The scenes of PLAY, and what came of each."""
    scenes = [(number, scene) for number, part in enumerate(PLAY, 1) for scene in part.scenes]
    return [Case(number, one.shows, one.expected, came, 7) for (number, one), came in zip(scenes, got, strict=True)]


def printed(cases: Sequence[Case]) -> list[str]:
    """Each table, with its colours, on a narrow screen."""
    said = []
    for table in tables(PLAY, cases):
        screen = StringIO()
        Console(file=screen, width=80, force_terminal=True, color_system="standard").print(table)
        said.append(screen.getvalue())
    return said


def test_what_came_as_expected_is_no_error(tmp_path: Path) -> None:
    """The file holds what was expected and what came, case by case."""
    cases = played("records", "refused", "refused")
    conclude(PLAY, cases, tmp_path / "new" / "demo.json")
    written = json.loads((tmp_path / "new" / "demo.json").read_text(encoding="utf-8"))
    assert [(one["part"], one["expected"], one["got"]) for one in written] == [
        (1, "records", "records"),
        (2, "refused", "refused"),
        (2, "refused", "refused"),
    ]


@pytest.mark.parametrize("place", range(3))
def test_one_case_that_differs_is_status_1(tmp_path: Path, place: int) -> None:
    """Whichever it is; the file is written all the same."""
    got = ["records", "refused", "refused"]
    got[place] = "records [and] more"
    with pytest.raises(typer.Exit) as ended:
        conclude(PLAY, played(*got), tmp_path / "demo.json")
    assert ended.value.exit_code == 1
    assert json.loads((tmp_path / "demo.json").read_text(encoding="utf-8"))[place]["got"] == "records [and] more"


def test_each_part_is_a_table() -> None:
    """With its title and its own cases; what came otherwise is red, as it came."""
    one, two = printed(played("records", "refused", "[opened]"))
    assert ("1 first" in one, "2 second" in one, "one" in one) == (True, False, True)
    assert ("1 first" in two, "3 third" in two, "two" in two) == (False, True, True)
    assert "\x1b[32mrefused" in two
    assert "\x1b[31m[opened]" in two
    assert "\x1b[31m" not in one


def test_nothing_is_cut_off() -> None:
    """A word that is longer than its column goes on in the next line."""
    word = "renkei.request.refused.and.more"
    one, _ = printed(played(word, "refused", "refused"))
    assert word not in one
    assert "…" not in one


def test_the_tables_fit_a_pipe(tmp_path: Path) -> None:
    """Where no terminal says how wide it is no line has more than 80 columns, and no word that is expected is broken."""
    cases = [
        Case(number, one.shows, one.expected, one.expected, 99_999)
        for number, part in enumerate(PARTS, 1)
        for one in part.scenes
    ]
    (tmp_path / "played.json").write_text(json.dumps([asdict(case) for case in cases]))
    kept = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    command = [sys.executable, "-c", CONCLUDING, str(tmp_path / "played.json"), str(tmp_path / "demo.json")]
    said = subprocess.run(command, env=kept, capture_output=True, text=True, check=True).stdout
    assert max(cell_len(line) for line in said.splitlines()) == 80
    for word in {word for case in cases for word in case.expected.split()}:
        assert f" {word} " in said, word


CONCLUDING: Final = """
import json, pathlib, sys
from services.operator.demo.playing import Case, conclude
from services.operator.demo.scenes import PARTS
conclude(PARTS, [Case(**one) for one in json.load(open(sys.argv[1]))], pathlib.Path(sys.argv[2]))
"""


@pytest.mark.parametrize(
    ("got", "line"),
    [
        (("records", "refused", "refused"), "3 of 3 as expected"),
        (("records", "records", "refused"), "2 of 3 as expected; not as expected: 2"),
        (("", "", ""), "0 of 3 as expected; not as expected: 1, 2, 3"),
    ],
)
def test_the_last_line_is_a_verdict(
    got: Sequence[str], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """How many came as expected, and which did not: nobody compares the columns by eye."""
    with suppress(typer.Exit):
        conclude(PLAY, played(*got), tmp_path / "demo.json")
    assert capsys.readouterr().out.splitlines()[-1] == line


def test_the_cases_are_twelve() -> None:
    """Numbered in their order over all parts; what belongs to one number is told apart by a letter."""
    names = [scene.shows.split()[0] for part in PARTS for scene in part.scenes]
    assert list(dict.fromkeys(int(name.rstrip("abcd")) for name in names)) == list(range(1, 13))
    assert len(set(names)) == len(names)
