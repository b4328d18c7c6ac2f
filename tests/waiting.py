"""Waiting for a condition, with a deadline: the only way in which a test waits."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

DEADLINE: Final = 30.0
EVERY: Final = 0.02


async def until(condition: Callable[[], Any | Awaitable[Any]], seconds: float = DEADLINE) -> Any:
    """What `condition` says, as soon as it is true; AssertionError with what it said last after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (said := await _asked(condition)):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {inspect.getsource(condition)}{said!r}"
        await asyncio.sleep(EVERY)
    return said


async def _asked(condition: Callable[[], Any]) -> Any:
    said = condition()
    return await said if inspect.isawaitable(said) else said
