"""⟨…⟩ has one reading, and everything that is hashed goes through it."""

import hashlib
import hmac
import uuid

from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from schemas.text import MessageId
from schemas.wire.frame import derived_id, digest, frame, keyed
from tests.vectors import verifier
from tests.vectors.strategies import MANY, agencies

parts = st.lists(st.binary(max_size=12), max_size=4)
mixed = st.lists(st.binary(max_size=12) | st.text(max_size=8) | st.integers(0, 2**64 - 1), max_size=5)


def unframed(data: bytes) -> list[bytes]:
    """The one reading."""
    out = []
    while data:
        length, data = int.from_bytes(data[:4], "big"), data[4:]
        assert len(data) >= length
        out.append(data[:length])
        data = data[length:]
    return out


@MANY
@given(parts)
def test_a_frame_is_read_back(values: list[bytes]) -> None:
    """Every part comes back, empty ones too, so that two lists of parts never have one frame."""
    assert unframed(frame(*values)) == values


@MANY
@given(parts, parts)
def test_frames_are_injective(one: list[bytes], other: list[bytes]) -> None:
    """The same bytes only for the same parts."""
    assert (frame(*one) == frame(*other)) == (one == other)


@MANY
@given(st.binary(max_size=20), st.integers(0, 20), st.integers(0, 20))
def test_where_a_part_ends_matters(data: bytes, one: int, other: int) -> None:
    """The same bytes cut at another place are another frame and another digest."""
    assume(min(one, len(data)) != min(other, len(data)))
    assert frame(data[:one], data[one:]) != frame(data[:other], data[other:])
    assert digest(data[:one], data[one:]) != digest(data[:other], data[other:])


@MANY
@given(mixed, st.binary(max_size=64))
def test_the_second_verifier_frames_alike(values: list[bytes | str | int], key: bytes) -> None:
    """Text as UTF-8, numbers in eight bytes, and both hashes over the frame."""
    framed = frame(*values)
    assert framed == verifier.frame(*values)
    assert digest(*values) == hashlib.sha256(framed).digest()
    assert keyed(key, *values) == hmac.new(key, framed, "sha256").digest()


def test_a_frame_by_example() -> None:
    """Length in four bytes, big-endian, then the part."""
    assert frame("団", b"", 65_536, b"\xff").hex() == "00000003e59ba300000000000000080000000000010000" + "00000001ff"
    assert frame() == b""


@MANY
@given(st.binary(min_size=32, max_size=32), agencies, st.integers(0, 2**31))
def test_a_derived_id_is_a_uuid_of_version_8(cause: bytes, receiver: str, position: int) -> None:
    """Lower case, version 8, variant of RFC 9562; 122 bits of the digest; the same again for the same."""
    text = derived_id(cause, "response", receiver, position)
    value = uuid.UUID(text)
    assert (value.version, value.variant) == (8, uuid.RFC_4122)
    assert TypeAdapter(MessageId).validate_python(text) == str(value)
    assert text == verifier.derived_id(cause, "response", receiver, position)


@MANY
@given(st.binary(min_size=32, max_size=32), st.integers(0, 255), agencies, st.integers(0, 2**31))
def test_a_derived_id_depends_on_all_it_follows_from(cause: bytes, bit: int, receiver: str, position: int) -> None:
    """Another cause, kind, receiver or position is another message."""
    other = bytearray(cause)
    other[bit // 8] ^= 1 << bit % 8
    ids = {
        derived_id(cause, "response", receiver, position),
        derived_id(bytes(other), "response", receiver, position),
        derived_id(cause, "refusal", receiver, position),
        derived_id(cause, "response", receiver + "0", position),
        derived_id(cause, "response", receiver, position + 1),
    }
    assert len(ids) == 5
