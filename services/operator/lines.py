"""Rules for what an operator types: white space around it is cut off and counted, problems are collected by line."""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from pydantic import ValidationError

from schemas.number import checked
from schemas.text import explained

MOST_PROBLEMS: Final = 100
"""Wrong lines that are named; of the rest the count is said."""


@dataclass
class Trimming:
    """Cuts white space off and puts text into NFC, as the wire does; counts the cells that white space surrounded."""

    count: int = 0

    def text(self, cell: str) -> str:
        trimmed = cell.strip()
        self.count += trimmed != cell
        return unicodedata.normalize("NFC", trimmed)

    def number(self, cell: str) -> str:
        """An internal number; ValueError, without it, for anything else."""
        trimmed = cell.strip()
        self.count += trimmed != cell
        return checked(trimmed)

    def said(self) -> str:
        """A note for the end of the command's report; empty if nothing was cut off."""
        return f"; white space was cut off {self.count} cells" if self.count else ""


@dataclass
class Problems:
    """The wrong lines of a file."""

    found: list[str] = field(default_factory=list)

    @contextmanager
    def at(self, place: str) -> Iterator[None]:
        """Notes what is wrong at `place`, and goes on."""
        try:
            yield
        except ValidationError as error:
            self.found.append(f"{place}: {explained(error)}")
        except ValueError as error:
            self.found.append(f"{place}: {error}")

    def require_none(self) -> None:
        """ValueError with every problem, up to `MOST_PROBLEMS`, then the count of the rest."""
        rest = len(self.found) - MOST_PROBLEMS
        named = self.found[:MOST_PROBLEMS] + ([f"and {rest} more wrong lines"] if rest > 0 else [])
        if named:
            raise ValueError("\n".join(named))
