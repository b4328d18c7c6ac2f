"""What the study prints about traffic: totals, model municipalities, and the constants that its figures imply.

Sections 4-4 (traffic) and 5-2 (load on access lines). 1 KB is 1,000 bytes, 1 kbit/s is 1,000 bit/s.
"""

from dataclasses import dataclass
from typing import Final

POPULATION: Final = 128_057_352
"""Not printed. With it (the census of 2010) every figure by population comes out to the last digit."""

ANNUAL: Final = 9_173_538_531
"""KB a year on the lines of all municipalities, of 34 use cases."""

MASS_DAY: Final = 600_000_000
"""KB on the one day of a mass inquiry (一斉照会), likewise."""


@dataclass(frozen=True, slots=True)
class Period:
    """A time of the year with its load and the seconds over which the load is spread evenly."""

    name: str
    japanese: str
    english: str
    total: int
    """KB, all municipalities."""
    seconds: int


NORMAL: Final = Period("normal", "通常期", "normal", ANNUAL, 3_456_000)
BUSY: Final = Period("busy", "繁忙期", "busy", ANNUAL, 1_728_000)
MASS_INQUIRY: Final = Period("mass_inquiry", "一斉照会", "mass inquiry", MASS_DAY, 28_800)
PERIODS: Final = (NORMAL, BUSY, MASS_INQUIRY)
"""Only eight hours of a day for the mass inquiry are plain to see. The study prints no hours for the other two: 960
and 480 hours are what its figures imply, half as many when it is busy."""


@dataclass(frozen=True, slots=True)
class ModelMunicipality:
    """One of the four imagined municipalities (市町村A to D) with the line that 5-2 gives it."""

    letter: str
    population: int
    kbps: int


MODEL_MUNICIPALITIES: Final = (
    ModelMunicipality("A", 1_000_000, 10_000),
    ModelMunicipality("B", 100_000, 128),
    ModelMunicipality("C", 50_000, 128),
    ModelMunicipality("D", 10_000, 128),
)
