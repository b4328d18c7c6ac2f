"""From a population to kilobytes to kbit/s: exact until it is printed, then rounded as the study rounds.

Every figure by population that the study prints follows from `Shares.kilobytes` and `printed_kbps` (README.md).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from schemas.agencies import Municipality
from services.traffic import study

BITS_OF_A_BYTE: Final = 8


def half_up(value: Fraction, places: int = 0) -> Decimal:
    """`value` (not negative) to that many decimals, a half upwards; whole numbers inside, so no digit is ever lost."""
    shifted = value * 10**places
    units = (2 * shifted.numerator + shifted.denominator) // (2 * shifted.denominator)
    return Decimal(f"{units}e-{places}")


def split(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Whole parts in proportion to the weights, with exactly `total` as their sum.

    By largest remainder, the earlier part first where remainders are equal: no part is a whole unit off its exact
    share. Raises ValueError where there is nothing to be in proportion to.
    """
    whole = sum(weights)
    if total < 0 or whole <= 0 or min(weights) < 0:
        raise ValueError("a total of 0 or more and weights of 0 or more, not all 0, are needed")
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda index: -(total * weights[index] % whole))
    for index in by_remainder[: total - sum(parts)]:
        parts[index] += 1
    return tuple(parts)


@dataclass(frozen=True, slots=True)
class Shares:
    """Traffic is in proportion to population (4-4): a municipality's share of a total is its share of these people."""

    name: str
    people: int

    def exact(self, total: int, population: int) -> Fraction:
        """KB of `population` people out of `total`; ValueError for fewer than none or more than all."""
        if not 0 <= population <= self.people:
            raise ValueError(f"expected a population from 0 to {self.people:,}, got {population:,}")
        return Fraction(total * population, self.people)

    def kilobytes(self, total: int, population: int) -> int:
        """The same in whole KB, as the study prints it."""
        return int(half_up(self.exact(total, population)))


STUDY: Final = Shares("study", study.POPULATION)
"""For the study's own figures."""


def installation(municipalities: Iterable[Municipality]) -> Shares:
    """Shares of the people in these municipalities: all of them together carry exactly the total."""
    return Shares("installation", sum(each.population for each in municipalities))


def rate(kilobytes: int | Fraction, seconds: int) -> Fraction:
    """kbit/s when that much is spread evenly over so many seconds: exact, for comparing and drawing."""
    if seconds <= 0:
        raise ValueError(f"expected a window of more than 0 seconds, got {seconds}")
    return Fraction(kilobytes) * BITS_OF_A_BYTE / seconds


def printed_kbps(kilobytes: int, seconds: int) -> Decimal:
    """kbit/s as the study prints it: KB/s to three decimals, times eight, to two decimals.

    The first rounding is needed: without it 繁忙期 of 100,000 people would be 33.16 and 一斉照会 of 50,000 65.08.
    """
    per_second = half_up(rate(kilobytes, seconds) / BITS_OF_A_BYTE, 3)
    return half_up(Fraction(per_second) * BITS_OF_A_BYTE, 2)


def line_use(kbps: Decimal, line_kbps: int) -> Decimal:
    """Per cent of a line that a printed rate fills, to one decimal."""
    if line_kbps <= 0:
        raise ValueError(f"expected a line of more than 0 kbit/s, got {line_kbps}")
    return half_up(Fraction(kbps) * 100 / line_kbps, 1)
