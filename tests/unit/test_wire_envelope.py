"""What travels around a sealed message: within limits, in one spelling, or refused before it is looked at."""

import hashlib
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas import canonical
from schemas.message import Message
from schemas.refusal import SecurityCode, SecurityEvent
from schemas.text import to_bytes, to_text
from schemas.wire.envelope import LIMITS, VALUE_LIMIT, Decision, Envelope, LawRow, Permit, Seal, Signature, identity
from tests.vectors import verifier
from tests.vectors.rejected import flip
from tests.vectors.strategies import FEW, MANY, drafts
from tests.vectors.world import Draft, World, sha256

WORLD: Final = World("1", "221309", "401307", "envelopes")
DIGEST: Final = to_text(bytes(32))
parts = st.sampled_from(["control", "seal", "signature", "permit"])
READERS: Final = {"control": "said", "seal": "seals", "signature": "signs", "permit": "permits"}


def delivered(draft: Draft) -> Envelope:
    return WORLD.permit([WORLD.decide(WORLD.sign([WORLD.seal(draft)])[0])])[0]


@FEW
@given(drafts())
def test_an_envelope_survives_its_record(draft: Draft) -> None:
    """Headers and value hold all of it; its parts are read as what they were made from."""
    envelope = delivered(draft)
    assert Envelope.of(WORLD.delivered(envelope)) == envelope
    assert envelope.said == draft.control
    for part, reader in READERS.items():
        assert getattr(envelope, reader).encoded() == getattr(envelope, part)
    assert all(len(data) <= LIMITS[name] for name, data in envelope.headers().items())


@FEW
@given(drafts())
def test_the_second_verifier_reads_alike(draft: Draft) -> None:
    """M and the sender's leaf from the same parts."""
    envelope = delivered(draft)
    said = verifier.read_said(envelope.control, envelope.seal)
    assert envelope.identity == said.message
    seal, value, wrap = (hashlib.sha256(part).digest() for part in (envelope.seal, envelope.value, envelope.wrap))
    assert envelope.leaf(b"U" * 32) == verifier.message_leaf(said.message, seal, value, wrap, b"U" * 32)


@FEW
@given(drafts(), st.integers(0))
def test_a_leaf_covers_every_part(draft: Draft, bit: int) -> None:
    """C, hB, hS by way of M; N, E, W; and the digest of U."""
    envelope = delivered(draft)
    subject = bytes(32)
    seals = envelope.seals
    other_seal = seals.model_copy(update={"hub": DIGEST}).encoded()
    other_content = seals.model_copy(update={"hB": DIGEST}).encoded()
    others = [
        replace(envelope, control=flip(envelope.control, bit % (8 * len(envelope.control)))),
        replace(envelope, seal=other_seal),
        replace(envelope, seal=other_content),
        replace(envelope, wrap=flip(envelope.wrap, bit % (8 * len(envelope.wrap)))),
        replace(envelope, value=flip(envelope.value, bit % (8 * len(envelope.value)))),
    ]
    covered = {each.leaf(subject) for each in (envelope, *others)} | {envelope.leaf(flip(subject, bit % 256))}
    assert len(covered) == 7
    assert replace(envelope, seal=other_seal).identity == envelope.identity
    assert replace(envelope, seal=other_content).identity != envelope.identity
    assert replace(envelope, signature=b"", permit=b"", subject=b"").leaf(subject) == envelope.leaf(subject)


def test_identity_by_the_page() -> None:
    """M = h("renkei/message/1", C, hB, hS)."""
    framed = b"\0\0\0\x10renkei/message/1" + b"\0\0\0\x01C" + b"\0\0\0\x02hB" + b"\0\0\0\x02hS"
    assert identity(b"C", b"hB", b"hS") == hashlib.sha256(framed).digest()


# — limits


@pytest.mark.parametrize("name", LIMITS)
def test_a_header_at_its_limit_is_taken_and_a_byte_more_is_not(name: str) -> None:
    """Before anything is parsed: what is in it does not matter."""
    Envelope.of(Message("401307", b"", {name: bytes(LIMITS[name])}))
    with pytest.raises(SecurityEvent, match=name) as caught:
        Envelope.of(Message("401307", b"", {name: bytes(LIMITS[name] + 1)}))
    assert caught.value.code is SecurityCode.MALFORMED


def test_a_value_at_its_limit_is_taken_and_a_byte_more_is_not() -> None:
    """A mebibyte of padded business part and the tag."""
    assert Envelope.of(Message("401307", bytes(VALUE_LIMIT), {})).value == bytes(VALUE_LIMIT)
    with pytest.raises(SecurityEvent, match="value"):
        Envelope.of(Message("401307", bytes(VALUE_LIMIT + 1), {}))


def test_the_limits_are_the_pages() -> None:
    """message.md section 6, as the second verifier has it."""
    assert LIMITS == verifier.LIMITS
    assert len(verifier.plaintext(bytes(32), bytes(verifier.BUSINESS_LIMIT))) + 16 == VALUE_LIMIT


def test_headers_of_others_do_not_travel() -> None:
    """What the block adds for itself stays behind, and an empty part has no header."""
    message = Message("401307", b"E", {"control": b"C", "trail": b"T", "traceparent": b"00", "subject": b""})
    assert Envelope.of(message).headers() == {"control": b"C"}


# — reading


@MANY
@given(parts, st.binary(max_size=200))
def test_any_bytes_in_a_header_are_malformed(part: str, data: bytes) -> None:
    """A security event that names the header, and nothing else."""
    envelope = replace(Envelope(b"", b"", b"", b"", b"", b""), **{part: data})
    with pytest.raises(SecurityEvent, match=f"header {part}") as caught:
        getattr(envelope, READERS[part])
    assert caught.value.code is SecurityCode.MALFORMED


@FEW
@given(drafts(), parts, st.integers(0))
def test_a_flipped_bit_is_another_part_or_malformed(draft: Draft, part: str, bit: int) -> None:
    """Never the same part in another spelling."""
    envelope = delivered(draft)
    whole: bytes = getattr(envelope, part)
    altered = replace(envelope, **{part: flip(whole, bit % (8 * len(whole)))})
    assert read(altered, part) != read(envelope, part)


def read(envelope: Envelope, part: str) -> object:
    """What the part says, or as what it is refused."""
    try:
        return getattr(envelope, READERS[part])
    except SecurityEvent as event:
        return event.code


SEAL: Final[dict[str, Any]] = {"v": 1} | dict.fromkeys(["hB", "hS", "sign", "wrap", "hub"], DIGEST)
SIGNATURE: Final[dict[str, Any]] = {"signature": to_text(bytes(64)), "size": 3, "index": 2, "path": [DIGEST]}
LAW: Final[dict[str, Any]] = {"edition": "2015-12-27", "row": "27", "branch": 4}
DECISION: Final[dict[str, Any]] = {
    "v": 1,
    "hub": "NWS000",
    "message": DIGEST,
    "subject": DIGEST,
    "law": LAW,
    "directory": 1,
    "time": "2026-11-24T09:00:02.000Z",
}
PERMIT: Final[dict[str, Any]] = SIGNATURE | {
    "decision": DECISION,
    "subject": DIGEST,
    "wrap": DIGEST,
    "time": "2026-11-24T09:00:02.000Z",
    "key": DIGEST,
}
MODELS: Final = [(Seal, SEAL), (Signature, SIGNATURE), (LawRow, LAW), (Decision, DECISION), (Permit, PERMIT)]


@pytest.mark.parametrize(("model", "entries"), MODELS)
def test_every_field_is_needed_and_no_other_is_known(model: Any, entries: dict[str, Any]) -> None:
    """What is left out or added is malformed."""
    assert model.model_validate(entries).encoded() == canonical.encode(entries)
    with pytest.raises(ValidationError):
        model.model_validate(entries | {"x": 1})
    for name in entries.keys() - {"v"}:
        with pytest.raises(ValidationError):
            model.model_validate({key: value for key, value in entries.items() if key != name})


@pytest.mark.parametrize(
    ("model", "entries", "field", "values"),
    [
        (Seal, SEAL, "v", [0, 2, "1"]),
        (Seal, SEAL, "hB", [to_text(bytes(31)), to_text(bytes(33)), "", 0]),
        (Signature, SIGNATURE, "size", [0, -1, 65_537, "3", True, 1.0]),
        (Signature, SIGNATURE, "index", [-1, 65_536, "0", False]),
        (Signature, SIGNATURE, "path", [[DIGEST] * 17, [to_text(bytes(31))], [""], DIGEST, [None]]),
        (Signature, SIGNATURE, "signature", ["A", "AA==", 0]),
        (LawRow, LAW, "branch", [0, -1, "4"]),
        (LawRow, LAW, "row", ["", "a" * 65]),
        (Decision, DECISION, "directory", [-1, "1", True]),
        (Decision, DECISION, "hub", ["", "nws000"]),
        (Decision, DECISION, "time", ["2026-11-24", 0]),
        (Permit, PERMIT, "wrap", ["", DIGEST[:-1]]),
        (Permit, PERMIT, "decision", [{}, DECISION | {"v": 2}, DECISION | {"x": 1}]),
    ],
)
def test_each_field_has_its_form(model: Any, entries: dict[str, Any], field: str, values: list[object]) -> None:
    """Out of range, of another length or of another type."""
    for value in values:
        with pytest.raises(ValidationError):
            model.model_validate(entries | {field: value})


def test_the_longest_headers_are_within_their_limits() -> None:
    """A tree of 65,536 leaves and the longest names still fit."""
    longest = {"size": 65_536, "index": 65_535, "path": [DIGEST] * 16}
    law = {"edition": "𠮷" * 64, "row": "𠮷" * 64, "branch": 99}
    decision = DECISION | {"law": law, "hub": "A" * 13, "directory": 2**53 - 1}
    assert len(Signature.model_validate(SIGNATURE | longest).encoded()) < LIMITS["signature"]
    assert len(Permit.model_validate(PERMIT | longest | {"decision": decision}).encoded()) < LIMITS["permit"]
    assert len(Seal.model_validate(SEAL).encoded()) < LIMITS["seal"]
    assert len(to_bytes(DIGEST)) == len(sha256(b"")) == 32
