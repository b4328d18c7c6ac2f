"""Log files from their ends: never more than a bounded part of each is read."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from services.operator.local.error import InstallationError
from services.operator.logs.lines import Entry, entries

LIMIT: Final = 1024 * 1024
"""Bytes of a file that are read at once."""


@dataclass
class Followed:
    """A log file, and how much of it has been read."""

    path: Path
    _at: int | None = None
    _rest: bytes = field(default=b"", repr=False)
    """A line that is still being written."""

    def read(self) -> list[Entry]:
        """What was written since the last time; at first, or if it is more, the end of it alone."""
        size = self.path.stat().st_size
        start = max(self._at or 0, size - LIMIT)
        with self.path.open("rb") as file:
            file.seek(start)
            data = file.read(LIMIT)
        end = start + len(data)
        if start == self._at:
            data = self._rest + data
        elif start:
            data = data.partition(b"\n")[2]  # the line before has lost its beginning
        lines, _, self._rest = data.rpartition(b"\n")
        self._at = end
        text = lines.decode(errors="replace").splitlines() if lines else []
        return entries(self.path.stem, text, datetime.fromtimestamp(self.path.stat().st_mtime, UTC))


def logs(folder: Path, names: Collection[str] = ()) -> list[Followed]:
    """The logs of these processes, or of all; InstallationError where one has none."""
    found = {path.stem: path for path in sorted((folder / "log").glob("*.log"))}
    if missing := [name for name in names if name not in found]:
        there = f"there are {', '.join(found)}" if found else "nothing was started here"
        raise InstallationError(f"no log of {', '.join(missing)} in {folder / 'log'}: {there}")
    return [Followed(path) for name, path in found.items() if not names or name in names]


def merged(files: Collection[Followed]) -> list[Entry]:
    """What all of them have to say now, in the order of time; a process's own order stays."""
    return sorted((entry for file in files for entry in file.read()), key=lambda entry: entry.time)
