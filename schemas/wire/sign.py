"""Signatures over batches: the sender's over its leaves, the hub's over its permits; and what checks them."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

from schemas.control import FACELESS
from schemas.directory import KeyRecord, Purpose
from schemas.refusal import SecurityCode, SecurityEvent
from schemas.text import to_bytes, to_text
from schemas.wire import suites, tree
from schemas.wire.envelope import Envelope, Permit, Signature
from schemas.wire.frame import frame
from schemas.wire.seal import subject_commitment

ROOT: Final = "renkei/root/1"
PERMIT_ROOT: Final = "renkei/permit-root/1"
NOBODY: Final = to_text(subject_commitment(b"", b""))
"""hS where there is no subject: t and L are empty."""
NOTHING: Final = hashlib.sha256(b"").digest()
"""SHA-256(U) where there is no subject."""


@dataclass(frozen=True)
class Signer:
    """A private signing key and the kid of its record."""

    kid: str
    algorithm: suites.Algorithm
    private: bytes

    def sign(self, message: bytes) -> bytes:
        return self._sign(message)

    @cached_property
    def _sign(self) -> Callable[[bytes], bytes]:
        return suites.signing(self.algorithm, self.private)


Root = tuple[str, str, int, bytes]
"""(label, kid, size, root)"""


class Roots(Protocol):
    """Verified roots, remembered with the signature that held: another one over the same root is verified anew, or a
    message would be stored that cannot be proven from its own record. A dictionary is one."""

    def get(self, root: Root, /) -> str | None: ...
    def __setitem__(self, root: Root, signature: str, /) -> None: ...


Keys = Callable[[str], KeyRecord | None]
"""The directory's look-up of a key record by kid."""


def sign_leaves(signer: Signer, label: str, leaves: Sequence[bytes]) -> list[Signature]:
    """One signature for all, one path for each."""
    root, paths = tree.grow(leaves)
    signature = to_text(signer.sign(_root(label, signer.kid, len(leaves), root)))
    return [
        Signature(signature=signature, size=len(leaves), index=index, path=[to_text(step) for step in path])
        for index, path in enumerate(paths)
    ]


def key_for(keys: Keys, kid: str, agency: str, purpose: Purpose, at: str) -> KeyRecord:
    """The key record that `kid` names, if it is this agency's, for this purpose and valid at the instant `at`."""
    record = key_of(keys, kid, agency, purpose)
    if not record.valid(at):
        raise SecurityEvent(SecurityCode.UNKNOWN_KEY, f"the {purpose} key is not valid at that time")
    return record


def key_of(keys: Keys, kid: str, agency: str, purpose: Purpose) -> KeyRecord:
    """The same whatever the time, for a key that something was sealed for: it may have ended on the way."""
    record = keys(kid)
    if record is None or record.agency != agency or record.purpose != purpose:
        raise SecurityEvent(SecurityCode.UNKNOWN_KEY, f"no key of purpose {purpose} of this agency has that id")
    if record.revoked is not None:
        raise SecurityEvent(SecurityCode.KEY_REVOKED, f"the {purpose} key is revoked")
    return record


def check_signature(envelope: Envelope, key: KeyRecord, subject: bytes, roots: Roots) -> None:
    """S holds over the leaf of this very envelope; `subject` is SHA-256(U), and of nothing in a refusal or receipt."""
    if envelope.said.kind in FACELESS and (envelope.seals.hS, subject) != (NOBODY, NOTHING):
        raise SecurityEvent(SecurityCode.SUBJECT_MISMATCH, "a refusal or receipt is about nobody")
    _check_root(ROOT, key, envelope.signs, envelope.leaf(subject), roots, SecurityCode.BAD_SIGNATURE)


def check_permit(permit: Permit, leaf: bytes, subject: bytes, key: KeyRecord, roots: Roots) -> None:
    """P holds over the permit's leaf; `leaf` is the sender's, `subject` is SHA-256(U'). Without U' it is of nobody."""
    if subject == NOTHING and permit.decision.subject != NOBODY:
        raise SecurityEvent(SecurityCode.BAD_PERMIT, "the permit is about somebody whom it does not name")
    _check_root(PERMIT_ROOT, key, permit, permit_leaf(permit, leaf, subject), roots, SecurityCode.BAD_PERMIT)


def permit_leaf(permit: Permit, leaf: bytes, subject: bytes) -> bytes:
    """pl: the decision, what it was issued for and when."""
    return permit_leaf_of(permit.decision.digest, leaf, permit.wrap, subject, permit.time)


def permit_leaf_of(decision: bytes, leaf: bytes, wrap: str, subject: bytes, time: str) -> bytes:
    """pl from its parts: SHA-256(D), the sender's leaf, the receiver's wrap kid, SHA-256(U'), the time."""
    return tree.leaf(frame("renkei/permit-leaf/1", decision, leaf, to_bytes(wrap), subject, time))


def _check_root(
    label: str, key: KeyRecord, proof: Signature | Permit, leaf: bytes, roots: Roots, code: SecurityCode
) -> None:
    try:
        root = tree.climb(leaf, proof.index, proof.size, [to_bytes(step) for step in proof.path])
        seen = (label, key.kid, proof.size, root)
        if roots.get(seen) != proof.signature:
            message = _root(label, key.kid, proof.size, root)
            suites.verify(key.algorithm, key.public, message, to_bytes(proof.signature))
            roots[seen] = proof.signature
    except (tree.BadPath, suites.Unacceptable) as error:
        raise SecurityEvent(code, str(error)) from None


def _root(label: str, kid: str, size: int, root: bytes) -> bytes:
    return frame(label, to_bytes(kid), size, root)
