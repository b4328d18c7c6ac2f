"""Processor time and memory by process: the services, the broker and the database with all its backends."""

from collections.abc import Mapping
from typing import Final

from services.operator.installation import Installation
from services.operator.local import process
from services.operator.local.process import Process

MEBIBYTE: Final = 1024 * 1024


def processor_seconds(installation: Installation) -> dict[str, float]:
    """User and system time that each process of the installation has used so far, children included."""
    return {one.name: _seconds(one) for one in process.running(installation.folder)}


def per_inquiry(before: Mapping[str, float], after: Mapping[str, float], count: int) -> dict[str, float]:
    """Milliseconds an inquiry."""
    return {name: round((after[name] - before.get(name, 0.0)) * 1000 / count, 3) for name in sorted(after)}


def mebibytes(installation: Installation) -> dict[str, float]:
    """What each process of the installation holds, children included; what several share counts in parts (PSS)."""
    return {one.name: _held(one) for one in process.running(installation.folder)}


def _seconds(one: Process) -> float:
    first, *children = [part.cpu_times() for part in process.family(one)]
    ended = first.children_user + first.children_system
    return float(ended + sum(times.user + times.system for times in (first, *children)))


def _held(one: Process) -> float:
    held: int = sum(part.memory_full_info().pss for part in process.family(one))
    return round(held / MEBIBYTE, 1)
