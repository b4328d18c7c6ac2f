"""May this class of agency ask that one for this information under this line? What the table does not allow is denied.

The line's inquirer, provider and information are each judged yes, maybe or no:

- *yes*: a resolved alternative is among the agency's classes; the information is a defined name that the line lists;
- *maybe*: not yes, but an unresolved alternative could mean the agency (by its `candidates`, or because the directory
  gives the agency no class at all); the line lists information in words of its own, which could include what was asked;
- *no*: everything else. An unknown line and a deleted row are always *no*.

Three times yes is allowed; any *no* is `not_in_law_table`; otherwise it is `class_unresolved`. Both deny: the second
only says that the table's text alone cannot decide, so that nobody is told "forbidden" where a lawyer might say yes.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Self

from schemas.law.agency_class import AgencyClass
from schemas.law.parties import Party
from schemas.law.table import EDITION, LawRow, load_rows
from schemas.refusal import RefusalCode


@dataclass(frozen=True, slots=True)
class Judgement:
    """The table's answer, with the rule it rests on."""

    rule: str
    """Table, edition, row and branch: "table2 2015-12-27 57-2"; without the line if there is no such line."""
    refusal: RefusalCode | None
    """None: allowed; else `not_in_law_table` or `class_unresolved`."""

    @property
    def allowed(self) -> bool:
        return self.refusal is None


@dataclass(frozen=True, slots=True)
class _Side:
    """Inquirer or provider of a line, prepared for look-up."""

    resolved: frozenset[AgencyClass]
    undecided: frozenset[AgencyClass]

    @classmethod
    def of(cls, parties: tuple[Party, ...]) -> Self:
        resolved = frozenset(party.agency_class for party in parties if party.agency_class)
        open_parties = [party.candidates for party in parties if not party.agency_class]
        return cls(resolved, frozenset().union(*open_parties))

    def allows(self, classes: Collection[str]) -> bool:
        return not self.resolved.isdisjoint(classes)

    def forbids(self, classes: Collection[str]) -> bool:
        """Neither resolved nor possible; an agency without a class might be whatever the line leaves open."""
        possible = not self.undecided.isdisjoint(classes) if classes else bool(self.undecided)
        return not possible and not self.allows(classes)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line, with its three possible judgements made beforehand: one is given for every message."""

    inquirer: _Side
    provider: _Side
    information: frozenset[str]
    other_information: bool
    allowed: Judgement
    forbidden: Judgement
    unresolved: Judgement

    @classmethod
    def of(cls, row: LawRow, rule: str) -> Self:
        return cls(
            inquirer=_Side.of(row.inquirer),
            provider=_Side.of(row.provider),
            information=frozenset(kind.identifier for kind in row.information if kind.identifier),
            other_information=not all(kind.identifier for kind in row.information),
            allowed=Judgement(rule, None),
            forbidden=Judgement(rule, RefusalCode.NOT_IN_LAW_TABLE),
            unresolved=Judgement(rule, RefusalCode.CLASS_UNRESOLVED),
        )

    def judge(self, inquirer: Collection[str], provider: Collection[str], information: str) -> Judgement:
        listed = information in self.information
        if listed and self.inquirer.allows(inquirer) and self.provider.allows(provider):
            return self.allowed
        impossible = not (listed or self.other_information)
        if impossible or self.inquirer.forbids(inquirer) or self.provider.forbids(provider):
            return self.forbidden
        return self.unresolved


class LawTable:
    """The table as a value: its edition, its rows, and the judgement of a message. Never changes once made."""

    def __init__(self, edition: str, rows: tuple[LawRow, ...]) -> None:
        self.edition = edition
        self.rows = rows
        self._unknown = Judgement(f"table2 {edition}", RefusalCode.NOT_IN_LAW_TABLE)
        self._lines: Mapping[tuple[str, int], _Line] = MappingProxyType(
            {(row.row, row.branch): _Line.of(row, f"table2 {edition} {row.row}-{row.branch}") for row in rows}
        )

    def judge(
        self,
        row: str,
        branch: int,
        *,
        inquirer_classes: Collection[str],
        provider_classes: Collection[str],
        information: str,
    ) -> Judgement:
        """Whether the line allows it; a dictionary look-up and a few set operations, made for every message.

        `inquirer_classes` and `provider_classes` are values of `AgencyClass` as the directory lists them (unknown ones
        match nothing); `information` is the identifier of the law's name that the catalogue gives for the item.
        """
        line = self._lines.get((row, branch))
        if line is None:
            return self._unknown
        return line.judge(inquirer_classes, provider_classes, information)


@cache
def load_table() -> LawTable:
    """The edition in this package; read once per process."""
    return LawTable(EDITION, load_rows())
