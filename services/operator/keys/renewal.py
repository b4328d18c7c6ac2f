"""Keys for what is to come: sealing keys of the months ahead, and new signing and posting keys beside the old ones.

A signing key's record holds from the moment it is made, but the key is used only after an overlap: by then every table has
the record, and a clock that is behind does not call it unknown. The old key stays valid until its own end, so that what it
has signed is still accepted. Data keys are not renewed: everything at rest, and every look-up column, is under them.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from schemas.directory import DEFAULT_SYSTEM, HUB, POSTING, Purpose
from schemas.text import instant
from schemas.wire import suites
from services.operator.installation import Installation
from services.operator.keys.enrolment import PUBLIC, YEAR, keep_record, key_record, make_key, months, read_root
from services.operator.keys.keyrings import held_keys, write_keys
from services.operator.keys.listing import kept_records
from services.operator.local.files import settle
from services.runtime.keys import PrivateKey

AHEAD: Final = 3
"""Months that have their wrap and salt keys after a run: this one and the two that follow."""
OVERLAP: Final = timedelta(minutes=10)
MONTHLY: Final[Sequence[Purpose]] = ("wrap", "salt")
YEARLY: Final[Sequence[Purpose]] = ("sign", "permit")
BY_SYSTEM: Final[Sequence[Purpose]] = ("assertion", "answer")


@dataclass(frozen=True)
class Needs:
    """What an agency has, and from that what it will lack."""

    agency: str
    held: Sequence[PrivateKey]
    revoked: Collection[str]
    now: datetime
    overlap: timedelta
    system: str = DEFAULT_SYSTEM
    """The posting system, if these are its keys."""

    def monthly(self, purpose: Purpose) -> Iterator[PrivateKey]:
        """A key for each month that none covers; a revoked one covers nothing."""
        for start, end in months(self.now, AHEAD):
            if not any(key.starts <= instant(start) and key.until >= instant(end) for key in self._good(purpose)):
                yield make_key(self.agency, purpose, self._last(purpose).algorithm, start, end).private

    def yearly(self, purpose: Purpose, asked: bool) -> Iterator[PrivateKey]:
        """One that follows if it is asked for, or if the last will end; none where one that has yet to begin stands ready.

        A revoked key is not followed by itself: somebody may have meant to stop the agency."""
        good, horizon = self._good(purpose), months(self.now, AHEAD)[-1][1]
        ready = any(key.starts > instant(self.now) for key in good)
        ending = self._last(purpose) in good and self._last(purpose).until < instant(horizon)
        if (asked or ending) and not ready:
            start = self.now + self.overlap
            yield self._following(purpose, self._last(purpose).algorithm, start)

    def posting(self, asked: Collection[Purpose]) -> Iterator[PrivateKey]:
        """What a posting system lacks: keys that follow, and the answer key of one that was made before there were any."""
        for purpose in BY_SYSTEM:
            if self.has(purpose):
                yield from self.yearly(purpose, purpose in asked)
        if not self.has("answer") and self._good("assertion"):
            yield self._following("answer", "x25519", self.now)

    def has(self, purpose: Purpose) -> bool:
        """Whether there has ever been one."""
        return any(key.purpose == purpose for key in self.held)

    def _following(self, purpose: Purpose, algorithm: suites.Algorithm, start: datetime) -> PrivateKey:
        return make_key(self.agency, purpose, algorithm, start, start + YEAR, self.system).private

    def _good(self, purpose: Purpose) -> list[PrivateKey]:
        return [key for key in self.held if key.purpose == purpose and key.kid not in self.revoked]

    def _last(self, purpose: Purpose) -> PrivateKey:
        return max((key for key in self.held if key.purpose == purpose), key=lambda key: key.starts)


def renew(
    installation: Installation,
    agency: str,
    now: datetime,
    rotated: Collection[Purpose] = (),
    overlap: timedelta = OVERLAP,
    systems: Collection[str] | None = None,
) -> list[PrivateKey]:
    """Makes what the agency will need and returns it; a second run makes nothing, and signs records that are missing.

    `systems` says whose posting keys are rotated, if not those of every system that has them here.

    Rings come first: a record without its key would have others seal what nobody can open."""
    root, held, records = (
        read_root(installation, agency),
        held_keys(installation, agency),
        kept_records(installation, agency),
    )
    revoked = {record.kid for record in records if record.revoked}
    needs = Needs(agency, held, revoked, now, overlap)
    made = [key for purpose in MONTHLY for key in needs.monthly(purpose)]
    made += [key for purpose in YEARLY if needs.has(purpose) for key in needs.yearly(purpose, purpose in rotated)]
    for one in _by_system(needs):
        made += one.posting(rotated if systems is None or one.system in systems else ())
    posting_ended = {key.kid for key in held if key.purpose == "assertion" and key.kid in revoked}
    keys = [key for key in (*held, *made) if key.kid not in posting_ended]
    if made:
        write_keys(installation, agency, keys)
        settle()
    known = {record.kid for record in records}
    for key in keys:
        if key.algorithm in PUBLIC and key.kid not in known:
            keep_record(installation, key_record(key, _holds_from(key, now)), root)
    return made


def rotated_by(agency: str, sign: bool, assertion: bool, answer: bool = False) -> list[Purpose]:
    """The purposes that the options of `keys renew` name; the hub signs permits too, and posts nothing."""
    if (assertion or answer) and agency == HUB:
        raise ValueError("the hub has no posting key: --assertion and --answer are for agencies that post")
    signing: list[Purpose] = ["sign", "permit"] if agency == HUB else ["sign"]
    posting: list[tuple[Purpose, bool]] = [("assertion", assertion), ("answer", answer)]
    return [*(signing if sign else []), *(purpose for purpose, asked in posting if asked)]


def _by_system(needs: Needs) -> list[Needs]:
    """What each posting system needs whose private keys are here; a key set counts in whole seconds."""
    posting = [key for key in needs.held if key.purpose in POSTING]
    return [
        replace(
            needs,
            held=[key for key in posting if key.posting_system == system],
            now=needs.now.replace(microsecond=0),
            system=system,
        )
        for system in sorted({key.posting_system for key in posting})
    ]


def _holds_from(key: PrivateKey, now: datetime) -> str:
    """A wrap or answer key's record says when to seal for it; of the others, since when what they signed is accepted."""
    return key.starts if key.purpose in ("wrap", "answer") else min(key.starts, instant(now))
