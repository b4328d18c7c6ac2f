"""The algorithms of suites 1 and 2, chosen by the key record alone, never by a message or a negotiation.

Suite 1: Ed25519 and X25519. Suite 2: ECDSA and ECDH on P-256, for readers who take the CRYPTREC list literally.
HPKE (RFC 9180) always with HKDF-SHA256 and AES-256-GCM. Keys are raw: 32 bytes, or the 65-byte uncompressed point.
"""

import os
from collections.abc import Callable
from typing import Final, Literal

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from nacl import bindings
from nacl.exceptions import CryptoError

Algorithm = Literal["ed25519", "ecdsa-p256", "x25519", "ecdh-p256", "hmac-sha256", "aes-256-gcm", "aes-256"]
SIGNATURES: Final[dict[str, Algorithm]] = {"1": "ed25519", "2": "ecdsa-p256"}
EXCHANGES: Final[dict[str, Algorithm]] = {"1": "x25519", "2": "ecdh-p256"}

_CURVE: Final = ec.SECP256R1()
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Order of P-256 (SP 800-186, 3.2.1.3)."""
_HPKE: Final = {
    "x25519": Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM),
    "ecdh-p256": Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.AES_256_GCM),
}
WRAPPED: Final = {"x25519": 32 + 48, "ecdh-p256": 65 + 48}
"""Length of a wrapped 32-byte key: encapsulation, key and tag (RFC 9180 section 7.1)."""

ExchangePrivate = x25519.X25519PrivateKey | ec.EllipticCurvePrivateKey
ExchangePublic = x25519.X25519PublicKey | ec.EllipticCurvePublicKey


class Unacceptable(ValueError):
    """A key of the wrong form or of small order, a signature or a box that does not hold."""


def generate(algorithm: Algorithm) -> tuple[bytes, bytes]:
    """A new (private, public) pair, raw; a symmetric key has no public half."""
    private = os.urandom(32)
    match algorithm:
        case "ecdsa-p256" | "ecdh-p256":
            private = ec.generate_private_key(_CURVE).private_numbers().private_value.to_bytes(32, "big")
            return private, public_of(algorithm, private)
        case "ed25519" | "x25519":
            return private, public_of(algorithm, private)
    return private, b""


def public_of(algorithm: Algorithm, private: bytes) -> bytes:
    """The raw public half of a raw private key."""
    match algorithm:
        case "ed25519":
            return bindings.crypto_sign_seed_keypair(private)[0]
        case "x25519":
            return x25519.X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    key = ec.derive_private_key(int.from_bytes(private, "big"), _CURVE).public_key()
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def check_public(algorithm: str, public: bytes) -> None:
    """Refuses what is no point of the curve and points of small order (message.md section 3)."""
    match algorithm:
        case "ed25519":
            if len(public) != 32 or not bindings.crypto_core_ed25519_is_valid_point(public):
                raise Unacceptable("not an Ed25519 public key of prime order")
        case "x25519" | "ecdh-p256":
            encapsulate(algorithm, public, b"", bytes(32))
        case "ecdsa-p256":
            _point(public)
        case _:
            raise Unacceptable("not a public-key algorithm of suites 1 and 2")


def sign(algorithm: Algorithm, private: bytes, message: bytes) -> bytes:
    """64 bytes. Ed25519 (RFC 8032), or ECDSA with SHA-256 as RFC 6979, low s, r||s."""
    return signing(algorithm, private)(message)


def signing(algorithm: Algorithm, private: bytes) -> Callable[[bytes], bytes]:
    """The same for many messages: what follows from the key alone costs as much as a signature."""
    if algorithm == "ed25519":
        expanded = bindings.crypto_sign_seed_keypair(private)[1]
        return lambda message: bindings.crypto_sign(message, expanded)[:64]
    key = ec.derive_private_key(int.from_bytes(private, "big"), _CURVE)

    def ecdsa(message: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
        return r.to_bytes(32, "big") + min(s, _ORDER - s).to_bytes(32, "big")

    return ecdsa


def verify(algorithm: str, public: bytes, message: bytes, signature: bytes) -> None:
    """Raises `Unacceptable`. Ed25519 as libsodium verifies (strict, small orders refused); ECDSA only with low s."""
    if len(signature) != 64:
        raise Unacceptable("a signature has 64 bytes")
    try:
        match algorithm:
            case "ed25519":
                if len(public) != 32:  # PyNaCl hands on whatever it gets, and libsodium reads 32 bytes
                    raise Unacceptable("an Ed25519 public key has 32 bytes")
                bindings.crypto_sign_open(signature + message, public)
            case "ecdsa-p256":
                _verify_ecdsa(public, message, signature)
            case _:
                raise Unacceptable("not a signature algorithm")
    except (CryptoError, InvalidSignature):
        raise Unacceptable("the signature does not hold") from None


def _verify_ecdsa(public: bytes, message: bytes, signature: bytes) -> None:
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if not (0 < r < _ORDER and 0 < s <= _ORDER // 2):
        raise Unacceptable("the signature is not in its one spelling")
    _point(public).verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))


def encapsulate(algorithm: str, public: bytes, info: bytes, secret: bytes) -> bytes:
    """HPKE-Seal(public, info, secret), base mode, single shot, empty aad: encapsulation || ciphertext."""
    try:
        return _HPKE[algorithm].encrypt(secret, _exchange_public(algorithm, public), info=info)
    except (KeyError, ValueError):
        raise Unacceptable("not a public key to seal for") from None


def decapsulate(algorithm: str, private: bytes, info: bytes, wrapped: bytes) -> bytes:
    """The inverse of `encapsulate`."""
    try:
        return _HPKE[algorithm].decrypt(wrapped, _exchange_private(algorithm, private), info=info)
    except (KeyError, ValueError, InvalidTag):
        raise Unacceptable("the wrapped key does not open") from None


def _exchange_private(algorithm: str, private: bytes) -> ExchangePrivate:
    if algorithm == "x25519":
        return x25519.X25519PrivateKey.from_private_bytes(private)
    return ec.derive_private_key(int.from_bytes(private, "big"), _CURVE)


def _exchange_public(algorithm: str, public: bytes) -> ExchangePublic:
    return x25519.X25519PublicKey.from_public_bytes(public) if algorithm == "x25519" else _point(public)


def _point(public: bytes) -> ec.EllipticCurvePublicKey:
    if len(public) != 65:
        raise Unacceptable("expected the uncompressed point of a P-256 key")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, public)
    except ValueError:
        raise Unacceptable("not a point of P-256") from None
