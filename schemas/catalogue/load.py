"""Reads the catalogue's files: items.csv lists the items, <item>-<layout>.csv the lines of each, nested by level."""

import csv
from functools import cache
from importlib import resources
from types import MappingProxyType

from schemas.catalogue.item import Catalogue, Item
from schemas.catalogue.layout import Characters, Field, Group, SignedNumber
from schemas.law.information import load_terms

Line = dict[str, str]


@cache
def load_catalogue() -> Catalogue:
    """The catalogue in this package; read once per process."""
    identifiers = {term.name: term.identifier for term in load_terms()}
    items = [_item(line, identifiers) for line in _lines("items.csv")]
    return Catalogue(MappingProxyType({(item.name, item.layout): item for item in items}))


def _lines(name: str) -> list[Line]:
    with resources.files("schemas.catalogue").joinpath(name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def _item(line: Line, identifiers: dict[str, str]) -> Item:
    name, layout = line["item"], int(line["layout"])
    (root,) = _fields(_lines(f"{name}-{layout}.csv"), level=1)
    if not isinstance(root.shape, Group):
        raise ValueError(f"{name}-{layout}.csv: expected one line of level 1, without a type")
    return Item(name, layout, line["name"], identifiers[line["information"]], root.shape)


def _fields(lines: list[Line], level: int) -> tuple[Field, ...]:
    """The fields of `level` in `lines`, each with the deeper lines that follow it."""
    starts = [index for index, line in enumerate(lines) if int(line["level"]) == level]
    if starts[:1] != [0]:
        raise ValueError(f"{lines[0]['field']}: expected level {level}")
    ends = [*starts[1:], len(lines)]
    return tuple(_field(lines[start], lines[start + 1 : end], level) for start, end in zip(starts, ends, strict=True))


def _field(line: Line, children: list[Line], level: int) -> Field:
    return Field(
        name=line["field"],
        japanese=line["name"],
        shape=_shape(line, children, level),
        occurs_min=int(line["occurs_min"]),
        repeated=line["occurs_max"] == "N",
        code_name=line["code_name"],
        description=line["description"],
    )


def _shape(line: Line, children: list[Line], level: int) -> Characters | SignedNumber | Group:
    match line["type"], children:
        case "X", []:
            return Characters(int(line["digits"]))
        case "S9", []:
            return SignedNumber(int(line["digits"]))
        case "", [_, *_]:
            return Group(_fields(children, level + 1))
    raise ValueError(f"{line['field']}: expected X, S9, or no type and lines of a deeper level")
