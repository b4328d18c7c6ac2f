"""`python -m tests`: the suite in two halves side by side, since one of them waits for servers half of its time."""

import subprocess
import sys
from pathlib import Path
from typing import Final

WAITING: Final = ["tests/integration"]
COMPUTING: Final = ["tests", "--ignore=tests/integration"]
SAID: Final = Path("build/integration.txt")
"""What the half that waits says while it runs."""


def main() -> int:
    """Status 1 unless both pass. One half is shown as it goes, the other once that has ended."""
    SAID.parent.mkdir(exist_ok=True)
    print(f"Beside this: tests/integration, to {SAID}", flush=True)
    with SAID.open("w") as said, subprocess.Popen(_pytest(WAITING), stdout=said, stderr=subprocess.STDOUT) as waiting:
        computing = subprocess.run(_pytest(COMPUTING), check=False)
    print(SAID.read_text())
    return 1 if computing.returncode or waiting.returncode else 0


def _pytest(told: list[str]) -> list[str]:
    return [sys.executable, "-m", "pytest", *told, *sys.argv[1:]]


if __name__ == "__main__":
    sys.exit(main())
