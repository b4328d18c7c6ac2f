"""What a posting system does itself, with PyJWT and joserfc alone: the two examples beside this file use it.

The guide (docs/guides/business-systems.md) says each rule, and tests/vectors/business-system.json has every byte.
"""

import base64
import hashlib
import json
import re
import secrets
import time
import unicodedata
import uuid
from pathlib import Path
from typing import Any

import jwt
from joserfc import jwe
from joserfc.jwk import KeySet

MINUTES = 5
"""Until an assertion expires: long enough for a clock that is a little behind."""

KEPT = re.compile("([\uf900-\ufaff\U0002f800-\U0002fa1f])")
"""CJK compatibility ideographs stay as they are, since NFC would replace them: they stand in people's names."""


class LargeAnswers(jwe.JWERegistry):
    """joserfc's own limit is 64 KiB; an answer has up to 1 MiB."""

    max_ciphertext_length = 1024 * 1024


class System:
    """A posting system with its key set, as `renkei system create` has written it or its vendor has made it."""

    def __init__(self, key_set: dict[str, Any]) -> None:
        self.agency, self.name = key_set["agency"], key_set["system"]
        self.keys = key_set["keys"]

    @classmethod
    def read(cls, file: Path) -> "System":
        return cls(json.loads(file.read_text()))

    def signing_key(self, now: float) -> dict[str, Any]:
        """Of the keys that sign and have begun the one that began last."""
        begun = [key for key in self.keys if key["use"] == "sig" and key.get("nbf", 0) <= now]
        return max(begun, key=lambda key: key.get("nbf", 0))

    def assert_request(self, control: dict[str, Any], number: str, business: dict[str, Any], now: float) -> str:
        """The assertion over exactly this request and its officer."""
        officer = control["officer"]
        return self._signed(
            now,
            jti=control["id"],
            office=normal(officer["office"]),
            role=officer["role"],
            officer=normal(officer["staff"]),
            h=request_digest(control, number, business),
        )

    def assert_read(self, exchange: str, now: float) -> str:
        """The assertion with which this system reads an exchange that it has opened."""
        return self._signed(now, method="GET", exchange=exchange)

    def _signed(self, now: float, **claims: str) -> str:
        key = self.signing_key(now)
        claims_set = {"iss": self.agency, "exp": int(now) + MINUTES * 60, **claims}
        return jwt.encode(claims_set, jwt.PyJWK(key).key, algorithm="EdDSA", headers={"kid": key["kid"]})

    def open(self, token: bytes, event: str) -> dict[str, Any]:
        """The answer in an event of `exchange.completed`; ValueError where it is another event's or another system's."""
        keys = KeySet.import_key_set({"keys": [key for key in self.keys if key["use"] == "enc"]})
        registry = LargeAnswers(algorithms=["ECDH-ES", "A256GCM"])
        opened = jwe.decrypt_compact(token, keys, registry=registry)
        expected = {"apu": b64(event.encode()), "apv": b64(f"{self.agency}/{self.name}".encode())}
        if {name: opened.protected.get(name) for name in expected} != expected:
            raise ValueError("the answer belongs to another event or another system")
        answer: dict[str, Any] = json.loads(opened.plaintext or b"")
        return answer


def request_digest(control: dict[str, Any], number: str, business: dict[str, Any]) -> str:
    """The claim `h`: SHA-256 over the label and the three parts, each after its length in four bytes."""
    parts = (b"renkei/request/1", canonical(control), number.encode(), canonical(business))
    framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return b64(hashlib.sha256(framed).digest())


def canonical(value: Any) -> bytes:
    """The one spelling: sorted keys, no white space, UTF-8 as it is, only what JSON must escape is escaped."""
    return json.dumps(normal(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def normal(value: Any) -> Any:
    """The same with every string in normal form. Post what this returns, not what it was given."""
    match value:
        case str():
            return "".join(
                part if KEPT.match(part) else unicodedata.normalize("NFC", part) for part in KEPT.split(value)
            )
        case dict():
            return {key: normal(entry) for key, entry in value.items()}
        case list():
            return [normal(entry) for entry in value]
    return value


def b64(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def uuid7() -> str:
    """A new id: 48 bits of milliseconds, then random bits (RFC 9562). Python 3.14 has `uuid.uuid7`."""
    value = time.time_ns() // 1_000_000 << 80 | secrets.randbits(80)
    return str(uuid.UUID(int=value & ~(0xF << 76 | 3 << 62) | 7 << 76 | 2 << 62))
