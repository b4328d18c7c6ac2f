"""What a business system registers in the reference database (副本登録), and what is found there."""

from dataclasses import dataclass
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from schemas import canonical
from schemas.business import AnswerPart
from schemas.control import Item
from schemas.sentences import Expected
from schemas.text import AgencyCode, FreeRecord, MessageId, Record

LIMIT: Final = 640 * 1024


class Registration(Record):
    """The control part of `replica.registered`; the value holds the copies of one item for one fiscal year (年度).

    `withdrawal` ends their publication (公開終了): the value is the empty list, and an inquiry finds no data.
    `person` registers a person's flag alone: whether answers about them may be automatic (自動応答不可)."""

    v: Literal[1] = 1
    id: MessageId
    agency: AgencyCode
    kind: Literal["replica", "withdrawal", "person"]
    item: Item | None = None
    year: Annotated[int, Field(ge=1000, le=9999)] | None = None
    automatic: bool | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        copies = self.item is not None and self.year is not None and self.automatic is None
        person = self.item is None and self.year is None and self.automatic is not None
        if (copies, person) != (self.kind != "person", self.kind == "person"):
            raise Expected("a replica or withdrawal names item and year; a person's flag names automatic")
        return self


class FoundPart(FreeRecord):
    """What the reference database holds: whether it may be answered automatically, and the answer."""

    automatic: bool
    answer: AnswerPart


@dataclass(frozen=True, slots=True)
class Found:
    """The same as bytes: the answer is made of what was checked when it was registered, and is not spelled anew."""

    automatic: bool
    answer: bytes

    def encoded(self) -> bytes:
        """The canonical spelling of a `FoundPart`."""
        return _BEFORE + self.answer + _BEHIND[self.automatic]


def read_found(data: bytes) -> Found:
    """The inverse, for what the own site has sealed; `canonical.Malformed` for anything else."""
    for automatic, behind in _BEHIND.items():
        if data.startswith(_BEFORE) and data.endswith(behind):
            return Found(automatic, data[len(_BEFORE) : -len(behind)])
    raise canonical.Malformed("not what the reference database says")


_BEFORE: Final = b'{"answer":'
_BEHIND: Final = {True: b',"automatic":true}', False: b',"automatic":false}'}
