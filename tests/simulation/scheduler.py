"""An asyncio event loop with virtual time: which of the ready callbacks runs next is drawn from the seed, nothing is real.

One seed is one execution. There are no threads and no sockets; time goes on only when nothing is ready.
"""

import asyncio
import heapq
import itertools
import random
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context
from typing import Any, TypeVar, cast
from unittest.mock import patch

T = TypeVar("T")
STEPS = 400_000
"""Callbacks of one execution at most: more means that it turns in a circle."""


class Endless(AssertionError):
    """The execution does not come to an end."""


class Scheduler:
    """What asyncio needs of a loop for tasks, futures and timers, and no more."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance.random
        self._itself = cast(asyncio.AbstractEventLoop, self)
        self._now = 0.0
        self._ready: list[asyncio.Handle] = []
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._count = itertools.count()
        self.steps = 0
        self.failures: list[dict[str, Any]] = []
        """Exceptions that nobody has retrieved."""

    def time(self) -> float:
        return self._now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self._itself, context)
        self._ready.append(handle)
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self._itself, context)
        heapq.heappush(self._timers, (when, next(self._count), handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is left out when its time comes."""

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self._itself)

    def create_task(
        self, coro: Coroutine[Any, Any, T], *, name: str | None = None, context: Context | None = None
    ) -> asyncio.Task[T]:
        return asyncio.Task(coro, loop=self._itself, name=name or "task", context=context)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.failures.append(context)

    def run_until_complete(self, future: Coroutine[Any, Any, T]) -> T:
        """Runs until the coroutine has ended, wherever the others are."""
        asyncio._set_running_loop(self._itself)
        try:
            task = self.create_task(future)
            while not task.done():
                self._step()
            return task.result()
        finally:
            asyncio._set_running_loop(None)

    def _step(self) -> None:
        self.steps += 1
        if self.steps > STEPS:
            raise Endless(f"{STEPS} steps by {self._now:.1f} s")
        ready = self._ready
        if not ready:
            self._advance()
        place = int(self._chance() * len(ready))
        ready[place], ready[-1] = ready[-1], ready[place]
        handle = ready.pop()
        if not handle._cancelled:
            handle._run()

    def _advance(self) -> None:
        """To the next timer's time, and everything that is due then."""
        while self._timers and self._timers[0][2].cancelled():
            heapq.heappop(self._timers)
        if not self._timers:
            raise Endless(f"nothing will ever happen again, by {self._now:.1f} s")
        self._now = self._timers[0][0]
        while self._timers and self._timers[0][0] <= self._now:
            self._ready.append(heapq.heappop(self._timers)[2])


@contextmanager
def scheduled(chance: random.Random) -> Iterator[Scheduler]:
    """A scheduler whose time is also `time.monotonic`'s, wherever that is asked."""
    scheduler = Scheduler(chance)
    with patch.object(time, "monotonic", scheduler.time):
        yield scheduler
