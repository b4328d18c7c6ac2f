"""The tree of fields of an item, with the study's types X n and S9 n (データ一覧); a field is checked in one walk.

Every refusal is a ValueError that names the field and what was expected, never what came: records are personal data.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

NOT_CHARACTERS: Final = "[\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]"
"""Control characters, and surrogates, which UTF-8 cannot carry; spelled so that JSON Schema (ECMA-262) reads it too."""
_NOT_CHARACTERS = re.compile(NOT_CHARACTERS)


@dataclass(frozen=True, slots=True)
class Characters:
    """X n: a string of 1 to n characters (Unicode code points)."""

    digits: int

    def check(self, value: object, path: str) -> None:
        if not isinstance(value, str) or not 1 <= len(value) <= self.digits or _NOT_CHARACTERS.search(value):
            raise ValueError(f"{path}: expected a string of 1 to {self.digits} characters")

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": self.digits, "not": {"pattern": NOT_CHARACTERS}}


@dataclass(frozen=True, slots=True)
class SignedNumber:
    """S9 n: an integer of at most n digits, with or without a sign."""

    digits: int

    def check(self, value: object, path: str) -> None:
        if type(value) is not int or abs(value) >= 10**self.digits:  # bool is an int to isinstance
            raise ValueError(f"{path}: expected an integer of at most {self.digits} digits")

    def json_schema(self) -> dict[str, Any]:
        largest = 10**self.digits - 1
        return {"type": "integer", "minimum": -largest, "maximum": largest}


@dataclass(frozen=True, slots=True)
class Group:
    """A field without a type: an object of its children."""

    fields: tuple["Field", ...]

    def check(self, value: object, path: str) -> None:
        if not isinstance(value, Mapping):
            raise ValueError(f"{path}: expected an object")
        present = 0
        for field in self.fields:
            if field.name in value:
                present += 1
                field.check(value[field.name], f"{path}.{field.name}")
            elif field.occurs_min > 0:
                raise ValueError(f"{path}.{field.name}: expected, since it is obligatory")
        if present != len(value):
            raise ValueError(f"{path}: expected no field but those of the layout")

    def json_schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {field.name: field.json_schema() for field in self.fields},
            "required": [field.name for field in self.fields if field.occurs_min > 0],
            "additionalProperties": False,
        }


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a layout."""

    name: str
    japanese: str
    """情報名, as the study has it."""
    shape: Characters | SignedNumber | Group
    occurs_min: int = 1
    """出現回数(最小): 0 may be left out, 1 is obligatory."""
    repeated: bool = False
    """出現回数(最大) N: a list; else 1."""
    code_name: str = ""
    """Name of the code list that the value is from, if it is a code."""
    description: str = ""

    def check(self, value: object, path: str) -> None:
        """Raises ValueError unless `value` fits; `path` names this field in the message."""
        if self.repeated:
            self._check_list(value, path)
        else:
            self.shape.check(value, path)

    def _check_list(self, value: object, path: str) -> None:
        if not isinstance(value, list | tuple) or len(value) < self.occurs_min:
            raise ValueError(f"{path}: expected a list of at least {self.occurs_min}")
        for position, entry in enumerate(value):
            self.shape.check(entry, f"{path}[{position}]")

    def json_schema(self) -> dict[str, Any]:
        words = {"title": self.japanese} | ({"description": self.description} if self.description else {})
        if self.repeated:
            return {**words, "type": "array", "minItems": self.occurs_min, "items": self.shape.json_schema()}
        return {**words, **self.shape.json_schema()}
