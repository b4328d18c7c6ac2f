"""An inquiry comes in: once in effect it becomes a case, and its keys go to the reference database.

A decision point (architecture section 4.2): its content is M. It is the intermediate interface's composer of refusals.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas import proof, topics
from schemas.business import BusinessPartError, check_inquiry
from schemas.catalogue import Catalogue
from schemas.message import Drop, Message, Outcome
from schemas.refusal import Refusal, RefusalCode, SecurityCode, SecurityEvent
from schemas.text import instant
from schemas.trail import ALLOWED, extended, read
from services.routing import store
from services.runtime import decisions
from services.runtime.clock import Clock
from services.runtime.decisions import Decided, Place
from services.runtime.directory import Directory
from services.runtime.postgres import Database
from services.runtime.records import finding, incident, recorded
from services.runtime.refusing import compose
from services.runtime.rest import AtRest

NAME = "routing"
ASKED = "asked"


@dataclass(frozen=True)
class Asker:
    """What taking an inquiry needs."""

    rest: AtRest
    directory: Directory
    catalogue: Catalogue
    database: Database
    clock: Clock

    async def ask(self, messages: Sequence[Message]) -> list[Outcome]:
        """Every inquiry becomes a case, is refused, is a copy, or reuses an id."""
        async with self.database.transaction({message.key for message in messages}) as connection:
            known = await decisions.recall(connection, map(_place, messages))
            proposals = [self._proposal(message, known.get(_place(message))) for message in messages]
            standing = await decisions.settle(connection, proposals)
            now = instant(self.clock())
            await store.open_cases(
                connection,
                [
                    (message, now)
                    for message, proposal, decided in zip(messages, proposals, standing, strict=True)
                    if decided is proposal and decided.verdict == ASKED
                ],
            )
        return [
            outcome
            for message, proposal, decided in zip(messages, proposals, standing, strict=True)
            for outcome in self._outcome(message, proposal, decided)
        ]

    def refuse(self, messages: Sequence[Message]) -> list[Outcome]:
        """Inquiries that had to be set aside: their askers are told."""
        refusal = Refusal(RefusalCode.INTERNAL_ERROR, "quarantine")
        return [outcome for message in messages for outcome in self._refused(message, refusal)]

    def _proposal(self, message: Message, known: Decided | None) -> Decided:
        if known is not None and known.source == message.source:
            return known
        verdict, rule = ASKED, ""
        try:
            self._check(message)
        except Refusal as refusal:
            verdict, rule = str(refusal.code), refusal.rule
        identity = proof.read(message.headers["proof"]).identity
        return Decided(_place(message), identity, message.source, verdict, rule, message.control.expires)

    def _check(self, message: Message) -> None:
        verdict = read(message.headers.get("trail", b"")).verdict("id_conversion")
        if verdict is not None and verdict.outcome != ALLOWED:
            raise Refusal(RefusalCode(verdict.outcome), verdict.rule)
        item = message.control.item
        if self.catalogue.item(item.name, item.layout) is None:
            raise Refusal(RefusalCode.UNKNOWN_ITEM, "catalogue")
        try:
            check_inquiry(self.rest.open(message, "value"))
        except BusinessPartError as error:
            raise Refusal(RefusalCode.MALFORMED, f"business part: {error}") from None

    def _outcome(self, message: Message, proposal: Decided, standing: Decided) -> list[Outcome]:
        match decisions.relation(standing, proposal):
            case "first" | "again" if standing.verdict == ASKED:
                return [message.carried(topics.reference_requested)]
            case "first" | "again":
                return self._refused(message, Refusal(RefusalCode(standing.verdict), standing.note))
            case "copy":
                return [Drop(message.position, "copy")]
        event = SecurityEvent(SecurityCode.ID_REUSED, "the id was used with other content")
        return [
            Drop(message.position, "reused"),
            incident(message, NAME, event, self.directory, topics.intermediate_recorded),
        ]

    def _refused(self, message: Message, refusal: Refusal) -> list[Outcome]:
        findings = extended(message.headers.get("trail", b""), finding(NAME, refusal, self.directory))
        composed = compose(message, proof.read(message.headers["proof"]), refusal, self.rest, topics.outbound_composed)
        return [composed, recorded(message, topics.intermediate_recorded, findings)]


def _place(message: Message) -> Place:
    return (message.key, "ask", message.control.sender, message.control.id)
