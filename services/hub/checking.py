"""What the hub checks of a submitted message, in this order (message.md section 4, hub); it never sees what was asked.

sizes → shape and spelling → names and kids → signature → times → (sender, id) → U opens and matches hS → `on_behalf_of` →
law table and assessment duty → not expired; for answers a stored decision: parties swapped, M and SHA-256(D), same basis,
item and person, not expired.
"""

from dataclasses import dataclass, field

from schemas.control import FACELESS, LONGEST_LIFE, SKEW, Control
from schemas.directory import HUB
from schemas.policy import Rules, judge_law
from schemas.refusal import Refusal, RefusalCode, SecurityCode, SecurityEvent
from schemas.text import instant, later, to_bytes, to_text
from schemas.wire import seal
from schemas.wire.envelope import Envelope
from schemas.wire.sign import Root, check_signature, key_for, key_of
from services.hub.link_codes import LinkCodes
from services.runtime.clock import Clock
from services.runtime.directory import Directory
from services.runtime.keys import KeyRings, PrivateKey
from services.runtime.wrapping import Bounded


@dataclass(frozen=True, slots=True)
class Provision:
    """What the hub remembers of a message that it permitted: enough to judge the answer, nothing of its content.

    `message` is M and `decision` SHA-256(D), as an answer has to name them."""

    sender: str
    receiver: str
    id: str
    message: bytes
    decision: bytes
    basis: str
    item: str
    core: int | None
    expires: str
    answered: str | None = None
    """Id of the answer that was permitted, if the message is an inquiry that has one."""


@dataclass(frozen=True)
class Checker:
    """The hub's own keys, the directory, the rules, and memories of public-key work."""

    keys: KeyRings
    directory: Directory
    rules: Rules
    codes: LinkCodes
    clock: Clock
    roots: Bounded[Root, str] = field(default_factory=lambda: Bounded(10_000))
    unwrapped: Bounded[tuple[bytes, str], bytes] = field(default_factory=lambda: Bounded(10_000))

    def verify(self, envelope: Envelope, owner: str) -> None:
        """Names, key ids, signature and times of what `owner`, the record's key, submits; until this holds, nobody is
        answered."""
        control, now = envelope.said, instant(self.clock())
        if control.sender != owner or control.sender == HUB:
            raise SecurityEvent(SecurityCode.BAD_SIGNATURE, "the record's key is not the sender")
        key = key_for(self.directory.key, envelope.seals.sign, control.sender, "sign", now)
        wrap = key_of(self.directory.key, envelope.seals.wrap, control.receiver, "wrap")
        key_of(self.directory.key, envelope.seals.hub, HUB, "wrap")
        self._held(envelope.seals.hub)
        seal.check_lengths(wrap.algorithm, envelope.wrap, envelope.value)
        check_signature(envelope, key, envelope.subject_digest, self.roots)
        _check_times(control, now)

    def person(self, envelope: Envelope) -> int | None:
        """The core id behind U; None where the link code names nobody. A subject that does not match hS is an incident."""
        control, seals = envelope.said, envelope.seals
        own = self._held(seals.hub)
        wrapped, boxed = seal.split_subject(own.algorithm, envelope.subject)
        place = (wrapped, own.kid)
        secret = self.unwrapped.get(place)
        if secret is None:
            secret = self.unwrapped.put(place, seal.unwrap(own.algorithm, own.secret, HUB, own.kid, wrapped))
        link_code = seal.open_subject(secret, envelope.identity, boxed, to_bytes(seals.hS))
        return self.codes.core(control.sender, link_code.decode("ascii", "replace"))

    def lawful(self, control: Control) -> None:
        """Delegation, law table and assessment duty, and not expired; raises `Refusal`."""
        judge_law(control, self.directory, self.rules)
        if instant(self.clock()) >= control.expires:
            raise Refusal(RefusalCode.EXPIRED, f"expires {control.expires}")

    def _held(self, kid: str) -> PrivateKey:
        """The hub's key for which a person is sealed; it is named even where there is no person."""
        own = self.keys.of(HUB).by_kid.get(kid)
        if own is None or own.purpose != "wrap":
            raise SecurityEvent(SecurityCode.UNKNOWN_KEY, "the subject is sealed for a key that is not held here")
        return own


def _check_times(control: Control, now: str) -> None:
    """What the receiver will hold against the permit's time, the hub holds against its clock: else it permits in vain."""
    if control.created > later(now, SKEW) or control.expires > later(control.created, LONGEST_LIFE):
        raise SecurityEvent(SecurityCode.CLOCK_SKEW, "created lies ahead of the hub's clock, or it lives too long")


def answers(control: Control, core: int | None, asked: Provision | None, now: str) -> None:
    """An answer must fit the inquiry that the hub permitted: parties swapped, M and D, same basis, item and person, not
    expired, not answered by another. One that names another M or D answers nothing that was permitted, whatever stands
    under that id."""
    if asked is None or (asked.sender, asked.receiver) != (control.receiver, control.sender):
        raise Refusal(RefusalCode.NOT_IN_LAW_TABLE, "no permitted inquiry is answered by this")
    said = control.in_reply_to
    if said is None or (said.message, said.decision) != (to_text(asked.message), to_text(asked.decision)):
        raise Refusal(
            RefusalCode.NOT_IN_LAW_TABLE, "the inquiry was permitted with other content or by another decision"
        )
    if (asked.basis, asked.item) != (about(control)):
        raise Refusal(RefusalCode.NOT_IN_LAW_TABLE, "the inquiry named another basis or item")
    if asked.answered not in (None, control.id):
        raise Refusal(RefusalCode.NOT_IN_LAW_TABLE, "the inquiry has been answered by another message")
    if control.kind not in FACELESS and asked.core != core:
        raise Refusal(RefusalCode.UNKNOWN_PERSON, "the inquiry was about another person")
    if control.kind not in FACELESS and now >= asked.expires:  # that it has expired may be what a refusal says
        raise Refusal(RefusalCode.EXPIRED, f"the inquiry expired {asked.expires}")


def about(control: Control) -> tuple[str, str]:
    """(basis, item) as the hub stores and compares them."""
    return control.basis.encoded().decode(), control.item.encoded().decode()


def provision(control: Control, message: bytes, decision: bytes, core: int | None) -> Provision:
    """What is remembered of a permitted message."""
    basis, item = about(control)
    return Provision(
        control.sender, control.receiver, control.id, message, decision, basis, item, core, control.expires
    )
