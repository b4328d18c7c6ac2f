"""`make install` takes an interpreter that was built with optimisation, if several are there, and says which."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from services.operator.local.jars import CHECKOUT

SCRIPT = CHECKOUT / "deploy" / "choose_python.sh"


def chosen(*candidates: Path | str) -> "subprocess.CompletedProcess[str]":
    """What the script says about these candidates."""
    told = [str(candidate) for candidate in candidates]
    return subprocess.run(["/bin/sh", str(SCRIPT), *told], capture_output=True, text=True, check=False)


@pytest.fixture
def made(tmp_path: Path) -> dict[str, Path]:
    """Interpreters that answer as ones of each kind do; `broken` cannot make a virtual environment."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    answers = {"plain": 'echo "plain 3.11.7 $0"', "optimised": 'echo "optimised 3.11.2 $0"', "broken": "exit 1"}
    for name, answer in answers.items():
        (folder / name).write_text(f"#!/bin/sh\n{answer}\n")
        (folder / name).chmod(0o755)
    return {name: folder / name for name in answers}


@pytest.mark.parametrize(
    ("there", "taken"),
    [
        (("plain", "optimised"), "optimised"),
        (("optimised", "plain"), "optimised"),
        (("plain",), "plain"),
        (("broken", "plain", "broken"), "plain"),
        (("broken", "optimised"), "optimised"),
    ],
)
def test_the_optimised_one_is_preferred(there: tuple[str, ...], taken: str, made: dict[str, Path]) -> None:
    """Wherever it stands among them; the only one is taken whatever it is. A path may have spaces."""
    said = chosen("/no/such/python", *(made[name] for name in there))
    assert (said.returncode, said.stdout) == (0, f"{made[taken]}\n")
    assert said.stderr.startswith(f"Python: {made[taken]} ({taken} 3.11.")


def test_without_any_it_is_said_what_is_needed(made: dict[str, Path]) -> None:
    """And how another one is named."""
    said = chosen("/no/such/python", made["broken"])
    assert (said.returncode, said.stdout) == (1, "")
    assert "venv and ensurepip is needed" in said.stderr
    assert "PYTHON=" in said.stderr


def test_a_real_interpreter_is_recognised() -> None:
    """The one of this environment, by the options that it was configured with."""
    base = getattr(sys, "_base_executable", sys.executable)
    said = chosen(base)
    assert said.returncode == 0
    assert Path(said.stdout.strip()).samefile(base)
    if "--enable-optimizations" in str(sysconfig.get_config_var("CONFIG_ARGS")):
        assert "(optimised " in said.stderr


def test_make_says_which_and_takes_the_one_that_is_named(made: dict[str, Path]) -> None:
    """`PYTHON=` overrides the choice; nothing is installed by a dry run."""
    told = ["make", "-n", "-B", "-C", str(CHECKOUT), "install", f"PYTHON={made['plain']}"]
    dry = subprocess.run(told, capture_output=True, text=True, check=True).stdout
    assert f'sh deploy/choose_python.sh "{made["plain"]}"' in dry
    told[-1] = "PYTHON="
    dry = subprocess.run(told, capture_output=True, text=True, check=True).stdout
    assert "sh deploy/choose_python.sh )" in dry
