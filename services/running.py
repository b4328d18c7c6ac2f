"""`python -m services.running NAME…`: services in this process, until SIGTERM.

`renkei run` is the same; this imports nothing that only the operator's other commands need.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Final

from services.runtime import process, settings
from services.runtime.errors import Misconfigured
from services.topology import BLOCKS, SERVICES, services_of

OPERATORS: Final = ("RENKEI_FOLDER", "RENKEI_TRAFFIC_")
"""How variables of the operator's commands begin, which may stand in the same environment."""


def run(names: Sequence[str]) -> int:
    """Services or blocks of these names, told by the environment (RENKEI_KAFKA, RENKEI_POSTGRES, …); the exit status."""
    unknown = [name for name in names if not services_of(name)]
    if unknown:
        known = ", ".join((*BLOCKS, *(service.name for service in SERVICES)))
        raise Misconfigured(f"there is no block and no service {', '.join(unknown)}; there are {known}")
    named = {service.name for name in names for service in services_of(name)}
    told = {name: value for name, value in os.environ.items() if not name.startswith(OPERATORS)}
    return process.main([service for service in SERVICES if service.name in named], SERVICES, settings.load(told))


def main() -> int:
    """The same, with what is wrong in one line on standard error."""
    parser = argparse.ArgumentParser(prog="python -m services.running", description="Run services in this process.")
    parser.add_argument("names", nargs="+", metavar="NAME", help="a service, or a block")
    try:
        return run(parser.parse_args().names)
    except Misconfigured as error:
        sys.stderr.write(f"renkei: {error}\n")
    except OSError as error:
        sys.stderr.write(f"renkei: {error.filename or 'this machine'}: {error.strerror}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
