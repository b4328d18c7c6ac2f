"""The 1,741 municipalities and 47 prefectures as values; README.md names the source and the day of the figures."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

from schemas.agencies.code import checked


@dataclass(frozen=True, slots=True)
class Municipality:
    """市, 町, 村 or 特別区. A designated city is one, its wards (行政区) are none."""

    code: str
    """Six digits."""
    prefecture: str
    """The prefecture's name."""
    name: str
    population: int
    """住民基本台帳人口 on 2022-01-01."""


@dataclass(frozen=True, slots=True)
class Prefecture:
    """都, 道, 府 or 県."""

    code: str
    """Six digits, the third to fifth zero."""
    name: str
    population: int
    """住民基本台帳人口 on 2022-01-01."""


@cache
def load_municipalities() -> tuple[Municipality, ...]:
    """All of them in the order of their codes; a wrong code in the file is a ValueError."""
    return tuple(
        Municipality(checked(entry["code6"]), entry["prefecture"], entry["name"], int(entry["population"]))
        for entry in _entries("municipalities.csv")
    )


@cache
def load_prefectures() -> tuple[Prefecture, ...]:
    """All of them in the order of their codes; a wrong code in the file is a ValueError."""
    return tuple(
        Prefecture(checked(entry["code6"]), entry["name"], int(entry["population"]))
        for entry in _entries("prefectures.csv")
    )


def _entries(name: str) -> Iterator[dict[str, str]]:
    with resources.files("schemas.agencies").joinpath(name).open(encoding="utf-8") as lines:
        yield from csv.DictReader(lines)
