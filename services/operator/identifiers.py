"""Ids of the first producer: UUIDv7 (RFC 9562 section 5.7), which Python 3.11 does not have yet."""

import secrets
import time
import uuid


def uuid7() -> str:
    """A new id: 48 bits of milliseconds, then random bits."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    return str(uuid.UUID(int=value))
