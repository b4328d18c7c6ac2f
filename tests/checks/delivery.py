"""A message on its way to the receiver, right in everything; and its faults, in the order in which the receiver finds them."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from schemas.directory import HUB
from schemas.message import Message, Position
from schemas.refusal import RefusalCode, SecurityCode
from schemas.text import to_text
from schemas.trail import ALLOWED, Finding, extended
from schemas.wire.envelope import Envelope, LawRow
from tests.checks import submission
from tests.checks.faults import Fault
from tests.checks.parties import BASIS, CORE, RECEIVER, SENDER, Parties
from tests.checks.submission import INQUIRY, STRANGER, Submission, kid, revoke, sealed_for, signed_with
from tests.vectors.rejected import changed, encrypted, flip
from tests.vectors.world import EDITION, NOW, PERMITTED, Grant


@dataclass
class Delivery:
    """A submission, what the hub says of it, and the verdict of the receiver's `authorization`."""

    sent: Submission
    decision: dict[str, Any] = field(default_factory=dict)
    granted: dict[str, Any] = field(default_factory=dict)
    link_code: bytes = b""
    permitted_with: str | None = "permit"
    after: list[Callable[[Envelope], Envelope]] = field(default_factory=list)
    headers: dict[str, bytes] = field(default_factory=dict)
    key: str = RECEIVER
    verdict: Finding | None = field(default_factory=lambda: found(ALLOWED))

    @property
    def parties(self) -> Parties:
        return self.sent.parties

    @property
    def envelope(self) -> Envelope:
        sealing, world = self.sent.signed, self.parties.world
        if self.permitted_with is None:
            return sealing.envelope
        grant: Grant = world.decide(sealing, link_code=self.link_code, **self.decision)
        return world.permit([replace(grant, **self.granted)], self.permitted_with)[0]

    def message(self, offset: int = 0) -> Message:
        """As `authorization` hands it on; it entered the block at `offset` of `network.delivered`."""
        envelope = self.envelope
        for alter in self.after + self.sent.after:
            envelope = alter(envelope)
        headers = {**envelope.headers(), **self.headers}
        if self.verdict is not None:
            headers["trail"] = extended(b"", self.verdict)
        where = Position("inbound.authorized", 0, offset)
        return Message(self.key, envelope.value, headers, where, str(Position("network.delivered", 0, offset)))


def found(outcome: str) -> Finding:
    return Finding(layer="authorization", outcome=outcome, rule="table2 27-4", edition=EDITION)


def inquiry(parties: Parties) -> Delivery:
    """A question that was permitted and is allowed: it meets every check that there is."""
    return Delivery(submission.inquiry(parties))


def refusal(parties: Parties) -> Delivery:
    """An agency's refusal, permitted."""
    return Delivery(submission.refusal(parties))


def hubs_refusal(parties: Parties) -> Delivery:
    """Signed by the hub, without a permit."""
    sent = submission.refusal(parties)
    sent.said["sender"] = HUB
    signed_with("hub's sign")(sent)
    return Delivery(sent, permitted_with=None)


def sender(spoil: Callable[[Submission], None]) -> Callable[[Delivery], None]:
    """What the sender does wrong."""
    return lambda draft: spoil(draft.sent)


def too_large(draft: Delivery) -> None:
    draft.headers["permit"] = bytes(8193)


def misspelt(draft: Delivery) -> None:
    draft.headers["permit"] = draft.envelope.permit.replace(b",", b", ")


def to_another(draft: Delivery) -> None:
    draft.key = SENDER


def for_another_site(draft: Delivery) -> None:
    """Rightly keyed, but nobody here has that agency's keys."""
    draft.sent.said["receiver"] = draft.key = "221007"


def unpermitted(draft: Delivery) -> None:
    draft.after.append(lambda envelope: replace(envelope, permit=b""))


def never_published(draft: Delivery) -> None:
    """An edition for which others have waited long enough."""
    draft.decision["directory"] = EDITION + 1
    draft.parties.opener.behind[EDITION + 1] = "2026-11-24T08:59:04.000Z"


def permitted_with(name: str) -> Callable[[Delivery], None]:
    def spoil(draft: Delivery) -> None:
        draft.permitted_with = name

    return spoil


def permit_of_nobody(draft: Delivery) -> None:
    draft.after.append(lambda envelope: changed(envelope, "permit", key=STRANGER))


def permit_sealed_for(name: str) -> Callable[[Delivery], None]:
    def spoil(draft: Delivery) -> None:
        draft.granted["wrap"] = kid(draft.sent, name)

    return spoil


def wrap_key_ended(draft: Delivery) -> None:
    draft.parties.change_key("wrap", until=PERMITTED)


def without_private_half(draft: Delivery) -> None:
    ring = draft.parties.receivers_keys.of(RECEIVER)
    ring.keys[:] = [key for key in ring.keys if key.kid != kid(draft.sent, "wrap")]


def sender_forged(draft: Delivery) -> None:
    draft.after.append(
        lambda envelope: changed(envelope, "signature", signature=to_text(bytes(64)), size=2, index=1, path=[STRANGER])
    )


def hub_forged(draft: Delivery) -> None:
    draft.after.append(lambda envelope: changed(envelope, "permit", time="2026-11-24T09:00:03.000Z"))


def of_another_message(draft: Delivery) -> None:
    draft.decision["message"] = to_text(bytes(32))


def of_another_hub(draft: Delivery) -> None:
    draft.decision["hub"] = SENDER


def by_another_line(draft: Delivery) -> None:
    draft.decision["law"] = LawRow(edition=BASIS.edition, row=BASIS.row, branch=BASIS.branch + 1)


def created_after_permit(draft: Delivery) -> None:
    draft.sent.said["created"] = "2026-11-24T09:05:02.001Z"


def permitted_ahead(draft: Delivery) -> None:
    draft.granted["time"] = "2026-11-24T09:05:04.001Z"


def forbidden(draft: Delivery) -> None:
    draft.verdict = found("not_in_law_table")


def unjudged(draft: Delivery) -> None:
    draft.verdict = None


def over_quota(draft: Delivery) -> None:
    place = (RECEIVER, SENDER, NOW[:13])
    draft.parties.opener.counted.put(place, draft.parties.quota)


def bad_wrap(draft: Delivery) -> None:
    draft.sent.parts["wrap"] = bytes(32) + draft.parties.world.content_keys["wrap"].wrapped[32:]


def content(alter: Callable[[bytes, bytes], bytes]) -> Callable[[Delivery], None]:
    """E with a plaintext that `alter` makes of s and B, sealed under the right key."""

    def spoil(draft: Delivery) -> None:
        committed = draft.sent.sealing.committed
        plain = alter(committed.salt, INQUIRY).ljust(4096, b"\0")
        draft.sent.parts["value"] = encrypted(draft.parties.world, committed.identity, plain)

    return spoil


def padded_with_ones(salt: bytes, business: bytes) -> bytes:
    return (salt + len(business).to_bytes(4, "big") + business).ljust(4096, b"\1")


def of_other_content(salt: bytes, _: bytes) -> bytes:
    return salt + (2).to_bytes(4, "big") + b"{}"


def unopened_content(draft: Delivery) -> None:
    draft.sent.parts["value"] = flip(draft.sent.sealing.envelope.value)


def about_somebody_else(draft: Delivery) -> None:
    draft.link_code = draft.parties.codes.issue(RECEIVER, CORE + 1).encode()


def of_an_agency(draft: Delivery) -> None:
    draft.sent = submission.refusal(draft.parties)


def without_person(draft: Delivery) -> None:
    draft.granted["subject"] = b"short"


def decided_about_a_person(draft: Delivery) -> None:
    draft.decision["subject"] = to_text(bytes(32))


def with_a_person(draft: Delivery) -> None:
    draft.granted["subject"] = bytes(200)


S, R = SecurityCode, RefusalCode
CHAIN: Final[list[Fault[Delivery]]] = [
    Fault("receiver: sizes", "the permit over 8 KiB", S.MALFORMED, too_large),
    Fault("receiver: shape and spelling", "white space in the permit", S.MALFORMED, misspelt),
    Fault("receiver: receiver", "the record's key is another agency's", S.WRONG_RECEIVER, to_another),
    Fault("receiver: receiver", "an agency of another site", S.WRONG_RECEIVER, for_another_site),
    Fault("receiver: permit is there", "none", S.BAD_PERMIT, unpermitted),
    Fault("receiver: edition", "never published", S.BAD_PERMIT, never_published),
    Fault("receiver: sign kid", "of nobody", S.UNKNOWN_KEY, sender(submission.nobodys_key)),
    Fault("receiver: sign kid", "of another purpose", S.UNKNOWN_KEY, sender(signed_with("assertion"))),
    Fault("receiver: sign kid", "of another agency", S.UNKNOWN_KEY, sender(signed_with("receiver's sign"))),
    Fault("receiver: sign kid", "ended before the permit", S.UNKNOWN_KEY, sender(signed_with("sign ended"))),
    Fault("receiver: sign kid", "revoked", S.KEY_REVOKED, sender(signed_with("sign revoked"))),
    Fault("receiver: wrap kid", "of another agency", S.UNKNOWN_KEY, sender(sealed_for("wrap", "sender's wrap"))),
    Fault("receiver: wrap kid", "of another purpose", S.UNKNOWN_KEY, sender(sealed_for("wrap", "receiver's sign"))),
    Fault("receiver: wrap kid", "revoked", S.KEY_REVOKED, revoke("wrap")),
    Fault("receiver: hub kid", "of another agency", S.UNKNOWN_KEY, sender(sealed_for("hub", "wrap"))),
    Fault("receiver: wrap kid", "not held here", S.UNKNOWN_KEY, without_private_half),
    Fault("receiver: permit kid", "of nobody", S.UNKNOWN_KEY, permit_of_nobody),
    Fault("receiver: permit kid", "of another purpose", S.UNKNOWN_KEY, permitted_with("hub's sign")),
    Fault("receiver: permit kid", "of another agency", S.UNKNOWN_KEY, permitted_with("receiver's permit")),
    Fault("receiver: permit kid", "revoked", S.KEY_REVOKED, permitted_with("permit revoked")),
    Fault("receiver: permit's wrap kid", "of another agency", S.UNKNOWN_KEY, permit_sealed_for("sender's wrap")),
    Fault("receiver: permit's wrap kid", "ended when it was permitted", S.UNKNOWN_KEY, wrap_key_ended),
    Fault("receiver: signature", "S does not hold", S.BAD_SIGNATURE, sender_forged),
    Fault("receiver: permit", "P does not hold", S.BAD_PERMIT, hub_forged),
    Fault("receiver: permit", "of another message", S.BAD_PERMIT, of_another_message),
    Fault("receiver: permit", "of another hub", S.BAD_PERMIT, of_another_hub),
    Fault("receiver: permit", "by another line of the law table", S.BAD_PERMIT, by_another_line),
    Fault("receiver: created", "over five minutes after the permit", S.CLOCK_SKEW, created_after_permit),
    Fault("receiver: permit time", "over five minutes ahead", S.CLOCK_SKEW, permitted_ahead),
    Fault("receiver: life", "a millisecond over 31 days", S.CLOCK_SKEW, sender(submission.lives_long)),
    Fault("receiver: expires", "the very instant", R.EXPIRED, sender(submission.expired)),
    Fault("receiver: authorization", "no verdict", R.INTERNAL_ERROR, unjudged),
    Fault("receiver: authorization", "forbidden", R.NOT_IN_LAW_TABLE, forbidden),
    Fault("receiver: quota of unwraps", "used up", R.QUOTA_EXCEEDED, over_quota),
    Fault("receiver: unwrap", "a point of small order", S.COMMITMENT_MISMATCH, bad_wrap),
    Fault("receiver: open", "one bit of E", S.COMMITMENT_MISMATCH, unopened_content),
    Fault("receiver: padding", "not zeros", S.COMMITMENT_MISMATCH, content(padded_with_ones)),
    Fault("receiver: hB", "other content", S.COMMITMENT_MISMATCH, content(of_other_content)),
    Fault("receiver: U'", "too short", S.SUBJECT_MISMATCH, without_person),
    Fault("receiver: hS'", "somebody else", S.SUBJECT_MISMATCH, about_somebody_else),
]
"""Of a question, in the order of message.md section 4."""
UNTRUSTED: Final = ("receiver: permit kid", "receiver: permit")
"""With these P does not hold, or nobody can tell: what such a permit says of an edition is not waited for."""
REFUSAL_FAULTS: Final[list[Fault[Delivery]]] = [
    Fault("receiver: nobody in a refusal", "hS commits to somebody", S.SUBJECT_MISMATCH,
          sender(submission.committed_to_a_person)),
    Fault("receiver: nobody in a refusal", "U was there", S.SUBJECT_MISMATCH, sender(submission.with_a_person)),
    Fault("receiver: nobody in a refusal", "D commits to somebody", S.BAD_PERMIT, decided_about_a_person),
    Fault("receiver: nobody in a refusal", "U' is there", S.SUBJECT_MISMATCH, with_a_person),
]  # fmt: skip
HUBS_FAULTS: Final[list[Fault[Delivery]]] = [
    Fault("receiver: permit is there", "a refusal, but not the hub's", S.BAD_PERMIT, of_an_agency),
    Fault("receiver: sign kid", "not the hub's", S.UNKNOWN_KEY, sender(signed_with("sign"))),
    Fault("receiver: wrap kid", "of another agency", S.UNKNOWN_KEY, sender(sealed_for("wrap", "sender's wrap"))),
    Fault("receiver: signature", "S does not hold", S.BAD_SIGNATURE, sender(submission.forged)),
    Fault("receiver: life", "a millisecond over 31 days", S.CLOCK_SKEW, sender(submission.lives_long)),
    Fault("receiver: created", "over five minutes ahead", S.CLOCK_SKEW, sender(submission.created_ahead)),
    Fault("receiver: nobody in a refusal", "hS commits to somebody", S.SUBJECT_MISMATCH,
          sender(submission.committed_to_a_person)),
    Fault("receiver: nobody in a refusal", "U is there", S.SUBJECT_MISMATCH, sender(submission.with_a_person)),
]  # fmt: skip
