"""Accept an inquiry: once its assertion holds, it is completed, sealed at rest and remembered (連携確認: 照会依頼).

A decision point (architecture section 4.2): its content is an HMAC over the canonical request with its subject, since the
table must not hold what could be guessed; its note holds the times and the rule that it gave.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from schemas import topics
from schemas.catalogue import Catalogue
from schemas.control import LIFETIME, Control, Officer
from schemas.message import Drop, Emit, Message, Outcome
from schemas.refusal import Refusal, RefusalCode, SecurityEvent
from schemas.request import Posted, check_assertion, check_keys, read_request
from schemas.text import Instant, Record, decoded, instant, later
from schemas.trail import extended
from services.exchange import store
from services.exchange.ending import Ending, refusing
from services.exchange.store import Asked
from services.runtime import decisions
from services.runtime.clock import Clock
from services.runtime.decisions import Decided, Place
from services.runtime.directory import Directory
from services.runtime.postgres import Connection, Database
from services.runtime.records import finding, incident, recorded
from services.runtime.rest import INTERNAL, AtRest

NAME = "exchange"
ACCEPTED = "accepted"
PERSON = "person"
"""Kind of the look-up value by which an answer is compared with its inquiry."""


class Note(Record):
    """What acceptance gave: the times of the control part, or the rule of a refusal."""

    created: Instant
    expires: Instant
    rule: str = ""


@dataclass(frozen=True)
class Candidate:
    """A request whose assertion holds."""

    message: Message
    posted: Posted

    @property
    def place(self) -> Place:
        question = self.posted.question
        return (question.sender, "accept", question.sender, question.id)


@dataclass(frozen=True)
class Accepter:
    """What accepting needs."""

    rest: AtRest
    directory: Directory
    catalogue: Catalogue
    database: Database
    clock: Clock

    async def accept(self, messages: Sequence[Message]) -> list[Outcome]:
        """Every request is accepted, refused, a copy, or a security event."""
        outcomes: list[Outcome] = []
        candidates = self._asserted(messages, outcomes)
        agencies = {candidate.posted.question.sender for candidate in candidates}
        async with self.database.transaction(agencies) as connection:
            known = await decisions.recall(connection, [candidate.place for candidate in candidates])
            staff = await store.known_staff(connection, {_officer(candidate) for candidate in candidates})
            proposals = [self._proposal(candidate, known, staff) for candidate in candidates]
            standing = await decisions.settle(connection, proposals)
            await self._remember(connection, candidates, proposals, standing)
        for candidate, proposal, decided in zip(candidates, proposals, standing, strict=True):
            outcomes += self._outcome(candidate, proposal, decided)
        return outcomes

    def _asserted(self, messages: Sequence[Message], outcomes: list[Outcome]) -> list[Candidate]:
        """Until the assertion holds nothing is stored and nothing completed."""
        candidates = []
        for message in messages:
            try:
                candidates.append(self._candidate(message))
            except (SecurityEvent, Refusal) as problem:
                outcomes += self._unasserted(message, problem)
        return candidates

    def _candidate(self, message: Message) -> Candidate:
        headers = message.headers
        posted = read_request(headers.get("control", b""), headers.get("subject", b""), message.value)
        check_assertion(posted, headers.get("assertion", b""), self.directory.key, message.time / 1000)
        if posted.question.sender != message.key or self.rest.keys.get(message.key) is None:
            raise Refusal(
                RefusalCode.UNKNOWN_AGENCY, "the record's key is not the sender, or not an agency of this site"
            )
        return Candidate(message, posted)

    def _unasserted(self, message: Message, problem: SecurityEvent | Refusal) -> list[Outcome]:
        """Nobody can be told: who posted it is not known. The record says why, without what was posted."""
        bare = Message(key=message.key, value=b"", headers={}, position=message.position, source=message.source)
        if isinstance(problem, SecurityEvent):
            record = incident(bare, NAME, problem, self.directory, topics.intermediate_recorded)
        else:
            findings = extended(b"", finding(NAME, problem, self.directory))
            record = recorded(bare, topics.intermediate_recorded, findings)
        return [Drop(message.position, str(problem.code)), record]

    def _proposal(self, candidate: Candidate, known: dict[Place, Decided], staff: set[tuple[str, Officer]]) -> Decided:
        """The decision: by what the tables say now, or the stored one if this is its redelivery."""
        earlier = known.get(candidate.place)
        if earlier is not None and earlier.source == candidate.message.source:
            return earlier
        created = instant(self.clock())
        expires, verdict, rule = later(created, LIFETIME), ACCEPTED, ""
        try:
            self._check(candidate, staff)
        except Refusal as refusal:
            verdict, rule = str(refusal.code), refusal.rule
        note = Note(created=created, expires=expires, rule=rule).encoded().decode()
        return Decided(candidate.place, self._content(candidate), candidate.message.source, verdict, note, expires)

    def _check(self, candidate: Candidate, staff: set[tuple[str, Officer]]) -> None:
        question = candidate.posted.question
        if self.catalogue.item(question.item.name, question.item.layout) is None:
            raise Refusal(RefusalCode.UNKNOWN_ITEM, "catalogue")
        check_keys(candidate.posted)
        if question.receiver == question.sender or question.receiver not in self.directory.agencies:
            raise Refusal(RefusalCode.UNKNOWN_AGENCY, "directory: receiver")
        if _officer(candidate) not in staff:
            raise Refusal(RefusalCode.OFFICER_UNKNOWN, "staff list of the agency")

    async def _remember(
        self,
        connection: Connection,
        candidates: Sequence[Candidate],
        proposals: Sequence[Decided],
        standing: Sequence[Decided],
    ) -> None:
        """An exchange for each first request; one that is refused here is finished at once."""
        first = [
            (candidate, decided)
            for candidate, proposal, decided in zip(candidates, proposals, standing, strict=True)
            if decided is proposal
        ]
        asked = [Asked(_control(candidate, decided), self._person(candidate)) for candidate, decided in first]
        await store.open_exchanges(connection, asked)
        refused = [self._refusal(candidate, decided) for candidate, decided in first if decided.verdict != ACCEPTED]
        await store.finish(connection, [ending.finished(instant(self.clock())) for ending in refused])

    def _outcome(self, candidate: Candidate, proposal: Decided, standing: Decided) -> list[Outcome]:
        match decisions.relation(standing, proposal):
            case "first" | "again" if standing.verdict == ACCEPTED:
                return [self._composed(candidate, standing)]
            case "first" | "again":
                return self._refused(candidate, self._refusal(candidate, standing))
            case "copy":
                return [Drop(candidate.message.position, "copy")]
        return self._refused(candidate, self._reused(candidate, standing))

    def _composed(self, candidate: Candidate, standing: Decided) -> Emit:
        """The message as it leaves: complete, sealed at rest, with no header but what the exchange itself made."""
        message, control = candidate.message, _control(candidate, standing).encoded()
        sealed = self.rest.seal(
            message.key, control, {"value": candidate.posted.business, "subject": INTERNAL + candidate.posted.number}
        )
        headers = {"control": control, "subject": sealed["subject"], "sealed": sealed["sealed"]}
        return message.caused(topics.outbound_composed, sealed["value"], headers)

    def _refusal(self, candidate: Candidate, decided: Decided) -> Ending:
        refusal = Refusal(RefusalCode(decided.verdict), decoded(Note, decided.note.encode(), 1024).rule)
        return refusing(_control(candidate, decided).encoded(), refusal, candidate.message, self.rest)

    def _reused(self, candidate: Candidate, decided: Decided) -> Ending:
        """The request is refused, not the exchange that had the id first: its event has an id and a type of its own."""
        refusal = Refusal(RefusalCode.ID_REUSED, "other content under this id")
        ending = refusing(_control(candidate, decided).encoded(), refusal, candidate.message, self.rest)
        return replace(ending, request=f"{ending.exchange}/{candidate.message.source}")

    def _refused(self, candidate: Candidate, ending: Ending) -> list[Outcome]:
        findings = extended(b"", ending.finding(NAME, self.directory))
        message = replace(candidate.message, value=b"", headers={"control": ending.control})
        return [ending.completed(message), recorded(message, topics.intermediate_recorded, findings)]

    def _content(self, candidate: Candidate) -> bytes:
        return self.rest.request(candidate.message.key, candidate.posted.content)

    def _person(self, candidate: Candidate) -> bytes:
        return self.rest.index(candidate.message.key, PERSON, candidate.posted.number)


def _officer(candidate: Candidate) -> tuple[str, Officer]:
    return (candidate.posted.question.sender, candidate.posted.question.officer)


def _control(candidate: Candidate, decided: Decided) -> Control:
    note = decoded(Note, decided.note.encode(), 1024)
    return candidate.posted.question.completed(note.created, note.expires)
