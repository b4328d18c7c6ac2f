"""Time is handed in: a clock is a function that says what time it is."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""An aware datetime."""


def utc() -> datetime:
    """The machine's own."""
    return datetime.now(UTC)
