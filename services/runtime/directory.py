"""The directory as one table in memory, folded from its topic before the first batch and followed while a process runs.

A revoked key or a changed rule holds within seconds, without a query. A record that is forged, older or another agency's
is ignored, counted and recorded; a table without a beat for five minutes closes the service (architecture section 7).
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

from pydantic import ValidationError

from schemas import canonical
from schemas.directory import (
    HUB,
    LIMIT,
    RECORDS,
    AgencyRecord,
    AnyRecord,
    AssessmentRecord,
    Beat,
    KeyRecord,
    PolicyRecord,
    Purpose,
    Root,
    key_id,
    place,
    signed_record,
    signer_of,
)
from schemas.message import Message
from schemas.text import decoded, moment, to_bytes
from schemas.wire import suites
from services.runtime.clock import Clock
from services.runtime.errors import Misconfigured, Unavailable
from services.runtime.ignoring import Ignored, Ignoring, Reason
from services.runtime.log import TableReader
from services.runtime.standing import Standing

SILENCE: Final = timedelta(minutes=5)
"""Without a beat for so long, the table may lack a revocation: fail closed."""


class Roots(Protocol):
    """Enrolled root keys by agency; a dictionary is one."""

    def get(self, agency: str, /) -> Root | None: ...


@dataclass
class Directory:
    """Agencies, keys, policies and assessments as last published and verified."""

    roots: Roots
    clock: Clock
    agencies: dict[str, AgencyRecord] = field(default_factory=dict)
    keys: dict[str, KeyRecord] = field(default_factory=dict)
    policies: dict[str, PolicyRecord] = field(default_factory=dict)
    assessments: dict[str, AssessmentRecord] = field(default_factory=dict)
    standing: Standing = field(default_factory=Standing)
    edition: int = 0
    beat: datetime | None = None
    """Time of the hub's last beat."""
    complete: datetime | None = None
    """Time of its last beat that was of this very table."""
    ignoring: Ignoring = field(default_factory=Ignoring)
    _purposes: dict[tuple[str, Purpose], list[KeyRecord]] = field(default_factory=lambda: defaultdict(list))

    def key(self, kid: str) -> KeyRecord | None:
        return self.keys.get(kid)

    def current(self, agency: str, purpose: Purpose, at: str) -> KeyRecord | None:
        """The key to use at the instant `at`: the valid one that began last."""
        for key in self._purposes.get((agency, purpose), ()):
            if key.valid(at):
                return key
        return None

    def answer_key(self, agency: str, system: str, at: str) -> KeyRecord | None:
        """The key to seal answers to at the instant `at`: of this posting system's valid ones the one that began last."""
        for key in self._purposes.get((agency, "answer"), ()):
            if key.posting_system == system and key.valid(at):
                return key
        return None

    def fresh(self) -> bool:
        """Whether the last beat of this very table is recent enough to trust that no revocation is missing."""
        return self._recent(self.complete)

    def require_fresh(self) -> None:
        """`Unavailable` if it is not."""
        if self._recent(self.complete):
            return
        if self._recent(self.beat):
            raise Unavailable("the directory is not the one that the hub beats for: records are missing or older")
        raise Unavailable("the directory has had no beat of the hub for five minutes")

    def fold(self, messages: Iterable[Message]) -> None:
        """Takes what verifies; the rest changes nothing, and is counted and recorded."""
        for message in messages:
            try:
                self._take(message)
            except Ignored as ignored:
                self.ignoring.add(message, ignored.reason)
            self.standing.logged(message.key, message.value)

    def remember(self, message: Message) -> bool:
        """Takes a record that the hub keeps beside the log; whether it is the one that stands at its place."""
        with suppress(Ignored):
            self._take_record(message)
        return self.standing.holds(message.key, message.value)

    def _recent(self, beat: datetime | None) -> bool:
        return beat is not None and self.clock() - beat < SILENCE

    def _take(self, message: Message) -> None:
        if message.key == "beat":
            self._take_beat(message)
        else:
            self._take_record(message)

    def _take_record(self, message: Message) -> None:
        if len(message.value) > LIMIT:
            raise Ignored(Reason.TOO_LARGE)
        try:
            record = RECORDS.validate_json(message.value)
        except (ValidationError, RecursionError):
            raise Ignored(Reason.MALFORMED) from None
        self._verify(record, message)
        self._put(record)
        self.standing.put(record, message.value)

    def _verify(self, record: AnyRecord, message: Message) -> None:
        root = self.roots.get(signer_of(record))
        if root is None:
            if place(record) == message.key and record.encoded() == message.value:
                self.standing.put(record, message.value)  # it is in the hub's table: of no use here, but not missing
            raise Ignored(Reason.NO_ROOT)
        signed = signed_record(record.type, message.value)
        try:
            suites.verify(root.algorithm, to_bytes(root.key), signed, message.headers.get("signature", b""))
        except suites.Unacceptable:
            raise Ignored(Reason.BAD_SIGNATURE) from None
        if record.encoded() != message.value:
            raise Ignored(Reason.MALFORMED)
        if place(record) != message.key:  # compaction would remove what rightly stands there
            raise Ignored(Reason.ANOTHER_PLACE)

    def _put(self, record: AnyRecord) -> None:
        match record:
            case AgencyRecord():
                _newer(self.agencies.get(record.agency), record)
                self.agencies[record.agency] = record
            case PolicyRecord():
                _newer(self.policies.get(record.agency), record)
                self.policies[record.agency] = record
            case AssessmentRecord():
                _newer(self.assessments.get(record.agency), record)
                self.assessments[record.agency] = record
            case KeyRecord():
                self._put_key(record)

    def _put_key(self, record: KeyRecord) -> None:
        known = self.keys.get(record.kid)
        _newer(known, record)
        if known is not None and known.revoked is not None and record.revoked is None:
            raise Ignored(Reason.REVOCATION_IS_FINAL)
        if record.kid != key_id(record.agency, record.purpose, record.algorithm, record.public):
            raise Ignored(Reason.FOREIGN_KEY_ID)
        if known is None:
            _acceptable(record)
        self.keys[record.kid] = record
        same = [key for key in self._purposes[record.agency, record.purpose] if key.kid != record.kid]
        self._purposes[record.agency, record.purpose] = sorted([*same, record], key=_beginning, reverse=True)

    def _take_beat(self, message: Message) -> None:
        try:
            beat = decoded(Beat, message.value, LIMIT)
        except canonical.Malformed:
            raise Ignored(Reason.MALFORMED) from None
        key = self.keys.get(beat.key)
        if key is None or (key.agency, key.purpose) != (HUB, "sign") or not key.valid(beat.time):
            raise Ignored(Reason.UNKNOWN_BEATER)
        try:
            suites.verify(key.algorithm, key.public, beat.signed(), to_bytes(beat.signature))
        except suites.Unacceptable:
            raise Ignored(Reason.BAD_SIGNATURE) from None
        time = moment(beat.time)
        if beat.edition < self.edition or (self.beat and time < self.beat):
            raise Ignored(Reason.OLDER_BEAT)
        self.edition, self.beat = beat.edition, time
        if beat.table == self.standing.digest():
            self.complete = time


def _beginning(record: KeyRecord) -> str:
    return record.starts


def _newer(known: AnyRecord | None, record: AnyRecord) -> None:
    if known is not None and record.version <= known.version:
        again = record == known
        raise Ignored(Reason.REPEATED if again else Reason.OLDER_VERSION)


def _acceptable(record: KeyRecord) -> None:
    try:
        suites.check_public(record.algorithm, record.public)
    except suites.Unacceptable:
        raise Ignored(Reason.UNACCEPTABLE_KEY) from None


@dataclass
class EnrolledRoots:
    """The file of enrolled roots; when an agency is not in it, it is read again if it has changed meanwhile."""

    path: Path
    _roots: dict[str, Root] = field(default_factory=dict)
    _read: int = 0

    def get(self, agency: str) -> Root | None:
        if agency not in self._roots:
            self.refresh()
        return self._roots.get(agency)

    def refresh(self) -> None:
        """Reads the file if it has changed; each root must show proof of possession."""
        try:
            changed = self.path.stat().st_mtime_ns
            if changed != self._read:
                listed = [Root.model_validate_json(json.dumps(entry)) for entry in json.loads(self.path.read_bytes())]
                for root in listed:
                    if self._roots.get(root.agency) != root:
                        root.check()
                self._roots, self._read = {root.agency: root for root in listed}, changed
        except OSError as error:
            raise Misconfigured(f"enrolled roots {self.path}: {error.strerror}") from None
        except (ValueError, suites.Unacceptable) as error:
            raise Misconfigured(f"enrolled roots {self.path}: {type(error).__name__}") from None


async def follow(directory: Directory, table: TableReader, caught_up: asyncio.Event) -> None:
    """Folds what comes, for as long as the process runs; says when all that stood there at the start is folded."""
    while True:
        if table.caught_up():
            caught_up.set()
        try:
            directory.fold(await table.read(0.5))
        except Unavailable:
            await asyncio.sleep(1.0)
