"""An internal number (既存番号, 団体内統合宛名番号): by which an agency knows a person. One rule at every edge."""

from typing import Annotated, Final

from pydantic import AfterValidator

LIMIT: Final = 64
"""Bytes of an internal number."""
EXPECTED: Final = "expected an internal number of 1 to 64 ASCII letters and digits"


def is_number(data: bytes) -> bool:
    """Whether `data` is 1 to 64 ASCII letters and digits."""
    return len(data) <= LIMIT and data.isalnum()


def checked(text: str) -> str:
    """`text`, if it is an internal number; ValueError, without the text, if it is none."""
    if not text.isascii() or not is_number(text.encode()):
        raise ValueError(EXPECTED)
    return text


InternalNumber = Annotated[str, AfterValidator(checked)]
