"""What a member of a group notes beside its offsets: that it is at work, and at which messages how many processes have ended,
the one under way counted beforehand.

So a message that kills its process is found: whoever comes next knows that nobody left in order, goes on message by message,
and counts (architecture section 4). The note is the offset commit's metadata: empty once left in order.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_AT_WORK: Final = re.compile(r"at work ([0-9a-f]{8})((?: \d{1,19}:\d{1,3})*)", re.ASCII)
LONGEST: Final = 32
"""Attempts in one note at most: brokers take 4 KiB of metadata."""


@dataclass(frozen=True, slots=True)
class Note:
    """Who is at work, until it leaves in order; `attempts` by offset: the processes that ended at it, this one included
    while it tries it."""

    who: str = ""
    attempts: Mapping[int, int] = field(default_factory=dict)

    def __str__(self) -> str:
        counted = sorted(self.attempts.items())[-LONGEST:]  # the last ones: one of them may be what kills
        return " ".join(["at work", self.who, *(f"{offset}:{count}" for offset, count in counted)]) if self.who else ""


LEFT: Final = Note()
SOMEBODY: Final = Note(who="00000000")


def parse(text: str) -> Note:
    """The inverse of `str`; whatever else stands there says that somebody was at work."""
    if not text:
        return LEFT
    found = _AT_WORK.fullmatch(text)
    if found is None:
        return SOMEBODY
    pairs = (pair.split(":") for pair in found[2].split())
    return Note(found[1], {int(offset): int(count) for offset, count in pairs})


def somebody_new() -> str:
    """A name for a member, drawn when its process starts."""
    return secrets.token_hex(4)
