"""A dataclass for values that are made many times for each message.

`dataclass(frozen=True)` sets each field by a call of `object.__setattr__`, which takes four times as long. A `value` is
frozen for the type checker, which sees all of our code, and an ordinary dataclass at run time.
"""

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def value(kind: type[T]) -> type[T]:
    """Slots, equality and hash by all fields, as `dataclass(frozen=True, slots=True)`."""
    return dataclass(slots=True, unsafe_hash=True)(kind)
