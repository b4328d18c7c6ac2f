"""Files of an installation: whole or not there, their owner's alone, and no new ones in place of what was lost."""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from services.operator.local.error import InstallationError


def replace_file(path: Path, data: bytes) -> None:
    """Whole or not at all: who reads it in between sees the old file. On disk once `settle` has returned."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
    draft.replace(path)


def settle() -> None:
    """Returns once everything that was written is on disk: after a power cut, what follows is never there without it."""
    os.sync()


def require_none(gone: Path, need_it: Iterable[Path]) -> None:
    """A new file in place of a lost one would fit none of these, and hide that it is missing: InstallationError."""
    for path in need_it:
        raise InstallationError(f"{gone} is gone, and {path} needs it: restore it from the backup")


def require_never_made(data: Path, made: Path) -> None:
    """`made` stands beside data from its making on; InstallationError if that is all that is left."""
    if made.exists():
        raise InstallationError(f"{data} is gone. Restore it from a backup; to begin with nothing, delete {made}.")
