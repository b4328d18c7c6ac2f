"""An answer opens for its posting system in its event alone, by what RFC 7516, 7518 and 8037 say."""

import base64
import hashlib
import json
import struct
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from schemas import jwe
from schemas.directory import KeyRecord, key_id
from schemas.jwe import Addressed, Unopened, opened, sealed
from schemas.text import to_text
from schemas.wire import suites
from schemas.wire.suites import Algorithm
from tests.vectors.strategies import MANY

AGENCY, SYSTEM, EVENT = "221309", "tax-office", "019ab1c2-0000-7000-8000-000000000001/0"
ADDRESSED: Final = Addressed(EVENT, AGENCY, SYSTEM)
PRIVATE: Final = bytes(range(32))
CONTENT: Final = '{"business":{"outcome":"no_data"},"塚":1}'.encode()


def record(algorithm: Algorithm) -> KeyRecord:
    public = suites.public_of(algorithm, PRIVATE)
    return KeyRecord(
        agency=AGENCY,
        version=1,
        kid=key_id(AGENCY, "answer", algorithm, public),
        purpose="answer",
        algorithm=algorithm,
        key=to_text(public),
        starts="2026-11-01T00:00:00.000Z",
        until="2027-11-01T00:00:00.000Z",
        system=SYSTEM,
    )


def b64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")


def written_out(token: str, private: bytes = PRIVATE) -> tuple[dict[str, Any], bytes]:
    """Header and content, by the RFCs alone: ECDH, Concat KDF (RFC 7518 section 4.6.2), AES-256-GCM."""
    head, key, nonce, ciphertext, tag = token.split(".")
    header = json.loads(b64(head))
    assert key == ""
    epk = header["epk"]
    if epk["kty"] == "OKP":
        peer = x25519.X25519PublicKey.from_public_bytes(b64(epk["x"]))
        shared = x25519.X25519PrivateKey.from_private_bytes(private).exchange(peer)
    else:
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\4" + b64(epk["x"]) + b64(epk["y"]))
        own = ec.derive_private_key(int.from_bytes(private, "big"), ec.SECP256R1())
        shared = own.exchange(ec.ECDH(), point)
    parts = (b"A256GCM", b64(header["apu"]), b64(header["apv"]))
    info = b"".join(struct.pack(">I", len(part)) + part for part in parts) + struct.pack(">I", 256)
    derived = hashlib.sha256(struct.pack(">I", 1) + shared + info).digest()
    return header, AESGCM(derived).decrypt(b64(nonce), b64(ciphertext) + b64(tag), head.encode())


@pytest.mark.parametrize("algorithm", ["x25519", "ecdh-p256"])
def test_an_answer_opens_by_the_standards(algorithm: Algorithm) -> None:
    """Without the library that sealed it; `apu` names the event, `apv` agency and system."""
    key = record(algorithm)
    header, content = written_out(sealed(CONTENT, key, ADDRESSED).decode())
    assert content == CONTENT
    assert header.pop("epk")["crv"] == {"x25519": "X25519", "ecdh-p256": "P-256"}[algorithm]
    assert (b64(header.pop("apu")), b64(header.pop("apv"))) == (EVENT.encode(), f"{AGENCY}/{SYSTEM}".encode())
    assert header == {"alg": "ECDH-ES", "enc": "A256GCM", "cty": "application/json", "kid": key.kid}


@pytest.mark.parametrize("algorithm", ["x25519", "ecdh-p256"])
@pytest.mark.parametrize("size", [0, 1, 2048, 540_000])
def test_what_was_sealed_opens(algorithm: Algorithm, size: int) -> None:
    """From nothing to the largest answer, which is beyond the library's own limit; each sealing is another."""
    key, content = record(algorithm), bytes(size)
    tokens = [sealed(content, key, ADDRESSED) for _ in range(2)]
    assert tokens[0] != tokens[1]
    assert len(tokens[0]) <= jwe.LIMIT
    assert [opened(token, ADDRESSED, {key.kid: (algorithm, PRIVATE)}) for token in tokens] == [content] * 2


@pytest.mark.parametrize(
    "other",
    [Addressed(EVENT[:-1] + "1", AGENCY, SYSTEM), Addressed(EVENT, "221007", SYSTEM), Addressed(EVENT, AGENCY, "default")],
    ids=["event", "agency", "system"],
)  # fmt: skip
def test_an_answer_is_bound_to_its_event_and_reader(other: Addressed) -> None:
    """Put into another event, or handed to another system, it does not open."""
    key = record("x25519")
    with pytest.raises(Unopened, match="not that of an answer to this system in this event"):
        opened(sealed(CONTENT, key, ADDRESSED), other, {key.kid: ("x25519", PRIVATE)})


def test_without_its_private_key_it_stays_closed() -> None:
    """The key is named, and not held; or another one stands under its name."""
    key = record("x25519")
    token = sealed(CONTENT, key, ADDRESSED)
    with pytest.raises(Unopened, match="does not hold the private key"):
        opened(token, ADDRESSED, {})
    with pytest.raises(Unopened, match="does not open"):
        opened(token, ADDRESSED, {key.kid: ("x25519", bytes(32))})


TOKEN: Final = sealed(CONTENT, record("x25519"), ADDRESSED)


@MANY
@given(
    st.binary(max_size=64)
    | st.builds(
        lambda place, bit: bytes(one ^ (1 << bit if at == place else 0) for at, one in enumerate(TOKEN)),
        st.integers(0, len(TOKEN) - 1),
        st.integers(0, 7),
    )
    | st.integers(0, len(TOKEN) - 1).map(lambda end: TOKEN[:end])
    | st.dictionaries(st.sampled_from(["alg", "enc", "zip", "crit", "epk", "kid"]), st.text() | st.integers() | st.none())
    .map(lambda header: f"{to_text(json.dumps(header).encode())}....".encode())
)  # fmt: skip
def test_whatever_is_altered_there_is_one_error(token: bytes) -> None:
    """Any byte, any end, any header: `Unopened`."""
    key = record("x25519")
    with pytest.raises(Unopened):
        opened(token, ADDRESSED, {key.kid: ("x25519", PRIVATE)})


def test_what_is_too_large_is_not_parsed() -> None:
    with pytest.raises(Unopened, match="larger than"):
        opened(b"." * (jwe.LIMIT + 1), ADDRESSED, {})
