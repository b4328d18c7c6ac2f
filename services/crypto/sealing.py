"""Going out: commit to what is said, seal it for the receiver and the person for the hub, sign a sender's batch at once."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from schemas.control import FACELESS, Control
from schemas.directory import HUB, KeyRecord, Purpose
from schemas.message import Message
from schemas.refusal import Refusal, RefusalCode
from schemas.text import instant
from schemas.wire.envelope import Envelope, digests, leaf_of
from schemas.wire.seal import commit, seal_business, seal_subject
from schemas.wire.sign import ROOT, Signer, sign_leaves
from services.runtime.clock import Clock
from services.runtime.directory import Directory
from services.runtime.keys import KeyRings, PrivateKey
from services.runtime.rest import LINK, AtRest, Unreadable
from services.runtime.signing import signing_key
from services.runtime.wrapping import ContentKeys


@dataclass(frozen=True, slots=True)
class Sealed:
    """An envelope that is complete but for its signature, and what its sender signs."""

    signer: Signer
    envelope: Envelope
    leaf: bytes


@dataclass(frozen=True)
class Sealer:
    """What sealing needs: the senders' keys, the directory, and content keys to spare."""

    keys: KeyRings
    rest: AtRest
    directory: Directory
    content_keys: ContentKeys
    clock: Clock
    awaited: dict[str, str] = field(default_factory=dict)
    """Signing keys that wait for their record in the directory, and since when."""

    def seal(self, message: Message) -> Sealed:
        """The envelope of one message, yet unsigned; raises `Refusal` if a key that it needs is not to be had."""
        control = message.control
        receiver, hub = self._public(control.receiver, "wrap"), self._public(HUB, "wrap")
        signer = self._signing_key(control.sender)
        business, link_code = self.rest.open(message, "value"), self._link_code(message, control)
        salt = self.keys.of(control.sender).current("salt", control.created)
        said = message.headers["control"]
        committed = commit(control, said, business, link_code, salt.secret)
        content, hub_key = self.content_keys.for_receiver(receiver), self.content_keys.for_receiver(hub)
        sealed_subject = b""
        if control.kind not in FACELESS:
            nonce = os.urandom(12)
            sealed_subject = seal_subject(hub_key, nonce, committed.identity, committed.subject_salt, link_code)
        envelope = Envelope(
            control=said,
            seal=committed.seal(sign=signer.kid, wrap=receiver.kid, hub=hub.kid),
            wrap=content.wrapped,
            subject=sealed_subject,
            signature=b"",
            value=seal_business(content.secret, committed, business),
        )
        digest = hashlib.sha256(sealed_subject).digest()
        leaf = leaf_of(committed.identity, digests(envelope.seal, envelope.value, envelope.wrap), digest)
        return Sealed(signer.signer(), envelope, leaf)

    def _signing_key(self, agency: str) -> PrivateKey:
        """The agency's own signing key of now; where all are revoked or ended, what they would sign is refused."""
        ring, now = self.keys.of(agency), instant(self.clock())
        key = signing_key(ring, "sign", now, self.directory, self.awaited)
        if key is None:
            raise Refusal(RefusalCode.KEY_REVOKED, "directory: the sender's signing key")
        return key

    def _public(self, agency: str, purpose: Purpose) -> KeyRecord:
        record = self.directory.current(agency, purpose, instant(self.clock()))
        if record is None:
            raise Refusal(RefusalCode.UNKNOWN_AGENCY, f"directory: no valid {purpose} key")
        return record

    def _link_code(self, message: Message, control: Control) -> bytes:
        if control.kind in FACELESS:
            return b""
        subject = self.rest.open(message, "subject")
        if subject[:1] != LINK:
            raise Unreadable("the subject is not a link code: only id_conversion's output may be sealed")
        return subject[1:]


def signed(batch: Sequence[Sealed]) -> list[Envelope]:
    """The envelopes with their senders' signatures: one signature a sender, a path for each of its leaves."""
    senders: dict[str, list[int]] = defaultdict(list)
    for place, sealed in enumerate(batch):
        senders[sealed.signer.kid].append(place)
    out: dict[int, Envelope] = {}
    for places in senders.values():
        signatures = sign_leaves(batch[places[0]].signer, ROOT, [batch[place].leaf for place in places])
        for place, signature in zip(places, signatures, strict=True):
            out[place] = batch[place].envelope.signed(signature.encoded())
    return [out[place] for place in range(len(batch))]
