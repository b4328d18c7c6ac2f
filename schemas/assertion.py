"""Why an assertion does not hold, and its times (RFC 7519 section 4.1)."""

from enum import StrEnum
from math import ceil
from typing import Annotated, Final

from pydantic import Field, PlainSerializer

from schemas import canonical
from schemas.refusal import SecurityCode, SecurityEvent

LONGEST: Final = 3600
"""Seconds from now to `exp` at most: a stolen assertion is of use no longer."""


class Reason(StrEnum):
    """Why it does not hold, as it is counted. The first four are found before the signature is known to hold."""

    MISSING = "missing"
    UNREADABLE = "unreadable"
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    BAD_CLAIM = "bad_claim"
    ANOTHER_AGENCY = "another_agency"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    TOO_LONG_VALID = "too_long_valid"
    ANOTHER_REQUEST = "another_request"


class BadAssertion(SecurityEvent):
    """An assertion that does not hold. `detail` may be told to whoever sent it: it repeats nothing, and says no more than
    which part could not be read until the signature holds."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(SecurityCode.BAD_ASSERTION, detail)
        self.reason = reason


UNVERIFIED: Final = "the signature is by no valid assertion key that is known here under this kid"
"""One sentence for unknown, ended and revoked keys and for a signature that does not fit: nobody learns which keys exist."""


def _whole(seconds: float) -> int | float:
    return int(seconds) if seconds.is_integer() else seconds


NumericDate = Annotated[
    float, Field(ge=0, le=canonical.LARGEST_INTEGER, allow_inf_nan=False), PlainSerializer(_whole, return_type=float)
]
"""Seconds since 1970, which may have a fraction."""


def check_times(expires: float, begins: float | None, at: float) -> None:
    """`at` lies from `begins` (nbf) to before `expires` (exp), which is at most an hour ahead; neither has a leeway."""
    if expires <= at:
        raise BadAssertion(Reason.EXPIRED, f"claim exp: expired {int(at - expires)} s ago by this clock")
    if expires > at + LONGEST:
        ahead = f"{int(expires - at)} s ahead of this clock"
        raise BadAssertion(Reason.TOO_LONG_VALID, f"claim exp: {ahead}; expected at most {LONGEST} s, one hour")
    if begins is not None and begins > at:
        raise BadAssertion(
            Reason.NOT_YET_VALID, f"claim nbf: not valid for another {ceil(begins - at)} s by this clock"
        )
