"""The records of the directory (architecture section 7): each canonical JSON, versioned, signed by its agency's root key.

A record's root signature covers ⟨"renkei/record/1", type, bytes⟩. The hub publishes the records in the order of their
editions and beats: a beat, signed, says which edition everything before it adds up to.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, TypeAdapter, model_validator

from schemas.control import Basis, Item, Officer
from schemas.sentences import SYSTEM_PATTERN, TIME_OF_DAY_PATTERN, Expected
from schemas.text import (
    AgencyCode,
    Binary,
    Count,
    Digest,
    Instant,
    Label,
    Name,
    Record,
    later,
    moment,
    to_bytes,
    to_text,
)
from schemas.wire import suites
from schemas.wire.frame import digest, frame

LIMIT: Final = 64 * 1024
HUB: Final = "NWS000"
"""Agency code of the stand-in for the 情報提供ネットワークシステム."""

Purpose = Literal["root", "sign", "wrap", "permit", "salt", "data", "log", "assertion", "answer", "permutation"]
"""One key, one purpose."""

SystemName = Annotated[str, Field(pattern=SYSTEM_PATTERN)]
"""Name of a posting system (業務システム) within its agency."""
DEFAULT_SYSTEM: Final = "default"
"""The system of a key record that names none."""
POSTING: Final = frozenset({"assertion", "answer"})
"""Purposes of the keys of a posting system: it signs requests with one, and answers are sealed to the other."""


def key_id(agency: str, purpose: str, algorithm: str, public: bytes) -> str:
    """kid = h("renkei/key/1", agency, purpose, algorithm, public key), as it stands in JSON."""
    return to_text(digest("renkei/key/1", agency, purpose, algorithm, public))


JAPAN: Final = timedelta(hours=9)
"""Japanese time is UTC+9 all the year round."""
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: Final[tuple[Weekday, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TimeOfDay = Annotated[str, Field(pattern=TIME_OF_DAY_PATTERN)]
"""Japanese time of day, as `08:30`; `24:00` is the end of a day."""


class Hours(Record):
    """When an agency accepts inquiries (受付時間): on these days of the week, from one time of day until before another."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    days: Annotated[list[Weekday], Field(min_length=1)]
    starts: TimeOfDay = Field(alias="from")
    until: TimeOfDay

    @model_validator(mode="after")
    def _within_a_day(self) -> Self:
        if self.starts >= self.until:
            raise Expected("hours end after they begin, on the same day")
        return self

    def include(self, at: str) -> bool:
        """Whether the instant `at` lies within them."""
        there = later(at, JAPAN)
        return WEEK[moment(there).weekday()] in self.days and self.starts <= there[11:16] < self.until


class AgencyRecord(Record):
    """A party (機関): its classes in the sense of the law table and the items that it provides."""

    type: Literal["agency"] = "agency"
    agency: AgencyCode
    version: Count
    name: Label
    classes: list[Name]
    items: list[Item]
    reads: list[Count] = Field(default=[1])
    hours: Hours | None = None
    """Absent: inquiries are accepted at any time."""

    def provides(self, item: Item) -> bool:
        return item in self.items


class KeyRecord(Record):
    """A public key, never removed; revoked by a higher version of the same kid. The algorithm belongs to the record."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    type: Literal["key"] = "key"
    agency: AgencyCode
    version: Count
    kid: Digest
    purpose: Purpose
    algorithm: suites.Algorithm
    key: Binary
    starts: Instant = Field(alias="from")
    until: Instant
    revoked: Instant | None = None
    system: SystemName | None = None
    """The posting system of an assertion or answer key; absent: `default`."""

    @model_validator(mode="after")
    def _of_its_purpose(self) -> Self:
        if self.system is not None and (self.purpose not in POSTING or self.system == DEFAULT_SYSTEM):
            raise ValueError("only assertion and answer keys name a system, and `default` is not spelled out")
        if self.purpose == "answer" and self.algorithm not in suites.EXCHANGES.values():
            raise ValueError("an answer key is an X25519 or P-256 key")
        return self

    @property
    def public(self) -> bytes:
        return to_bytes(self.key)

    @property
    def posting_system(self) -> str:
        """The system that the key belongs to, if its purpose is one of `POSTING`."""
        return self.system or DEFAULT_SYSTEM

    def valid(self, at: str) -> bool:
        """Whether a signature of time `at` counts: within the validity, and not revoked (which holds on arrival)."""
        return self.revoked is None and self.starts <= at < self.until


class Grant(Record):
    """An office's role (職責) and the lines of the law table that it may handle (`all` of them, or those listed)."""

    office: Label
    role: Name
    rows: list[str] | Literal["all"]


class PolicyRecord(Record):
    """The agency's own check policy (チェックポリシー)."""

    type: Literal["policy"] = "policy"
    agency: AgencyCode
    version: Count
    grants: list[Grant]
    automatic: Grant | None = None
    """The registered role of automatic answers (自動応答); without it nothing is answered automatically."""
    quota: Count | None = None
    """How many inquiries the agency may open on a Japanese calendar day; absent: as many as it wants."""

    def allows(self, officer: Officer | Literal["auto"], basis: Basis) -> bool:
        """Whether this officer's role fits the legal basis (職責が法令の根拠に合うか)."""
        if officer == "auto":
            grants = [self.automatic] if self.automatic else []
        else:
            grants = [grant for grant in self.grants if (grant.office, grant.role) == (officer.office, officer.role)]
        return any(grant.rows == "all" or basis.row in grant.rows for grant in grants)


class AssessmentRecord(Record):
    """The rows for which the agency has met its assessment duty (特定個人情報保護評価, art. 21-2, 27); signed by the hub."""

    type: Literal["assessment"] = "assessment"
    agency: AgencyCode
    version: Count
    rows: list[str] | Literal["all"]

    def covers(self, row: str) -> bool:
        return self.rows == "all" or row in self.rows


AnyRecord = AgencyRecord | KeyRecord | PolicyRecord | AssessmentRecord
RECORDS: Final[TypeAdapter[AnyRecord]] = TypeAdapter(Annotated[AnyRecord, Field(discriminator="type")])


class Root(Record):
    """An enrolled root key: given to every service as a file, outside the hub, with proof of possession."""

    agency: AgencyCode
    algorithm: suites.Algorithm
    key: Binary
    proof: Binary

    def check(self) -> None:
        """Refuses small-order keys and keys that nobody has shown to hold; raises `suites.Unacceptable`."""
        suites.check_public(self.algorithm, to_bytes(self.key))
        suites.verify(self.algorithm, to_bytes(self.key), self.proven(), to_bytes(self.proof))

    def proven(self) -> bytes:
        return possession(self.agency, self.algorithm, to_bytes(self.key))


def possession(agency: str, algorithm: str, public: bytes) -> bytes:
    """What a root key signs to be enrolled (proof of possession)."""
    return frame("renkei/enrol/1", agency, algorithm, public)


class Beat(Record):
    """The hub's heartbeat: every record published up to `edition` stands before it, and `time` shows the hub alive.

    Signed with the hub's `sign` key, so that nobody else can move the edition or keep a cut-off table open. `table` is the
    digest of the hub's own table: whoever holds another one lacks a record, or has one that was replaced since."""

    type: Literal["beat"] = "beat"
    edition: Count
    time: Instant
    table: Digest
    key: Digest
    signature: Binary

    def signed(self) -> bytes:
        return beaten(self.edition, self.time, self.table)


def beaten(edition: int, time: str, table: str) -> bytes:
    """The bytes that the hub signs."""
    return frame("renkei/beat/2", edition, time, table)


def table_digest(standing: Mapping[str, bytes]) -> str:
    """Digest of a whole table: SHA-256 of each place's record, in the order of places."""
    parts = [part for place, record in sorted(standing.items()) for part in (place.encode(), record)]
    return to_text(digest("renkei/table/1", *parts))


def signed_record(kind: str, data: bytes) -> bytes:
    """What an agency's root key signs."""
    return frame("renkei/record/1", kind, data)


def place(record: AnyRecord) -> str:
    """The key of the record on the compacted topic: every kid is kept, of the rest the latest version."""
    return f"{record.type}/{record.agency}" + (f"/{record.kid}" if isinstance(record, KeyRecord) else "")


def signer_of(record: AnyRecord) -> str:
    """Whose root signs the record: the agency's own, for an assessment the hub's."""
    return HUB if isinstance(record, AssessmentRecord) else record.agency
