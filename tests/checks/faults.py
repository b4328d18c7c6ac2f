"""What is wrong with a message, in just one place, and what it meets there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import pytest

from schemas.message import Emit, Message, Outcome
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


def every(faults: Sequence[Fault[D]]) -> pytest.MarkDecorator:
    """A case for each, with its line of the matrix."""
    marks = [[pytest.mark.check(fault.check), pytest.mark.code(str(fault.code))] for fault in faults]
    cases = [pytest.param(fault, id=str(fault), marks=some) for fault, some in zip(faults, marks, strict=True)]
    return pytest.mark.parametrize("fault", cases)


def sent(outcomes: Sequence[Outcome]) -> list[tuple[str, Message]]:
    """What leaves, by topic."""
    return [(one.topic.name, one.message) for one in outcomes if isinstance(one, Emit)]


def pairs(chain: Sequence[Fault[D]]) -> list[tuple[Fault[D], Fault[D]]]:
    """Every two faults, the earlier first."""
    return [(earlier, later) for place, earlier in enumerate(chain) for later in chain[place + 1 :]]
