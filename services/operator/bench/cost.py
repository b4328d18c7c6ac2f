"""Processor time by process: the services, the broker and the database with all its backends."""

from collections.abc import Mapping

import psutil

from services.operator.installation import Installation
from services.operator.local import process


def processor_seconds(installation: Installation) -> dict[str, float]:
    """User and system time that each process of the installation has used so far, children included."""
    return {one.name: _seconds(psutil.Process(one.pid)) for one in process.running(installation.folder)}


def per_inquiry(before: Mapping[str, float], after: Mapping[str, float], count: int) -> dict[str, float]:
    """Milliseconds an inquiry."""
    return {name: round((after[name] - before.get(name, 0.0)) * 1000 / count, 3) for name in sorted(after)}


def _seconds(root: psutil.Process) -> float:
    own = root.cpu_times()
    total = own.user + own.system + own.children_user + own.children_system
    for child in root.children(recursive=True):
        try:
            times = child.cpu_times()
            total += times.user + times.system
        except psutil.NoSuchProcess:
            continue
    return float(total)
