"""The business part (業務データ部): the keys of an inquiry, and what an answer holds. Neither says who the person is.

Both are read as any valid JSON without null, floats and repeated keys; what travels is `Record.encoded()`, the one
canonical spelling. Whatever is wrong with the bytes ends in `BusinessPartError`, which never repeats what was read.
"""

from contextlib import suppress
from datetime import date
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import AfterValidator, Discriminator, Field, StringConstraints, Tag, ValidationError, model_validator

from schemas import canonical
from schemas.catalogue.item import Item
from schemas.sentences import DAY_PATTERN, Expected
from schemas.text import FreeRecord, Label, Record, decoded, explained

LIMIT: Final = 512 * 1024
"""Bytes before padding (message.md section 6); everything larger is refused before it is parsed."""
INQUIRY_LIMIT: Final = 16 * 1024
"""Of an inquiry's keys: who asks needs no more, and what is parsed holds up everybody else meanwhile."""
MOST_RECORDS: Final = 100
"""Records of one answer: one person's, so that a hundred is far beyond any layout's use."""


class BusinessPartError(ValueError):
    """The bytes are no business part of this kind. The text says what was expected, never what was read."""


def _day(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise Expected("expected a day that exists, such as 2026-11-24") from None
    return text


Day = Annotated[str, StringConstraints(pattern=DAY_PATTERN), AfterValidator(_day)]
"""A day that exists, such as 2026-11-24. Two days compare as their texts do."""


class FiscalYear(Record):
    """年度: April of that year to March of the next."""

    year: Annotated[int, Field(ge=1000, le=9999)]
    """Four digits, like the layout's 相当年度 (X 4)."""


class Days(Record):
    """A span of days, both included; `from` and `to` are its only spelling."""

    starts: Day = Field(alias="from")
    ends: Day = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ends < self.starts:
            raise Expected("expected `from` on or before `to`")
        return self


def _which(period: object) -> str:
    """So that an error is about the one form that was meant; named as the class, which is no part of a field's path."""
    of_year = isinstance(period, FiscalYear) or (isinstance(period, dict) and "year" in period)
    return "FiscalYear" if of_year else "Days"


Period = Annotated[Annotated[FiscalYear, Tag("FiscalYear")] | Annotated[Days, Tag("Days")], Discriminator(_which)]


class InquiryPart(Record):
    """What an inquiry asks for (照会キー); the item stands in the control part, the person in the subject."""

    period: Period
    condition: Label | None = None
    """A short code or text that the two sides agreed on."""


class AnswerPart(FreeRecord):
    """One outcome: `records`, or `no_data` (該当なし), or `withheld` (回答しない). The hub cannot tell them apart."""

    outcome: Literal["records", "no_data", "withheld"]
    records: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST_RECORDS)] | None = None
    """Of one item of the catalogue, which says what is in them; present exactly if that is the outcome."""

    @model_validator(mode="after")
    def _one_outcome(self) -> Self:
        if (self.outcome == "records") != (self.records is not None):
            raise Expected("expected records if that is the outcome, and only then")
        return self


FIELDS: Final = frozenset({"period", "condition", "year", "from", "to", "outcome", "records"})
"""Names that an error may repeat: those of the models."""


@lru_cache(1024)
def check_inquiry(data: bytes) -> InquiryPart:
    """The keys in `data`; raises `BusinessPartError`."""
    return _read(InquiryPart, data, INQUIRY_LIMIT)


def check_answer(data: bytes, item: Item) -> AnswerPart:
    """The answer in `data`, every record checked against `item`; raises `BusinessPartError`."""
    answer = _read(AnswerPart, data, LIMIT)
    for position, record in enumerate(answer.records or ()):
        problem = _problem(item, record)
        if problem:
            raise BusinessPartError(f"records[{position}]: {problem}")
    return answer


def _problem(item: Item, record: dict[str, Any]) -> str:
    try:
        item.validate(record)
    except ValueError as error:
        return str(error)
    return ""


P = TypeVar("P", bound=Record)


def _read(model: type[P], data: bytes, limit: int) -> P:
    """Raises outside the handler: an error's context would carry the parsed input along."""
    if len(data) > limit:
        raise BusinessPartError(f"business: expected at most {limit} bytes")
    if not issubclass(model, FreeRecord):
        with suppress(canonical.Malformed):
            return decoded(model, data, limit)  # canonical already, as a rule: read once, and not by our own hand
    try:
        return model.model_validate(canonical.read(data))
    except canonical.Malformed as error:
        problem = canonical.placed(error, FIELDS, "business")
    except ValidationError as error:
        problem = explained(error, "business")
    raise BusinessPartError(problem)
