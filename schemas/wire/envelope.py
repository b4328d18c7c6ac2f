"""What travels around a sealed message: headers `seal`, `wrap`, `subject`, `signature`, `permit`, and their limits."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Final, Literal, Self

from pydantic import Field

from schemas import canonical
from schemas.control import LIMIT, Control, read_control
from schemas.message import Message
from schemas.refusal import SecurityCode, SecurityEvent
from schemas.text import AgencyCode, Binary, Count, Digest, Instant, Label, R, Record, decoded, to_bytes
from schemas.wire.frame import digest, frame
from schemas.wire.tree import LARGEST, leaf

LIMITS: Final = {
    "control": LIMIT,
    "seal": 2048,
    "wrap": 2048,
    "subject": 2048,
    "signature": 4096,
    "permit": 8192,
}
"""Bytes a header (message.md section 6); everything larger is refused before it is parsed."""
VALUE_LIMIT: Final = 1024 * 1024 + 16
"""A business part of 512 KiB is padded to a power of two, a mebibyte, and has a tag of 16 bytes."""
LONGEST_PATH: Final = 16
"""log2 of the largest tree."""

Path = Annotated[list[Digest], Field(max_length=LONGEST_PATH)]
Size = Annotated[int, Field(ge=1, le=LARGEST)]
Index = Annotated[int, Field(ge=0, lt=LARGEST)]


class Seal(Record):
    """N: the two commitments and the ids of the keys that were used."""

    v: Literal[1] = 1
    hB: Digest
    hS: Digest
    sign: Digest
    wrap: Digest
    hub: Digest


class Signature(Record):
    """S over the root of a batch's tree, and the path from this message's leaf to it."""

    signature: Binary
    size: Size
    index: Index
    path: Path


class LawRow(Record):
    """The line of the law table by which a message was judged, with the table's edition."""

    edition: Label
    row: Label
    branch: Annotated[int, Field(ge=1, le=99)]


class Decision(Record):
    """D: the hub's one decision on a message, however often it is sealed again."""

    v: Literal[1] = 1
    hub: AgencyCode
    message: Digest
    subject: Digest
    law: LawRow
    directory: Count
    time: Instant

    @property
    def digest(self) -> bytes:
        """SHA-256(D)."""
        return hashlib.sha256(self.encoded()).digest()


class Permit(Record):
    """情報提供許可証: D, what it was issued for, and the hub's signature over the batch's tree."""

    decision: Decision
    subject: Digest
    wrap: Digest
    time: Instant
    key: Digest
    signature: Binary
    size: Size
    index: Index
    path: Path


@dataclass(frozen=True)
class Envelope:
    """A sealed message as it travels: control C, seal N, wrap W, subject U or U', signature S, value E."""

    control: bytes
    seal: bytes
    wrap: bytes
    subject: bytes
    signature: bytes
    value: bytes
    permit: bytes = b""

    @classmethod
    def of(cls, message: Message) -> Self:
        """The parts of a record, each within its limit; else a security event, before anything is parsed."""
        parts = {name: message.headers.get(name, b"") for name in LIMITS}
        for name, limit in LIMITS.items():
            if len(parts[name]) > limit:
                raise SecurityEvent(SecurityCode.MALFORMED, f"header {name} is larger than {limit} bytes")
        if len(message.value) > VALUE_LIMIT:
            raise SecurityEvent(SecurityCode.MALFORMED, f"the value is larger than {VALUE_LIMIT} bytes")
        return cls(value=message.value, **parts)

    def read(self) -> Self:
        """Itself, once every part has its shape and its one spelling: nothing else is looked at before."""
        _ = self.said, self.seals, self.signs, self.permit and self.permits
        return self

    @cached_property
    def said(self) -> Control:
        try:
            return read_control(self.control)
        except canonical.Malformed as error:
            raise SecurityEvent(SecurityCode.MALFORMED, f"header control: {error}") from None

    @cached_property
    def seals(self) -> Seal:
        return _parsed(Seal, self.seal, "seal")

    @cached_property
    def signs(self) -> Signature:
        return _parsed(Signature, self.signature, "signature")

    @cached_property
    def permits(self) -> Permit:
        return _parsed(Permit, self.permit, "permit")

    @cached_property
    def identity(self) -> bytes:
        """M = h("renkei/message/1", C, hB, hS): content and person."""
        return identity(self.control, to_bytes(self.seals.hB), to_bytes(self.seals.hS))

    @cached_property
    def decided(self) -> bytes:
        """SHA-256(D)."""
        return self.permits.decision.digest

    def leaf(self, subject: bytes) -> bytes:
        """The leaf that S covers; `subject` is SHA-256(U), which the permit carries once U has been replaced by U'."""
        if subject not in self._leaves:
            self._leaves[subject] = leaf_of(self.identity, self._covered, subject)
        return self._leaves[subject]

    @cached_property
    def _leaves(self) -> dict[bytes, bytes]:
        return {}

    @cached_property
    def subject_digest(self) -> bytes:
        """SHA-256 of the header `subject`: U on the way to the hub, U' from there."""
        return hashlib.sha256(self.subject).digest()

    @cached_property
    def _covered(self) -> list[bytes]:
        return digests(self.seal, self.value, self.wrap)

    def signed(self, signature: bytes) -> "Envelope":
        """The same with its signature."""
        return Envelope(self.control, self.seal, self.wrap, self.subject, signature, self.value, self.permit)

    def permitted(self, subject: bytes, permit: bytes) -> "Envelope":
        """The same with U' instead of U, and the permit."""
        return Envelope(self.control, self.seal, self.wrap, subject, self.signature, self.value, permit)

    def headers(self) -> dict[str, bytes]:
        """The headers of the record that carries this envelope."""
        named = {
            "control": self.control,
            "seal": self.seal,
            "wrap": self.wrap,
            "subject": self.subject,
            "signature": self.signature,
            "permit": self.permit,
        }
        return {name: data for name, data in named.items() if data}


def leaf_of(message: bytes, covered: Sequence[bytes], subject: bytes) -> bytes:
    """leaf = SHA-256(0x00 || ⟨"renkei/leaf/1", M, SHA-256(N), SHA-256(E), SHA-256(W), SHA-256(U)⟩); `covered` are those of
    N, E and W."""
    return leaf(frame("renkei/leaf/1", message, *covered, subject))


def digests(*parts: bytes) -> list[bytes]:
    """SHA-256 of each."""
    return [hashlib.sha256(part).digest() for part in parts]


def identity(control_part: bytes, business: bytes, subject: bytes) -> bytes:
    """M, the message's identity, from C, hB and hS."""
    return digest("renkei/message/1", control_part, business, subject)


def _parsed(model: type[R], data: bytes, name: str) -> R:
    try:
        return decoded(model, data, LIMITS[name])
    except canonical.Malformed as error:
        raise SecurityEvent(SecurityCode.MALFORMED, f"header {name}: {error}") from None
