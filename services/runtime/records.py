"""What a deciding service tells its block's ledger: control part and trail, never business data."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

from schemas import canonical, topics, trail
from schemas.control import FACELESS
from schemas.message import Drop, Emit, Message, Outcome
from schemas.refusal import Refusal, RefusalCode, SecurityEvent, part_of
from schemas.topics import Topic
from schemas.trail import Finding
from services.runtime.directory import Directory
from services.runtime.service import Step

LONGEST_CONTROL = 16 * 1024


class Directed(Protocol):
    """Resources of a service that works by the directory."""

    @property
    def directory(self) -> Directory: ...


def recorded(message: Message, topic: Topic, findings: bytes) -> Emit:
    """The record of a message with this trail; a control part over its limit is left out, since nobody parsed it."""
    control = message.headers.get("control", b"")
    kept = control if len(control) <= LONGEST_CONTROL else b""
    return message.caused(topic, b"", {"control": kept, "trail": findings})


def refused(
    message: Message, layer: str, refusal: Refusal, directory: Directory, ledger: Topic, back: Topic
) -> list[Emit]:
    """The own side's refusal on the way out: back to the intermediate interface, and recorded."""
    findings = trail.extended(message.headers.get("trail", b""), finding(layer, refusal, directory))
    part = part_of(refusal.code, refusal.rule).encoded()
    return [message.carried(back, refusal=part, trail=b""), recorded(message, ledger, findings)]


def giving_back(layer: str, ledger: Topic) -> Step:
    """The step for messages on their way out that had to be set aside: their askers are told `internal_error`.

    A refusal is never refused: what is wrong with one is the operator's alone."""
    failure = Refusal(RefusalCode.INTERNAL_ERROR, "quarantine")

    async def give_back(messages: Sequence[Message], held: Directed) -> list[Outcome]:
        told: list[Outcome] = []
        for message in messages:
            if message.control.kind in FACELESS:
                told.append(Drop(message.position, "aside"))
            else:
                told += refused(message, layer, failure, held.directory, ledger, topics.outbound_refused)
        return told

    return give_back


def incident(message: Message, layer: str, event: SecurityEvent, directory: Directory, ledger: Topic) -> Emit:
    """A security event: recorded, never answered; the message ends here."""
    earlier = message.headers.get("trail", b"")
    try:
        trail.read(earlier)
    except canonical.Malformed:  # which is what the event may be about
        earlier = b""
    findings = trail.extended(earlier, finding(layer, event, directory))
    return recorded(message, ledger, findings)


def finding(layer: str, outcome: Refusal | SecurityEvent | str, directory: Directory) -> Finding:
    """What a layer found: a refusal, a security event, or the rule that allows."""
    match outcome:
        case Refusal():
            code, rule = str(outcome.code), outcome.rule
        case SecurityEvent():
            code, rule = str(outcome.code), outcome.detail
        case str():
            code, rule = trail.ALLOWED, outcome
    return _finding(layer, code, rule[:256], directory.edition)


@lru_cache(4096)
def _finding(layer: str, outcome: str, rule: str, edition: int) -> Finding:
    return Finding(layer=layer, outcome=outcome, rule=rule, edition=edition)
