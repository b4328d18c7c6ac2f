"""Traffic of an item is size × persons × exchanges × correction (連携情報ごとのトラフィック量, 4-4).

The rule is the study's. Which 34 use cases it was applied to and how large an item is (値①) the study does not print:
`use_cases.csv` is our example, **assumed** line by line, and scaled so that it adds up to the study's total.
"""

import csv
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.traffic import study
from services.traffic.model import half_up, split

ASSUMED: Final = "use cases, sizes and ranks are assumed; only their total is the study's"
"""Goes with every figure that is made from the example set."""

Kind = Literal["inquiry", "notification"]
"""照会 or 連絡."""
Parties = Literal["municipalities", "other"]
"""Between municipalities (市町村相互), or between a municipality and any other agency."""
Rank = Literal["A", "B", "C", "D", "E"]

PERSONS: Final = MappingProxyType({"固定資産情報": 6, "所得課税証明書情報": 3})
"""値②: the family is asked about too. Any other information: one person."""
EXCHANGES_A_YEAR: Final[MappingProxyType[Rank, int]] = MappingProxyType(
    {"A": 10_000_000, "B": 1_000_000, "C": 100_000, "D": 10_000, "E": 1_000}
)
"""値③, by rank (連携件数ランク)."""
CORRECTION: Final[MappingProxyType[Parties, int]] = MappingProxyType({"municipalities": 2, "other": 1})
"""値④: between municipalities a message loads two of the lines that are added up, the sender's and the receiver's."""


class Linkage(BaseModel):
    """One item of information (連携情報) in one use case: a line of `use_cases.csv`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int = Field(ge=1, le=34)
    """Of the use case."""
    use_case: str
    use_case_english: str
    information: str
    information_english: str
    kind: Kind
    parties: Parties
    kilobytes: int = Field(gt=0)
    """値①, before scaling."""
    rank: Rank

    @property
    def messages(self) -> int:
        """A year: one for each person of each exchange. A message on two lines is still one message."""
        return PERSONS.get(self.information, 1) * EXCHANGES_A_YEAR[self.rank]

    @property
    def traffic(self) -> int:
        """KB a year on the lines of municipalities, before scaling."""
        return self.kilobytes * self.messages * CORRECTION[self.parties]


@cache
def load_linkages() -> tuple[Linkage, ...]:
    """The example set of this package; read once per process."""
    with resources.files("services.traffic").joinpath("use_cases.csv").open(encoding="utf-8") as lines:
        return tuple(Linkage.model_validate(line) for line in csv.DictReader(lines))


def scale(linkages: Sequence[Linkage], total: int = study.ANNUAL) -> Fraction:
    """By what the sizes must be multiplied so that the traffic adds up to `total`."""
    return Fraction(total, sum(linkage.traffic for linkage in linkages))


def scaled_traffic(linkages: Sequence[Linkage], total: int = study.ANNUAL) -> tuple[int, ...]:
    """KB a year of each, together exactly `total`."""
    return split(total, [linkage.traffic for linkage in linkages])


def scaled_bytes(linkages: Sequence[Linkage], total: int = study.ANNUAL) -> tuple[int, ...]:
    """Size of one message of each: whole bytes, at least one."""
    factor = scale(linkages, total)
    return tuple(max(1, int(half_up(linkage.kilobytes * 1000 * factor))) for linkage in linkages)


def traffic_by_information(linkages: Sequence[Linkage]) -> Counter[str]:
    """KB a year of each item of information over all its use cases, scaled."""
    by_information: Counter[str] = Counter()
    for linkage, traffic in zip(linkages, scaled_traffic(linkages), strict=True):
        by_information[linkage.information] += traffic
    return by_information
