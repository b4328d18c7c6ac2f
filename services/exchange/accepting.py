"""Accept an inquiry: once its assertion holds, it is completed, sealed at rest and remembered (連携確認: 照会依頼).

A decision point (architecture section 4.2): its content is an HMAC over the canonical request with its subject, since the
table must not hold what could be guessed; its note holds the times and the rule that it gave.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import structlog

from schemas import topics
from schemas.assertion import BadAssertion
from schemas.catalogue import Catalogue
from schemas.control import LIFETIME, LONGEST_LIFE, Control, Officer, Question
from schemas.message import Drop, Emit, Message, Outcome
from schemas.refusal import Refusal, RefusalCode, SecurityEvent
from schemas.request import Posted, check_assertion, check_keys, posting_system, read_request
from schemas.text import Instant, Record, decoded, instant, later
from schemas.topics import Topic
from schemas.trail import Finding, extended
from services.exchange import store
from services.exchange.ending import AnswerKeys, Ending, refusing, told
from services.exchange.posted import parts
from services.exchange.quota import Quotas, open_quotas
from services.exchange.store import Asked
from services.runtime import decisions
from services.runtime.clock import Clock
from services.runtime.decisions import Decided, Place
from services.runtime.directory import Directory
from services.runtime.metrics import Metrics
from services.runtime.postgres import Connection, Database
from services.runtime.records import finding, recorded
from services.runtime.rest import INTERNAL, AtRest

NAME = "exchange"
ACCEPTED = "accepted"
POST: Final = "post"
"""Header of a record about a post that was dropped, or stood in another partition: its topic, partition and offset."""
MISPLACED: Final = "wrong_partition"
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
    system: str
    """The posting system that signed it."""
    _controls: dict[str, Control] = field(default_factory=dict, compare=False, repr=False)

    def completed(self, decided: Decided) -> Control:
        """The control part as the decision completes it."""
        if decided.note not in self._controls:
            note = decoded(Note, decided.note.encode(), 1024)
            self._controls[decided.note] = self.posted.question.completed(note.created, note.expires)
        return self._controls[decided.note]

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
    metrics: Metrics = field(default_factory=Metrics)
    partition: Callable[[str, Topic], int] | None = None
    """Where producers put records of a key; absent: not looked at."""

    @property
    def answer_keys(self) -> AnswerKeys:
        """To which what is refused here is sealed."""
        return AnswerKeys(self.directory, self.clock)

    async def accept(self, messages: Sequence[Message]) -> list[Outcome]:
        """Every request is accepted, refused, a copy, or a security event."""
        outcomes: list[Outcome] = []
        candidates = self._asserted(messages, outcomes)
        agencies = {candidate.posted.question.sender for candidate in candidates}
        now = instant(self.clock())
        async with self.database.transaction(agencies) as connection:
            quotas = await open_quotas(connection, agencies, self.directory.policies, now)
            known = await decisions.recall(connection, [candidate.place for candidate in candidates])
            staff = await store.known_staff(connection, {_officer(candidate) for candidate in candidates})
            proposals = [
                _again(candidate, known) or self._proposal(candidate, candidate.place not in known, staff, quotas, now)
                for candidate in candidates
            ]
            standing = await decisions.settle(connection, proposals)
            await self._remember(connection, candidates, proposals, standing)
            await quotas.count(connection, _opened(proposals, standing))
        for candidate, proposal, decided in zip(candidates, proposals, standing, strict=True):
            outcomes += self._outcome(candidate, proposal, decided)
        return outcomes

    def _asserted(self, messages: Sequence[Message], outcomes: list[Outcome]) -> list[Candidate]:
        """Until the assertion holds nothing is stored and nothing completed."""
        candidates = []
        for message in messages:
            try:
                candidate = self.candidate(message)
                candidates.append(candidate)
                outcomes += self._misplaced(message)
            except (SecurityEvent, Refusal) as problem:
                outcomes += self._unasserted(message, problem)
        return candidates

    def candidate(self, message: Message) -> Candidate:
        """What was posted, once its assertion holds; else raises `SecurityEvent` or `Refusal`."""
        control, subject, assertion = parts(message)
        posted = read_request(control, subject, message.value)
        check_assertion(posted, assertion, self.directory.key, message.time / 1000)
        if posted.question.sender != message.key:
            raise Refusal(RefusalCode.UNKNOWN_AGENCY, "record key: expected the same code as control.sender")
        if self.rest.keys.get(message.key) is None:
            raise Refusal(RefusalCode.UNKNOWN_AGENCY, "record key: expected an agency of this site")
        return Candidate(message, posted, posting_system(assertion, self.directory.key))

    def _unasserted(self, message: Message, problem: SecurityEvent | Refusal) -> list[Outcome]:
        """Nobody can be told: who posted it is not known. The record says why, without what was posted."""
        code, rule = str(problem.code), problem.detail if isinstance(problem, SecurityEvent) else problem.rule
        if isinstance(problem, BadAssertion):
            self.metrics.assertions.labels(NAME, str(problem.reason)).inc()
        self._tell("post dropped", message, code, rule)
        return [Drop(message.position, code), self._noted(message, finding(NAME, problem, self.directory))]

    def _misplaced(self, message: Message) -> list[Outcome]:
        """Accepted all the same, but recorded: posts of one agency keep their order in their own partition alone."""
        position = message.position
        if self.partition is None or position.topic != topics.outbound_requested.name:
            return []
        expected = self.partition(message.key, topics.outbound_requested)
        if position.partition == expected:
            return []
        rule = f"partition {position.partition}: expected {expected}, by murmur2 of the record key"
        self._tell("post in another partition", message, MISPLACED, rule)
        return [self._noted(message, Finding(layer=NAME, outcome=MISPLACED, rule=rule, edition=self.directory.edition))]

    def _tell(self, event: str, message: Message, code: str, rule: str) -> None:
        """Where it stands and the rule, never what was posted."""
        self.metrics.posts.labels(code).inc()
        structlog.get_logger().warning(event, service=NAME, where=_where(message), code=code, reason=rule)

    def _noted(self, message: Message, found: Finding) -> Emit:
        """The ledger's record of a post, found by its position; under no key that is not an agency's."""
        key = message.key if self.rest.keys.get(message.key) is not None else ""
        bare = Message(key=key, value=b"", headers={}, position=message.position, source=message.source)
        emit = recorded(bare, topics.intermediate_recorded, extended(b"", found))
        headers = {**emit.message.headers, POST: _where(message).encode()}
        return replace(emit, message=replace(emit.message, headers=headers))

    def _proposal(
        self, candidate: Candidate, is_new: bool, staff: set[tuple[str, Officer]], quotas: Quotas, now: str
    ) -> Decided:
        """The decision by what the tables say now; only for a new id does it take of the quota."""
        expires, verdict, rule = later(now, LIFETIME), ACCEPTED, ""
        try:
            expires = _deadline(candidate.posted.question, now)
            self._check(candidate, staff)
            if is_new:
                quotas.take(candidate.place)
        except Refusal as refusal:
            verdict, rule = str(refusal.code), refusal.rule
        note = Note(created=now, expires=expires, rule=rule).encoded().decode()
        return Decided(candidate.place, self.content(candidate), candidate.message.source, verdict, note, expires)

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
        asked = [
            Asked(control_of(candidate, decided), self._person(candidate), candidate.system)
            for candidate, decided in first
        ]
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
        message, control = candidate.message, control_of(candidate, standing).encoded()
        sealed = self.rest.seal(
            message.key, control, {"value": candidate.posted.business, "subject": INTERNAL + candidate.posted.number}
        )
        headers = {"control": control, "subject": sealed["subject"], "sealed": sealed["sealed"]}
        return message.caused(topics.outbound_composed, sealed["value"], headers)

    def _refusal(self, candidate: Candidate, decided: Decided) -> Ending:
        refusal = Refusal(RefusalCode(decided.verdict), decoded(Note, decided.note.encode(), 1024).rule)
        return refusing(control_of(candidate, decided).encoded(), refusal, candidate.message, self.rest)

    def _reused(self, candidate: Candidate, decided: Decided) -> Ending:
        """The request is refused, not the exchange that had the id first: its event has an id and a type of its own."""
        refusal = Refusal(RefusalCode.ID_REUSED, "other content under this id")
        ending = refusing(control_of(candidate, decided).encoded(), refusal, candidate.message, self.rest)
        return ending.of_request(candidate.message)

    def _refused(self, candidate: Candidate, ending: Ending) -> list[Outcome]:
        return told(candidate.message, ending, NAME, candidate.system, self.answer_keys)

    def content(self, candidate: Candidate) -> bytes:
        """What tells this request from another under its id, without saying whom it is about."""
        return self.rest.request(candidate.message.key, candidate.system, candidate.posted.content)

    def _person(self, candidate: Candidate) -> bytes:
        return self.rest.index(candidate.message.key, PERSON, candidate.posted.number)


def _where(message: Message) -> str:
    return message.source or str(message.position)


def _officer(candidate: Candidate) -> tuple[str, Officer]:
    return (candidate.posted.question.sender, candidate.posted.question.officer)


def _again(candidate: Candidate, known: Mapping[Place, Decided]) -> Decided | None:
    """What was decided for this very record, if this is its redelivery."""
    earlier = known.get(candidate.place)
    return earlier if earlier is not None and earlier.source == candidate.message.source else None


def _deadline(question: Question, now: str) -> str:
    """Until when an answer is of use; raises `Refusal` for what cannot be kept, and then the default stands."""
    if question.expires is None:
        return later(now, LIFETIME)
    if question.expires <= now:
        raise Refusal(RefusalCode.EXPIRED, f"expires {question.expires}, accepted {now}")
    if question.expires > later(now, LONGEST_LIFE):
        raise Refusal(RefusalCode.MALFORMED, f"control part: expires at most {LONGEST_LIFE.days} days ahead")
    return question.expires


def _opened(proposals: Sequence[Decided], standing: Sequence[Decided]) -> list[str]:
    """The agency of each inquiry that is opened now."""
    both = zip(proposals, standing, strict=True)
    return [decided.place[0] for proposal, decided in both if decided is proposal and decided.verdict == ACCEPTED]


def control_of(candidate: Candidate, decided: Decided) -> Control:
    """The control part as acceptance completed it."""
    return candidate.completed(decided)
