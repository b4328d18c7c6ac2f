"""What endurance says of its looks at the memory."""

import sys
from pathlib import Path

from services.operator.bench.cost import mebibytes
from services.operator.bench.endurance import Look, growth
from services.operator.installation import Installation
from services.operator.local import process


def test_growth_is_from_a_tenth_to_the_end() -> None:
    """Of every process; what came before the tenth does not count."""
    looks = [Look(count, {"hub": count / 10, "kafka": 50.0}) for count in range(500, 10_001, 500)]
    assert growth(looks) == {"hub": (100.0, 1000.0), "kafka": (50.0, 50.0)}


def test_one_look_is_its_own_measure() -> None:
    """Where less than a part was posted."""
    assert growth([Look(300, {"hub": 3.0})]) == {"hub": (3.0, 3.0)}


def test_memory_counts_children(tmp_path: Path) -> None:
    """A process whose child holds fifty MiB holds them."""
    held = "import time; held = b'x' * 50 * 2**20; print('held', flush=True); time.sleep(60)"
    begun = f"import subprocess; subprocess.run([{sys.executable!r}, '-c', {held!r}])"
    started = process.start("parent", [sys.executable, "-c", begun], {}, tmp_path)
    try:
        process.wait_ready(started, lambda: "held" in started.output(), 30)
        found = mebibytes(Installation(tmp_path))
    finally:
        process.kill("parent", tmp_path)
    assert list(found) == ["parent"]
    assert 50 < found["parent"] < 150
