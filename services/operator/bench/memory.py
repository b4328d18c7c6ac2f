"""Memory by process: the services, the broker and the database with all its backends."""

from services.operator.bench.cost import family
from services.operator.installation import Installation
from services.operator.local import process

MEBIBYTE = 1024 * 1024


def mebibytes(installation: Installation) -> dict[str, float]:
    """What each process of the installation holds, children included; what several share counts in parts (PSS)."""
    return {
        one.name: round(sum(part.memory_full_info().pss for part in family(one.pid)) / MEBIBYTE, 1)
        for one in process.running(installation.folder)
    }
