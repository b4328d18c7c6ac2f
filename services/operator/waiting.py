"""Waiting for a condition, with a deadline: nobody who waits for something to happen guesses how long it takes."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def reached(condition: Callable[[], Awaitable[T]], seconds: float, every: float = 0.1) -> T:
    """What `condition` says as soon as it is true; after `seconds` what it said last, which is not."""
    deadline = time.monotonic() + seconds
    while True:
        said = await condition()
        if said or time.monotonic() > deadline:
            return said
        await asyncio.sleep(every)
