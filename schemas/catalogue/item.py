"""An item of specific personal information (特定個人情報) in one layout version (版番号), and all items there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from schemas.catalogue.layout import Group

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True, slots=True)
class Item:
    """What one inquiry can ask for."""

    name: str
    """Name code (特定個人情報名コード); ours, since the official codes are not public."""
    layout: int
    """Version; another layout is another item."""
    japanese: str
    information: str
    """Identifier of the law's name of information: what the law table judges by (`local_tax_info`)."""
    group: Group

    def validate(self, record: Mapping[str, object]) -> None:
        """Refuses a record that is not of this layout.

        Raises ValueError with the path of the first wrong field and what was expected there, never with a value.
        """
        self.group.check(record, self.name)

    def json_schema(self) -> dict[str, Any]:
        """The same rule as JSON Schema 2020-12, which counts 1.0 as an integer; `validate` does not."""
        return {"$schema": DIALECT, "title": self.japanese, **self.group.json_schema()}


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All items by name and layout."""

    items: Mapping[tuple[str, int], Item]

    def item(self, name: str, layout: int) -> Item | None:
        """The item, or None if nobody defined it (`unknown_item`)."""
        return self.items.get((name, layout))
