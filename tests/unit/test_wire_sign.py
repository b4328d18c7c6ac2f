"""One signature for a batch: every leaf is held to it by its own path, and a root is verified once."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.directory import KeyRecord
from schemas.refusal import SecurityCode, SecurityEvent
from schemas.text import to_bytes, to_text
from schemas.wire import sign, suites, tree
from schemas.wire.envelope import Envelope, Permit, Signature
from schemas.wire.frame import frame
from schemas.wire.seal import subject_commitment
from schemas.wire.sign import NOBODY, NOTHING, PERMIT_ROOT, ROOT, Roots, key_for, sign_leaves
from tests.vectors import make, verifier
from tests.vectors.rejected import changed, flip
from tests.vectors.strategies import FEW, drafts
from tests.vectors.world import Draft, Sealing, World, revoked, sha256

WORLDS: Final = {suite: World(suite, "221309", "401307", "signing") for suite in "12"}
BAD: Final = SecurityCode.BAD_SIGNATURE
AT: Final = "2026-11-24T09:00:02.000Z"
leaves = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=20)
batches = st.lists(drafts(), min_size=1, max_size=4)
worlds = st.sampled_from([*WORLDS.values()])


@pytest.fixture
def inquiry() -> Draft:
    return make.drafts()[0]


@pytest.fixture(params=["1", "2"])
def world(request: pytest.FixtureRequest) -> World:
    return WORLDS[request.param]


def check(world: World, envelope: Envelope, subject: bytes, roots: Roots, key: str = "sign") -> None:
    sign.check_signature(envelope, world.keys[key].record, subject, roots)


def code_of(check: Callable[..., object], *parts: object) -> SecurityCode:
    """As what security event a check ends."""
    with pytest.raises(SecurityEvent) as caught:
        check(*parts)
    return caught.value.code


def signed(world: World, said: list[Draft]) -> list[Sealing]:
    return world.sign([world.seal(each) for each in said])


# — signing


@FEW
@given(worlds, leaves, st.sampled_from([ROOT, PERMIT_ROOT]))
def test_every_leaf_of_a_batch_has_its_path_to_the_one_signature(world: World, batch: list[bytes], label: str) -> None:
    """One signature, over label, kid, size and root; the second verifier follows every path to it."""
    signer = world.keys["sign"].signer
    signatures = sign_leaves(signer, label, batch)
    assert len({each.signature for each in signatures}) == 1
    assert [each.index for each in signatures] == list(range(len(batch)))
    for leaf, signature in zip(batch, signatures, strict=True):
        climbed = verifier.Tree.read(signature.model_dump()).signed(label, to_bytes(signer.kid), leaf)
        public = world.keys["sign"].record.public
        verifier.verify_signature(signer.algorithm, public, climbed, to_bytes(signature.signature))
    root = tree.grow(batch)[0]
    assert climbed == frame(label, to_bytes(signer.kid), len(batch), root)


@FEW
@given(worlds, batches)
def test_every_message_of_a_batch_is_held_to_its_sender(world: World, said: list[Draft]) -> None:
    """Each by itself, in any order, and no other key or subject."""
    for sealing in signed(world, said):
        envelope, subject = sealing.envelope, sha256(sealing.envelope.subject)
        check(world, envelope, subject, {})
        assert code_of(check, world, envelope, subject, {}, "assertion") is BAD
        assert code_of(check, world, envelope, flip(subject), {}) in (BAD, SecurityCode.SUBJECT_MISMATCH)


@FEW
@given(worlds, batches, st.data())
def test_no_part_can_be_altered(world: World, said: list[Draft], data: st.DataObject) -> None:
    """A bit of C, N, E, W or of the signature itself: not held any more, or malformed; no other exception."""
    sealing = data.draw(st.sampled_from(signed(world, said)))
    envelope, subject = sealing.envelope, sha256(sealing.envelope.subject)
    for part in ("control", "seal", "value", "wrap", "signature"):
        whole: bytes = getattr(envelope, part)
        altered = replace(envelope, **{part: flip(whole, data.draw(st.integers(0, 8 * len(whole) - 1)))})
        assert code_of(check, world, altered, subject, {}) in (
            BAD,
            SecurityCode.MALFORMED,
            SecurityCode.SUBJECT_MISMATCH,
        )


@FEW
@given(worlds, batches, st.data())
def test_a_permit_is_for_one_sealing_and_one_receiver(world: World, said: list[Draft], data: st.DataObject) -> None:
    """D, the sender's leaf, the wrap kid, U' and the time are all in its leaf."""
    grants = [world.decide(sealing) for sealing in signed(world, said)]
    place = data.draw(st.integers(0, len(grants) - 1))
    grant, permit = grants[place], world.permit(grants)[place].permits
    leaf, subject, key = grant.sealing.leaf, sha256(grant.subject), world.keys["permit"].record
    sign.check_permit(permit, leaf, subject, key, {})
    assert sign.permit_leaf(permit, leaf, subject) == grant.leaf
    decision = permit.decision.model_copy(update={"directory": permit.decision.directory + 1})
    altered: list[tuple[Permit, bytes, bytes, KeyRecord]] = [
        (permit, flip(leaf), subject, key),
        (permit, leaf, flip(subject), key),
        (permit, leaf, subject, world.keys["hub's sign"].record),
        (permit.model_copy(update={"decision": decision}), leaf, subject, key),
        (permit.model_copy(update={"wrap": world.keys["wrap next"].kid}), leaf, subject, key),
        (permit.model_copy(update={"time": AT.replace("02", "03")}), leaf, subject, key),
        (permit.model_copy(update={"size": permit.size + 1}), leaf, subject, key),
        (permit.model_copy(update={"path": [*permit.path, to_text(bytes(32))]}), leaf, subject, key),
        (permit.model_copy(update={"signature": to_text(bytes(64))}), leaf, subject, key),
        (permit.model_copy(update={"signature": ""}), leaf, subject, key),
    ]
    for parts in altered:
        assert code_of(sign.check_permit, *parts, {}) is SecurityCode.BAD_PERMIT


# — what has no subject


FACELESS_KINDS: Final = ["refusal", "receipt"]


@pytest.mark.parametrize("kind", FACELESS_KINDS)
@FEW
@given(data=st.data())
def test_a_refusal_or_receipt_is_about_nobody(kind: str, data: st.DataObject) -> None:
    """hS is that of nobody and U is empty, or nothing is held to be said."""
    world, said = data.draw(worlds), data.draw(drafts(kind=kind))
    honest = signed(world, [said])[0].envelope
    check(world, honest, NOTHING, {})
    about = signed(world, [replace(said, link_code=b"somebody")])[0].envelope
    assert code_of(check, world, about, NOTHING, {}) is SecurityCode.SUBJECT_MISMATCH
    sealing = world.seal(said)
    sealed = world.sign([replace(sealing, envelope=replace(sealing.envelope, subject=b"U"))])[0].envelope
    assert code_of(check, world, sealed, sha256(b"U"), {}) is SecurityCode.SUBJECT_MISMATCH


@FEW
@given(st.data())
def test_a_permit_without_subject_is_about_nobody(data: st.DataObject) -> None:
    """Where U' is empty, hS' is that of nobody."""
    world, said = data.draw(worlds), data.draw(drafts(kind="refusal"))
    sealing, key = signed(world, [said])[0], world.keys["permit"].record
    permit = world.permit([world.decide(sealing)])[0].permits
    sign.check_permit(permit, sealing.leaf, NOTHING, key, {})
    somebody = to_text(subject_commitment(bytes(32), b"somebody"))
    permit = world.permit([world.decide(sealing, subject=somebody)])[0].permits
    assert code_of(sign.check_permit, permit, sealing.leaf, NOTHING, key, {}) is SecurityCode.BAD_PERMIT


def test_nobody_is_the_second_verifiers_nobody() -> None:
    """t and L are empty, U is empty."""
    assert to_bytes(NOBODY) == verifier.NOBODY
    assert verifier.sha256(b"") == NOTHING


# — remembered roots


class Counted(dict[sign.Root, str]):
    """Roots, and how often one was remembered."""

    added = 0

    def __setitem__(self, root: sign.Root, signature: str, /) -> None:
        self.added += 1
        super().__setitem__(root, signature)


@FEW
@given(worlds, st.lists(drafts(), min_size=2, max_size=5))
def test_a_batch_costs_one_verification(world: World, said: list[Draft]) -> None:
    """The first of its messages; the rest is hashing."""
    roots = Counted()
    for sealing in signed(world, said):
        check(world, sealing.envelope, sha256(sealing.envelope.subject), roots)
    assert roots.added == 1


def test_what_does_not_hold_is_not_remembered(world: World, inquiry: Draft) -> None:
    """Neither a forged signature nor a path that leads elsewhere."""
    envelope, roots = signed(world, [inquiry])[0].envelope, Counted()
    forged = changed(envelope, "signature", signature=to_text(bytes(64)))
    for each, subject in [(forged, sha256(envelope.subject)), (envelope, bytes(32))]:
        assert code_of(check, world, each, subject, roots) is BAD
    assert not roots


def test_a_root_is_remembered_with_its_signature(world: World, inquiry: Draft) -> None:
    """Another signature over a known root is verified: a message is accepted only if its own record proves it."""
    envelope, roots = signed(world, [inquiry])[0].envelope, Counted()
    check(world, envelope, sha256(envelope.subject), roots)
    forged = changed(envelope, "signature", signature=to_text(bytes(64)))
    assert code_of(check, world, forged, sha256(envelope.subject), roots) is BAD


def test_a_root_is_remembered_for_its_label_and_key_only(world: World, inquiry: Draft) -> None:
    """A sender's root is no permit's, and nobody else's."""
    sealing, roots = signed(world, [inquiry])[0], Counted()
    subject = sha256(sealing.envelope.subject)
    check(world, sealing.envelope, subject, roots)
    assert set(roots) == {(ROOT, world.keys["sign"].kid, 1, sealing.leaf)}
    assert code_of(check, world, sealing.envelope, subject, roots, "assertion") is BAD
    grant = world.decide(sealing)
    as_message = sign_leaves(world.keys["permit"].signer, ROOT, [grant.leaf])[0]
    permit = world.permit([grant])[0].permits.model_copy(update=as_message.model_dump())
    key = world.keys["permit"].record
    roots[ROOT, key.kid, 1, grant.leaf] = as_message.signature
    parts = (permit, sealing.leaf, sha256(grant.subject), key, roots)
    assert code_of(sign.check_permit, *parts) is SecurityCode.BAD_PERMIT


def test_a_signature_over_another_size_is_another(world: World) -> None:
    """The size is signed: one root is not shown as that of a larger tree."""
    leaf, signer = bytes(32), world.keys["sign"].signer
    small = sign_leaves(signer, ROOT, [leaf, leaf])[0]
    assert to_bytes(small.signature) == signer.sign(frame(ROOT, to_bytes(signer.kid), 2, tree.node(leaf, leaf)))
    other = signer.sign(frame(ROOT, to_bytes(signer.kid), 3, tree.node(leaf, leaf)))
    assert to_text(other) != small.signature


# — keys


def test_a_key_is_its_owners_for_its_purpose_in_its_time(world: World) -> None:
    """Every other use has its own code; a revocation holds whatever the time."""
    key = world.keys["sign"].record
    known: dict[str, KeyRecord] = dict(world.records)

    assert key_for(known.get, key.kid, "221309", "sign", AT) == key
    assert key_for(known.get, key.kid, "221309", "sign", key.starts) == key
    unknown, gone = SecurityCode.UNKNOWN_KEY, SecurityCode.KEY_REVOKED
    assert code_of(key_for, known.get, to_text(bytes(32)), "221309", "sign", AT) is unknown
    assert code_of(key_for, known.get, key.kid, "401307", "sign", AT) is unknown
    assert code_of(key_for, known.get, key.kid, "221309", "wrap", AT) is unknown
    assert code_of(key_for, known.get, key.kid, "221309", "sign", key.until) is unknown
    assert code_of(key_for, known.get, key.kid, "221309", "sign", "2026-10-31T23:59:59.999Z") is unknown
    withdrawn = world.keys["sign revoked"].record
    assert code_of(key_for, known.get, withdrawn.kid, "221309", "sign", AT) is gone
    assert code_of(key_for, known.get, withdrawn.kid, "221309", "sign", "2026-11-02T00:00:00.000Z") is gone
    known[key.kid] = revoked(world.keys["sign"]).record
    assert code_of(key_for, known.get, key.kid, "221309", "sign", AT) is gone


def test_the_algorithm_is_the_records(world: World, inquiry: Draft) -> None:
    """A key that does not sign holds nothing, whatever its record is called."""
    envelope = signed(world, [inquiry])[0].envelope
    other = world.keys["sign"].record.model_copy(update={"algorithm": suites.EXCHANGES[world.suite]})
    assert code_of(sign.check_signature, envelope, other, sha256(envelope.subject), {}) is BAD


def test_signatures_are_values_of_the_header(world: World) -> None:
    """What `sign_leaves` gives is what travels."""
    signature = sign_leaves(world.keys["sign"].signer, ROOT, [bytes(32)] * 3)[1]
    assert Signature.model_validate_json(signature.encoded()) == signature
    assert (signature.size, signature.index, len(signature.path)) == (3, 1, 2)
