"""Which access line a municipality has: the one that is known, else one by its population.

The study (5-2) gives 10 Mbit/s to 1,000,000 people and 128 kbit/s to 100,000, 50,000 and 10,000. That every
municipality of more than 100,000 has the large line and every other the small one is **assumed**.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Lines:
    """Speeds in kbit/s."""

    small: int = 128
    large: int = 10_000
    large_above: int = 100_000
    """People: a municipality of more has the large line."""
    known: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """By municipality code; goes before the rule."""

    def of(self, population: int, code: str = "") -> int:
        """The line of a municipality of that many people and, if it is in the list, of that code."""
        return self.known.get(code) or (self.large if population > self.large_above else self.small)
