"""The 260 lines of Appended Table 2, one per item and provider branch (項番, 枝番), read by rules from its text."""

import csv
from dataclasses import dataclass
from importlib import resources
from typing import Final

from schemas.law.information import Information, load_terms, read_information
from schemas.law.parties import Party, read_parties

EDITION: Final = "2015-12-27"
"""Day on which e-Gov served this text; last amended by 平成27年法律第65号. Row numbers mean nothing without it."""

DELETED: Final = "(削除)"


@dataclass(frozen=True, slots=True)
class LawRow:
    """One line of the table."""

    row: str
    """項番; "56-2" is 五十六の二."""
    branch: int
    """枝番: which of the item's providers, from 1."""
    inquirer: tuple[Party, ...]
    """情報照会者, by alternative; empty in a deleted row."""
    affairs: str
    """事務, the table's words."""
    provider: tuple[Party, ...]
    """情報提供者, by alternative; empty in a deleted row."""
    information: tuple[Information, ...]
    """特定個人情報, by kind; empty in a deleted row."""

    @property
    def deleted(self) -> bool:
        """Whether the edition keeps only the number (削除)."""
        return self.affairs == DELETED

    @property
    def resolved(self) -> bool:
        """Whether every alternative and every kind of information is resolved."""
        parties = all(party.agency_class for party in (*self.inquirer, *self.provider))
        return not self.deleted and parties and all(kind.identifier for kind in self.information)

    @property
    def usable(self) -> bool:
        """Whether the line can allow anything: a resolved alternative on both sides, and a defined name."""
        sides = (self.inquirer, self.provider)
        parties = all(any(party.agency_class for party in side) for side in sides)
        return parties and any(kind.identifier for kind in self.information)


def load_rows() -> tuple[LawRow, ...]:
    """All lines in the table's order."""
    terms = load_terms()
    identifiers = {term.name: term.identifier for term in terms}
    definitions = {term.name: term.definition for term in terms}
    with resources.files("schemas.law").joinpath("appended-table-2.csv").open(encoding="utf-8") as lines:
        return tuple(_row(entry, identifiers, definitions) for entry in csv.DictReader(lines))


def _row(entry: dict[str, str], identifiers: dict[str, str], definitions: dict[str, str]) -> LawRow:
    row, branch, affairs = entry["row_no"], int(entry["branch_no"]), entry["affairs"]
    if affairs == DELETED:
        return LawRow(row, branch, (), affairs, (), ())
    return LawRow(
        row=row,
        branch=branch,
        inquirer=read_parties(entry["inquirer"], definitions),
        affairs=affairs,
        provider=read_parties(entry["provider"], definitions),
        information=read_information(entry["specific_personal_information"], identifiers),
    )
