"""Records that must be refused, each wrong in just one place: altered on the way, or by a sender or hub that cheats.

What a cheat alters is signed again, so that nothing but the one rule stands against it.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Literal

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas import canonical
from schemas.control import Control
from schemas.message import Message
from schemas.refusal import RefusalCode, SecurityCode
from schemas.text import to_bytes, to_text
from schemas.wire import suites
from schemas.wire.envelope import Envelope
from schemas.wire.frame import frame
from schemas.wire.seal import message_key, subject_commitment
from schemas.wire.sign import ROOT

from .world import CREATED, Grant, Sealing, World

Reason = SecurityCode | RefusalCode
SOMEBODY: Final = b"00000000000000000000000000000000"
P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ED25519_ORDER: Final = 2**252 + 27742317777372353535851937790883648493


@dataclass(frozen=True)
class Rejected:
    """A record, where it is refused, and as what by Renkei; another implementation may see it for another reason."""

    name: str
    stage: Literal["submitted", "delivered"]
    reason: Reason
    message: Message


@dataclass(frozen=True)
class Honest:
    """Messages as they were submitted and delivered; `one` is altered, the others are of the same batch."""

    one: Sealing
    other: Sealing
    refusal: Sealing
    delivered: Envelope
    delivered_other: Envelope


def rejected(world: World, honest: Honest) -> Iterator[Rejected]:
    """All of them."""
    yield from _on_the_way_to_the_hub(world, honest)
    yield from _by_the_sender_seen_by_the_hub(world, honest)
    yield from _on_the_way_to_the_receiver(world, honest)
    yield from _by_the_sender_seen_by_the_receiver(world, honest)
    yield from _by_the_hub(world, honest)


# — on the way: nothing is signed again


def _on_the_way_to_the_hub(world: World, honest: Honest) -> Iterator[Rejected]:
    envelope, other = honest.one.envelope, honest.other.envelope
    altered = {
        **_signed_parts(envelope, world),
        "one bit of U": replace(envelope, subject=flip(envelope.subject)),
        "U of another message": replace(envelope, subject=other.subject),
        "U is missing": replace(envelope, subject=b""),
    }
    for name, one in altered.items():
        yield _submitted(world, name, SecurityCode.BAD_SIGNATURE, one)
    unreadable = {
        "signature with white space": replace(envelope, signature=envelope.signature.replace(b",", b", ")),
        "signature with a path of 17 steps": changed(envelope, "signature", path=[to_text(bytes(32))] * 17),
        "signature over an empty tree": changed(envelope, "signature", size=0),
        "no signature": replace(envelope, signature=b""),
        "no control part": replace(envelope, control=b""),
        "U over its limit": replace(envelope, subject=envelope.subject.ljust(2049, b"\0")),
    }
    for name, one in unreadable.items():
        yield _submitted(world, name, SecurityCode.MALFORMED, one)
    key = replace(world.submitted(envelope), key=world.receiver)
    yield Rejected("the record's key is not the sender", "submitted", SecurityCode.BAD_SIGNATURE, key)


def _on_the_way_to_the_receiver(world: World, honest: Honest) -> Iterator[Rejected]:
    envelope, other, permit = honest.delivered, honest.delivered_other, honest.delivered.permits
    later = "2026-11-24T09:00:03.000Z"
    signed = {
        **_signed_parts(envelope, world),
        "permit of another message": replace(envelope, permit=other.permit),
        "one bit of SHA-256(U) in the permit": _flipped(envelope, "permit", "subject", permit.subject),
    }
    permitted = {
        "one bit of U'": replace(envelope, subject=flip(envelope.subject)),
        "U' of another message": replace(envelope, subject=other.subject),
        "U instead of U'": replace(envelope, subject=honest.one.envelope.subject),
        "permit with another time": changed(envelope, "permit", time=later),
        "permit for another wrap key": changed(envelope, "permit", wrap=world.keys["wrap next"].kid),
        "one bit of P": _flipped(envelope, "permit", "signature", permit.signature),
        "P in its other spelling": changed(
            envelope, "permit", signature=_other_spelling(permit.signature, world.suite)
        ),
        "permit's path, one bit": changed(envelope, "permit", path=[_flipped_text(permit.path[0]), *permit.path[1:]]),
        "permit's path, one step less": changed(envelope, "permit", path=permit.path[:-1]),
        "permit's index": changed(envelope, "permit", index=permit.index ^ 1),
        "permit's size": changed(envelope, "permit", size=permit.size + 1),
        "D with another edition of the directory": _decision(envelope, directory=permit.decision.directory - 1),
        "D with another time": _decision(envelope, time=later),
        "one bit of hS' in D": _decision(envelope, subject=_flipped_text(permit.decision.subject)),
        "no permit": replace(envelope, permit=b""),
    }
    for reason, altered in ((SecurityCode.BAD_SIGNATURE, signed), (SecurityCode.BAD_PERMIT, permitted)):
        for name, one in altered.items():
            yield _delivered(world, name, reason, one)
    spaced = replace(envelope, permit=envelope.permit.replace(b",", b", "))
    yield _delivered(world, "permit with white space", SecurityCode.MALFORMED, spaced)
    key = replace(world.delivered(envelope), key=world.sender)
    yield Rejected("the record's key is not the receiver", "delivered", SecurityCode.WRONG_RECEIVER, key)


def _signed_parts(envelope: Envelope, world: World) -> Mapping[str, Envelope]:
    """What S covers, and S itself."""
    seals, signs = envelope.seals, envelope.signs
    next_key = world.keys["wrap next"].kid
    return {
        "one bit of E": replace(envelope, value=flip(envelope.value)),
        "one bit of W": replace(envelope, wrap=flip(envelope.wrap)),
        "one bit of hB in N": _flipped(envelope, "seal", "hB", seals.hB),
        "one bit of hS in N": _flipped(envelope, "seal", "hS", seals.hS),
        "N with another wrap key of the receiver's": changed(envelope, "seal", wrap=next_key),
        "C with another position": changed(envelope, "control", position=envelope.said.position + 1),
        "C with another procedure": changed(
            envelope, "control", basis=canonical.decode(envelope.said.basis.encoded()) | {"procedure": "other"}
        ),
        "one bit of S": _flipped(envelope, "signature", "signature", signs.signature),
        "S in its other spelling": changed(
            envelope, "signature", signature=_other_spelling(signs.signature, world.suite)
        ),
        "path, one bit": changed(envelope, "signature", path=[_flipped_text(signs.path[0]), *signs.path[1:]]),
        "path, one step less": changed(envelope, "signature", path=signs.path[:-1]),
        "path, one step more": changed(envelope, "signature", path=[*signs.path, to_text(bytes(32))]),
        "index": changed(envelope, "signature", index=signs.index ^ 1),
        "size": changed(envelope, "signature", size=signs.size + 1),
        "S of 63 bytes": changed(envelope, "signature", signature=to_text(to_bytes(signs.signature)[:-1])),
        "index beyond the size": changed(envelope, "signature", index=signs.size),
    }


# — by a cheat: signed again


def _by_the_sender_seen_by_the_hub(world: World, honest: Honest) -> Iterator[Rejected]:
    one = honest.one
    for name, control in _spellings(one.draft.control).items():
        yield _resigned(world, f"C {name}", SecurityCode.MALFORMED, world.seal(one.draft, control))
    for name, seal in _seals(one.envelope).items():
        yield _resigned(world, f"N {name}", SecurityCode.MALFORMED, _with(one, seal=seal))
    yield from _with_wrong_keys(world, one)
    for name, (subject, reason) in _subjects(world, one).items():
        yield _resigned(world, name, reason, _with(one, subject=subject))
    about = replace(honest.refusal.draft, link_code=SOMEBODY)
    yield _resigned(world, "refusal that commits to somebody", SecurityCode.SUBJECT_MISMATCH, world.seal(about))
    sealed = _with(honest.refusal, subject=one.envelope.subject)
    yield _resigned(world, "refusal with a subject", SecurityCode.SUBJECT_MISMATCH, sealed)
    if world.suite == "1":
        signature = to_text(_small_order_signature(world, one))
        signed = changed(world.sign([one])[0].envelope, "signature", signature=signature)
        yield _submitted(world, "S with a point of small order", SecurityCode.BAD_SIGNATURE, signed)


def _with_wrong_keys(world: World, one: Sealing) -> Iterator[Rejected]:
    """Signed with a key that does sign, but may not; sealed for a key that is not the hub's."""
    keys: Mapping[str, tuple[str, Reason]] = {
        "a key of another purpose": ("assertion", SecurityCode.UNKNOWN_KEY),
        "another agency's key": ("receiver's sign", SecurityCode.UNKNOWN_KEY),
        "a key that has ended": ("sign ended", SecurityCode.UNKNOWN_KEY),
        "a revoked key": ("sign revoked", SecurityCode.KEY_REVOKED),
    }
    for name, (key, reason) in keys.items():
        yield _resigned(world, f"signed with {name}", reason, _naming(one, sign=world.keys[key].kid), key)
    unknown = _naming(one, sign=to_text(bytes(32)))
    yield _resigned(world, "signed with a key that nobody knows", SecurityCode.UNKNOWN_KEY, unknown)
    hub = _naming(one, hub=world.keys["wrap"].kid)
    yield _resigned(world, "U for a key that is not the hub's", SecurityCode.UNKNOWN_KEY, hub)


def _spellings(control: Control) -> Mapping[str, bytes]:
    """The same, or nearly, in other spellings than the one."""
    data = control.encoded()
    entries = canonical.decode(data)
    reordered = canonical.encode({"v": 1}) + canonical.encode({name: entries[name] for name in entries if name != "v"})
    return {
        "with white space": data.replace(b",", b", "),
        "with a line end": data + b"\n",
        "with its keys in another order": reordered.replace(b"}{", b",", 1),
        "with a key given twice": data.replace(b'"created":', b'"created":"2026-11-24T08:00:00.000Z","created":'),
        "with an escape that nobody needs": data.replace("課".encode(), b"\\u8ab2", 1),
        "in normal form D": data.replace("ザ".encode(), "サ\u3099".encode(), 1),
        "with a fraction": data.replace(b'"position":0', b'"position":0.0'),
        "with null": data.replace(b'"mode"', b'"item_text":null,"mode"'),
        "with a time in another form": data.replace(CREATED.encode(), b"2026-11-24T09:00:00Z"),
        "with an id in capitals": data.replace(control.id.encode(), control.id.upper().encode()),
        "with version 2": data.replace(b'"v":1', b'"v":2'),
    }


def _seals(envelope: Envelope) -> Mapping[str, bytes]:
    seal = envelope.seal
    return {
        "with white space": seal.replace(b",", b", "),
        "with a field too many": changed(envelope, "seal", salt=to_text(bytes(32))).seal,
        "with version true": seal.replace(b'"v":1', b'"v":true'),
        "with a commitment of 31 bytes": changed(envelope, "seal", hS=to_text(bytes(31))).seal,
    }


def _subjects(world: World, one: Sealing) -> Mapping[str, tuple[bytes, Reason]]:
    """U with something else in it."""
    content, salt, code = world.content_keys["hub"], one.committed.subject_salt, one.draft.link_code
    box, identity, mismatch = partial(world.box, content), one.committed.identity, SecurityCode.SUBJECT_MISMATCH
    wrapped = _bad_point(one.envelope.subject, world.suite)
    return {
        "U is about somebody else": (box(identity, salt, SOMEBODY), mismatch),
        "U is bound to another message": (box(bytes(32), salt, code), mismatch),
        "U without a link code": (box(identity, salt, b""), mismatch),
        "U without a salt": (box(identity, b"", code), mismatch),
        "U is sealed with a bad point": (wrapped, SecurityCode.COMMITMENT_MISMATCH),
    }


def _by_the_sender_seen_by_the_receiver(world: World, honest: Honest) -> Iterator[Rejected]:
    one, mismatch = honest.one, SecurityCode.COMMITMENT_MISMATCH
    for name, value in _values(world, one).items():
        yield _repermitted(world, name, mismatch, _with(one, value=value))
    for name, wrap in _wraps(world, one).items():
        yield _repermitted(world, name, mismatch, _with(one, wrap=wrap))
    for name, key in (("another agency's key", "sender's wrap"), ("a key of another purpose", "receiver's sign")):
        sealing = _naming(one, wrap=world.keys[key].kid)
        yield _repermitted(world, f"sealed for {name}", SecurityCode.UNKNOWN_KEY, sealing)
    for name, (reason, times) in TIMES.items():
        draft = replace(one.draft, control=one.draft.control.model_copy(update=times))
        yield _repermitted(world, name, reason, world.seal(draft))


TIMES: Final[Mapping[str, tuple[Reason, Mapping[str, str]]]] = {
    "created over five minutes after it was permitted": (
        SecurityCode.CLOCK_SKEW,
        {"created": "2026-11-24T09:05:02.001Z"},
    ),
    "lives a millisecond over 31 days": (SecurityCode.CLOCK_SKEW, {"expires": "2026-12-25T09:00:00.001Z"}),
    "permitted after it had expired": (
        RefusalCode.EXPIRED,
        {"created": "2026-11-24T08:00:00.000Z", "expires": "2026-11-24T08:55:02.000Z"},
    ),
}


def _values(world: World, one: Sealing) -> Mapping[str, bytes]:
    """E with something else in it."""
    salt, business = one.committed.salt, one.draft.business
    plain = (salt + len(business).to_bytes(4, "big") + business).ljust(4096, b"\0")
    longer = (salt + (4096).to_bytes(4, "big") + business).ljust(4096, b"\0")
    other = (salt + (2).to_bytes(4, "big") + b"{}").ljust(4096, b"\0")
    texts = {
        "E holds another business part": other,
        "E holds another salt": bytes(32) + plain[32:],
        "E is padded with something": plain[:-1] + b"\x01",
        "E is padded twice over": plain.ljust(8192, b"\0"),
        "E says that it is longer than it is": longer,
    }
    sealed = {name: encrypted(world, one.committed.identity, text) for name, text in texts.items()}
    return sealed | {"E is bound to another message": encrypted(world, bytes(32), plain)}


def encrypted(world: World, identity: bytes, plain: bytes) -> bytes:
    key = message_key(world.content_keys["wrap"].secret, identity)
    return AESGCM(key).encrypt(bytes(12), plain, identity)


def _wraps(world: World, one: Sealing) -> Mapping[str, bytes]:
    """W that nobody may open."""
    record, secret = world.keys["wrap"].record, world.content_keys["wrap"].secret
    seal = partial(suites.encapsulate, record.algorithm, record.public)
    kid, next_kid = to_bytes(record.kid), to_bytes(world.keys["wrap next"].kid)
    return {
        "W holds 31 bytes": seal(frame("renkei/wrap/1", record.agency, kid), secret[:31]),
        "W is bound to another key id": seal(frame("renkei/wrap/1", record.agency, next_kid), secret),
        "W is bound to another agency": seal(frame("renkei/wrap/1", world.sender, kid), secret),
        "W holds another content key": seal(frame("renkei/wrap/1", record.agency, kid), bytes(32)),
        "W is sealed with a bad point": _bad_point(one.envelope.wrap, world.suite),
    }


def _by_the_hub(world: World, honest: Honest) -> Iterator[Rejected]:
    one, bad = world.sign([honest.one])[0], SecurityCode.BAD_PERMIT
    decisions: Mapping[str, Grant] = {
        "D is about another message": world.decide(one, message=to_text(honest.other.committed.identity)),
        "D is another hub's": world.decide(one, hub=world.receiver),
        "refusal with a subject in D": world.decide(
            world.sign([honest.refusal])[0], subject=to_text(subject_commitment(bytes(32), SOMEBODY))
        ),
    }
    for name, grant in decisions.items():
        yield _delivered(world, name, bad, world.permit([grant])[0])
    honest_grant = world.decide(one)
    somebody = world.permit([world.decide(one, link_code=SOMEBODY)])[0]
    yield _delivered(world, "U' is about somebody else", SecurityCode.SUBJECT_MISMATCH, somebody)
    keys: Sequence[tuple[str, str, Reason]] = (
        ("a key of another purpose", "hub's sign", SecurityCode.UNKNOWN_KEY),
        ("another agency's key", "receiver's permit", SecurityCode.UNKNOWN_KEY),
        ("a revoked key", "permit revoked", SecurityCode.KEY_REVOKED),
    )
    for name, key, reason in keys:
        yield _delivered(world, f"permitted with {name}", reason, world.permit([honest_grant], key)[0])
    mine = world.permit([replace(honest_grant, wrap=world.keys["sender's wrap"].kid)])[0]
    yield _delivered(world, "U' for another agency's key", SecurityCode.UNKNOWN_KEY, mine)


# — how a part is altered


def flip(data: bytes, bit: int = -1) -> bytes:
    """One bit of the data, by default in its middle."""
    place = len(data) * 4 if bit < 0 else bit
    return data[: place // 8] + bytes([data[place // 8] ^ 1 << place % 8]) + data[place // 8 + 1 :]


def changed(envelope: Envelope, part: Literal["control", "seal", "signature", "permit"], **entries: object) -> Envelope:
    """The envelope with other entries in one of its JSON parts, still in canonical spelling."""
    data: bytes = getattr(envelope, part)
    return replace(envelope, **{part: canonical.encode(canonical.decode(data) | entries)})


def _decision(envelope: Envelope, **entries: object) -> Envelope:
    decision = canonical.decode(envelope.permits.decision.encoded())
    return changed(envelope, "permit", decision=decision | entries)


def _flipped(envelope: Envelope, part: Literal["seal", "signature", "permit"], entry: str, text: str) -> Envelope:
    return changed(envelope, part, **{entry: _flipped_text(text)})


def _flipped_text(text: str) -> str:
    return to_text(flip(to_bytes(text)))


def _other_spelling(signature: str, suite: str) -> str:
    """What a lax verifier takes for the same signature: (r, n - s), or S + the group's order."""
    data = to_bytes(signature)
    if suite == "2":
        return to_text(data[:32] + (P256_ORDER - int.from_bytes(data[32:], "big")).to_bytes(32, "big"))
    return to_text(data[:32] + (ED25519_ORDER + int.from_bytes(data[32:], "little")).to_bytes(32, "little"))


def _bad_point(sealed: bytes, suite: str) -> bytes:
    """Sealed with a point of small order (X25519), or one that is not on the curve (P-256)."""
    return bytes(32) + sealed[32:] if suite == "1" else b"\x04" + bytes(64) + sealed[65:]


def _small_order_signature(world: World, sealing: Sealing) -> bytes:
    """R is the identity, S = h·a: it satisfies Ed25519's equation, and libsodium refuses it all the same."""
    key = world.keys["sign"]
    message = frame(ROOT, to_bytes(key.kid), 1, sealing.leaf)
    scalar = int.from_bytes(hashlib.sha512(key.private).digest()[:32], "little")
    scalar = scalar & ~7 & (1 << 254) - 1 | 1 << 254
    identity = (1).to_bytes(32, "little")
    challenge = int.from_bytes(hashlib.sha512(identity + key.record.public + message).digest(), "little")
    return identity + (challenge * scalar % ED25519_ORDER).to_bytes(32, "little")


def _naming(sealing: Sealing, **kids: str) -> Sealing:
    """N with other key ids in it."""
    return _with(sealing, seal=changed(sealing.envelope, "seal", **kids).seal)


def _with(sealing: Sealing, **parts: bytes) -> Sealing:
    return replace(sealing, envelope=replace(sealing.envelope, **parts))


def _submitted(world: World, name: str, reason: Reason, envelope: Envelope) -> Rejected:
    return Rejected(name, "submitted", reason, world.submitted(envelope))


def _delivered(world: World, name: str, reason: Reason, envelope: Envelope) -> Rejected:
    return Rejected(name, "delivered", reason, world.delivered(envelope))


def _resigned(world: World, name: str, reason: Reason, sealing: Sealing, key: str = "sign") -> Rejected:
    return _submitted(world, name, reason, world.sign([sealing], key)[0].envelope)


def _repermitted(world: World, name: str, reason: Reason, sealing: Sealing) -> Rejected:
    granted = world.decide(world.sign([sealing])[0])
    return _delivered(world, name, reason, world.permit([granted])[0])
