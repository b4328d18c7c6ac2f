"""Who is who at the hub: which lines of a file are known persons, which are new, and which contradict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Number = tuple[str, str]
"""(agency, internal number)"""


@dataclass(frozen=True)
class Person:
    """A line of a file: one person's internal number at each agency that knows them."""

    line: int
    numbers: Mapping[str, str]


@dataclass(frozen=True)
class Enrolled:
    """Numbers that were bound to a link code, and numbers that were bound before."""

    added: int
    kept: int


def require_different(persons: Sequence[Person]) -> None:
    """ValueError, naming both lines and not the number, for a number that stands in two lines."""
    seen: dict[Number, int] = {}
    for person in persons:
        for number in person.numbers.items():
            if number in seen:
                raise ValueError(f"line {person.line}, {number[0]}: a number that stands in line {seen[number]}")
        seen.update(dict.fromkeys(person.numbers.items(), person.line))


def cores_of(persons: Sequence[Person], known: Mapping[Number, int]) -> list[int | None]:
    """Each person's core id, None for a new person; ValueError for numbers of two different persons in a line."""
    return [_core(person, known) for person in persons]


def _core(person: Person, known: Mapping[Number, int]) -> int | None:
    cores = {known[number] for number in person.numbers.items() if number in known}
    if len(cores) > 1:
        raise ValueError(f"line {person.line}: the numbers belong to {len(cores)} different persons")
    return next(iter(cores), None)


def require_one_number(
    persons: Sequence[Person], cores: Sequence[int | None], held: Mapping[tuple[str, int], str]
) -> None:
    """ValueError for a person with two numbers at one agency: one is `held` or stands in another line."""
    seen: dict[tuple[str, int], Person] = {}
    for person, core in zip(persons, cores, strict=True):
        for agency, number in person.numbers.items():
            if core is None:
                continue
            other = seen.setdefault((agency, core), person)
            if other is not person:
                raise ValueError(f"line {person.line}, {agency}: another number of the person in line {other.line}")
            if held.get((agency, core), number) != number:
                raise ValueError(f"line {person.line}, {agency}: the person has another number at this agency")
