"""One effect for every incoming message: what is new is opened or refused and remembered, a copy or a replay ends here.

A decision point (architecture section 4.2): its content is M, and its note holds SHA-256(D), which of the hub's permits it
came with, and the rule of a refusal.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas import canonical, topics
from schemas.control import FACELESS
from schemas.message import Drop, Emit, Message, Outcome
from schemas.proof import Proof
from schemas.refusal import Refusal, RefusalCode, SecurityCode, SecurityEvent
from schemas.text import Digest, Record, decoded, to_bytes, to_text
from schemas.trail import ALLOWED, extended, read
from schemas.wire.envelope import Envelope
from schemas.wire.sign import permit_leaf
from services.crypto.opening import Opened, Opener
from services.runtime import decisions
from services.runtime.decisions import Decided, Place
from services.runtime.directory import Directory
from services.runtime.postgres import Database
from services.runtime.records import finding, incident, recorded
from services.runtime.refusing import compose
from services.runtime.rest import LINK, AtRest

NAME = "crypto"
OPENED = "opened"


class Note(Record):
    """What is remembered of a message beside its identity: SHA-256(D), the permit's leaf, the rule of a refusal."""

    decision: Digest | None = None
    permit: Digest | None = None
    rule: str = ""


@dataclass(frozen=True)
class Judged:
    """A message whose signature and permit hold: opened, or refused unopened."""

    envelope: Envelope
    proof: Proof
    outcome: Opened | Refusal

    def decided(self, message: Message) -> Decided:
        control, refusal = self.envelope.said, self.outcome if isinstance(self.outcome, Refusal) else None
        rule = refusal.rule if refusal else ""
        note = Note(decision=self.proof.decision, permit=_permit(self.envelope), rule=rule)
        verdict = str(refusal.code) if refusal else OPENED
        return Decided(
            place(message), self.proof.identity, message.source, verdict, note.encoded().decode(), control.expires
        )


@dataclass(frozen=True)
class Receiver:
    """Judges a batch, remembers it in one transaction, and says what leaves for each message."""

    opener: Opener
    rest: AtRest
    directory: Directory
    database: Database

    async def receive(self, messages: Sequence[Message]) -> list[Outcome]:
        """Each is opened, refused, dropped as a copy, or a security event; `Unavailable` while directory or tables are away."""
        readable, outcomes = self._readable(messages)
        async with self.database.transaction({message.key for message in readable}) as connection:
            known = await decisions.recall(connection, map(place, readable))
            judged = []
            for message in readable:
                try:
                    judged.append((message, self.judge(message, known.get(place(message)))))
                except SecurityEvent as event:
                    outcomes += self._incident(message, event)
            proposals = [judgement.decided(message) for message, judgement in judged]
            standing = await decisions.settle(connection, proposals)
        for (message, judgement), proposal, decided in zip(judged, proposals, standing, strict=True):
            outcomes += self._outcome(message, judgement, proposal, decided)
        return outcomes

    def _readable(self, messages: Sequence[Message]) -> tuple[list[Message], list[Outcome]]:
        readable: list[Message] = []
        outcomes: list[Outcome] = []
        for message in messages:
            try:
                place(message)
                readable.append(message)
            except canonical.Malformed as error:
                outcomes += self._incident(message, SecurityEvent(SecurityCode.MALFORMED, f"control part: {error}"))
        return readable, outcomes

    def judge(self, message: Message, known: Decided | None) -> Judged:
        """All checks in their order; of a message that was decided before under this source, the same decision again."""
        if known is not None and known.source == message.source:
            return self._again(message, known)
        envelope, proof = self.opener.verify(message)
        try:
            self._allowed(message, envelope)
        except Refusal as refusal:
            return Judged(envelope, proof, refusal)
        return Judged(envelope, proof, self.opener.open(envelope, proof))

    def _allowed(self, message: Message, envelope: Envelope) -> None:
        """Expired, judged as forbidden by authorization, or too many unwraps: refused here, unopened."""
        if envelope.said.kind in FACELESS:
            return
        self.opener.expired(envelope.said)
        verdict = read(message.headers.get("trail", b"")).verdict("authorization")
        if verdict is None:
            raise Refusal(RefusalCode.INTERNAL_ERROR, "no verdict of authorization")
        if verdict.outcome != ALLOWED:
            raise Refusal(RefusalCode(verdict.outcome), verdict.rule)
        self.opener.admit(envelope)

    def _again(self, message: Message, known: Decided) -> Judged:
        """A redelivery: the stored outcome, whatever time, keys and rules say now; of this content and person and no other.

        M and D bind both, so that what is opened is what was verified, although no signature is looked at again."""
        envelope, note = Envelope.of(message), _noted(known)
        if envelope.identity != known.digest:
            raise SecurityEvent(SecurityCode.ID_REUSED, "other content under the source of a message that was decided")
        if (to_text(envelope.decided) if envelope.permit else None) != note.decision:
            raise SecurityEvent(
                SecurityCode.BAD_PERMIT, "another decision under the source of a message that was decided"
            )
        time = envelope.permits.time if envelope.permit else envelope.said.created
        proof = Proof(message=to_text(known.digest), decision=note.decision, time=time)
        if known.verdict != OPENED:
            return Judged(envelope, proof, Refusal(RefusalCode(known.verdict), note.rule))
        return Judged(envelope, proof, self.opener.open(envelope, proof))

    def _outcome(self, message: Message, judged: Judged, proposal: Decided, standing: Decided) -> list[Outcome]:
        match decisions.relation(standing, proposal):
            case "first" | "again":
                return self._leaving(message, judged)
            case "copy":
                return self._again_from_elsewhere(message, _noted(standing), _noted(proposal))
        return self._incident(message, SecurityEvent(SecurityCode.ID_REUSED, "the id was used with other content"))

    def _again_from_elsewhere(self, message: Message, standing: Note, copy: Note) -> list[Outcome]:
        """The hub permits anew whatever it sends again, so the very permit from another source is no redelivery of its."""
        if standing.decision != copy.decision:
            return self._incident(message, SecurityEvent(SecurityCode.BAD_PERMIT, "a second decision for one message"))
        if copy.permit is not None and standing.permit == copy.permit:
            return self._incident(message, SecurityEvent(SecurityCode.REPLAYED, "the very record came before"))
        return [Drop(message.position, "copy")]

    def _leaving(self, message: Message, judged: Judged) -> list[Outcome]:
        if isinstance(judged.outcome, Refusal):
            findings = extended(message.headers.get("trail", b""), finding(NAME, judged.outcome, self.directory))
            composed = compose(message, judged.proof, judged.outcome, self.rest, topics.outbound_authorized)
            return [composed, recorded(message, topics.linkage_recorded, findings)]
        findings = extended(message.headers.get("trail", b""), finding(NAME, OPENED, self.directory))
        opened = self._opened(message, judged.outcome)
        return [opened, recorded(message, topics.linkage_recorded, findings)]

    def _opened(self, message: Message, opened: Opened) -> Emit:
        control = message.headers["control"]
        subject = LINK + opened.link_code if opened.link_code else b""
        sealed = self.rest.seal(message.key, control, {"value": opened.business, "subject": subject})
        headers = {
            "control": control,
            "subject": sealed["subject"] if subject else b"",
            "sealed": sealed["sealed"],
            "proof": opened.proof.encoded(),
        }
        return message.caused(topics.inbound_opened, sealed["value"], headers)

    def _incident(self, message: Message, event: SecurityEvent) -> list[Outcome]:
        record = incident(message, NAME, event, self.directory, topics.linkage_recorded)
        return [Drop(message.position, event.code), record]


def _noted(decided: Decided) -> Note:
    return decoded(Note, decided.note.encode(), 1024)


def _permit(envelope: Envelope) -> str | None:
    """pl, which names one sending of the hub's without its signature, by the nonce under which it sealed the subject.

    None without a subject: the hub may permit a refusal twice within one millisecond, and nothing tells the two apart."""
    if not envelope.subject:
        return None
    permit = envelope.permits
    leaf = envelope.leaf(to_bytes(permit.subject))
    return to_text(permit_leaf(permit, leaf, envelope.subject_digest))


def place(message: Message) -> Place:
    """Where the message is remembered: (receiver, step, sender, id)."""
    return (message.key, "open", message.control.sender, message.control.id)
