"""A line of a log: when, who, how bad, what. Services write JSON; Kafka's and PostgreSQL's lines stay as they are."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from services.operator.local import kafka, postgres

ERRORS: Final = frozenset({"error", "critical", "fatal", "panic"})
KAFKA: Final = re.compile(r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (?P<level>[A-Z]+) ")
POSTGRES: Final = re.compile(r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) UTC \[\d+\] (?P<level>[A-Z]+): ")
SERVERS: Final = {kafka.NAME: KAFKA, postgres.NAME: POSTGRES}
SHOWN: Final = ("event", "level", "timestamp")
"""Keys of a service's line that have a place of their own."""


@dataclass(frozen=True)
class Entry:
    """A line, with those that belong to it (a stack trace)."""

    time: datetime
    name: str
    level: str
    text: str

    def is_error(self) -> bool:
        return self.level in ERRORS


def entries(name: str, lines: Iterable[str], known: datetime) -> list[Entry]:
    """What a process's lines say. A line without a time of its own belongs to the one before, or has the time `known`."""
    found: list[Entry] = []
    for line in lines:
        entry = _entry(name, line)
        if entry:
            found.append(entry)
        elif found:
            found[-1] = replace(found[-1], text=f"{found[-1].text}\n{line}", level=_worse(name, found[-1].level))
        else:
            found.append(Entry(known, name, _worse(name, "info"), line))
    return found


def _worse(name: str, level: str) -> str:
    """Services write JSON alone: anything else is a traceback or an interpreter's last words."""
    return level if name in SERVERS else "error"


def _entry(name: str, line: str) -> Entry | None:
    try:
        return _server(name, line) if name in SERVERS else _service(name, json.loads(line))
    except (ValueError, KeyError, TypeError):
        return None


def _server(name: str, line: str) -> Entry | None:
    match = SERVERS[name].match(line)
    if match is None:
        return None
    time = datetime.fromisoformat(match["time"].replace("Z", "")).replace(tzinfo=UTC)
    return Entry(time, name, match["level"].lower(), line[match.end("time") :].removeprefix(" UTC").lstrip())


def _service(name: str, said: dict[str, Any]) -> Entry:
    time = datetime.fromisoformat(said["timestamp"])
    rest = [f"{key}={_word(value)}" for key, value in said.items() if key not in SHOWN]
    return Entry(time, name, said["level"], " ".join([said["event"], *rest]))


def _word(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
