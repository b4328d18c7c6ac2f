"""A message on its way to the hub, right in everything; and its faults, in the order in which the hub finds them."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from schemas.control import Control, Reply
from schemas.directory import HUB
from schemas.message import Message, Position
from schemas.refusal import RefusalCode, SecurityCode
from schemas.text import to_text
from schemas.wire.envelope import Decision, Envelope, LawRow
from services.hub.checking import Provision, about
from services.runtime.decisions import Decided
from tests.checks.faults import Fault
from tests.checks.parties import BASIS, CORE, ITEM, OFFICE, RECEIVER, ROLE, SENDER, Parties
from tests.vectors.rejected import changed, flip
from tests.vectors.world import CREATED, EDITION, EXPIRES, NOW, Draft, Sealing, sha256

INQUIRY: Final = b'{"period":{"year":2026}}'
ANSWER: Final = b'{"outcome":"no_data"}'
ASKED: Final = "019ab1c2-0000-7000-8000-0000000000aa"
M: Final = sha256(b"M of the inquiry")
DECISION: Final = Decision(
    hub=HUB,
    message=to_text(M),
    subject=to_text(sha256(b"its person")),
    law=LawRow(edition=BASIS.edition, row=BASIS.row, branch=BASIS.branch),
    directory=EDITION,
    time=CREATED,
)
D: Final = DECISION.digest
OFFICER: Final = {"office": OFFICE, "role": ROLE, "staff": "s-0101"}
STRANGER: Final = to_text(bytes(32))
"""A key id that nobody has."""


@dataclass
class Submission:
    """Everything that may be altered before it is signed, and after; `asked` and `known` are what the hub has stored."""

    parties: Parties
    said: dict[str, Any] = field(default_factory=dict)
    business: bytes = ANSWER
    link_code: bytes = b""
    seal: dict[str, str] = field(default_factory=dict)
    parts: dict[str, bytes] = field(default_factory=dict)
    signed_with: str = "sign"
    after: list[Callable[[Envelope], Envelope]] = field(default_factory=list)
    headers: dict[str, bytes] = field(default_factory=dict)
    key: str = SENDER
    asked: Provision | None = None
    known: Decided | None = None

    @property
    def control(self) -> Control:
        return Control.model_validate({**_said(self.said.get("kind", "response")), **self.said})

    @property
    def sealing(self) -> Sealing:
        """Not yet signed."""
        control, codes = self.control, self.parties.codes
        faceless = control.kind in ("refusal", "receipt")
        mine = b"" if faceless else self.link_code or codes.issue(control.sender, CORE).encode()
        theirs = b"" if faceless else codes.issue(control.receiver, CORE).encode()
        sealing = self.parties.world.seal(Draft("", control, self.business, mine, theirs))
        envelope = replace(changed(sealing.envelope, "seal", **self.seal), **self.parts)
        return replace(sealing, envelope=envelope)

    @property
    def signed(self) -> Sealing:
        return self.parties.world.sign([self.sealing], self.signed_with)[0]

    def message(self, offset: int = 0) -> Message:
        """As it stands on `network.submitted`."""
        envelope = self.signed.envelope
        for alter in self.after:
            envelope = alter(envelope)
        where = Position("network.submitted", 0, offset)
        return Message(self.key, envelope.value, {**envelope.headers(), **self.headers}, where, str(where))


def answer(parties: Parties) -> Submission:
    """A response to an inquiry that was permitted: it meets every check that there is."""
    draft = Submission(parties)
    draft.asked = Provision(RECEIVER, SENDER, ASKED, M, D, *about(draft.control), CORE, EXPIRES)
    return draft


def inquiry(parties: Parties) -> Submission:
    """A question about a person whom both sides know."""
    return Submission(parties, {"kind": "inquiry"}, INQUIRY)


def refusal(parties: Parties) -> Submission:
    """An agency's refusal of what it was asked: about nobody."""
    return replace(answer(parties), said={"kind": "refusal"}, business=b"{}")


def _said(kind: str) -> dict[str, Any]:
    replies = {} if kind == "inquiry" else {"in_reply_to": Reply(id=ASKED, message=to_text(M), decision=to_text(D))}
    return {
        "id": "019ab1c2-0000-7000-8000-000000000001",
        "exchange": ASKED,
        "position": 0,
        "kind": kind,
        "sender": SENDER,
        "receiver": RECEIVER,
        "basis": BASIS,
        "item": ITEM,
        "officer": OFFICER if kind == "inquiry" else "auto",
        "created": CREATED,
        "expires": EXPIRES,
        **replies,
    }


def kid(draft: Submission, name: str) -> str:
    return draft.parties.world.keys[name].kid


# — what may be wrong: each changes one thing, and signs again what is signed


def too_large(draft: Submission) -> None:
    draft.headers["subject"] = bytes(2049)


def misspelt(draft: Submission) -> None:
    draft.headers["signature"] = draft.signed.envelope.signature.replace(b",", b", ")


def anothers_record(draft: Submission) -> None:
    draft.key = RECEIVER


def nobodys_key(draft: Submission) -> None:
    draft.seal["sign"] = STRANGER


def signed_with(name: str) -> Callable[[Submission], None]:
    """By the key of that name, and it says so."""

    def spoil(draft: Submission) -> None:
        draft.seal["sign"], draft.signed_with = kid(draft, name), name

    return spoil


def sealed_for(part: str, name: str) -> Callable[[Submission], None]:
    """N names the key of that name as `wrap` or as `hub`."""

    def spoil(draft: Submission) -> None:
        draft.seal[part] = kid(draft, name)

    return spoil


def revoke(name: str) -> Callable[[Any], None]:
    """The directory has the key revoked."""

    def spoil(draft: Any) -> None:
        draft.parties.change_key(name, revoked="2026-11-20T00:00:00.000Z")

    return spoil


def long_wrap(draft: Submission) -> None:
    draft.parts["wrap"] = draft.parties.world.content_keys["wrap"].wrapped + b"\0"


def unpadded(draft: Submission) -> None:
    draft.parts["value"] = bytes(4096 + 17)


def forged(draft: Submission) -> None:
    draft.after.append(lambda envelope: replace(envelope, value=flip(envelope.value)))


def index_beyond_size(draft: Submission) -> None:
    draft.after.append(lambda envelope: changed(envelope, "signature", index=envelope.signs.size))


def path_too_long(draft: Submission) -> None:
    draft.after.append(lambda envelope: changed(envelope, "signature", path=[to_text(bytes(32))]))


def created_ahead(draft: Submission) -> None:
    draft.said["created"] = "2026-11-24T09:05:04.001Z"


def lives_long(draft: Submission) -> None:
    draft.said["expires"] = "2026-12-25T09:00:00.001Z"


def id_used(draft: Submission) -> None:
    place = (SENDER, "permit", SENDER, str(draft.control.id))
    draft.known = Decided(place, bytes(32), "network.submitted/0/99", "permitted", "", EXPIRES)


def somebody_else_in_u(draft: Submission) -> None:
    sealing = draft.sealing
    code = draft.parties.codes.issue(SENDER, CORE + 1).encode()
    box = draft.parties.world.box(
        draft.parties.world.content_keys["hub"], sealing.committed.identity, sealing.committed.subject_salt, code
    )
    draft.parts["subject"] = box


def unopened_u(draft: Submission) -> None:
    draft.parts["subject"] = bytes(32) + draft.sealing.envelope.subject[32:]


def delegated(draft: Submission) -> None:
    draft.said["on_behalf_of"] = "221007"


def unknown_agency(draft: Any) -> None:
    del draft.parties.directory.agencies[RECEIVER]


def unknown_item(draft: Submission) -> None:
    draft.said["item"] = {"name": "income_tax_certificate", "layout": 2}


def unlawful(draft: Submission) -> None:
    draft.said["basis"] = BASIS.model_copy(update={"branch": 99})


def undecidable(draft: Submission) -> None:
    """The line depends on another law."""
    draft.said["basis"] = BASIS.model_copy(update={"row": "31", "branch": 3})


def unassessed(draft: Submission) -> None:
    draft.parties.directory.assessments.clear()


def expired(draft: Submission) -> None:
    draft.said |= {"created": "2026-11-24T08:00:00.000Z", "expires": NOW}


def never_asked(draft: Submission) -> None:
    draft.asked = None


def asked_by_another(draft: Submission) -> None:
    assert draft.asked
    draft.asked = replace(draft.asked, sender="221007")


def of_other_content(draft: Submission) -> None:
    assert draft.asked
    draft.asked = replace(draft.asked, message=bytes(32))


def of_another_decision(draft: Submission) -> None:
    assert draft.asked
    draft.asked = replace(draft.asked, decision=bytes(32))


def of_no_decision(draft: Submission) -> None:
    draft.said["in_reply_to"] = {"id": ASKED, "message": to_text(M)}


def by_another_line(draft: Submission) -> None:
    assert draft.asked
    draft.asked = replace(draft.asked, basis="{}")


def of_another_item(draft: Submission) -> None:
    assert draft.asked
    draft.asked = replace(draft.asked, item="{}")


def about_another(draft: Submission) -> None:
    assert draft.asked
    draft.asked = replace(draft.asked, core=CORE + 1)


def answered_late(draft: Submission) -> None:
    assert draft.asked
    draft.asked = replace(draft.asked, expires=NOW)


def unknown_person(draft: Submission) -> None:
    draft.link_code = b"0" * 32


def never_enrolled(draft: Submission) -> None:
    draft.link_code = draft.parties.codes.issue(SENDER, CORE + 1).encode()


def with_a_person(draft: Submission) -> None:
    draft.parts["subject"] = draft.parties.world.box(draft.parties.world.content_keys["hub"], bytes(32), b"", b"c")


def committed_to_a_person(draft: Submission) -> None:
    draft.seal["hS"] = to_text(bytes(32))


def by_the_hub(draft: Submission) -> None:
    """As if the hub had submitted something to itself."""
    draft.said["sender"] = draft.key = HUB


def no_key_to_seal_for(draft: Submission) -> None:
    for name in ("wrap", "wrap next"):
        draft.parties.change_key(name, until=NOW)


S, R = SecurityCode, RefusalCode
CHAIN: Final[list[Fault[Submission]]] = [
    Fault("hub: sizes", "U over 2 KiB", S.MALFORMED, too_large),
    Fault("hub: shape and spelling", "white space in the signature", S.MALFORMED, misspelt),
    Fault("hub: names", "the record's key is another agency's", S.BAD_SIGNATURE, anothers_record),
    Fault("hub: sign kid", "of nobody", S.UNKNOWN_KEY, nobodys_key),
    Fault("hub: sign kid", "of another purpose", S.UNKNOWN_KEY, signed_with("assertion")),
    Fault("hub: sign kid", "of another agency", S.UNKNOWN_KEY, signed_with("receiver's sign")),
    Fault("hub: sign kid", "ended", S.UNKNOWN_KEY, signed_with("sign ended")),
    Fault("hub: sign kid", "revoked", S.KEY_REVOKED, signed_with("sign revoked")),
    Fault("hub: wrap kid", "of another agency", S.UNKNOWN_KEY, sealed_for("wrap", "sender's wrap")),
    Fault("hub: wrap kid", "of another purpose", S.UNKNOWN_KEY, sealed_for("wrap", "receiver's sign")),
    Fault("hub: wrap kid", "revoked", S.KEY_REVOKED, revoke("wrap")),
    Fault("hub: hub kid", "of the receiver", S.UNKNOWN_KEY, sealed_for("hub", "wrap")),
    Fault("hub: hub kid", "of another purpose", S.UNKNOWN_KEY, sealed_for("hub", "hub's sign")),
    Fault("hub: hub kid", "revoked", S.KEY_REVOKED, revoke("hub")),
    Fault("hub: lengths", "W a byte too long", S.MALFORMED, long_wrap),
    Fault("hub: lengths", "E not padded to a power of two", S.MALFORMED, unpadded),
    Fault("hub: signature", "one bit of E", S.BAD_SIGNATURE, forged),
    Fault("hub: signature", "index beyond size", S.BAD_SIGNATURE, index_beyond_size),
    Fault("hub: signature", "path longer than the RFC's", S.BAD_SIGNATURE, path_too_long),
    Fault("hub: times", "created over five minutes ahead", S.CLOCK_SKEW, created_ahead),
    Fault("hub: times", "lives a millisecond over 31 days", S.CLOCK_SKEW, lives_long),
    Fault("hub: (sender, id)", "other content under the id", S.ID_REUSED, id_used),
    Fault("hub: U", "does not unwrap", S.COMMITMENT_MISMATCH, unopened_u),
    Fault("hub: U", "is about somebody else", S.SUBJECT_MISMATCH, somebody_else_in_u),
    Fault("hub: delegation", "there is none", R.NOT_IN_LAW_TABLE, delegated),
    Fault("hub: agencies", "not in the directory", R.UNKNOWN_AGENCY, unknown_agency),
    Fault("hub: item", "in no catalogue", R.UNKNOWN_ITEM, unknown_item),
    Fault("hub: law table", "no such line", R.NOT_IN_LAW_TABLE, unlawful),
    Fault("hub: law table", "a line that depends on another law", R.CLASS_UNRESOLVED, undecidable),
    Fault("hub: assessment duty", "no assessment", R.ASSESSMENT_MISSING, unassessed),
    Fault("hub: expires", "the very instant", R.EXPIRED, expired),
    Fault("hub: answer's inquiry", "never permitted", R.NOT_IN_LAW_TABLE, never_asked),
    Fault("hub: answer's inquiry", "of another agency", R.NOT_IN_LAW_TABLE, asked_by_another),
    Fault("hub: answer's M and D", "other content", R.NOT_IN_LAW_TABLE, of_other_content),
    Fault("hub: answer's M and D", "another decision", R.NOT_IN_LAW_TABLE, of_another_decision),
    Fault("hub: answer's M and D", "no decision", R.NOT_IN_LAW_TABLE, of_no_decision),
    Fault("hub: answer's basis and item", "another line", R.NOT_IN_LAW_TABLE, by_another_line),
    Fault("hub: answer's basis and item", "another item", R.NOT_IN_LAW_TABLE, of_another_item),
    Fault("hub: answer's person", "another", R.UNKNOWN_PERSON, about_another),
    Fault("hub: answer's time", "the inquiry has expired", R.EXPIRED, answered_late),
    Fault("hub: receiver's key", "all have ended", R.UNKNOWN_AGENCY, no_key_to_seal_for),
]
"""Of an answer, in the order of message.md section 4."""
INQUIRY_FAULTS: Final[list[Fault[Submission]]] = [
    Fault("hub: names", "the sender is the hub", S.BAD_SIGNATURE, by_the_hub),
    Fault("hub: person", "a link code that was never issued", R.UNKNOWN_PERSON, unknown_person),
    Fault("hub: person", "a core id that nobody has", R.UNKNOWN_PERSON, never_enrolled),
    Fault("hub: receiver's key", "all have ended", R.UNKNOWN_AGENCY, no_key_to_seal_for),
]
FACELESS_FAULTS: Final[list[Fault[Submission]]] = [
    Fault("hub: nobody in a refusal", "U is there", S.SUBJECT_MISMATCH, with_a_person),
    Fault("hub: nobody in a refusal", "hS commits to somebody", S.SUBJECT_MISMATCH, committed_to_a_person),
    Fault("hub: hub kid", "of another agency", S.UNKNOWN_KEY, sealed_for("hub", "wrap")),
    Fault("hub: answer's M and D", "other content", R.NOT_IN_LAW_TABLE, of_other_content),
    Fault("hub: answer's M and D", "another decision", R.NOT_IN_LAW_TABLE, of_another_decision),
]
