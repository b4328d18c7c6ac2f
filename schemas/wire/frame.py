"""⟨a, b, …⟩ and h(…): how several values become one string of bytes without two readings (message.md section 3)."""

import hashlib
import hmac
import struct
import uuid
from typing import Final

_LENGTH: Final = struct.Struct(">I").pack


def frame(*parts: bytes | str | int) -> bytes:
    """Each part after its length (4 bytes, big-endian); text in UTF-8, numbers in 8 bytes."""
    return b"".join([_LENGTH(len(part)) + part if type(part) is bytes else _framed(part) for part in parts])


def digest(*parts: bytes | str | int) -> bytes:
    """h(…) = SHA-256(⟨…⟩)."""
    return hashlib.sha256(frame(*parts)).digest()


def keyed(key: bytes, *parts: bytes | str | int) -> bytes:
    """HMAC-SHA-256(key, ⟨…⟩): salts, and look-up columns that only the key's holder can fill."""
    return hmac.digest(key, frame(*parts), "sha256")


def derived_id(cause: bytes, kind: str, receiver: str, position: int) -> str:
    """UUIDv8 (RFC 9562 section 5.8) of what follows from the message with identity `cause`."""
    data = bytearray(digest("renkei/id/1", cause, kind, receiver, position)[:16])
    data[6] = data[6] & 0x0F | 0x80
    data[8] = data[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(data)))


def _framed(part: bytes | str | int) -> bytes:
    match part:
        case str():
            part = part.encode()
        case int():
            part = part.to_bytes(8, "big")
    return _LENGTH(len(part)) + part
