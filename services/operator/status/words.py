"""Spans of time and amounts of bytes as a person reads them."""

from typing import Final

UNITS: Final = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def duration(seconds: float) -> str:
    """In its largest unit, rounded down; a moment that lies ahead is now."""
    for unit, length in UNITS:
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return "0 s"


def size(count: int) -> str:
    """In MiB below a GiB, else in GiB."""
    return f"{count / 1024**2:.0f} MiB" if count < 1024**3 else f"{count / 1024**3:.1f} GiB"
