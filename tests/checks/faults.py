"""What is wrong with a message, in just one place, and what it meets there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from schemas.refusal import RefusalCode, SecurityCode

D = TypeVar("D")


@dataclass(frozen=True)
class Fault(Generic[D]):
    """`spoil` makes it in a draft that is right otherwise; `check` is the line of the matrix that finds it."""

    check: str
    name: str
    code: RefusalCode | SecurityCode
    spoil: Callable[[D], None]

    def __str__(self) -> str:
        return f"{self.check}: {self.name}"


def pairs(chain: Sequence[Fault[D]]) -> list[tuple[Fault[D], Fault[D]]]:
    """Every two faults, the earlier first."""
    return [(earlier, later) for place, earlier in enumerate(chain) for later in chain[place + 1 :]]
