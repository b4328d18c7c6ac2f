"""Quarantine: a record that a step cannot do, set aside with the reason, until the operator releases or drops it.

The original is sealed for the operator's key: no service reads what another one has set aside. A release is signed, since it
says of itself where and when the message was first read (architecture section 4).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import Field

from schemas.message import Message, Position
from schemas.refusal import SecurityCode, SecurityEvent
from schemas.text import Binary, Count, Instant, Label, Record, decoded, to_bytes, to_text
from schemas.wire import suites
from schemas.wire.frame import digest, frame

LIMIT: Final = 4096
HEADER: Final = "quarantined"
RELEASED: Final = "released"


class Quarantined(Record):
    """What is said of a record that was set aside: never anything of its content."""

    service: Label
    topic: Label
    partition: Count
    offset: Count
    source: Annotated[str, Field(max_length=256)]
    """Where the message entered its block."""
    appended: Count
    """When it was appended there (milliseconds, UTC)."""
    error: Label
    place: Annotated[str, Field(max_length=256)]
    """File and line of the code."""
    attempts: Count
    time: Instant
    state: Literal["held", "released", "dropped"] = "held"

    @property
    def position(self) -> Position:
        return Position(self.topic, self.partition, self.offset)


class QuarantineKey(Record):
    """What every process of a site is told: the operator's public halves (X25519 to seal, Ed25519 to check a release)."""

    seal: Binary
    release: Binary


class OperatorKey(Record):
    """The private halves, in the operator's folder alone."""

    seal: Binary
    release: Binary

    @property
    def public(self) -> QuarantineKey:
        return QuarantineKey(
            seal=to_text(suites.public_of("x25519", to_bytes(self.seal))),
            release=to_text(suites.public_of("ed25519", to_bytes(self.release))),
        )


class Release(Record):
    """Where and when a released message was first read, and the operator's signature over it and the message."""

    source: Annotated[str, Field(max_length=256)]
    appended: Count
    signature: Binary


@dataclass(frozen=True)
class Aside:
    """A record of `record.quarantined`: what is said, and the sealed original (empty once released or dropped)."""

    said: Quarantined
    sealed: bytes


def new_key() -> OperatorKey:
    """A new pair of private keys."""
    return OperatorKey(seal=to_text(suites.generate("x25519")[0]), release=to_text(suites.generate("ed25519")[0]))


def set_aside(said: Quarantined, original: Message, key: QuarantineKey) -> Message:
    """The record for the topic, keyed by position."""
    plain = frame(original.key, original.value, *_flat(original))
    return record_of(Aside(said, suites.encapsulate("x25519", to_bytes(key.seal), _info(said.position), plain)))


def record_of(aside: Aside) -> Message:
    """What the topic holds."""
    return Message(str(aside.said.position), aside.sealed, {HEADER: aside.said.encoded()})


def read(record: Message) -> Aside:
    """The inverse; raises `canonical.Malformed`."""
    return Aside(decoded(Quarantined, record.headers.get(HEADER, b""), LIMIT), record.value)


def original_of(aside: Aside, key: OperatorKey) -> Message:
    """The message as it was read; `suites.Unacceptable` if it does not open."""
    plain = suites.decapsulate("x25519", to_bytes(key.seal), _info(aside.said.position), aside.sealed)
    parts = list(_parts(plain))
    names = [name.decode() for name in parts[2::2]]
    return Message(parts[0].decode(), parts[1], dict(zip(names, parts[3::2], strict=True)), aside.said.position)


def released(aside: Aside, key: OperatorKey) -> Message:
    """The original on its way back to its topic, with the operator's word for where and when it was first read."""
    message, said = _plain(original_of(aside, key)), aside.said
    signed = _signed(message, said.topic, said.source, said.appended)
    signature = to_text(suites.sign("ed25519", to_bytes(key.release), signed))
    release = Release(source=said.source, appended=said.appended, signature=signature)
    return Message(message.key, message.value, {**message.headers, RELEASED: release.encoded()})


def check_release(message: Message, key: QuarantineKey) -> Release:
    """What the header `released` says, if the operator has signed it for this message on this topic."""
    release = decoded(Release, message.headers[RELEASED], LIMIT)
    signed = _signed(_plain(message), message.position.topic, release.source, release.appended)
    try:
        suites.verify("ed25519", to_bytes(key.release), signed, to_bytes(release.signature))
    except suites.Unacceptable as error:
        raise SecurityEvent(SecurityCode.BAD_SIGNATURE, f"released: {error}") from None
    return release


def _plain(message: Message) -> Message:
    return Message(message.key, message.value, {k: v for k, v in message.headers.items() if k != RELEASED})


def _flat(message: Message) -> Iterator[bytes]:
    for name, data in sorted(message.headers.items()):
        yield name.encode()
        yield data


def _signed(message: Message, topic: str, source: str, appended: int) -> bytes:
    content = digest(message.key, message.value, *_flat(message))
    return frame("renkei/release/1", topic, source, appended, content)


def _info(position: Position) -> bytes:
    return frame("renkei/quarantine/1", position.topic, position.partition, position.offset)


def _parts(plain: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(plain):
        length = int.from_bytes(plain[place : place + 4], "big")
        yield plain[place + 4 : place + 4 + length]
        place += 4 + length
