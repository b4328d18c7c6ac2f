"""An answer sealed to the posting system that asked: a JWE in compact serialisation (RFC 7516).

`alg` ECDH-ES (RFC 7518 section 4.6; X25519: RFC 8037), `enc` A256GCM. `kid` names the answer key, `apu` the event and
`apv` the agency and its system: both enter the derived key. A JWE says who may read it, not who wrote it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, GuestProtocol, OKPKey

from schemas.directory import KeyRecord
from schemas.jwk import members
from schemas.text import to_text
from schemas.wire import suites
from schemas.wire.suites import Algorithm

MEDIA_TYPE: Final = "application/jose"
CONTENT_TYPE: Final = "application/json"
LIMIT: Final = 1024 * 1024
"""Bytes of a JWE: a business part of 512 KiB and a control part of 16 KiB, a third more in base64url."""
FIXED: Final = {"alg": "ECDH-ES", "enc": "A256GCM", "cty": CONTENT_TYPE}

Private = tuple[Algorithm, bytes]
"""Algorithm and raw private key."""


class Unopened(ValueError):
    """A JWE that is not the one expected, or does not open."""


@dataclass(frozen=True)
class Addressed:
    """What a JWE is bound to: the event that carries it, and the posting system that may read it."""

    event: str
    agency: str
    system: str

    def header(self, kid: str) -> dict[str, str]:
        """The protected header, without the ephemeral key."""
        reader = f"{self.agency}/{self.system}"
        return {**FIXED, "kid": kid, "apu": to_text(self.event.encode()), "apv": to_text(reader.encode())}


def sealed(content: bytes, record: KeyRecord, addressed: Addressed) -> bytes:
    """The content, sealed to an answer key."""
    return jwe.encrypt_compact(addressed.header(record.kid), content, _public(record.algorithm, record.public)).encode()


def opened(token: bytes, addressed: Addressed, private: Mapping[str, Private]) -> bytes:
    """The content; `Unopened` unless it is sealed to this reader in this event. `private` has keys by `kid`."""
    if len(token) > LIMIT:
        raise Unopened(f"the JWE is larger than {LIMIT} bytes")

    def key_of(received: GuestProtocol) -> OKPKey | ECKey:
        header = received.headers()
        kid = str(header.get("kid"))
        if {**header, "epk": None} != {**addressed.header(kid), "epk": None}:
            raise Unopened("the protected header is not that of an answer to this system in this event")
        key = private.get(kid)
        if key is None:
            raise Unopened("the system does not hold the private key that the JWE is sealed to")
        return _imported(*key)

    try:
        return jwe.decrypt_compact(token, key_of, registry=_REGISTRY).plaintext or b""
    except Unopened:
        raise
    except _UNREADABLE as error:
        raise Unopened(f"the JWE does not open: {type(error).__name__}") from None


_UNREADABLE: Final = (JoseError, InvalidTag, ValueError, TypeError, LookupError, AttributeError)
"""What the library raises, whatever is sent in place of a JWE."""


class _Registry(jwe.JWERegistry):
    """The library's own limit is 64 KiB of ciphertext."""

    max_ciphertext_length = LIMIT


_REGISTRY: Final = _Registry(algorithms=["ECDH-ES", "A256GCM"])


@lru_cache(8192)
def _public(algorithm: Algorithm, public: bytes) -> OKPKey | ECKey:
    """Imported once: every answer to a system is sealed to the same key."""
    return _key(algorithm, members(algorithm, public))


def _imported(algorithm: Algorithm, private: bytes) -> OKPKey | ECKey:
    return _key(algorithm, {**members(algorithm, suites.public_of(algorithm, private)), "d": to_text(private)})


def _key(algorithm: Algorithm, jwk: Mapping[str, str]) -> OKPKey | ECKey:
    known: dict[str, str | list[str]] = {**jwk}
    return OKPKey.import_key(known) if algorithm == "x25519" else ECKey.import_key(known)
