"""Coming in: what is checked, in this order, before anything is opened; and opening, which is the last check.

sizes → shape and spelling → receiver → the directory at least at D's edition → kids → signature → permit → times →
unwrap, open, padding, hB, U' and hS' (message.md section 4, receiver). Each failure is a security event with a code of its
own: recorded, never answered; but quota and `expires` are refused, and that is answered.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from schemas.control import FACELESS, LONGEST_LIFE, SKEW, Control
from schemas.directory import HUB, KeyRecord
from schemas.message import Message
from schemas.proof import Proof
from schemas.refusal import Refusal, RefusalCode, SecurityCode, SecurityEvent
from schemas.text import instant, later, to_bytes, to_text
from schemas.wire import seal
from schemas.wire.envelope import Envelope, Permit
from schemas.wire.sign import Root, check_permit, check_signature, key_for, key_of
from services.runtime.clock import Clock
from services.runtime.directory import Directory
from services.runtime.errors import Unavailable
from services.runtime.keys import KeyRings, PrivateKey
from services.runtime.wrapping import Bounded

PATIENCE: Final = timedelta(seconds=60)
"""How long a message whose permit names a later edition waits for the directory to catch up."""
UNWRAPS: Final = 1000
"""Wraps of one sender that one receiver opens in an hour. An honest sender makes one an hour, process and key."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What was inside: business part, the receiver's link code, and what was verified about it."""

    business: bytes
    link_code: bytes
    proof: Proof


@dataclass(frozen=True)
class Opener:
    """What checking and opening need: the receivers' keys, the directory, and memories of public-key work."""

    keys: KeyRings
    directory: Directory
    clock: Clock
    roots: Bounded[Root, str] = field(default_factory=lambda: Bounded(10_000))
    unwrapped: Bounded[tuple[bytes, str], tuple[bytes, str]] = field(default_factory=lambda: Bounded(10_000))
    counted: Bounded[tuple[str, str, str], int] = field(default_factory=lambda: Bounded(10_000))
    """Wraps opened, by receiver, sender and hour."""
    behind: dict[int, str] = field(default_factory=dict)
    """Editions that messages wait for, and since when."""
    quota: int = UNWRAPS

    def verify(self, message: Message) -> tuple[Envelope, Proof]:
        """Sizes, shape, receiver, edition, keys, signature, permit, times. Until this holds, nobody is answered."""
        envelope = Envelope.of(message).read()
        control = envelope.said
        if control.receiver != message.key or self.keys.get(control.receiver) is None:
            raise SecurityEvent(SecurityCode.WRONG_RECEIVER, "the message is for another agency")
        if not envelope.permit:
            return envelope, self._verify_hub_refusal(envelope, control)
        permit = envelope.permits
        self._await_edition(envelope, permit)
        signing, permitting = self._keys(envelope, permit.time), self._permit_keys(control, permit)
        check_signature(envelope, signing, to_bytes(permit.subject), self.roots)
        self._verify_permit(envelope, control, permit, permitting)
        self._verify_times(control, permit.time)
        decision = to_text(envelope.decided)
        return envelope, Proof(message=to_text(envelope.identity), decision=decision, time=permit.time)

    def open(self, envelope: Envelope, proof: Proof) -> Opened:
        """Unwrap, open, check padding and both commitments: the study's 署名検証 of the clear text."""
        control, seals = envelope.said, envelope.seals
        secret = self._unwrap(control.receiver, seals.wrap, envelope.wrap)
        business = seal.open_business(secret, envelope.identity, envelope.value, to_bytes(seals.hB))
        link_code = b"" if control.kind in FACELESS else self._open_subject(envelope)
        if control.kind in FACELESS and envelope.subject:
            raise SecurityEvent(SecurityCode.SUBJECT_MISMATCH, "a refusal has no subject")
        return Opened(business, link_code, proof)

    def admit(self, envelope: Envelope) -> None:
        """A sender has a quota of unwraps, the dear part of opening; raises `Refusal`. What is remembered is free, and so
        is what comes again."""
        control, kid = envelope.said, envelope.seals.wrap
        if self._remembered(kid, envelope.wrap) is not None:
            return
        place = (control.receiver, control.sender, instant(self.clock())[:13])
        count = self.counted.get(place) or 0
        if count >= self.quota:
            raise Refusal(RefusalCode.QUOTA_EXCEEDED, f"{self.quota} content keys an hour")
        self.counted.put(place, count + 1)

    def expired(self, control: Control) -> None:
        """now < expires; raises `Refusal`, which is answered, since signature and permit hold."""
        if instant(self.clock()) >= control.expires:
            raise Refusal(RefusalCode.EXPIRED, f"expires {control.expires}")

    def _verify_hub_refusal(self, envelope: Envelope, control: Control) -> Proof:
        """A permit may be missing only in a refusal that the hub itself signed."""
        if control.kind != "refusal" or control.sender != HUB:
            raise SecurityEvent(SecurityCode.BAD_PERMIT, "the message carries no permit")
        signing = self._keys(envelope, control.created)
        check_signature(envelope, signing, envelope.subject_digest, self.roots)
        self._verify_times(control, control.created)
        return Proof(message=to_text(envelope.identity), time=control.created)

    def _keys(self, envelope: Envelope, time: str) -> KeyRecord:
        """The sender's signing key, valid at `time`; the keys it is sealed for may have ended on the way."""
        control, seals = envelope.said, envelope.seals
        signing = key_for(self.directory.key, seals.sign, control.sender, "sign", time)
        key_of(self.directory.key, seals.wrap, control.receiver, "wrap")
        key_of(self.directory.key, seals.hub, HUB, "wrap")
        self._held(control.receiver, seals.wrap)
        return signing

    def _permit_keys(self, control: Control, permit: Permit) -> KeyRecord:
        """The hub's permit key; it and the key that U' is sealed for are valid when it is permitted."""
        permitting = key_for(self.directory.key, permit.key, HUB, "permit", permit.time)
        key_for(self.directory.key, permit.wrap, control.receiver, "wrap", permit.time)
        self._held(control.receiver, permit.wrap)
        return permitting

    def _verify_permit(self, envelope: Envelope, control: Control, permit: Permit, key: KeyRecord) -> None:
        leaf = envelope.leaf(to_bytes(permit.subject))
        check_permit(permit, leaf, envelope.subject_digest, key, self.roots)
        decision, basis = permit.decision, control.basis
        if decision.message != to_text(envelope.identity) or decision.hub != HUB:
            raise SecurityEvent(SecurityCode.BAD_PERMIT, "the permit belongs to another message")
        if (decision.law.edition, decision.law.row, decision.law.branch) != (basis.edition, basis.row, basis.branch):
            raise SecurityEvent(SecurityCode.BAD_PERMIT, "the permit names another line of the law table")

    def _await_edition(self, envelope: Envelope, permit: Permit) -> None:
        """The hub judged by this edition: a table that is behind it might miss a key or its revocation. Nobody waits for
        an edition that the hub has not named: what P does not hold for fails by one of the checks that follow."""
        edition = permit.decision.directory
        if edition <= self.directory.edition:
            self.behind.pop(edition, None)
            return
        if not self._permitted(envelope, permit):
            return
        now = instant(self.clock())
        if now < later(self.behind.setdefault(edition, now), PATIENCE):
            raise Unavailable(f"the directory is at edition {self.directory.edition}, a permit names {edition}")
        raise SecurityEvent(SecurityCode.BAD_PERMIT, "the permit names an edition that was never published")

    def _permitted(self, envelope: Envelope, permit: Permit) -> bool:
        """Whether P holds, whatever else is wrong."""
        subject = envelope.subject_digest
        try:
            key = key_for(self.directory.key, permit.key, HUB, "permit", permit.time)
            check_permit(permit, envelope.leaf(to_bytes(permit.subject)), subject, key, self.roots)
        except SecurityEvent:
            return False
        return True

    def _verify_times(self, control: Control, time: str) -> None:
        now = instant(self.clock())
        if control.created > later(time, SKEW) or time > later(now, SKEW):
            raise SecurityEvent(SecurityCode.CLOCK_SKEW, "created, permit time and now are out of order")
        if control.expires > later(control.created, LONGEST_LIFE):
            raise SecurityEvent(SecurityCode.CLOCK_SKEW, "it lives for more than 31 days")

    def _open_subject(self, envelope: Envelope) -> bytes:
        permit, receiver = envelope.permits, envelope.said.receiver
        key = self._held(receiver, permit.wrap)
        wrapped, boxed = seal.split_subject(key.algorithm, envelope.subject)
        secret = self._unwrap(receiver, permit.wrap, wrapped)
        return seal.open_subject(secret, envelope.decided, boxed, to_bytes(permit.decision.subject))

    def _unwrap(self, receiver: str, kid: str, wrapped: bytes) -> bytes:
        """K, remembered for an hour under (W, wrap kid)."""
        known = self._remembered(kid, wrapped)
        if known is not None:
            return known
        key = self._held(receiver, kid)
        secret = seal.unwrap(key.algorithm, key.secret, receiver, kid, wrapped)
        until = later(instant(self.clock()), seal.CONTENT_KEY_LIFE)
        self.unwrapped.put((wrapped, kid), (secret, until))
        return secret

    def _remembered(self, kid: str, wrapped: bytes) -> bytes | None:
        known = self.unwrapped.get((wrapped, kid))
        return known[0] if known and instant(self.clock()) < known[1] else None

    def _held(self, receiver: str, kid: str) -> PrivateKey:
        key = self.keys.of(receiver).by_kid.get(kid)
        if key is None:
            raise SecurityEvent(SecurityCode.UNKNOWN_KEY, "it is not sealed for a key that is held here")
        return key
