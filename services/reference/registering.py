"""The rule for copies (副本) that are registered or withdrawn: what is stored must be answerable."""

from typing import Final

from schemas import canonical
from schemas.business import AnswerPart, check_answer
from schemas.catalogue import Catalogue
from schemas.replica import Registration

WITHDRAWN: Final = b"[]"
"""The value of a withdrawal (公開終了), which stays in the table so that an earlier copy does not come back."""


def check_copies(registration: Registration, value: bytes, catalogue: Catalogue) -> None:
    """The value in clear fits the registration and the catalogue; raises ValueError, without the value."""
    if registration.item is None:
        return
    item = catalogue.item(registration.item.name, registration.item.layout)
    if item is None:
        raise canonical.Malformed("the catalogue has no such item")
    if registration.kind == "withdrawal":
        _require_empty(value)
        return
    records = canonical.decode(value)
    check_answer(AnswerPart(outcome="records", records=records).encoded(), item)


def _require_empty(value: bytes) -> None:
    if value != WITHDRAWN:
        raise canonical.Malformed("a withdrawal holds no records")
