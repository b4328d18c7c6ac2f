"""What an operator hands over in files, line by line; what is wrong is said with the number of its line, not with its text."""

import csv
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from pydantic import ValidationError

from schemas.text import explained

ENCODING: Final = "utf-8-sig"
"""UTF-8, also where a spreadsheet has put a byte order mark before it."""


def table(file: Path, known: Collection[str], what: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The lines of a CSV whose first line names the columns, each with its number; ValueError for one of another length.

    So for a column that is not known, before any line: `what` says what it is not. The file is read once: it may be a pipe."""
    with _rows(file) as reader:
        _require_columns(reader.fieldnames or (), known, what)
        for cells in reader:
            if None in cells or None in cells.values():
                raise ValueError(f"line {reader.line_num}: not as many cells as the first line has")
            yield reader.line_num, cells


def lines(file: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, each with its number."""
    with _text(file) as opened:
        yield from ((number, line) for number, line in enumerate(opened, 1) if line.strip())


@contextmanager
def line(number: int) -> Iterator[None]:
    """Says where it was, if what stands there is not as it should be."""
    try:
        yield
    except ValidationError as error:
        raise ValueError(f"line {number}: {explained(error)}") from None


def _require_columns(names: Sequence[str], known: Collection[str], what: str) -> None:
    """Says the place and not the name: where the first line is missing, that is a cell about a person."""
    if not names:
        raise ValueError("line 1: the names of the columns are expected")
    for number, name in enumerate(names, 1):
        if name not in known:
            raise ValueError(f"line 1, column {number}: {what}")
        if name in names[: number - 1]:
            raise ValueError(f"line 1, column {number}: named like a column before it")


@contextmanager
def _rows(file: Path) -> "Iterator[csv.DictReader[str]]":
    """A CSV; ValueError where it is none."""
    with _text(file, newline="") as lines:
        reader = csv.DictReader(lines, strict=True)
        try:
            yield reader
        except csv.Error as error:
            raise ValueError(f"line {reader.reader.line_num}: {error}") from None


@contextmanager
def _text(file: Path, newline: str | None = None) -> Iterator[TextIO]:
    """ValueError, without the byte that does not decode, for another encoding than UTF-8."""
    with file.open(encoding=ENCODING, newline=newline) as opened:
        try:
            yield opened
        except UnicodeDecodeError:
            raise ValueError("the file is not in UTF-8") from None
