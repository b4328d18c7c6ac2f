"""Committing, sealing and opening: what comes out is what was committed to, or a security event."""

from typing import Final

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.business import LIMIT
from schemas.control import FACELESS, Control
from schemas.refusal import Refusal, RefusalCode, SecurityCode, SecurityEvent
from schemas.text import to_bytes, to_text
from schemas.wire import seal, suites
from schemas.wire.envelope import VALUE_LIMIT, Seal, identity
from schemas.wire.seal import SMALLEST, Commitment, ContentKey
from tests.vectors import verifier
from tests.vectors.strategies import FEW, MANY, controls, texts
from tests.vectors.world import World

SECRET: Final = bytes(range(32))
SALT_KEY: Final = bytes(32)
ROOM: Final = SMALLEST - 36
codes = st.binary(min_size=1, max_size=40)
blobs = st.binary(max_size=200) | st.integers(0, 5000).map(bytes)


def committed(business: bytes) -> Commitment:
    salt = bytes([7]) * 32
    hB, hS = seal.business_commitment(salt, business), seal.subject_commitment(b"", b"")
    return Commitment(salt, b"", hB, hS, identity(b"C", hB, hS))


# — commitments


@FEW
@given(controls(), st.binary(max_size=50), codes, st.binary(min_size=1, max_size=40))
def test_commitments_are_those_of_the_page(control: Control, business: bytes, code: bytes, key: bytes) -> None:
    """The second verifier computes the same; without a subject t is empty."""
    faceless = control.kind in FACELESS
    link_code = b"" if faceless else code
    made = seal.commit(control, control.encoded(), business, link_code, key)
    about = (key, control.sender, control.receiver, control.id)
    s, t = verifier.business_salt(*about), b"" if faceless else verifier.subject_salt(*about)
    hB, hS = verifier.business_commitment(s, business), verifier.subject_commitment(t, link_code)
    assert made == Commitment(s, t, hB, hS, verifier.identity(control.encoded(), hB, hS))
    assert made == seal.commit(control, control.encoded(), business, link_code, key)
    assert (hS == verifier.NOBODY) == faceless


@FEW
@given(controls(kind="response"), st.binary(max_size=50), codes, st.binary(max_size=50), codes)
def test_identity_is_content_and_person(control: Control, one: bytes, code: bytes, other: bytes, third: bytes) -> None:
    """Another control part, business part or person is another message."""
    assume((one, code) != (other, third))
    said = control.encoded()
    made = seal.commit(control, said, one, code, SALT_KEY).identity
    assert made != seal.commit(control, said, other, third, SALT_KEY).identity
    assert made != seal.commit(control, said + b" ", one, code, SALT_KEY).identity
    assert made != seal.commit(control, said, one, code, b"another month's key").identity


@FEW
@given(controls(kind="inquiry"), controls(kind="inquiry"))
def test_no_two_messages_share_a_salt(one: Control, other: Control) -> None:
    """Sender, receiver and id are in it, and what it is for."""
    assume((one.sender, one.receiver, one.id) != (other.sender, other.receiver, other.id))
    salts = [seal.commit(each, b"", b"", b"", SALT_KEY) for each in (one, other)]
    assert len({salt for made in salts for salt in (made.salt, made.subject_salt)}) == 4


def test_a_salt_hides_what_may_be_guessed() -> None:
    """Two people who ask the same commit to it differently."""
    assert seal.business_commitment(bytes(32), b"B") != seal.business_commitment(bytes([1]) * 32, b"B")
    assert seal.subject_commitment(b"a", b"bc") != seal.subject_commitment(b"ab", b"c")
    assert seal.business_commitment(b"", b"") != seal.subject_commitment(b"", b"")


def test_the_header_seal_names_commitments_and_keys() -> None:
    """N in its one spelling."""
    made, kids = committed(b"B"), [to_text(bytes([number]) * 32) for number in range(3)]
    data = made.seal(sign=kids[0], wrap=kids[1], hub=kids[2])
    assert verifier.parse_canonical(data) == {
        "v": 1,
        "hB": to_text(made.business),
        "hS": to_text(made.subject),
        "sign": kids[0],
        "wrap": kids[1],
        "hub": kids[2],
    }
    assert to_bytes(Seal.model_validate_json(data).hS) == made.subject


# — the business part


@MANY
@given(st.binary(max_size=300) | st.integers(0, 9000).map(bytes), st.binary(min_size=32, max_size=32))
def test_a_business_part_opens_to_itself(business: bytes, secret: bytes) -> None:
    """Sealing is deterministic, padded to a power of two of at least 4 KiB, and the second verifier opens it."""
    made = committed(business)
    sealed = seal.seal_business(secret, made, business)
    assert sealed == seal.seal_business(secret, made, business)
    assert seal.open_business(secret, made.identity, sealed, made.business) == business
    plain = verifier.decrypt(
        verifier.content_key(secret, made.identity), bytes(12), sealed, made.identity, "commitment_mismatch"
    )
    assert verifier.split_plaintext(plain) == (made.salt, business)
    size = len(sealed) - 16
    assert size.bit_count() == 1
    assert max(SMALLEST, len(business) + 36) <= size < max(SMALLEST + 1, 2 * (len(business) + 36))


@pytest.mark.parametrize(
    ("length", "padded"),
    [(0, 4096), (ROOM, 4096), (ROOM + 1, 8192), (8192 - 36, 8192), (8192 - 35, 16384), (LIMIT, 2**20)],
)
def test_padding_at_its_edges(length: int, padded: int) -> None:
    """36 bytes of salt and length, then the business part, then zeros; the largest one fits a record."""
    made = committed(bytes(length))
    sealed = seal.seal_business(SECRET, made, bytes(length))
    assert len(sealed) == padded + 16 <= VALUE_LIMIT
    assert seal.open_business(SECRET, made.identity, sealed, made.business) == bytes(length)


def test_a_business_part_over_the_limit_is_not_sealed() -> None:
    """Its sender is told; no receiver would take it."""
    with pytest.raises(Refusal) as caught:
        seal.seal_business(SECRET, committed(b""), bytes(LIMIT + 1))
    assert caught.value.code is RefusalCode.TOO_LARGE


def test_a_business_part_over_the_limit_is_not_taken() -> None:
    """Although it would fit into the same padding."""
    made = committed(bytes(LIMIT + 1))
    plain = verifier.plaintext(made.salt, bytes(LIMIT + 1))
    with pytest.raises(SecurityEvent, match="larger than"):
        seal.open_business(SECRET, made.identity, sealed_as(plain, made), made.business)


def sealed_as(plain: bytes, made: Commitment) -> bytes:
    return AESGCM(seal.message_key(SECRET, made.identity)).encrypt(bytes(12), plain, made.identity)


@MANY
@given(st.binary(max_size=100), st.integers(0), st.binary(min_size=32, max_size=32))
def test_nothing_else_opens(business: bytes, bit: int, other: bytes) -> None:
    """Another key, message, commitment, bit or length is a security event."""
    assume(other != SECRET)
    made = committed(business)
    sealed = seal.seal_business(SECRET, made, business)
    place = bit % (8 * len(sealed))
    flipped = sealed[: place // 8] + bytes([sealed[place // 8] ^ 1 << place % 8]) + sealed[place // 8 + 1 :]
    for secret, message, value, commitment in [
        (other, made.identity, sealed, made.business),
        (SECRET, other, sealed, made.business),
        (SECRET, made.identity, flipped, made.business),
        (SECRET, made.identity, sealed[:-1], made.business),
        (SECRET, made.identity, sealed + b"\0", made.business),
        (SECRET, made.identity, sealed, other),
    ]:
        with pytest.raises(SecurityEvent) as caught:
            seal.open_business(secret, message, value, commitment)
        assert caught.value.code is SecurityCode.COMMITMENT_MISMATCH


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        bytes(35),
        bytes(4095),
        bytes(36),
        bytes(8192),
        bytes(32) + (2).to_bytes(4, "big") + b"ab" + bytes(4057) + b"\x01",
        bytes(32) + (1).to_bytes(4, "big") + b"ab" + bytes(4058),
        bytes(32) + (ROOM + 1).to_bytes(4, "big") + bytes(ROOM),
        bytes(32) + b"\xff\xff\xff\xff" + bytes(ROOM),
        bytes(32) + (2).to_bytes(4, "big") + b"ab" + bytes(8192 - 38),
        bytes(32) + (ROOM + 1).to_bytes(4, "big") + bytes(ROOM + 1),
    ],
    ids=len,
)
def test_another_padding_is_refused(plain: bytes) -> None:
    """Of what a sender that cheats may seal: too short, too long, not zeros, a length that is not there."""
    made = committed(b"ab")
    with pytest.raises(SecurityEvent, match=r"padded|larger"):
        seal.open_business(SECRET, made.identity, sealed_as(plain, made), made.business)


@MANY
@given(blobs, blobs, blobs, blobs)
def test_opening_anything_is_a_security_event(secret: bytes, message: bytes, value: bytes, commitment: bytes) -> None:
    """Of any lengths: no other exception."""
    with pytest.raises(SecurityEvent):
        seal.open_business(secret, message, value, commitment)


@FEW
@given(blobs, st.binary(min_size=32, max_size=32))
def test_any_plaintext_is_the_padded_business_part_or_a_security_event(plain: bytes, salt: bytes) -> None:
    """The second verifier takes the same ones."""
    for text in (plain, salt + plain, (salt + plain).ljust(4096, b"\0")):
        made = committed(text[36 : 36 + int.from_bytes(text[32:36], "big")])
        hB = seal.business_commitment(text[:32], text[36 : 36 + int.from_bytes(text[32:36], "big")])
        try:
            business = seal.open_business(SECRET, made.identity, sealed_as(text, made), hB)
        except SecurityEvent:
            with pytest.raises(verifier.Invalid):
                verifier.split_plaintext(text)
        else:
            assert verifier.split_plaintext(text) == (text[:32], business)


@MANY
@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_every_message_has_a_key_of_its_own(secret: bytes, one: bytes, other: bytes) -> None:
    """One key per plaintext: nonce 0 is safe."""
    assume(one != other)
    assert seal.message_key(secret, one) != seal.message_key(secret, other)
    assert seal.message_key(secret, one) == verifier.content_key(secret, one)


# — content keys


@pytest.fixture(scope="module", params=["1", "2"])
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param, "221309", "401307", "sealing")


def test_a_content_key_opens_for_the_agency_and_the_key_it_names(world: World) -> None:
    """And for no other name: both are bound."""
    key, content = world.keys["wrap"], world.content_keys["wrap"]
    algorithm = key.record.algorithm
    opened = seal.unwrap(algorithm, key.private, key.record.agency, key.kid, content.wrapped)
    assert opened == content.secret
    others = {"agency": ("221309", key.kid), "kid": (key.record.agency, world.keys["wrap next"].kid)}
    for agency, kid in others.values():
        with pytest.raises(SecurityEvent) as caught:
            seal.unwrap(algorithm, key.private, agency, kid, content.wrapped)
        assert caught.value.code is SecurityCode.COMMITMENT_MISMATCH


def test_a_wrap_holds_32_bytes(world: World) -> None:
    """A shorter key would be a weaker one that nobody chose."""
    key = world.keys["wrap"]
    record = key.record
    for length in (0, 16, 31, 33, 64):
        made = seal.content_key(record.algorithm, record.public, record.agency, record.kid, bytes(length))
        with pytest.raises(SecurityEvent, match="32 bytes"):
            seal.unwrap(record.algorithm, key.private, record.agency, record.kid, made.wrapped)


@MANY
@given(st.sampled_from(["x25519", "ecdh-p256", "ed25519", "aes-256", ""]), blobs, texts, blobs)
def test_unwrapping_anything_is_a_security_event(algorithm: str, private: bytes, agency: str, wrapped: bytes) -> None:
    """Whatever the length of wrap and key."""
    length = suites.WRAPPED.get(algorithm, 0)
    for sealed in (wrapped, wrapped.ljust(length, b"\x04")[:length]):
        with pytest.raises(SecurityEvent):
            seal.unwrap(algorithm, private, agency, to_text(bytes(32)), sealed)


# — the subject


def box(world: World, aad: bytes, salt: bytes, code: bytes) -> bytes:
    return seal.seal_subject(world.content_keys["hub"], bytes(12), aad, salt, code)


@FEW
@given(st.data(), codes, st.binary(min_size=32, max_size=32), st.integers(0))
def test_a_subject_opens_to_the_person_committed_to(data: st.DataObject, code: bytes, salt: bytes, bit: int) -> None:
    """Bound to its message; another message, commitment or bit is a security event."""
    world = WORLDS[data.draw(st.sampled_from("12"))]
    key, aad, held = world.keys["hub"], b"M" * 32, seal.subject_commitment(salt, code)
    sealed = box(world, aad, salt, code)
    wrapped, boxed = seal.split_subject(key.record.algorithm, sealed)
    assert wrapped == world.content_keys["hub"].wrapped
    secret = seal.unwrap(key.record.algorithm, key.private, world.hub, key.kid, wrapped)
    assert seal.open_subject(secret, aad, boxed, held) == code
    place = bit % (8 * len(boxed))
    flipped = boxed[: place // 8] + bytes([boxed[place // 8] ^ 1 << place % 8]) + boxed[place // 8 + 1 :]
    for about, text, commitment in [(b"M" * 31, boxed, held), (aad, flipped, held), (aad, boxed, bytes(32))]:
        with pytest.raises(SecurityEvent) as caught:
            seal.open_subject(secret, about, text, commitment)
        assert caught.value.code is SecurityCode.SUBJECT_MISMATCH


WORLDS: Final = {suite: World(suite, "221309", "401307", "sealing") for suite in "12"}


def test_a_subject_names_somebody(world: World) -> None:
    """Salt and at least one byte of link code; anything shorter is refused before it is opened."""
    algorithm = world.keys["hub"].record.algorithm
    shortest = box(world, b"", bytes(32), b"1")
    assert seal.split_subject(algorithm, shortest)[1] == shortest[suites.WRAPPED[algorithm] :]
    for length in (0, 1, suites.WRAPPED[algorithm], len(shortest) - 1):
        with pytest.raises(SecurityEvent) as caught:
            seal.split_subject(algorithm, shortest[:length])
        assert caught.value.code is SecurityCode.SUBJECT_MISMATCH


@MANY
@given(st.sampled_from(["x25519", "ecdh-p256", "ed25519", ""]), blobs, blobs)
def test_opening_any_subject_is_a_security_event(algorithm: str, sealed: bytes, commitment: bytes) -> None:
    """Whatever was sealed, for whatever key."""
    with pytest.raises(SecurityEvent):  # noqa: PT012
        _, boxed = seal.split_subject(algorithm, sealed)
        seal.open_subject(SECRET, b"M", boxed, commitment)


def test_key_ids_are_bound_as_bytes(world: World) -> None:
    """⟨"renkei/wrap/1", receiver, wrap kid⟩: the kid's 32 bytes, not its text."""
    key, content = world.keys["wrap"], world.content_keys["wrap"]
    assert isinstance(content, ContentKey)
    info = verifier.frame("renkei/wrap/1", key.record.agency, to_bytes(key.kid))
    assert verifier.hpke_open(key.record.algorithm, key.private, info, content.wrapped) == content.secret
