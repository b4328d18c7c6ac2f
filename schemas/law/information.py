"""Reads the table's column 特定個人情報: the defined names of information that a line lists, and what else it lists."""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True)
class Information:
    """One kind of information that a line lists."""

    text: str
    """The defined name (地方税関係情報), or the table's words where it defines none."""
    identifier: str | None
    """Identifier of the defined name (`local_tax_info`); None: unresolved, it never allows anything."""


@dataclass(frozen=True, slots=True)
class Term:
    """A name that the table defines for itself (以下「…」という。)."""

    name: str
    identifier: str
    definition: str
    row: str
    """Where it is defined: a row of the table, or a place outside it (都道府県知事等)."""


def load_terms() -> tuple[Term, ...]:
    """The 17 names of information, and 都道府県知事等 and 医療保険者."""
    with resources.files("schemas.law").joinpath("appended-table-2-terms.csv").open(encoding="utf-8") as lines:
        return tuple(
            Term(entry["term"], entry["suggested_identifier"], entry["definition"], entry["defined_in_row"])
            for entry in csv.DictReader(lines)
        )


def read_information(text: str, identifiers: Mapping[str, str]) -> tuple[Information, ...]:
    """The kinds of one cell; `identifiers` maps each defined name to its identifier.

    Where the cell defines a name, the name stands for its definition.
    """
    return tuple(_information(kind, identifiers) for kind in _OR.split(text.removesuffix(_BY_ORDINANCE)))


_BY_ORDINANCE = "であって主務省令で定めるもの"
"""Every cell ends so: an ordinance narrows it to items, which is the catalogue's affair."""
_OR = re.compile(r"(?:(?<=情報)|(?<=」という。）))(?:、|又は)")
"""A kind ends in 情報 or in its definition; a 又は elsewhere joins laws or benefits inside one kind."""
_DEFINES = re.compile(r".*（以下「([^」]+)」という。）", re.DOTALL)


def _information(kind: str, identifiers: Mapping[str, str]) -> Information:
    defines = _DEFINES.fullmatch(kind)
    name = defines[1] if defines else kind
    return Information(name, identifiers.get(name))
