"""Signals that end a command (SIGINT, SIGTERM, SIGHUP) and the work that none of them may cut in two."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Handler = Callable[[int, FrameType | None], object]


@contextmanager
def uninterrupted() -> Iterator[None]:
    """A signal that comes meanwhile takes effect at the end. Python gives signals to the main thread alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    with _handled(lambda number, _: came.append(number)):
        yield
    for number in came[:1]:
        signal.raise_signal(number)


@contextmanager
def finished_with(cleaning: Callable[[], object]) -> Iterator[None]:
    """`cleaning` runs whole, however the block ends: the first signal ends the block (SystemExit, 128 + its number), all
    later ones change nothing. Only SIGKILL is stronger."""
    told: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        told.append(number)
        if len(told) == 1:
            sys.exit(128 + number)

    with _handled(end):
        try:
            try:
                yield
            finally:
                told.append(
                    0
                )  # from here on no signal raises; one that comes just before still finds the outer `finally`
        finally:
            cleaning()


@contextmanager
def _handled(handler: Handler) -> Iterator[None]:
    """A signal that was ignored before (nohup) stays so."""
    before = {number: signal.getsignal(number) for number in ENDING}
    changed = {number: known for number, known in before.items() if known is not signal.SIG_IGN}
    for number in changed:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, known in changed.items():
            signal.signal(number, signal.SIG_DFL if known is None else known)
