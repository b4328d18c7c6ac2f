"""The keys of a posting system as a JWK set (RFC 7517; OKP keys: RFC 8037): what its own JOSE library reads and writes.

A set that is enrolled has public halves alone, each with its `use`: `sig` an Ed25519 key, `enc` an X25519 or P-256 key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from schemas import canonical
from schemas.directory import Purpose
from schemas.text import to_bytes, to_text
from schemas.wire import suites
from schemas.wire.suites import Algorithm

LIMIT: Final = 16 * 1024
"""Bytes of a key set."""
MOST: Final = 8
"""Keys in a set."""
CURVES: Final[Mapping[tuple[str, str, str], tuple[Purpose, Algorithm]]] = {
    ("sig", "OKP", "Ed25519"): ("assertion", "ed25519"),
    ("enc", "OKP", "X25519"): ("answer", "x25519"),
    ("enc", "EC", "P-256"): ("answer", "ecdh-p256"),
}
"""By `use`, `kty` and `crv`."""
ALGORITHMS: Final[Mapping[str, tuple[str, ...]]] = {"sig": ("EdDSA", "Ed25519"), "enc": ("ECDH-ES",)}
"""What `alg` may say, by `use`; the first is what is written."""
PRIVATE: Final = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
"""Members with private parts (RFC 7518 section 6)."""


class Unacceptable(ValueError):
    """A key set that is not enrolled: which key, which member, and what to do."""


@dataclass(frozen=True)
class PublicKey:
    """A public key of a posting system."""

    purpose: Purpose
    algorithm: Algorithm
    public: bytes


def members(algorithm: Algorithm, public: bytes) -> dict[str, str]:
    """The members of a public JWK: use, alg, kty, crv, x, and y for P-256."""
    use, kty, curve = next(names for names, (_, known) in CURVES.items() if known == algorithm)
    point = {"x": to_text(public)} if kty == "OKP" else {"x": to_text(public[1:33]), "y": to_text(public[33:])}
    return {"use": use, "alg": ALGORITHMS[use][0], "kty": kty, "crv": curve, **point}


def read_public(data: bytes) -> list[PublicKey]:
    """The keys of a public JWK set; `Unacceptable` where one is private, of small order, or not for its `use`."""
    if len(data) > LIMIT:
        raise Unacceptable(f"the key set is larger than {LIMIT} bytes")
    try:
        keys = canonical.read(data)["keys"]
    except (canonical.Malformed, TypeError, KeyError):
        raise Unacceptable('not a JWK set: expected {"keys": [{"kty": …, "crv": …, "x": …, "use": …}, …]}') from None
    if not isinstance(keys, list) or not 1 <= len(keys) <= MOST:
        raise Unacceptable(f"keys: expected a list of 1 to {MOST} keys")
    return [_read_key(f"keys[{place}]", key) for place, key in enumerate(keys)]


def _read_key(where: str, key: Any) -> PublicKey:
    if not isinstance(key, dict):
        raise Unacceptable(f"{where}: expected an object")
    for name in PRIVATE:
        if name in key:
            raise Unacceptable(f"{where}: `{name}` is private. Make another key, and send its public half alone")
    purpose, algorithm = _kind(where, key)
    public = _coordinate(where, key, "x")
    if algorithm == "ecdh-p256":
        public = b"\x04" + public + _coordinate(where, key, "y")
    try:
        suites.check_public(algorithm, public)
    except suites.Unacceptable as error:
        raise Unacceptable(f"{where}: {error}") from None
    return PublicKey(purpose, algorithm, public)


def _kind(where: str, key: Mapping[str, Any]) -> tuple[Purpose, Algorithm]:
    use = key.get("use")
    kind = CURVES.get((str(use), str(key.get("kty")), str(key.get("crv"))))
    if kind is None:
        raise Unacceptable(
            f"{where}: expected `use` sig with kty OKP and crv Ed25519, or `use` enc with OKP and X25519, or EC and P-256"
        )
    if key.get("alg", ALGORITHMS[str(use)][0]) not in ALGORITHMS[str(use)]:
        raise Unacceptable(f"{where}: `alg` of a key of use {use} is {' or '.join(ALGORITHMS[str(use)])}, or absent")
    return kind


def _coordinate(where: str, key: Mapping[str, Any], name: str) -> bytes:
    try:
        data = to_bytes(key[name])
    except (KeyError, ValueError, AttributeError):
        data = b""
    if len(data) != 32:
        raise Unacceptable(f"{where}: `{name}` is expected to be 32 bytes in base64url without padding")
    return data
