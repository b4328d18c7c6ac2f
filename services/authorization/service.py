"""May this agency ask that agency for this item, for these affairs, by an officer of this role? (認証・認可)"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from schemas import canonical, catalogue, law, topics
from schemas.control import FACELESS
from schemas.directory import HUB
from schemas.message import Drop, Emit, Message, Outcome
from schemas.policy import Rules, judge
from schemas.refusal import Refusal, SecurityCode, SecurityEvent
from schemas.topics import Topic
from schemas.trail import Finding, extended
from services.runtime.directory import Directory
from services.runtime.ignoring import Incident
from services.runtime.log import Log
from services.runtime.records import finding, giving_back, incident, recorded, refused
from services.runtime.service import Environment, Service, Tick

NAME = "authorization"


@dataclass(frozen=True)
class Policy:
    """チェックポリシー: the directory's records, the law table and the catalogue, as a table in memory."""

    directory: Directory
    rules: Rules
    log: Log

    def finding(self, message: Message) -> Finding:
        """By which rule a message is allowed; raises `Refusal` with the rule that forbids it."""
        return finding(NAME, judge(message.control, self.directory, self.rules), self.directory)


async def check_outbound(messages: Sequence[Message], policy: Policy) -> list[Outcome]:
    """Every message leaves with the law row that allows it, or is refused with the rule that forbids it."""
    return [outcome for message in messages for outcome in _outbound(message, policy)]


async def check_inbound(messages: Sequence[Message], policy: Policy) -> list[Outcome]:
    """Every message is carried on with its verdict: only `crypto` can say whether a refusal may be answered."""
    return [outcome for message in messages for outcome in _inbound(message, policy)]


async def record_ignored(policy: Policy) -> list[Emit]:
    """Every record that the directory's table did not take is told to the ledger; forgotten only once that is acknowledged.

    After a restart it is met and told again: what is told names its place in the log, so that a repeat is known as one."""
    waiting = list(policy.directory.ignoring.waiting)
    if waiting:
        await policy.log.publish([(topics.linkage_recorded, _ignored(one, policy.directory)) for one in waiting])
        policy.directory.ignoring.done(waiting)
    return []


def _ignored(one: Incident, directory: Directory) -> Message:
    """On the side of the agency that it claims to be of, where there is one; of what it said nothing is repeated."""
    agency = one.agency if one.agency in directory.agencies else HUB
    record = Message(key=agency, value=b"", headers={}, position=one.position)
    found = finding("directory", SecurityEvent(one.code, f"{one.reason}: {one.position}"), directory)
    return recorded(record, topics.linkage_recorded, extended(b"", found)).message


def _outbound(message: Message, policy: Policy) -> list[Outcome]:
    if message.control.kind in FACELESS:  # a refusal is never refused
        return [message.carried(topics.outbound_authorized)]
    try:
        return [_judged(message, policy.finding(message), topics.outbound_authorized)]
    except Refusal as refusal:
        return [*refused(message, NAME, refusal, policy.directory, topics.linkage_recorded, topics.outbound_refused)]


def _inbound(message: Message, policy: Policy) -> list[Outcome]:
    try:
        return [_judged(message, _verdict(message, policy), topics.inbound_authorized)]
    except SecurityEvent as event:
        record = incident(message, NAME, event, policy.directory, topics.linkage_recorded)
        return [Drop(message.position, event.code), record]


def _verdict(message: Message, policy: Policy) -> Finding:
    try:
        control = message.control
    except canonical.Malformed as error:
        raise SecurityEvent(SecurityCode.MALFORMED, f"control part: {error}") from None
    if control.receiver != message.key:
        raise SecurityEvent(SecurityCode.WRONG_RECEIVER, "the record's key is another agency's")
    if control.kind in FACELESS:
        return finding(NAME, "a refusal is never refused", policy.directory)
    try:
        return policy.finding(message)
    except Refusal as refusal:
        return finding(NAME, refusal, policy.directory)


def _judged(message: Message, verdict: Finding, topic: Topic) -> Emit:
    return message.carried(topic, trail=extended(message.headers.get("trail", b""), verdict))


@asynccontextmanager
async def open_policy(environment: Environment) -> AsyncIterator[Policy]:
    """No keys, no database: what is judged by is public inside the site."""
    yield Policy(environment.directory, Rules(law.load_table(), catalogue.load_catalogue()), environment.log)


service = Service(
    NAME,
    "linkage",
    reads={topics.outbound_coded: check_outbound, topics.inbound_sealed: check_inbound},
    writes=[topics.outbound_authorized, topics.inbound_authorized, topics.outbound_refused, topics.linkage_recorded],
    aside={topics.outbound_coded: giving_back(NAME, topics.linkage_recorded)},
    resources=open_policy,
    ticks=[Tick(1.0, record_ignored)],
)
