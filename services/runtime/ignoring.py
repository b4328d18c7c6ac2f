"""What the directory's table does not take: counted in every process, said once, and kept until it is in the ledger.

A record that is forged, older or out of place changes nothing (architecture section 7), but somebody has put it there.
Of such a record nothing is kept but its place, where it may be named, its position and the reason.
"""

import re
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import structlog

from schemas.message import Message, Position
from schemas.refusal import SecurityCode
from services.runtime.wrapping import Bounded

WAITING: Final = 1000
"""Incidents that wait for the ledger; what comes beyond is counted alone."""
ELSEWHERE: Final = "elsewhere"
"""For the log, a place that is no record's: its text is the sender's."""
_PLACE: Final = re.compile(
    r"beat|(?:agency|policy|assessment)/([0-9A-Z]{6,13})|key/([0-9A-Z]{6,13})/[\w-]{43}", re.ASCII
)


class Reason(StrEnum):
    """Why a record is not taken."""

    REPEATED = "repeated"
    TOO_LARGE = "too large"
    MALFORMED = "malformed"
    ANOTHER_PLACE = "another's place"
    NO_ROOT = "no enrolled root"
    BAD_SIGNATURE = "bad signature"
    OLDER_VERSION = "older version"
    OLDER_BEAT = "older beat"
    REVOCATION_IS_FINAL = "a revocation is final"
    FOREIGN_KEY_ID = "key id does not fit the key"
    UNACCEPTABLE_KEY = "unacceptable public key"
    UNKNOWN_BEATER = "beat under an unknown key"


CODES: Final[dict[Reason, SecurityCode]] = {
    Reason.TOO_LARGE: SecurityCode.MALFORMED,
    Reason.MALFORMED: SecurityCode.MALFORMED,
    Reason.ANOTHER_PLACE: SecurityCode.WRONG_RECEIVER,
    Reason.NO_ROOT: SecurityCode.UNKNOWN_KEY,
    Reason.BAD_SIGNATURE: SecurityCode.BAD_SIGNATURE,
    Reason.OLDER_VERSION: SecurityCode.REPLAYED,
    Reason.OLDER_BEAT: SecurityCode.REPLAYED,
    Reason.REVOCATION_IS_FINAL: SecurityCode.KEY_REVOKED,
    Reason.FOREIGN_KEY_ID: SecurityCode.MALFORMED,
    Reason.UNACCEPTABLE_KEY: SecurityCode.MALFORMED,
    Reason.UNKNOWN_BEATER: SecurityCode.UNKNOWN_KEY,
}
"""As what each is recorded; the same record again is none."""


class Ignored(Exception):
    """A record that the table does not take, and why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Incident:
    """A record that was ignored: the agency that its place names, if it is one, why, and where it stands in the log."""

    agency: str
    reason: Reason
    position: Position

    @property
    def code(self) -> SecurityCode:
        return CODES[self.reason]


def _uncounted(reason: str) -> None:
    """A table that belongs to no process has no metrics."""


@dataclass
class Ignoring:
    """The counts, what was said already, and what waits for the ledger; all of it bounded."""

    count: Callable[[str], None] = _uncounted
    counts: Counter[str] = field(default_factory=Counter)
    waiting: deque[Incident] = field(default_factory=deque)
    said: Bounded[tuple[Reason, str], bool] = field(default_factory=lambda: Bounded(WAITING))

    def add(self, message: Message, reason: Reason) -> None:
        """Counts it; what is an incident is said once of each place, and waits to be recorded."""
        self.counts[reason] += 1
        self.count(reason.replace(" ", "_"))
        if reason in CODES:
            named = _PLACE.fullmatch(message.key)
            self._say(named[0] if named else ELSEWHERE, reason)
            if len(self.waiting) < WAITING:
                agency = (named[1] or named[2] or "") if named else ""
                self.waiting.append(Incident(agency, reason, message.position))

    def done(self, recorded: Sequence[Incident]) -> None:
        """The oldest that waited are in the ledger."""
        for _ in recorded:
            self.waiting.popleft()

    def _say(self, place: str, reason: Reason) -> None:
        if (reason, place) not in self.said:
            self.said[reason, place] = True
            line = structlog.get_logger()
            line.warning("directory record ignored", where=place, reason=str(reason), code=str(CODES[reason]))
