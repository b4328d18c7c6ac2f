"""Waiting for a condition, with a deadline: the only way in which a test waits."""

import inspect
import os
import signal
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import psutil

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


def halt(pid: int) -> None:
    """SIGSTOP, and until it has struck: one thread takes the signal, and until its turn comes the others go on."""
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + DEADLINE
    while psutil.Process(pid).status() != psutil.STATUS_STOPPED:
        assert time.monotonic() < deadline, f"process {pid} goes on"
        time.sleep(EVERY)
