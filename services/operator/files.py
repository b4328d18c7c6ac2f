"""What an operator hands over in files, line by line; what is wrong is said with the number of its line, not with its text."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from schemas.text import explained

ENCODING: Final = "utf-8-sig"
"""UTF-8, also where a spreadsheet has put a byte order mark before it."""


def table(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The lines of a CSV whose first line names the columns, each with its number; ValueError for one of another length."""
    with file.open(encoding=ENCODING, newline="") as lines:
        reader = csv.DictReader(lines, strict=True)
        try:
            for cells in reader:
                if None in cells or None in cells.values():
                    raise ValueError(f"line {reader.line_num}: not as many cells as the first line has")
                yield reader.line_num, cells
        except csv.Error as error:
            raise ValueError(f"line {reader.reader.line_num}: {error}") from None


def lines(file: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, each with its number."""
    with file.open(encoding=ENCODING) as opened:
        yield from ((number, line) for number, line in enumerate(opened, 1) if line.strip())


@contextmanager
def line(number: int) -> Iterator[None]:
    """Says where it was, if what stands there is not as it should be."""
    try:
        yield
    except ValidationError as error:
        raise ValueError(f"line {number}: {explained(error)}") from None
