"""What every measurement stands on: an installation to be thrown away, and a file with what it was measured on."""

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from services.operator.bench.yardstick import yardstick
from services.operator.console import readable
from services.operator.installation import Installation
from services.operator.lifecycle import thrown_away

BUILD: Final = Path("build")


@contextmanager
def installed() -> Iterator[Installation]:
    """An installation of nothing yet; whatever runs in it afterwards is ended, and all of it removed."""
    installation = Installation((BUILD / "bench").resolve())
    with readable(), thrown_away(installation):
        yield installation


def kept(file: Path, figures: dict[str, Any]) -> None:
    """The figures, with the machine that they are of and how fast it is now."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"machine": machine(), "yardstick": yardstick(), **figures}, indent=1) + "\n")


def machine() -> dict[str, Any]:
    """What it was measured on."""
    names = ("aiokafka", "asyncpg", "cryptography", "pydantic", "pynacl", "uvloop")
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "kafka": "4.3.1",
        "postgresql": "18",
        **{name: version(name) for name in names},
    }
