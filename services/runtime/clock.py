"""Time is handed in: a clock is a function that says what time it is."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

Clock = Callable[[], datetime]
"""An aware datetime."""


def utc() -> datetime:
    """The machine's own, to the millisecond, as instants are: within one it is the same object, spelled once."""
    return _millisecond(time.time_ns() // 1_000_000)


@lru_cache(2)
def _millisecond(number: int) -> datetime:
    seconds, rest = divmod(number, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)
