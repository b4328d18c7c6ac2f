"""How fast this machine is just now, for work like that of the services: a number to state beside absolute figures.

1.00 is a slow 2.0 GHz machine of November 2026. Machines of one kind differ by a factor of three, and one machine by half
from minute to minute, so figures of two versions are compared only alternately in one run. It takes 4 s.
"""

import hashlib
import hmac
import json
import math
import time
from collections.abc import Callable
from typing import Final

SLOW: Final = {"interpreter": 18_300.0, "objects": 2_360.0, "json": 23.4, "hash": 84.0, "memory": 5.5}
"""Thousands of operations a second on the machine of 1.00 (`memory`: thousands of MB)."""
SECONDS: Final = 0.8
"""For each part."""
RECORD: Final = {
    "id": "0193a1f2-7c1e-7000-8000-000000000001",
    "sender": "221309",
    "receiver": "221007",
    "basis": {"edition": "2015-12-27", "row": "57", "branch": 2},
    "list": list(range(40)),
}
BLOCK: Final = bytes(20_000_000)


def yardstick() -> dict[str, float]:
    """`score`, the geometric mean, and how many times as fast as the slow machine each part is."""
    parts = {
        "interpreter": _rate(_interpreter, 300),
        "objects": _rate(_objects, 60),
        "json": _rate(_json, 500),
        "hash": _rate(_hash, 100),
        "memory": _rate(_memory, 20),
    }
    times = {name: rate / 1000 / SLOW[name] for name, rate in parts.items()}
    return {"score": round(math.prod(times.values()) ** (1 / len(times)), 2)} | {
        name: round(value, 2) for name, value in times.items()
    }


def _rate(work: Callable[[], None], operations: float) -> float:
    """Operations a second in the fastest of the attempts."""
    best, end = math.inf, time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return operations / best


def _interpreter() -> None:
    total = 0
    for number in range(300):
        total += number & 7


def _objects() -> None:
    for number in range(60):
        dict(RECORD, place=(number, str(number)))


def _json() -> None:
    for _ in range(500):
        json.loads(json.dumps(RECORD, sort_keys=True, separators=(",", ":")))


def _hash() -> None:
    for _ in range(100):
        hmac.digest(b"k" * 32, hashlib.sha256(b"x" * 2048).digest(), "sha256")


def _memory() -> None:
    bytearray(BLOCK)
