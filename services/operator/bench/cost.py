"""Processor time by process: the services, the broker and the database with all its backends."""

from collections.abc import Mapping

import psutil

from services.operator.installation import Installation
from services.operator.local import process


def processor_seconds(installation: Installation) -> dict[str, float]:
    """User and system time that each process of the installation has used so far, children included."""
    return {one.name: _seconds(one.pid) for one in process.running(installation.folder)}


def per_inquiry(before: Mapping[str, float], after: Mapping[str, float], count: int) -> dict[str, float]:
    """Milliseconds an inquiry."""
    return {name: round((after[name] - before.get(name, 0.0)) * 1000 / count, 3) for name in sorted(after)}


def family(root: int) -> list[psutil.Process]:
    """A process and all that it has started, the ended ones left out."""
    whole = psutil.Process(root)
    return [one for one in (whole, *whole.children(recursive=True)) if one.is_running()]


def _seconds(root: int) -> float:
    first, *children = [one.cpu_times() for one in family(root)]
    ended = first.children_user + first.children_system
    return float(ended + sum(times.user + times.system for times in (first, *children)))
