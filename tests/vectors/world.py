"""Two agencies and a hub with synthetic keys, and what they make of messages with Renkei's own functions.

Every secret follows from a label and is no secret: never use one outside tests. Only HPKE draws random numbers, so
that W, U and U' are different each time and everything else is the same.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from schemas.control import FACELESS, Control
from schemas.directory import HUB, KeyRecord, Purpose, key_id
from schemas.message import Message
from schemas.text import to_text
from schemas.wire import suites
from schemas.wire.envelope import Decision, Envelope, LawRow, Permit, digests, leaf_of
from schemas.wire.frame import keyed
from schemas.wire.seal import (
    Commitment,
    ContentKey,
    commit,
    content_key,
    seal_business,
    seal_subject,
    subject_commitment,
)
from schemas.wire.sign import PERMIT_ROOT, ROOT, Signer, permit_leaf_of, sign_leaves

NOVEMBER = ("2026-11-01T00:00:00.000Z", "2026-12-01T00:00:00.000Z")
ENDED = ("2026-10-01T00:00:00.000Z", "2026-11-24T08:00:00.000Z")
CREATED = "2026-11-24T09:00:00.000Z"
PERMITTED = "2026-11-24T09:00:02.000Z"
NOW = "2026-11-24T09:00:04.000Z"
EXPIRES = "2026-12-01T09:00:00.000Z"
EDITION = 42
"""Of the directory."""


@dataclass(frozen=True)
class Key:
    """A key record with its private half."""

    record: KeyRecord
    private: bytes = field(repr=False)

    @property
    def kid(self) -> str:
        return self.record.kid

    @property
    def signer(self) -> Signer:
        return Signer(self.kid, self.record.algorithm, self.private)


@dataclass(frozen=True)
class Draft:
    """What a message says: control part, business part, and the person's link code at either side."""

    name: str
    control: Control
    business: bytes
    link_code: bytes = b""
    receiver_link_code: bytes = b""


@dataclass(frozen=True)
class Sealing:
    """One sealing of a draft; `envelope` may be altered before it is signed, `identity` is M of what is in it."""

    draft: Draft
    committed: Commitment
    envelope: Envelope

    @property
    def leaf(self) -> bytes:
        """From the parts alone, so that parts which nobody would accept have one too."""
        sealed = self.envelope
        return leaf_of(self.committed.identity, digests(sealed.seal, sealed.value, sealed.wrap), sha256(sealed.subject))


@dataclass(frozen=True)
class Grant:
    """What the hub decided about a sealing, before it signs."""

    sealing: Sealing
    decision: Decision
    subject: bytes
    wrap: str
    time: str = PERMITTED

    @property
    def leaf(self) -> bytes:
        digest = self.decision.digest
        return permit_leaf_of(digest, self.sealing.leaf, self.wrap, sha256(self.subject), self.time)


@dataclass(frozen=True)
class World:
    """Sender, receiver and hub, all of one suite; `seed` tells one world's secrets from another's."""

    suite: str
    sender: str
    receiver: str
    seed: str
    hub: str = HUB

    def secret(self, label: str) -> bytes:
        return hashlib.sha256(f"renkei synthetic test secret/{self.seed}/{self.suite}/{label}".encode()).digest()

    def key(self, label: str, agency: str, purpose: Purpose, life: tuple[str, str] = NOVEMBER) -> Key:
        """A key that belongs to the suite: one that seals for purposes `wrap` and `answer`, else one that signs."""
        algorithm = (suites.EXCHANGES if purpose in ("wrap", "answer") else suites.SIGNATURES)[self.suite]
        private = self.secret(f"private key/{label}")
        public = suites.public_of(algorithm, private)
        record = KeyRecord(
            agency=agency,
            version=1,
            kid=key_id(agency, purpose, algorithm, public),
            purpose=purpose,
            algorithm=algorithm,
            key=to_text(public),
            starts=life[0],
            until=life[1],
        )
        return Key(record, private)

    @cached_property
    def keys(self) -> Mapping[str, Key]:
        """By what a test calls them."""
        sender, receiver, hub = self.sender, self.receiver, self.hub
        return {
            "sign": self.key("sign", sender, "sign"),
            "sign ended": self.key("sign ended", sender, "sign", ENDED),
            "sign revoked": revoked(self.key("sign revoked", sender, "sign")),
            "assertion": self.key("assertion", sender, "assertion"),
            "sender's wrap": self.key("sender's wrap", sender, "wrap"),
            "wrap": self.key("wrap", receiver, "wrap"),
            "wrap next": self.key("wrap next", receiver, "wrap"),
            "receiver's sign": self.key("receiver's sign", receiver, "sign"),
            "receiver's permit": self.key("receiver's permit", receiver, "permit"),
            "hub": self.key("hub", hub, "wrap"),
            "hub's sign": self.key("hub's sign", hub, "sign"),
            "permit": self.key("permit", hub, "permit"),
            "permit revoked": revoked(self.key("permit revoked", hub, "permit")),
        }

    @cached_property
    def records(self) -> Mapping[str, KeyRecord]:
        """The directory's keys by kid."""
        return {key.kid: key.record for key in self.keys.values()}

    @cached_property
    def content_keys(self) -> Mapping[str, ContentKey]:
        """K and Kh of the sender's process, K' of the hub's."""
        for_receiver = {name: self.content("sender", name) for name in ("wrap", "hub")}
        return for_receiver | {f"hub/{name}": self.content("hub", name) for name in ("wrap", "wrap next")}

    def content(self, process: str, name: str) -> ContentKey:
        record = self.keys[name].record
        secret = self.secret(f"content key/{process}/{name}")
        return content_key(record.algorithm, record.public, record.agency, record.kid, secret)

    def salt_key(self, side: str) -> bytes:
        """The agency's salt key for the month of `created`: `sender` or `hub`."""
        return self.secret(f"salt key/{side}")

    def seal(self, draft: Draft, control: bytes = b"") -> Sealing:
        """One sealing, unsigned; `control` is what travels instead of the draft's canonical bytes."""
        said = control or draft.control.encoded()
        committed = commit(draft.control, said, draft.business, draft.link_code, self.salt_key("sender"))
        content, hub, subject = self.content_keys["wrap"], self.content_keys["hub"], b""
        if draft.control.kind not in FACELESS:
            subject = self.box(hub, committed.identity, committed.subject_salt, draft.link_code)
        envelope = Envelope(
            control=said,
            seal=committed.seal(sign=self.keys["sign"].kid, wrap=content.kid, hub=hub.kid),
            wrap=content.wrapped,
            subject=subject,
            signature=b"",
            value=seal_business(content.secret, committed, draft.business),
        )
        return Sealing(draft, committed, envelope)

    def box(self, key: ContentKey, aad: bytes, salt: bytes, link_code: bytes) -> bytes:
        """U or U', with a nonce that follows from what it is for."""
        return seal_subject(key, sha256(b"nonce" + aad)[:12], aad, salt, link_code)

    def sign(self, sealings: Sequence[Sealing], key: str = "sign") -> list[Sealing]:
        """All under one signature."""
        signatures = sign_leaves(self.keys[key].signer, ROOT, [sealing.leaf for sealing in sealings])
        return [
            replace(sealing, envelope=replace(sealing.envelope, signature=signature.encoded()))
            for sealing, signature in zip(sealings, signatures, strict=True)
        ]

    def decide(self, sealing: Sealing, wrap: str = "wrap", link_code: bytes = b"", **said: object) -> Grant:
        """D, and U' for the receiver's wrap key of that name.

        A hub that cheats puts another `link_code` into U', or says something else in D.
        """
        draft, identity, content = sealing.draft, sealing.committed.identity, self.content_keys[f"hub/{wrap}"]
        salt = b""
        if draft.control.kind not in FACELESS:
            salt = keyed(self.salt_key("hub"), "renkei/salt/permit/1", self.hub, draft.control.receiver, identity)
        basis = draft.control.basis
        decision = Decision(
            hub=self.hub,
            message=to_text(identity),
            subject=to_text(subject_commitment(salt, draft.receiver_link_code)),
            law=LawRow(edition=basis.edition, row=basis.row, branch=basis.branch),
            directory=EDITION,
            time=PERMITTED,
        ).model_copy(update=said)
        digest, boxed = decision.digest, link_code or draft.receiver_link_code
        subject = self.box(content, digest, salt, boxed) if salt else b""
        return Grant(sealing, decision, subject, content.kid)

    def permit(self, grants: Sequence[Grant], key: str = "permit") -> list[Envelope]:
        """What is delivered: U' instead of U, and one signature over all permits."""
        signatures = sign_leaves(self.keys[key].signer, PERMIT_ROOT, [grant.leaf for grant in grants])
        return [
            replace(
                grant.sealing.envelope,
                subject=grant.subject,
                permit=Permit(
                    decision=grant.decision,
                    subject=to_text(sha256(grant.sealing.envelope.subject)),
                    wrap=grant.wrap,
                    time=grant.time,
                    key=self.keys[key].kid,
                    **signature.model_dump(),
                ).encoded(),
            )
            for grant, signature in zip(grants, signatures, strict=True)
        ]

    def submitted(self, envelope: Envelope) -> Message:
        return Message(self.sender, envelope.value, envelope.headers())

    def delivered(self, envelope: Envelope) -> Message:
        return Message(self.receiver, envelope.value, envelope.headers())


def revoked(key: Key) -> Key:
    """The same key with its revocation, a higher version of its record."""
    return replace(key, record=key.record.model_copy(update={"version": 2, "revoked": "2026-11-20T00:00:00.000Z"}))


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
