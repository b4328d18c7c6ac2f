"""Flame graphs of processes under load, by py-spy, which looks into them from outside: nothing of it is in the services."""

import signal
import subprocess
import sysconfig
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from services.operator.installation import Installation
from services.operator.local import process
from services.operator.local.error import InstallationError
from services.operator.local.process import Process

SAMPLES: Final = 100
"""A second: the load is slowed down by some percent."""
PATIENCE: Final = 60.0
"""Seconds that py-spy may take to draw."""


@contextmanager
def flames(installation: Installation, names: Collection[str], folder: Path) -> Iterator[None]:
    """While the block runs, those of the named processes that are there are recorded, each to `<folder>/<name>.svg`."""
    folder.mkdir(parents=True, exist_ok=True)
    found = [one for one in process.running(installation.folder) if one.name in names]
    recorders = [_record(one, folder / f"{one.name}.svg") for one in found]
    try:
        yield
    finally:
        failed = [one.name for one, recorder in zip(found, recorders, strict=True) if not _drawn(recorder)]
    if failed:
        raise InstallationError(f"py-spy could not look into {', '.join(failed)}: it needs root, or CAP_SYS_PTRACE.")


def _record(one: Process, file: Path) -> "subprocess.Popen[bytes]":
    command = Path(sysconfig.get_path("scripts")) / "py-spy"
    if not command.exists():
        raise InstallationError("py-spy is not installed: it is one of the tools for development (`make install`).")
    options = ("--pid", str(one.pid), "--rate", str(SAMPLES), "--output", str(file))
    return subprocess.Popen([command, "record", *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _drawn(recorder: "subprocess.Popen[bytes]") -> bool:
    recorder.send_signal(signal.SIGINT)
    return recorder.wait(PATIENCE) == 0
