"""What may strike: each fault stands for as long as its block, and says how many it has struck.

A fault's own duration is all that is waited for by time; whether it has struck is seen.
"""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from tests.faults.ground import Ground

Struck = AsyncIterator[int]
Strike = Callable[[Ground, random.Random], AbstractAsyncContextManager[int]]


@dataclass(frozen=True)
class Fault:
    """`strike` stands for the fault from its beginning to its mending."""

    name: str
    strike: Strike
