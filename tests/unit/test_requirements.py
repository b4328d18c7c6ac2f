"""A service needs the packages of `[project.dependencies]` and no others; the lock file has every package, with hashes."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from typing import Any, Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from services.operator.local.jars import CHECKOUT
from services.topology import SERVICES

PROJECT: Final[dict[str, Any]] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: Final = ("local", "report", "develop")
"""All that `make install` installs; fuzzing needs a compiler of its own."""
LOCKED: Final = re.compile(
    r"(?m)^([a-z0-9.-]+)(?:\[[^]]*\])?==(\S+)(?: ; [^\\\n]+)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)"
)
HIDING: Final = """
import importlib, pkgutil, sys

hidden, names = set(sys.argv[1].split(",")), sys.argv[2].split(",")

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in hidden:
            return None
        frame = sys._getframe(1)
        while frame.f_globals.get("__name__", "").startswith("importlib"):
            frame = frame.f_back
        if frame.f_globals["__name__"].startswith(("services", "schemas")):
            sys.exit(f"{frame.f_globals['__name__']} imports {name}")
        raise ModuleNotFoundError(name, name=name)

for name in [name for name in sys.modules if name.partition(".")[0] in hidden]:
    del sys.modules[name]  # what a .pth file has imported
sys.meta_path.insert(0, Hidden())
running = importlib.import_module("services.running")
for name in names:
    assert running.services_of(name)
    package = importlib.import_module(f"services.{name}")
    for module in pkgutil.walk_packages(package.__path__, f"services.{name}."):
        if ".migrations" not in module.name:
            importlib.import_module(module.name)
assert not hidden & {name.partition(".")[0] for name in sys.modules}
print("imported", len([name for name in sys.modules if name.startswith("services.")]))
"""


def required(*extras: str) -> dict[str, Requirement]:
    """The requirements of these extras, by name; of none: those of the project itself."""
    told = [one for extra in extras for one in PROJECT["optional-dependencies"][extra]] or PROJECT["dependencies"]
    found = map(Requirement, told)
    return {canonicalize_name(one.name): one for one in found}


def modules(names: set[str]) -> set[str]:
    """The top-level modules that these packages bring."""
    return {
        module
        for module, packages in packages_distributions().items()
        if {canonicalize_name(package) for package in packages} & names
    }


def test_every_service_is_imported_without_the_extras() -> None:
    """As where they are not installed: no module of a service, of the runtime or of the schemas asks for one of them."""
    hidden = modules(set(required(*EXTRAS)))
    assert {"typer", "rich", "matplotlib", "psutil", "psycopg", "sqlalchemy", "alembic", "pytest"} <= hidden
    told = [sys.executable, "-c", HIDING, ",".join(sorted(hidden)), ",".join(one.name for one in SERVICES)]
    done = subprocess.run(told, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout.split()[1]) > 50


def test_no_package_is_required_twice() -> None:
    """Neither by a service and an extra, nor by two extras: it stands where it is needed first."""
    groups = [set(required()), *(set(required(extra)) for extra in EXTRAS)]
    assert sum(map(len, groups)) == len(set().union(*groups))


@pytest.mark.parametrize("extra", ["", *EXTRAS])
def test_the_lock_file_has_every_requirement(extra: str) -> None:
    """In a version that fits, with hashes, and without an address."""
    text = (CHECKOUT / "requirements.lock").read_text(encoding="utf-8")
    entries = LOCKED.findall(text)
    locked: dict[str, str] = {canonicalize_name(name): version for name, version, _ in entries}
    assert len(entries) == len(re.findall(r"(?m)^[^ #].*==", text))
    assert "://" not in text
    wanted = required(extra) if extra else required()
    assert {name for name, one in wanted.items() if not one.specifier.contains(locked.get(name, "0"))} == set()
