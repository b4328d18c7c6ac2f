"""The second verifier's own primitives, each against something that it was not written from."""

import contextlib
import hashlib
import json
import os

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from . import verifier
from .verifier import FIELD, P256_ORDER, Invalid

Point = tuple[int, int]
CURVE_D = -121665 * pow(121666, -1, FIELD) % FIELD


def tree_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162 section 2.1.1, as the RFC defines it: by halves."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + tree_root(leaves[:half]) + tree_root(leaves[half:])).digest()


def tree_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 9162 section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if index < half:
        return [*tree_path(index, leaves[:half]), tree_root(leaves[half:])]
    return [*tree_path(index - half, leaves[half:]), tree_root(leaves[:half])]


def add(one: Point, other: Point) -> Point:
    """Addition on edwards25519 (RFC 8032 section 5.1.4, affine)."""
    (x1, y1), (x2, y2) = one, other
    product = CURVE_D * x1 * x2 * y1 * y2 % FIELD
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, FIELD)
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, FIELD)
    return x % FIELD, y % FIELD


def edwards_x(y: int) -> int:
    """An x of this y (RFC 8032 section 5.1.3)."""
    square = (y * y - 1) * pow(CURVE_D * y * y + 1, -1, FIELD) % FIELD
    root = pow(square, (FIELD + 3) // 8, FIELD)
    if root * root % FIELD != square:
        root = root * pow(2, (FIELD - 1) // 4, FIELD) % FIELD
    assert root * root % FIELD == square
    return root


@pytest.mark.parametrize("size", range(1, 21))
def test_every_path_leads_to_the_root(size: int) -> None:
    """For all leaves of all trees up to 20 the path leads to the RFC's root."""
    leaves = [verifier.leaf_hash(bytes([number])) for number in range(size)]
    for index in range(size):
        assert verifier.verify_path(leaves[index], index, size, tree_path(index, leaves)) == tree_root(leaves)


@pytest.mark.parametrize("size", range(1, 21))
def test_a_wrong_length_or_place_leads_nowhere(size: int) -> None:
    """A path one too short or too long is refused; for another index it is refused or leads to another root."""
    leaves = [verifier.leaf_hash(bytes([number])) for number in range(size)]
    for index in range(size):
        path = tree_path(index, leaves)
        for wrong in (path[:-1], [*path, bytes(32)], [*path, path[-1] if path else bytes(32)]):
            if wrong != path:
                with pytest.raises(Invalid):
                    verifier.verify_path(leaves[index], index, size, wrong)
        for other in set(range(size)) - {index}:
            with contextlib.suppress(Invalid):
                assert verifier.verify_path(leaves[index], other, size, path) != tree_root(leaves)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1), (0, 65_537)])
def test_index_and_size_have_limits(index: int, size: int) -> None:
    """0 <= index < size <= 65,536, whatever the path."""
    for length in range(18):
        with pytest.raises(Invalid):
            verifier.verify_path(bytes(32), index, size, [bytes(32)] * length)


def test_canonical_spelling_by_example() -> None:
    """Sorted, bare, minimal escapes, everything else in UTF-8."""
    value = {"b": [1, True, {}], "a": '"\\/\b\f\n\r\t\x00\x1f\x7f\u2028団\U00020bb7', "A": -(2**53) + 1}
    text = '{"A":-9007199254740991,"a":"\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\u2028団𠮷","b":[1,true,{}]}'
    assert verifier.canonical(value) == text.encode()
    assert verifier.parse_canonical(text.encode()) == value


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"1",
        b'{"a":1} ',
        b'{"a": 1}',
        b'{"b":1,"a":1}',
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"b":2}}',
        b'{"a":null}',
        b'{"a":1.0}',
        b'{"a":1e3}',
        b'{"a":-0}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":9007199254740992}',
        b'{"a":-9007199254740992}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":"\\/"}',
        b'{"a":"\\u0041"}',
        b'{"a":"\\u001F"}',
        b'{"a":"\\u000a"}',
        b'{"a":"\\u00e9"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\ud842\\udfb7"}',
        b'{"a":"\n"}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        '{"a":"か\u3099"}'.encode(),
        '{"é":1}'.encode(),
        b'\xef\xbb\xbf{"a":1}',
        '{"a":1}'.encode("utf-16"),
        b'{"a":' + b"[" * 16_000 + b"]" * 16_000 + b"}",
    ],
)
def test_every_other_spelling_is_malformed(text: bytes) -> None:
    """What is not the one spelling of an object ends in the one error."""
    with pytest.raises(Invalid) as caught:
        verifier.parse_canonical(text)
    assert caught.value.reason == "malformed"


@pytest.mark.parametrize("text", ["A", "AA==", "AB", "AAB", "A+", "A/", "AA\n", "\uff21\uff21", " AA", None, 1])
def test_base64url_has_one_spelling(text: object) -> None:
    """No padding, no other alphabet, no trailing bits."""
    with pytest.raises(Invalid):
        verifier.decode(text)


def test_base64url_round_trip() -> None:
    """Every length decodes to what was encoded."""
    for length in range(70):
        data = os.urandom(length)
        assert verifier.decode(verifier.encode(data)) == data


def test_frames_by_example() -> None:
    """Text as UTF-8 and numbers as 8 bytes, each after 4 bytes of length."""
    expected = "00000003" + "e59ba3" + "00000000" + "00000008" + "0000000000010000" + "00000001" + "ff"
    assert verifier.frame("団", b"", 65_536, b"\xff").hex() == expected


def test_small_order_edwards_keys_are_the_eight_and_refused() -> None:
    """Eight times a point of every refused y is the identity; both signs are refused, and y spelt y + p."""
    for y in verifier.SMALL_EDWARDS:
        point = (edwards_x(y), y)
        for _ in range(3):
            point = add(point, point)
        assert point == (0, 1)
    spellings = [y + extra for y in verifier.SMALL_EDWARDS for extra in (0, FIELD) if y + extra < 2**255]
    for spelling in (y | sign for y in spellings for sign in (0, 1 << 255)):
        with pytest.raises(Invalid):
            verifier.check_public("ed25519", spelling.to_bytes(32, "little"))


def test_small_order_montgomery_keys_are_refused() -> None:
    """X25519 gives zero with every refused key, in all its spellings, as cryptography finds too."""
    own = x25519.X25519PrivateKey.generate()
    spellings = [u + extra for u in verifier.SMALL_MONTGOMERY for extra in (0, FIELD) if u + extra < 2**255]
    for spelling in (u | high for u in spellings for high in (0, 1 << 255)):
        public = spelling.to_bytes(32, "little")
        with pytest.raises(ValueError, match="shared key"):
            own.exchange(x25519.X25519PublicKey.from_public_bytes(public))
        with pytest.raises(Invalid):
            verifier.check_public("x25519", public)


def test_points_that_are_not_on_p256_are_refused() -> None:
    """Compressed, hybrid and foreign points and infinity are no keys."""
    public = verifier.public_of("ecdh-p256", os.urandom(32))
    verifier.check_public("ecdh-p256", public)
    for wrong in (b"\x02" + public[1:33], b"\x06" + public[1:], public[:-1] + bytes([public[-1] ^ 1]), bytes(65), b""):
        with pytest.raises(Invalid):
            verifier.check_public("ecdh-p256", wrong)


@pytest.mark.parametrize("algorithm", ["ed25519", "ecdsa-p256"])
def test_a_signature_holds_for_its_message_only(algorithm: str) -> None:
    """Signing is deterministic; a changed message, signature, length or key is refused."""
    private = os.urandom(32)
    public = verifier.public_of(algorithm, private)
    signature = verifier.sign(algorithm, private, b"message")
    assert signature == verifier.sign(algorithm, private, b"message")
    verifier.verify_signature(algorithm, public, b"message", signature)
    other = verifier.public_of(algorithm, os.urandom(32))
    wrong = [(public, b"massage", signature), (other, b"message", signature), (public, b"message", signature[:-1])]
    wrong += [(public, b"message", signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :]) for at in (0, 32)]
    wrong += [(public, b"message", bytes(64)), (public, b"message", signature + b"\x00")]
    for key, message, refused in wrong:
        with pytest.raises(Invalid) as caught:
            verifier.verify_signature(algorithm, key, message, refused)
        assert caught.value.reason == "bad_signature"


def test_high_s_is_refused() -> None:
    """(r, n - s) satisfies ECDSA's equation and is refused all the same."""
    private = os.urandom(32)
    signature = verifier.sign("ecdsa-p256", private, b"message")
    high = P256_ORDER - int.from_bytes(signature[32:], "big")
    public = verifier.public_of("ecdsa-p256", private)
    with pytest.raises(Invalid, match="s is high"):
        verifier.verify_signature("ecdsa-p256", public, b"message", signature[:32] + high.to_bytes(32, "big"))


def test_ecdsa_signs_as_rfc_6979_does() -> None:
    """RFC 6979 appendix A.2.5, SHA-256, message "sample" (its s is high there, so n - s here)."""
    private = bytes.fromhex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721")
    s = 0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8
    expected = bytes.fromhex("EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716")
    expected += (P256_ORDER - s).to_bytes(32, "big")
    assert verifier.sign("ecdsa-p256", private, b"sample") == expected


@pytest.mark.parametrize("algorithm", ["x25519", "ecdh-p256"])
def test_hpke_opens_what_cryptography_seals(algorithm: str) -> None:
    """RFC 9180 written out here and cryptography's HPKE agree, and info is bound."""
    private = os.urandom(32)
    raw = verifier.public_of(algorithm, private)
    sealed: bytes
    if algorithm == "x25519":
        suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
        sealed = suite.encrypt(b"key", x25519.X25519PublicKey.from_public_bytes(raw), b"info")
    else:
        suite = Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
        sealed = suite.encrypt(b"key", ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw), b"info")
    assert verifier.hpke_open(algorithm, private, b"info", sealed) == b"key"
    with pytest.raises(Invalid):
        verifier.hpke_open(algorithm, private, b"other", sealed)


@pytest.mark.parametrize(("length", "padded"), [(0, 4096), (4060, 4096), (4061, 8192), (2**19, 2**20)])
def test_padding_is_the_next_power_of_two(length: int, padded: int) -> None:
    """36 bytes of salt and length, then B, then zeros; nothing else comes apart again."""
    salt, business = os.urandom(32), os.urandom(length)
    text = verifier.plaintext(salt, business)
    assert len(text) == padded
    assert verifier.split_plaintext(text) == (salt, business)
    for wrong in (text + bytes(padded), text[:-1] + b"\x01" if length < padded - 36 else text[:-1], text[:40]):
        with pytest.raises(Invalid):
            verifier.split_plaintext(wrong)


def test_a_derived_id_is_a_uuid_of_version_8() -> None:
    """Version and variant bits are set, the other 122 come from the digest."""
    text = verifier.derived_id(bytes(32), "response", "131016", 0)
    raw = verifier.digest("renkei/id/1", bytes(32), "response", "131016", 0)[:16].hex()
    assert (text[14], text[19] in "89ab") == ("8", True)
    plain = text.replace("-", "")
    assert (plain[:12], plain[13:16], plain[17:]) == (raw[:12], raw[13:16], raw[17:])


def key_record(private: bytes, **changed: object) -> dict[str, object]:
    """A key record of agency 131016 that names itself rightly, but for what is changed."""
    public = verifier.public_of("ed25519", private)
    record: dict[str, object] = {"agency": "131016", "algorithm": "ed25519", "purpose": "sign", "type": "key"}
    record |= {"from": "2026-11-01T00:00:00.000Z", "until": "2026-12-01T00:00:00.000Z", "version": 1}
    record |= {"key": verifier.encode(public)}
    record |= {"kid": verifier.encode(verifier.key_id("131016", "sign", "ed25519", public))}
    return record | changed


def test_a_key_record_needs_its_root_and_its_name() -> None:
    """Signed by the agency's root, kid from its content, no member too many; anything else is refused."""
    root_private, private = os.urandom(32), os.urandom(32)
    public = verifier.encode(verifier.public_of("ed25519", root_private))
    root = {"agency": "131016", "algorithm": "ed25519", "key": public}

    def signed(**changed: object) -> tuple[bytes, bytes]:
        data = verifier.canonical(key_record(private, **changed))
        return data, verifier.sign("ed25519", root_private, verifier.frame("renkei/record/1", "key", data))

    assert verifier.verify_key_record(*signed(), root) == key_record(private)
    assert verifier.verify_key_record(*signed(revoked="2026-11-20T00:00:00.000Z"), root)["revoked"]
    for changed in ({"purpose": "wrap"}, {"agency": "131024"}, {"extra": 1}, {"version": -1}, {"type": "policy"}):
        with pytest.raises(Invalid):
            verifier.verify_key_record(*signed(**changed), root)
    with pytest.raises(Invalid, match="another agency"):
        verifier.verify_key_record(*signed(), root | {"agency": "131024"})
    with pytest.raises(Invalid, match="bad_signature"):
        verifier.verify_key_record(signed()[0], signed(version=2)[1], root)


def test_errors_do_not_repeat_what_was_in_the_input() -> None:
    """An error's text is a reason and a rule."""
    with pytest.raises(Invalid) as caught:
        verifier.parse_canonical(json.dumps({"name": "山田太郎", "n": None}).encode())
    assert "山田" not in str(caught.value)
