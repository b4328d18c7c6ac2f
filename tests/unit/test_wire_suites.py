"""Signatures and key wrapping: what holds, holds in one spelling; whatever else there is, is `Unacceptable`."""

from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from nacl import bindings

from schemas.wire import suites
from schemas.wire.suites import Algorithm, Unacceptable
from tests.vectors import verifier
from tests.vectors.strategies import FEW, MANY

SIGNING: Final[list[Algorithm]] = ["ed25519", "ecdsa-p256"]
SEALING: Final[list[Algorithm]] = ["x25519", "ecdh-p256"]
FIELD: Final = 2**255 - 19
SMALL_ORDER: Final = [y + extra for y in verifier.SMALL_EDWARDS for extra in (0, FIELD) if y + extra < 2**255]
"""The y of every point whose order divides 8, in each spelling."""

private_keys = st.binary(min_size=31, max_size=31).map(lambda data: b"\x01" + data)
algorithms = st.sampled_from([*SIGNING, *SEALING, "hmac-sha256", "aes-256-gcm", "aes-256", "none", ""])
lengths = st.sampled_from([0, 1, 31, 32, 33, 63, 64, 65, 66, 79, 80, 81, 112, 113, 114])
blobs = st.binary(max_size=120) | st.tuples(lengths, st.sampled_from([0, 2, 4, 255])).map(
    lambda shape: bytes([shape[1]]) * shape[0]
)


def flipped(data: bytes, bit: int) -> bytes:
    place = bit % (8 * len(data))
    return data[: place // 8] + bytes([data[place // 8] ^ 1 << place % 8]) + data[place // 8 + 1 :]


# — signing


@FEW
@given(st.sampled_from(SIGNING), private_keys, st.binary(max_size=100), st.integers(0))
def test_a_signature_holds_for_its_message_and_nothing_else(
    algorithm: Algorithm, private: bytes, message: bytes, bit: int
) -> None:
    """Deterministic, 64 bytes; a changed message, key or signature is refused."""
    public = suites.public_of(algorithm, private)
    signature = suites.sign(algorithm, private, message)
    assert signature == suites.sign(algorithm, private, message) == verifier.sign(algorithm, private, message)
    assert len(signature) == 64
    suites.verify(algorithm, public, message, signature)
    other = suites.public_of(algorithm, flipped(private, 100))
    for key, said, signed in [
        (public, message + b"\0", signature),
        (public, flipped(message or b"\0", bit), signature),
        (other, message, signature),
        (public, message, flipped(signature, bit)),
        (public, message, signature[:-1]),
        (public, message, signature + b"\0"),
        (public, message, b""),
        (public, message, bytes(64)),
        (public[:-1], message, signature),
        (public + b"\0", message, signature),
        (b"", message, signature),
    ]:
        with pytest.raises(Unacceptable):
            suites.verify(algorithm, key, said, signed)


@MANY
@given(algorithms, blobs, blobs, blobs)
def test_verifying_anything_is_unacceptable_and_nothing_else(
    algorithm: str, public: bytes, message: bytes, signature: bytes
) -> None:
    """No key, message or signature of whatever length ends in another exception."""
    with pytest.raises(Unacceptable):
        suites.verify(algorithm, public, message, signature)
    with pytest.raises(Unacceptable):
        suites.verify(algorithm, public, message, signature.ljust(64, b"\0")[:64])


@MANY
@given(st.sampled_from(SIGNING), private_keys, st.binary(min_size=64, max_size=64) | st.integers(0), st.booleans())
def test_the_second_verifier_accepts_alike(
    algorithm: Algorithm, private: bytes, forged: bytes | int, own: bool
) -> None:
    """Real and altered signatures, real and altered keys: both say the same."""
    public, signature = suites.public_of(algorithm, private), suites.sign(algorithm, private, b"message")
    if isinstance(forged, bytes):
        signature = forged
    elif own:
        public = flipped(public, forged)
    else:
        signature = flipped(signature, forged)
    assert _holds_here(algorithm, public, signature) == _holds_there(algorithm, public, signature)


def _holds_here(algorithm: str, public: bytes, signature: bytes) -> bool:
    try:
        suites.verify(algorithm, public, b"message", signature)
    except Unacceptable:
        return False
    return True


def _holds_there(algorithm: str, public: bytes, signature: bytes) -> bool:
    try:
        verifier.verify_signature(algorithm, public, b"message", signature)
    except verifier.Invalid:
        return False
    return True


@FEW
@given(private_keys, st.binary(max_size=40))
def test_of_two_ecdsa_signatures_the_one_with_low_s_holds(private: bytes, message: bytes) -> None:
    """(r, n - s) satisfies the equation and is refused; so are r and s of zero, or beyond the order."""
    public, signature = suites.public_of("ecdsa-p256", private), suites.sign("ecdsa-p256", private, message)
    r, s = signature[:32], int.from_bytes(signature[32:], "big")
    order = verifier.P256_ORDER
    assert s <= order // 2
    beyond = int.from_bytes(r, "big") + order
    wrong = [r + number.to_bytes(32, "big") for number in (order - s, 0, order, 2**256 - 1)]
    wrong += [bytes(32) + signature[32:], order.to_bytes(32, "big") + signature[32:]]
    if beyond < 2**256:
        wrong.append(beyond.to_bytes(32, "big") + signature[32:])
    for other in wrong:
        with pytest.raises(Unacceptable):
            suites.verify("ecdsa-p256", public, message, other)


def test_ed25519_refuses_what_other_libraries_take() -> None:
    """A signature whose R is the identity satisfies the equation; OpenSSL takes it, libsodium does not."""
    private = bytes(range(32))
    public, message = suites.public_of("ed25519", private), b"message"
    signature = small_order_signature(private, public, message)
    Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    with pytest.raises(Unacceptable):
        suites.verify("ed25519", public, message, signature)


def small_order_signature(private: bytes, public: bytes, message: bytes) -> bytes:
    """R = identity, S = h·a (RFC 8032 section 5.1.6 with r = 0)."""
    digest = bindings.crypto_hash_sha512(private)[:32]
    scalar = int.from_bytes(digest, "little") & ~7 & (1 << 254) - 1 | 1 << 254
    identity = (1).to_bytes(32, "little")
    challenge = int.from_bytes(bindings.crypto_hash_sha512(identity + public + message), "little")
    order = 2**252 + 27742317777372353535851937790883648493
    return identity + (challenge * scalar % order).to_bytes(32, "little")


@pytest.mark.parametrize("sign", [0, 1 << 255])
@pytest.mark.parametrize("y", SMALL_ORDER)
def test_small_order_keys_are_refused(y: int, sign: int) -> None:
    """As keys, and by the verification itself; for such a key everything is a signature of everything."""
    public = (y | sign).to_bytes(32, "little")
    with pytest.raises(Unacceptable):
        suites.check_public("ed25519", public)
    for signature in (bytes(64), (1).to_bytes(64, "little"), public + bytes(32)):
        with pytest.raises(Unacceptable):
            suites.verify("ed25519", public, b"message", signature)


def test_keys_of_mixed_order_are_refused() -> None:
    """A key with a small-order part has eight names for one signer."""
    public = suites.public_of("ed25519", bytes(range(32)))
    small = next(y for y in verifier.SMALL_EDWARDS if y not in (0, 1, FIELD - 1)).to_bytes(32, "little")
    mixed = bindings.crypto_core_ed25519_add(public, small)
    suites.check_public("ed25519", public)
    with pytest.raises(Unacceptable):
        suites.check_public("ed25519", mixed)


def test_ed25519_by_the_rfc() -> None:
    """RFC 8032 section 7.1, test 3."""
    private = bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
    signature = bytes.fromhex(
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )
    public = suites.public_of("ed25519", private)
    assert public.hex() == "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"
    assert suites.sign("ed25519", private, b"\xaf\x82") == signature
    suites.verify("ed25519", public, b"\xaf\x82", signature)


def test_ecdsa_by_the_rfc() -> None:
    """RFC 6979 appendix A.2.5, SHA-256, message "sample", whose s is high there: n - s here."""
    private = bytes.fromhex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721")
    r = bytes.fromhex("EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716")
    s = verifier.P256_ORDER - 0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8
    assert suites.sign("ecdsa-p256", private, b"sample") == r + s.to_bytes(32, "big")


# — keys


@pytest.mark.parametrize("algorithm", [*SIGNING, *SEALING])
def test_generated_keys_are_pairs_of_a_kind(algorithm: Algorithm) -> None:
    """Raw: 32 bytes private; public 32 bytes, or the 65 of an uncompressed point."""
    private, public = suites.generate(algorithm)
    assert len(private) == 32
    assert public == suites.public_of(algorithm, private) == verifier.public_of(algorithm, private)
    assert len(public) == verifier.PUBLIC_LENGTH[algorithm]
    suites.check_public(algorithm, public)
    assert suites.generate(algorithm) != (private, public)


@pytest.mark.parametrize("algorithm", ["hmac-sha256", "aes-256-gcm", "aes-256"])
def test_symmetric_keys_have_no_public_half(algorithm: Algorithm) -> None:
    """And none can be published by mistake."""
    private, public = suites.generate(algorithm)
    assert (len(private), public) == (32, b"")
    for key in (public, private):
        with pytest.raises(Unacceptable):
            suites.check_public(algorithm, key)


@MANY
@given(algorithms, blobs)
def test_a_public_key_is_acceptable_or_not(algorithm: str, public: bytes) -> None:
    """Of any length and content: no other exception, and never one that the second verifier refuses."""
    try:
        suites.check_public(algorithm, public)
    except Unacceptable:
        return
    verifier.check_public(algorithm, public)


@pytest.mark.parametrize("algorithm", ["ecdsa-p256", "ecdh-p256"])
def test_points_of_p256_have_one_spelling(algorithm: Algorithm) -> None:
    """Uncompressed and on the curve; compressed, hybrid, foreign points and infinity are refused."""
    _, public = suites.generate(algorithm)
    parity = public[-1] & 1
    wrong = [
        bytes([2 + parity]) + public[1:33],
        bytes([6 + parity]) + public[1:],
        b"\x04" + bytes(64),
        b"\0",
        bytes(65),
    ]
    wrong += [public[:-1] + bytes([public[-1] ^ 1]), public + b"\0", public[1:]]
    for key in wrong:
        with pytest.raises(Unacceptable):
            suites.check_public(algorithm, key)
        with pytest.raises(Unacceptable):
            suites.encapsulate("ecdh-p256", key, b"", bytes(32))
        with pytest.raises(Unacceptable):
            suites.verify("ecdsa-p256", key, b"", b"\x01" * 64)


@pytest.mark.parametrize("u", [u + e for u in verifier.SMALL_MONTGOMERY for e in (0, FIELD) if u + e < 2**255])
@pytest.mark.parametrize("high", [0, 1 << 255])
def test_nothing_is_sealed_for_a_small_order_key(u: int, high: int) -> None:
    """X25519 would give zeros: everybody would know the secret."""
    public = (u | high).to_bytes(32, "little")
    with pytest.raises(Unacceptable):
        suites.check_public("x25519", public)
    with pytest.raises(Unacceptable):
        suites.encapsulate("x25519", public, b"", bytes(32))
    private, _ = suites.generate("x25519")
    with pytest.raises(Unacceptable):
        suites.decapsulate("x25519", private, b"", public + bytes(48))


# — wrapping


@FEW
@given(
    st.sampled_from(SEALING), private_keys, st.binary(max_size=40), st.binary(min_size=32, max_size=32), st.integers(0)
)
def test_what_is_wrapped_opens_for_its_key_and_info_only(
    algorithm: Algorithm, private: bytes, info: bytes, secret: bytes, bit: int
) -> None:
    """The second verifier opens it too; another key, info or bit does not."""
    public = suites.public_of(algorithm, private)
    wrapped = suites.encapsulate(algorithm, public, info, secret)
    assert len(wrapped) == suites.WRAPPED[algorithm]
    assert suites.decapsulate(algorithm, private, info, wrapped) == secret
    assert verifier.hpke_open(algorithm, private, info, wrapped) == secret
    assert suites.encapsulate(algorithm, public, info, secret) != wrapped
    for key, about, sealed in [
        (flipped(private, 100), info, wrapped),
        (private, info + b"\0", wrapped),
        (private, info, flipped(wrapped, bit)),
        (private, info, wrapped[:-1]),
        (private, info, wrapped + b"\0"),
    ]:
        with pytest.raises(Unacceptable):
            suites.decapsulate(algorithm, key, about, sealed)


@MANY
@given(algorithms, blobs, blobs)
def test_opening_anything_is_unacceptable_and_nothing_else(algorithm: str, private: bytes, wrapped: bytes) -> None:
    """Private keys of any length too: a ring may be damaged."""
    with pytest.raises(Unacceptable):
        suites.decapsulate(algorithm, private, b"info", wrapped)


@MANY
@given(algorithms, blobs)
def test_sealing_for_anything_is_unacceptable_or_has_the_right_length(algorithm: str, public: bytes) -> None:
    """Some of what is drawn is a key; the rest is one exception."""
    try:
        wrapped = suites.encapsulate(algorithm, public, b"info", bytes(32))
    except Unacceptable:
        return
    assert len(wrapped) == suites.WRAPPED[algorithm]
