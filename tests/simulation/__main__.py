"""`python -m tests.simulation`: many seeds, and which of them fail."""

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.simulation.execution import failing

PART = 50
SAID_EVERY = 5000
"""Seeds between two lines of progress."""


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    asked.add_argument("--seeds", type=int, default=1000, help="how many")
    asked.add_argument("--start", type=int, default=0, help="the first")
    asked.add_argument("--jobs", type=int, default=2, help="processes")
    said = asked.parse_args()
    began, failed = time.monotonic(), 0
    seeds = range(said.start, said.start + said.seeds)
    parts = [seeds[start : start + PART] for start in range(0, len(seeds), PART)]
    with ProcessPoolExecutor(said.jobs, mp_context=get_context("spawn")) as pool:
        for number, verdicts in enumerate(pool.map(failing, parts), 1):
            failed += len(verdicts)
            if number * PART % SAID_EVERY == 0:
                print(f"{number * PART} seeds in {time.monotonic() - began:.0f} s; {failed} fail", file=sys.stderr)
            for verdict in verdicts:
                print(
                    f"seed {verdict.seed}: {'; '.join(verdict.wrong)} (of {verdict.asked}; {verdict.happened})",
                    flush=True,
                )
    taken = time.monotonic() - began
    print(f"{len(seeds)} seeds in {taken:.0f} s, {len(seeds) / taken * 60:.0f} a minute; {failed} fail")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
