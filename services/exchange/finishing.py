"""Match an answer to its inquiry and finish the exchange (連携確認: 応答の受取); once, whatever else would end it.

`in_reply_to` must be an open inquiry to this sender with the same exchange, basis, item and person, and the business part
what its kind says; a late or dishonest answer is recorded and completes nothing. A decision point: its content is M, or
of the own side's refusal its bytes. Answers, refusals and deadlines are read by loops of their own: the exchange's row is
locked before anything is decided, so that one of them ends it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from schemas import canonical, proof, topics
from schemas.business import LIMIT, BusinessPartError, check_answer
from schemas.catalogue import Catalogue
from schemas.control import LIMIT as CONTROL_LIMIT
from schemas.control import Control
from schemas.directory import HUB
from schemas.message import Drop, Message, Outcome
from schemas.refusal import Refusal, RefusalPart, SecurityCode, SecurityEvent
from schemas.text import decoded, instant
from schemas.trail import extended
from services.exchange import store
from services.exchange.ending import AnswerKeys, Ending, answering, refusing
from services.exchange.store import Exchange, Standing
from services.runtime import decisions
from services.runtime.clock import Clock
from services.runtime.decisions import Decided, Place
from services.runtime.directory import Directory
from services.runtime.postgres import Database
from services.runtime.records import finding, incident, recorded
from services.runtime.rest import INTERNAL, AtRest

NAME = "exchange"
COMPLETED = "completed"
UNMATCHED = "unmatched"
PERSON = "person"

Step = Literal["finish", "due", "aside"]
"""By what an exchange is ended: what came back, its deadline, or that its request could not be handled."""
NO_NEWS: Final[dict[Step, str]] = {"due": "ended", "aside": "aside"}
"""What is dropped without a record where the exchange has ended already, and as what."""


@dataclass(frozen=True)
class Candidate:
    """A message that may end an exchange of this agency."""

    message: Message
    control: Control
    ending: Ending
    content: bytes
    person: bytes | None
    sound: bool
    """Whether an exchange can end with it at all."""
    step: Step = "finish"

    @property
    def place(self) -> Place:
        return (self.message.key, self.step, self.control.sender, self.control.id)

    @property
    def exchange(self) -> Exchange:
        """The inquiry that it answers."""
        asked = self.control.in_reply_to.id if self.control.in_reply_to else self.control.id
        return (self.message.key, asked)

    def fits(self, asked: Standing | None) -> bool:
        """Open, asked of this sender (the hub may refuse for anybody), same exchange, basis, item and person."""
        control = self.control
        if asked is None or asked.state != "open" or not self.sound or control.exchange != self.exchange[1]:
            return False
        about = (control.basis.encoded().decode(), control.item.encoded().decode())
        sender = control.sender == asked.receiver or (
            control.kind != "response" and control.sender in (HUB, self.message.key)
        )
        return sender and about == (asked.basis, asked.item) and self.person in (None, asked.person)


@dataclass(frozen=True)
class Finisher:
    """What finishing needs."""

    rest: AtRest
    directory: Directory
    catalogue: Catalogue
    database: Database
    clock: Clock

    async def finish(self, candidates: Sequence[Candidate]) -> list[Outcome]:
        """Each exchange ends once; what ends it is emitted again when it comes again, everything else ends here."""
        agencies = {candidate.message.key for candidate in candidates}
        async with self.database.transaction(agencies) as connection:
            asked = await store.standing(connection, {candidate.exchange for candidate in candidates})
            known = await decisions.recall(connection, [candidate.place for candidate in candidates])
            proposals = self._proposals(candidates, known, dict(asked))
            standing = await decisions.settle(connection, proposals)
            now = instant(self.clock())
            first = [
                candidate.ending.finished(now)
                for candidate, proposal, decided in zip(candidates, proposals, standing, strict=True)
                if decided is proposal and decided.verdict == COMPLETED
            ]
            await store.finish(connection, first)
        return [
            outcome
            for candidate, proposal, decided in zip(candidates, proposals, standing, strict=True)
            for outcome in self._outcome(candidate, proposal, decided, asked.get(candidate.exchange))
        ]

    def answer(self, message: Message) -> Candidate:
        """What came in from the other side, opened and verified by the linkage interface."""
        control = message.control
        person = None
        if control.kind == "response":
            subject = self.rest.open(message, "subject")
            person = self.rest.index(message.key, PERSON, subject[1:]) if subject[:1] == INTERNAL else b""
        content, business = proof.read(message.headers["proof"]).identity, self.rest.open(message, "value")
        return Candidate(
            message, control, answering(message, business), content, person, self._is_sound(control, business)
        )

    def refusal(self, message: Message) -> Candidate:
        """What the own side refused on its way out."""
        part = RefusalPart.model_validate_json(message.headers["refusal"])
        return self.own(message, message.headers["control"], Refusal(part.code, part.rule), "finish")

    def own(self, message: Message, control: bytes, refusal: Refusal, step: Step) -> Candidate:
        """The own side's refusal of the inquiry that has this control part."""
        ending = refusing(control, refusal, message, self.rest)
        content = hashlib.sha256(control).digest()
        return Candidate(
            message, decoded(Control, control, CONTROL_LIMIT), ending, content, None, sound=True, step=step
        )

    def _is_sound(self, control: Control, business: bytes) -> bool:
        """A response of the item's layout, or a refusal: the other side signed it, which does not make it one."""
        item = self.catalogue.item(control.item.name, control.item.layout)
        try:
            match control.kind:
                case "response" if item is not None:
                    check_answer(business, item)
                case "refusal":
                    decoded(RefusalPart, business, LIMIT)
                case _:
                    return False
        except (BusinessPartError, canonical.Malformed):
            return False
        return True

    def _proposals(
        self, candidates: Sequence[Candidate], known: dict[Place, Decided], asked: dict[Exchange, Standing]
    ) -> list[Decided]:
        """In order: what ends an exchange leaves nothing for the next message of the batch to end."""
        proposals = []
        for one in candidates:
            proposal = self._proposal(one, known.get(one.place), asked.get(one.exchange))
            if proposal.verdict == COMPLETED:
                asked.pop(one.exchange, None)
            proposals.append(proposal)
        return proposals

    def _proposal(self, candidate: Candidate, known: Decided | None, asked: Standing | None) -> Decided:
        message = candidate.message
        if known is not None and known.source == message.source:
            return known
        verdict = COMPLETED if candidate.fits(asked) else UNMATCHED
        return Decided(candidate.place, candidate.content, message.source, verdict, "", candidate.control.expires)

    def _outcome(
        self, candidate: Candidate, proposal: Decided, standing: Decided, asked: Standing | None
    ) -> list[Outcome]:
        message, relation = candidate.message, decisions.relation(standing, proposal)
        if relation == "reused":
            event = SecurityEvent(SecurityCode.ID_REUSED, "the id was used with other content")
            record = incident(message, NAME, event, self.directory, topics.intermediate_recorded)
            return [Drop(message.position, relation), record]
        if relation == "copy":
            return [Drop(message.position, relation)]
        if (standing.verdict == UNMATCHED or asked is None) and candidate.step in NO_NEWS:
            return [Drop(message.position, NO_NEWS[candidate.step])]
        if standing.verdict == UNMATCHED or asked is None:
            findings = extended(message.headers.get("trail", b""), finding(NAME, UNMATCHED, self.directory))
            return [Drop(message.position, UNMATCHED), recorded(message, topics.intermediate_recorded, findings)]
        findings = extended(message.headers.get("trail", b""), candidate.ending.finding(NAME, self.directory))
        completed = candidate.ending.completed(message, asked.system, AnswerKeys(self.directory, self.clock))
        return [completed, recorded(message, topics.intermediate_recorded, findings)]
