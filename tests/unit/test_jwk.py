"""A vendor's public key set is enrolled as its own JOSE library writes it; anything else is refused by key and member."""

import base64
import json
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, KeySet, OKPKey

from schemas import jwk
from schemas.jwk import Unacceptable, members, read_public
from tests.vectors.strategies import MANY

SIGNING: Final = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SEALING: Final = x25519.X25519PrivateKey.from_private_bytes(bytes(range(32)))
POINT: Final = ec.derive_private_key(7, ec.SECP256R1()).public_key()
MARKER: Final = "ZQXJKVWP7HNS"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


ED: Final = {"kty": "OKP", "crv": "Ed25519", "use": "sig", "x": b64(SIGNING.public_key().public_bytes_raw())}
X: Final = {"kty": "OKP", "crv": "X25519", "use": "enc", "x": b64(SEALING.public_key().public_bytes_raw())}
_RAW: Final = POINT.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
P: Final = {"kty": "EC", "crv": "P-256", "use": "enc", "x": b64(_RAW[1:33]), "y": b64(_RAW[33:])}


def key_set(*keys: Any, **others: Any) -> bytes:
    return json.dumps({"keys": keys, **others}).encode()


def test_what_a_library_writes_is_read() -> None:
    """joserfc's own public key set, with the members that it adds."""
    made: list[OKPKey | ECKey] = [
        OKPKey.generate_key("Ed25519", {"use": "sig", "alg": "EdDSA", "key_ops": ["verify"]}, private=True),
        OKPKey.generate_key("X25519", {"use": "enc", "alg": "ECDH-ES"}, private=True),
        ECKey.generate_key("P-256", {"use": "enc", "kid": "mine"}, private=True),
    ]
    found = read_public(json.dumps(KeySet([*made]).as_dict(private=False)).encode())
    assert [(key.purpose, key.algorithm) for key in found] == [
        ("assertion", "ed25519"), ("answer", "x25519"), ("answer", "ecdh-p256"),
    ]  # fmt: skip
    assert [members(key.algorithm, key.public)["x"] for key in found] == [one.as_dict()["x"] for one in made]


@pytest.mark.parametrize("key", [ED, X, P], ids=["Ed25519", "X25519", "P-256"])
def test_a_key_survives_its_members(key: dict[str, str]) -> None:
    """What is written of a key is what was read, with `alg` beside it."""
    [found] = read_public(key_set(key))
    assert {name: value for name, value in members(found.algorithm, found.public).items() if name != "alg"} == key


@pytest.mark.parametrize("name", jwk.PRIVATE)
def test_a_private_part_is_refused(name: str) -> None:
    """Whatever its name and value: a private key that was handed over is no secret any more."""
    with pytest.raises(Unacceptable, match=rf"keys\[1\]: `{name}` is private\. Make another key"):
        read_public(key_set(ED, X | {name: MARKER}))


WRONG: Final[list[tuple[dict[str, Any], str]]] = [
    (ED | {"use": "enc"}, "expected `use` sig with"),
    (X | {"use": "sig"}, "expected `use` sig with"),
    (P | {"use": "sig"}, "expected `use` sig with"),
    ({name: value for name, value in X.items() if name != "use"}, "expected `use` sig with"),
    (X | {"crv": "X448"}, "expected `use` sig with"),
    (P | {"crv": "P-384"}, "expected `use` sig with"),
    (ED | {"kty": "EC"}, "expected `use` sig with"),
    (ED | {"alg": "HS256"}, "`alg` of a key of use sig"),
    (X | {"alg": "ECDH-ES+A256KW"}, "`alg` of a key of use enc"),
    (X | {"alg": 1}, "`alg` of a key of use enc"),
    (ED | {"x": b64(bytes(31))}, "`x` is expected to be 32 bytes"),
    (ED | {"x": ED["x"] + "="}, "`x` is expected to be 32 bytes"),
    (P | {"y": 7}, "`y` is expected to be 32 bytes"),
    (P | {"y": b64(bytes(32))}, "not a public key to seal for"),
    (ED | {"x": b64(bytes(32))}, "not an Ed25519 public key of prime order"),
    (ED | {"x": b64((1).to_bytes(32, "little"))}, "not an Ed25519 public key of prime order"),
    (X | {"x": b64(bytes(32))}, "not a public key to seal for"),
    (X | {"x": b64((1).to_bytes(32, "little"))}, "not a public key to seal for"),
    (X | {"x": "4Ot6fDtBuK4WVuP68Z_EatoJjeucMrH9hmIFFl9JuAA"}, "not a public key to seal for"),
]
"""The last ones are of small order (RFC 7748 section 6.1, RFC 8032 section 5.1.7)."""


@pytest.mark.parametrize(("key", "said"), WRONG)
def test_what_is_wrong_is_named(key: dict[str, Any], said: str) -> None:
    """The key by its place, the member, and what is expected; never what was sent."""
    with pytest.raises(Unacceptable, match=rf"keys\[1\]: {said}") as found:
        read_public(key_set(ED, key))
    assert not any(str(value) in str(found.value) for value in key.values() if len(str(value)) > 20)


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"{}", b'{"keys": {}}', b'{"keys": []}', b'{"keys": [1]}', b'{"keys": null}', b'{"keys": [null]}',
     key_set(*[ED] * 9), key_set(ED, pad="x" * jwk.LIMIT), b'{"keys": [], "keys": []}', b"[" * 9999],
    ids=lambda data: repr(data)[:20],
)  # fmt: skip
def test_anything_else_is_no_key_set(data: bytes) -> None:
    """One error, in a sentence."""
    with pytest.raises(Unacceptable):
        read_public(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["OKP", "EC", "sig", "enc"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*P, "keys", "alg", "d"]), inner),
    max_leaves=12,
)


@MANY
@given(st.binary(max_size=64) | json_values.map(lambda value: json.dumps({"keys": value}).encode()))
def test_whatever_is_sent_there_is_one_error(data: bytes) -> None:
    """A key set, or `Unacceptable`."""
    try:
        assert read_public(data)
    except Unacceptable as refused:
        assert str(refused)
