"""Stand-in for the 情報提供ネットワークシステム: verify, check the law table, translate the link code, permit.

A decision point (architecture section 4.2): its content is M, its note the decision D or the rule of a refusal.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from schemas import catalogue, law, topics
from schemas.directory import HUB
from schemas.message import Drop, Emit, Message, Outcome
from schemas.policy import Rules
from schemas.refusal import Refusal, RefusalCode, SecurityCode, SecurityEvent
from schemas.text import instant
from schemas.trail import extended
from schemas.wire.envelope import Envelope
from services.hub import store
from services.hub.checking import Checker
from services.hub.judging import NAME, Judge, Judged, Submitted, forged
from services.hub.link_codes import LinkCodes
from services.hub.permitting import PERMITTED, Granted, Permitter
from services.hub.publishing import Publisher
from services.runtime import decisions
from services.runtime.decisions import Decided
from services.runtime.directory import Directory
from services.runtime.postgres import Database, database
from services.runtime.records import finding, recorded
from services.runtime.service import Environment, Service, Tick
from services.runtime.wrapping import ContentKeys


@dataclass(frozen=True)
class Hub:
    """What judging and permitting need."""

    judge: Judge
    permitter: Permitter
    publisher: Publisher
    database: Database


async def permit(messages: Sequence[Message], hub: Hub) -> list[Outcome]:
    """Every message is permitted for its receiver, or refused to its sender, or is a security event.

    `Unavailable` while its own beat has not come back to it: whatever stands between keeps revocations from it as well."""
    hub.permitter.directory.require_fresh()
    outcomes: list[Outcome] = []
    submitted = list(_submitted(messages, hub, outcomes))
    agencies = {HUB, *(party for one in submitted for party in (one.said.sender, one.said.receiver))}
    async with hub.database.transaction(agencies) as connection:
        judged = await hub.judge.judge(connection, submitted, outcomes)
        standing = await decisions.settle(connection, [one.decided for one in judged])
        first = [one for one, decided in zip(judged, standing, strict=True) if decided is one.decided]
        permitted = [one for one in first if one.provision]
        await store.record(connection, [one.provision for one in permitted if one.provision])
        replies = [(one.submitted.reply_place(), one.submitted.said.id) for one in permitted]
        await store.mark_answered(connection, {place: answer for place, answer in replies if place})
    return outcomes + _leaving(judged, standing, hub.permitter)


async def publish(hub: Hub) -> Sequence[Emit]:
    """The directory's ticker."""
    return await hub.publisher.due()


def _submitted(messages: Sequence[Message], hub: Hub, outcomes: list[Outcome]) -> Iterator[Submitted]:
    """Sizes, shape and spelling."""
    for message in messages:
        try:
            envelope = Envelope.of(message).read()
            yield Submitted(message, envelope, envelope.said)
        except SecurityEvent as event:
            outcomes += forged(message, event, hub.judge.checker.directory)


def _leaving(judged: Sequence[Judged], standing: Sequence[Decided], permitter: Permitter) -> list[Outcome]:
    """What is new, or came again, leaves and is recorded; one signature covers all permits. The rest ends here."""
    outcomes: list[Outcome] = []
    granted: list[tuple[Message, Granted]] = []
    for one, decided in zip(judged, standing, strict=True):
        match decisions.relation(decided, one.decided):
            case "first" | "again":
                _sort(one, decided, permitter, granted, outcomes)
            case "copy":
                outcomes.append(Drop(one.submitted.message.position, "copy"))
            case "reused":
                event = SecurityEvent(SecurityCode.ID_REUSED, "other content under this id")
                outcomes += forged(one.submitted.message, event, permitter.directory)
    for (message, _), envelope in zip(granted, permitter.permit([one for _, one in granted]), strict=True):
        outcomes += [_delivered(message, envelope), _recorded(message, PERMITTED, permitter.directory)]
    return outcomes


def _sort(
    one: Judged,
    decided: Decided,
    permitter: Permitter,
    granted: list[tuple[Message, Granted]],
    outcomes: list[Outcome],
) -> None:
    """What is permitted waits for the batch's signature; a refusal leaves, unless there is nobody who may be told."""
    message, directory = one.submitted.message, permitter.directory
    note = one.noted(decided)
    match permitter.stored(one.submitted.envelope, one.core, decided.verdict, note):
        case Granted() as grant:
            granted.append((message, grant))
        case Envelope() as answer:
            refusal = Refusal(RefusalCode(decided.verdict), note.rule)
            outcomes += [_delivered(message, answer), _recorded(message, refusal, directory)]
        case Refusal() as refusal:
            outcomes += [Drop(message.position, "unanswerable"), _recorded(message, refusal, directory)]


def _recorded(message: Message, outcome: Refusal | str, directory: Directory) -> Emit:
    """Control part and finding, for the hub's log; what else a sender puts into the headers stays out of it."""
    return recorded(message, topics.hub_recorded, extended(b"", finding(NAME, outcome, directory)))


def _delivered(message: Message, envelope: Envelope) -> Emit:
    return message.caused(topics.network_delivered, envelope.value, envelope.headers(), envelope.said.receiver)


@asynccontextmanager
async def open_hub(environment: Environment) -> AsyncIterator[Hub]:
    """The hub's own key ring, its tables, the directory and the rules."""
    keys, directory, clock = environment.keys, environment.directory, environment.clock
    codes = LinkCodes(keys.of(HUB).current("permutation", instant(clock())).secret)
    rules = Rules(law.load_table(), catalogue.load_catalogue())
    permitter = Permitter(keys, directory, codes, ContentKeys(clock), clock)
    async with database(environment) as tables:
        checker = Checker(keys, directory, rules, codes, clock)
        yield Hub(
            Judge(checker, permitter), permitter, Publisher(tables, keys, environment.log, clock, directory), tables
        )


service = Service(
    NAME,
    "outside",
    reads={topics.network_submitted: permit},
    writes=[topics.network_delivered, topics.hub_recorded, topics.directory],
    resources=open_hub,
    ticks=[Tick(1.0, publish)],
    tables=True,
    ring="hub",
    directed=False,
)
