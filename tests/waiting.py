"""Waiting for a condition, with a deadline: the only way in which a test waits."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Final

from services.operator.waiting import reached

DEADLINE: Final = 30.0
EVERY: Final = 0.02


async def until(condition: Callable[[], Any | Awaitable[Any]], seconds: float = DEADLINE) -> Any:
    """What `condition` says, as soon as it is true; AssertionError with what it said last after `seconds`."""

    async def asked() -> Any:
        said = condition()
        return await said if inspect.isawaitable(said) else said

    said = await reached(asked, seconds, EVERY)
    assert said, f"not within {seconds:g} s: {inspect.getsource(condition)}{said!r}"
    return said
