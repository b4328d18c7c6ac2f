"""What may go wrong in one execution, drawn from its seed: which kinds, how many, and after how many awaits each."""

import random
from dataclasses import dataclass, field
from typing import Final, Literal

Kind = Literal["unavailable", "slow", "crash", "displace", "clock", "leap", "behind", "switch", "revoke"]
"""A call fails before or after its effect; a process waits, dies, or loses its partitions unawares; its clock, or everybody's,
jumps; its directory is behind; the layout of processes changes; a key is revoked."""
KINDS: Final[tuple[Kind, ...]] = (
    "unavailable", "slow", "crash", "displace", "clock", "leap", "behind", "switch", "revoke",
)  # fmt: skip
OF_TIME: Final = frozenset({"clock", "leap", "revoke"})
"""After these an inquiry may rightly end otherwise: late, or by nobody's answer."""
MOST: Final = 10
CRASHES: Final = 2
"""Of one service, and losses of its partitions: seen from outside they are the same, and what is being done when its process
is lost for the third time is rightly set aside."""


@dataclass
class Faults:
    """Counts awaits; every so many, one of the seed's kinds is due."""

    chance: random.Random
    kinds: tuple[Kind, ...]
    left: int
    gap: float
    happened: list[Kind] = field(default_factory=list)
    _next: int = field(init=False)

    def __post_init__(self) -> None:
        self._next = self._awaits()

    def due(self) -> Kind | None:
        """To be asked at every await."""
        self._next -= 1
        if self._next > 0 or not self.left:
            return None
        self._next = self._awaits()
        self.left -= 1
        kind = self.chance.choice(self.kinds)
        self.happened.append(kind)
        return kind

    def _awaits(self) -> int:
        """How many until the next."""
        return 1 + int(self.chance.expovariate(1 / self.gap))

    def stop(self) -> None:
        """From now on nothing goes wrong."""
        self.left = 0

    @property
    def timely(self) -> bool:
        """Whether everybody's sense of time and keys was left alone."""
        return not OF_TIME & set(self.happened)


def on_the_way(chance: random.Random) -> Faults:
    """Layouts change again and again while much is under way, some of it held up."""
    return Faults(chance, ("switch", "slow", "slow", "unavailable"), 2 * MOST, 80.0)


def of_processes(chance: random.Random) -> Faults:
    """What a step that fails by itself may meet in addition."""
    kinds: tuple[Kind, ...] = ("unavailable", "slow", "crash", "displace")
    return Faults(chance, kinds, chance.randint(0, MOST), chance.choice((25.0, 60.0, 120.0)))


def drawn(chance: random.Random) -> Faults:
    """Few kinds at a time, so that each is met undisturbed by others, too; one seed in eight is without."""
    kinds = tuple(chance.sample(KINDS, chance.randint(1, 4)))
    left = 0 if chance.random() < 0.125 else chance.randint(1, MOST)
    return Faults(chance, kinds, left, chance.choice((8.0, 25.0, 60.0)))
