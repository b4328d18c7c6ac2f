"""`python -m tests.dummy first|second|block`, told by the environment like every process of an installation."""

import sys

from services.runtime.errors import Misconfigured
from services.runtime.process import main
from services.runtime.settings import load
from tests.dummy.chain import here

if __name__ == "__main__":
    services = here().services()
    running = [service for service in services if sys.argv[1] in (service.name, "block")]
    try:
        settings = load()
    except Misconfigured as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(running, services, settings))
