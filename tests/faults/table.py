"""`python -m tests.faults.table [FILE …]`: puts what runs have shown, build/faults.json if none is named, into the README.

Of several runs of a row the one that struck most often counts.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from services.operator.generate.marked import between
from tests.faults.matrix import BUILD, GROUPS

README: Final = Path(__file__).parents[1] / "README.md"
BEGIN: Final = "<!-- Written by `python -m tests.faults.table`. -->"
END: Final = "<!-- End of what `python -m tests.faults.table` writes. -->"
COLUMNS: Final = ("fault", "times", "posted", "lost", "twice", "disordered", "in clear", "wrong", "first s", "empty s")


def table(rows: Iterable[Mapping[str, Any]]) -> str:
    """In the order of the matrix."""
    best: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        key = row["all"]["row"]
        if key not in best or row["times"] > best[key]["times"]:
            best[key] = row
    keys = [row.key for group in GROUPS for row in group.rows if row.key in best]
    lines = [f"| {' | '.join(str(best[key][name]) for name in COLUMNS)} |" for key in keys]
    return "\n".join([f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|", *lines])


if __name__ == "__main__":
    files = [Path(name) for name in sys.argv[1:]] or [BUILD / "faults.json"]
    found = [row for file in files for row in json.loads(file.read_text())["rows"]]
    README.write_text(between(README.read_text(encoding="utf-8"), BEGIN, END, table(found)), encoding="utf-8")
