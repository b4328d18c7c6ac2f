"""Structured logs: JSON, one line a batch, with allow-listed keys; never names, numbers, link codes or payloads."""

import io
import logging
import os
import sys
from collections import Counter
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final, TextIO, cast

import structlog

QUIET: Final = 10.0
"""Seconds between two lines from one place in a library."""
ALLOWED: Final = frozenset(
    {"event", "level", "timestamp", "service", "topic", "count", "milliseconds", "error", "where", "reason", "edition",
     "waiting_for", "seconds", "services", "port", "code", "type"}
)  # fmt: skip
"""Keys that a log line may have; any other is dropped and counted in `dropped_keys`."""


def configure(level: str, lost: Callable[[], object] = lambda: None) -> None:
    """Once a process; lines go to standard output, and `lost` is called for each that cannot be written.

    Libraries' own logs appear from warnings on, as type and place only."""
    output = cast(TextIO, Output(sys.stdout, lost))
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            only_allowed,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *_: structlog.WriteLogger(output),
    )
    logging.basicConfig(handlers=[Foreign()], level=logging.WARNING, force=True)


class Output:
    """Whole lines to a stream, unbuffered. A line that cannot be written (full disk, closed pipe) is lost, and nobody fails.

    A buffer would keep the lost line and fail again with the next one, and once more at the end of the process."""

    def __init__(self, stream: TextIO, lost: Callable[[], object]) -> None:
        self._stream, self._lost = stream, lost
        self._broken = False
        """Whether the last line was written in part: the next one begins in a line of its own."""

    def write(self, text: str) -> None:
        """One line with its end, as WriteLogger gives it."""
        data = (b"\n" if self._broken else b"") + text.encode(errors="backslashreplace")
        try:
            written = self._put(data)
        except (OSError, ValueError):  # a closed stream is a ValueError
            self._lost()
            return
        self._broken = written < len(data)
        if self._broken:
            self._lost()

    def flush(self) -> None:
        """Nothing is kept back."""

    def _put(self, data: bytes) -> int:
        try:
            descriptor = self._stream.fileno()
        except io.UnsupportedOperation:  # in memory
            self._stream.write(data.decode())
            return len(data)
        return os.write(descriptor, data)


def only_allowed(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drops what is not allow-listed, and says how much."""
    kept = {key: value for key, value in line.items() if key in ALLOWED}
    return kept if len(kept) == len(line) else kept | {"dropped_keys": len(line) - len(kept)}


class Foreign(logging.Handler):
    """A library's log record: its place, never its text, which may repeat what it was given.

    Of each place one line in `QUIET` seconds, with the count, whatever it writes meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}
        self._count: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        where = f"{record.name}:{record.lineno}"
        self._count[where] += 1
        if record.created - self._said.get(where, -QUIET) >= QUIET:
            error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else record.levelname.lower()
            structlog.get_logger().warning("library", where=where, error=error, count=self._count.pop(where))
            self._said[where] = record.created


@dataclass(frozen=True)
class Failure:
    """What may be kept of an error: its type and its place. The error itself keeps alive whatever its step had in hand."""

    error: str
    place: str

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        return cls(type(error).__name__, place(error))


def place(error: BaseException) -> str:
    """Where an error was raised: file and line, which is no personal data."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    if trace is None:
        return "unknown"
    file = "/".join(trace.tb_frame.f_code.co_filename.split("/")[-2:])
    return f"{file}:{trace.tb_lineno}"
