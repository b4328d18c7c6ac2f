"""Where a service's revisions are, and which is the last: told by their names, without what only a migration needs."""

from pathlib import Path
from typing import Final

SERVICES: Final = Path(__file__).resolve().parents[1]


def folder(service: str, revisions: Path | None = None) -> Path:
    """`services/<service>/migrations`, unless said otherwise; a file is named `<revision>_<what it is about>.py`."""
    return revisions or SERVICES / service / "migrations"


def head(service: str, revisions: Path | None = None) -> str:
    """The revision that the code expects; ValueError where there is none."""
    return max(path.name.partition("_")[0] for path in folder(service, revisions).glob("[0-9]*_*.py"))
