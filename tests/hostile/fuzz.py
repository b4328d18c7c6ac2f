"""Coverage-guided fuzzing of what is parsed before anything is believed: `python -m tests.hostile.fuzz TARGET --seconds N`.

Needs atheris (`pip install -e .[fuzz]`). It begins with the corpus of the target, and adds what covers something new.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

CORPUS: Final = Path(__file__).parent / "corpus"
LONGEST: Final = 20_000
"""Bytes of an input: a little over the largest limit of a header."""


def fuzz(target: str, *options: str) -> None:
    """Ends the process: libFuzzer does not return."""
    import atheris

    with atheris.instrument_imports(include=["schemas", "json"]):
        from tests.hostile.targets import TARGETS

    judged = TARGETS[target]

    def one(data: bytes) -> None:
        judged(data)

    again = f"{sys.executable} -m tests.hostile.fuzz {target}"  # libFuzzer starts itself when it merges
    atheris.Setup([again, f"-max_len={LONGEST}", *options], one)
    atheris.Fuzz()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("target")
    options.add_argument("--seconds", type=int, default=60)
    options.add_argument(
        "--folder", type=Path, help="where inputs are kept; the committed corpus, unless said otherwise"
    )
    options.add_argument(
        "--merge", type=Path, help="instead: keep of this folder what covers something new, and no more"
    )
    said, libfuzzers = options.parse_known_args()
    if libfuzzers:
        fuzz(said.target, *libfuzzers)
    folder = said.folder or CORPUS / said.target
    folder.mkdir(parents=True, exist_ok=True)
    if said.merge:
        fuzz(said.target, "-merge=1", str(folder), str(said.merge))
    fuzz(said.target, f"-max_total_time={said.seconds}", "-timeout=5", str(folder))


if __name__ == "__main__":
    main()
