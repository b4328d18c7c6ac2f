"""The hub's own words: permits (情報提供許可証) over a batch, and refusals in its name."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from schemas.control import FACELESS, Control, replying
from schemas.directory import HUB, KeyRecord, Purpose
from schemas.refusal import Refusal, RefusalCode, part_of
from schemas.text import Instant, Record, decoded, instant, to_text
from schemas.wire import seal
from schemas.wire.envelope import Decision, Envelope, LawRow, Permit, Signature
from schemas.wire.frame import derived_id, keyed
from schemas.wire.sign import PERMIT_ROOT, ROOT, Signer, permit_leaf_of, sign_leaves
from services.hub.link_codes import LinkCodes
from services.runtime.clock import Clock
from services.runtime.directory import Directory
from services.runtime.errors import Unavailable
from services.runtime.keys import KeyRings
from services.runtime.signing import signing_key
from services.runtime.wrapping import ContentKeys

PERMITTED = "permitted"
NOTE_LIMIT = 4096


class Note(Record):
    """What is remembered of a decision: D of a permit; of a refusal its rule; the time of both."""

    decision: Decision | None = None
    rule: str = ""
    time: Instant


def noted(text: str) -> Note:
    """The note of a stored decision."""
    return decoded(Note, text.encode(), NOTE_LIMIT)


@dataclass(frozen=True, slots=True)
class Granted:
    """A message with the decision D on it, and the person at the receiver: what a permit is made of."""

    envelope: Envelope
    decision: Decision
    salt: bytes
    link_code: bytes


@dataclass(frozen=True)
class Permitter:
    """The hub's keys, the directory, and content keys to spare."""

    keys: KeyRings
    directory: Directory
    codes: LinkCodes
    content_keys: ContentKeys
    clock: Clock
    awaited: dict[str, str] = field(default_factory=dict)
    """Keys of the hub that wait for their record in the directory, and since when."""

    def decide(self, envelope: Envelope, core: int | None) -> Decision:
        """A new decision D: what it says of the person is a commitment that only the receiver can open.

        It names the edition of now. A key that was revoked since the signature was checked would be permitted under an
        edition that forbids it: the batch is judged again."""
        signed = self.directory.key(envelope.seals.sign)
        if signed is None or signed.revoked is not None:
            raise Unavailable("the directory has changed while the batch was judged")
        control, now = envelope.said, instant(self.clock())
        salt, link_code = self._subject(envelope, core, now)
        basis = control.basis
        return Decision(
            hub=HUB,
            message=to_text(envelope.identity),
            subject=to_text(seal.subject_commitment(salt, link_code)),
            law=LawRow(edition=basis.edition, row=basis.row, branch=basis.branch),
            directory=self.directory.edition,
            time=now,
        )

    def stored(self, envelope: Envelope, core: int | None, verdict: str, note: Note) -> "Granted | Envelope | Refusal":
        """What the stored decision makes of a message, whatever the rules say now; a refusal of which nobody can be told."""
        try:
            if note.decision is not None:
                self.require_receiver(envelope.said.receiver)
                return self.granted(envelope, core, note.decision)
            refusal = Refusal(RefusalCode(verdict), note.rule)
            return refusal if envelope.said.kind in FACELESS else self.refuse(envelope, refusal, note.time)
        except Refusal as refusal:  # its key has ended since: nothing can be sealed for that agency any more
            return refusal

    def granted(self, envelope: Envelope, core: int | None, decision: Decision) -> Granted:
        """A message with a decision on it, and how the receiver names the person."""
        return Granted(envelope, decision, *self._subject(envelope, core, decision.time))

    def require_receiver(self, agency: str) -> None:
        """Raises `Refusal` if nothing can be sealed for this agency now."""
        self._wrap_key(agency, instant(self.clock()))

    def permit(self, granted: Sequence[Granted]) -> list[Envelope]:
        """What is delivered: U' instead of U, and one signature over the permits of the whole batch."""
        if not granted:
            return []
        now = instant(self.clock())
        signer = self._signer("permit", now)
        drafts = [self._draft(one, now) for one in granted]
        signatures = sign_leaves(signer, PERMIT_ROOT, [leaf for _, _, leaf in drafts])
        return [
            one.envelope.permitted(subject, _permit(one, wrap, now, signer.kid, signature).encoded())
            for one, (subject, wrap, _), signature in zip(granted, drafts, signatures, strict=True)
        ]

    def refuse(self, cause: Envelope, refusal: Refusal, time: str) -> Envelope:
        """A refusal in the hub's name, sealed for the sender of `cause` and signed; it has neither permit nor subject."""
        control = refusing(cause, time)
        receiver = self._wrap_key(control.receiver, instant(self.clock()))
        hub_key = self._wrap_key(HUB, instant(self.clock()))
        content = self.content_keys.for_receiver(receiver)
        said, business = control.encoded(), part_of(refusal.code, refusal.rule).encoded()
        salt = self.keys.of(HUB).current("salt", time)
        committed = seal.commit(control, said, business, b"", salt.secret)
        signer = self._signer("sign", time)
        envelope = Envelope(
            control=said,
            seal=committed.seal(sign=signer.kid, wrap=receiver.kid, hub=hub_key.kid),
            wrap=content.wrapped,
            subject=b"",
            signature=b"",
            value=seal.seal_business(content.secret, committed, business),
        )
        leaf = envelope.leaf(hashlib.sha256(b"").digest())
        return envelope.signed(sign_leaves(signer, ROOT, [leaf])[0].encoded())

    def _subject(self, envelope: Envelope, core: int | None, time: str) -> tuple[bytes, bytes]:
        """t' and L', empty for a refusal; the salt key is that of D's time, since `created` is whatever the sender says."""
        control = envelope.said
        if control.kind in FACELESS or core is None:
            return b"", b""
        salt_key = self.keys.of(HUB).current("salt", time).secret
        salt = keyed(salt_key, "renkei/salt/permit/1", HUB, control.receiver, envelope.identity)
        return salt, self.codes.issue(control.receiver, core).encode()

    def _draft(self, one: Granted, now: str) -> tuple[bytes, str, bytes]:
        receiver = self._wrap_key(one.envelope.said.receiver, now)
        digest, subject = one.decision.digest, b""
        if one.link_code:
            key = self.content_keys.for_receiver(receiver)
            subject = seal.seal_subject(key, os.urandom(12), digest, one.salt, one.link_code)
        leaf = one.envelope.leaf(one.envelope.subject_digest)
        return subject, receiver.kid, permit_leaf_of(digest, leaf, receiver.kid, hashlib.sha256(subject).digest(), now)

    def _signer(self, purpose: Purpose, at: str) -> Signer:
        """Nobody would believe what is signed under a key that is revoked or unknown: it waits for the operator."""
        key = signing_key(self.keys.of(HUB), purpose, at, self.directory, self.awaited)
        if key is None:
            raise Unavailable(f"the hub has no valid {purpose} key: see `renkei keys renew {HUB} --sign`")
        return key.signer()

    def _wrap_key(self, agency: str, now: str) -> KeyRecord:
        record = self.directory.current(agency, "wrap", now)
        if record is None:
            raise Refusal(RefusalCode.UNKNOWN_AGENCY, "directory: no valid wrap key")
        return record


def refusing(cause: Envelope, time: str) -> Control:
    """The control part of the hub's refusal of `cause`; the same whenever it is composed again."""
    said = cause.said
    return replying(
        said,
        "refusal",
        id=derived_id(cause.identity, "refusal", said.sender, 0),
        message=to_text(cause.identity),
        decision=None,
        created=time,
        expires=said.expires,
        sender=HUB,
    )


def _permit(one: Granted, wrap: str, now: str, kid: str, signature: Signature) -> Permit:
    return Permit(
        decision=one.decision,
        subject=to_text(one.envelope.subject_digest),
        wrap=wrap,
        time=now,
        key=kid,
        signature=signature.signature,
        size=signature.size,
        index=signature.index,
        path=signature.path,
    )
