"""What a record inside a block must be before a step looks at it; anything else is a security event and ends there.

Only the block writes its topics. Whoever gets a record in all the same, by a wrong grant or a wrong command, must neither
stop a topic nor end a process: what a step may take for granted is therefore checked, and checked once, here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from schemas import canonical, proof, trail
from schemas.control import FACELESS
from schemas.message import Drop, Message, Outcome
from schemas.refusal import RefusalPart, SecurityCode, SecurityEvent
from schemas.text import decoded
from schemas.topics import Topic
from schemas.wire.envelope import LIMITS, VALUE_LIMIT
from services.runtime.directory import Directory
from services.runtime.errors import Misconfigured
from services.runtime.records import incident
from services.runtime.rest import INTERNAL, LINK, AtRest, Part, Unreadable
from services.runtime.service import Step

Check = Callable[[Message, AtRest | None], None]
"""Raises `SecurityEvent`, `canonical.Malformed`, `Unreadable` or ValueError; looks at the record alone."""
KNOWN: Final = {**LIMITS, "sealed": 64, "trail": trail.LIMIT, "proof": proof.LIMIT, "refusal": 4096, "traceparent": 64}
"""The headers that a block's own records have, each with its limit in bytes."""


@dataclass(frozen=True)
class Entrance:
    """Of one service: its name, what its resources hold, and the ledger that hears of security events, if it writes one."""

    layer: str
    directory: Callable[[Any], Directory] = lambda held: held.directory
    rest: Callable[[Any], AtRest] | None = lambda held: held.rest
    ledger: Topic | None = None

    def before(self, step: Step, *checks: Check) -> Step:
        """The step for those records of a batch that pass; the others end here."""

        async def guarded(messages: Sequence[Message], held: Any) -> Sequence[Outcome]:
            outcomes: list[Outcome] = []
            rest = self.rest(held) if self.rest else None
            known, all_checks = [_known(message) for message in messages], (readable, *checks)
            sound = [message for message in known if self._passes(message, held, all_checks, rest, outcomes)]
            return [*outcomes, *(await step(sound, held) if sound else ())]

        return guarded

    def _passes(
        self, message: Message, held: Any, checks: Sequence[Check], rest: AtRest | None, outcomes: list[Outcome]
    ) -> bool:
        try:
            for check in checks:
                check(message, rest)
        except SecurityEvent as event:
            outcomes += self._ended(message, event, held)
        except (canonical.Malformed, Unreadable, ValueError) as error:
            outcomes += self._ended(message, SecurityEvent(SecurityCode.MALFORMED, f"inside the block: {error}"), held)
        else:
            return True
        return False

    def _ended(self, message: Message, event: SecurityEvent, held: Any) -> list[Outcome]:
        """The record of it names nothing that nobody could read."""
        dropped = Drop(message.position, str(event.code))
        if self.ledger is None:
            return [dropped]
        bare = replace(message, value=b"", headers={}) if event.code == SecurityCode.MALFORMED else message
        return [dropped, incident(bare, self.layer, event, self.directory(held), self.ledger)]


def _known(message: Message) -> Message:
    """A header that nobody here writes is left behind: it would travel on, and grow what is carried beyond its limit."""
    return replace(message, headers={name: data for name, data in message.headers.items() if name in KNOWN})


def readable(message: Message, _: AtRest | None) -> None:
    """Within its limits, control part and trail in their one spelling."""
    if len(message.value) > VALUE_LIMIT or any(len(data) > KNOWN[name] for name, data in message.headers.items()):
        raise canonical.Malformed("the value or a header is over its limit")
    if message.control:
        trail.read(message.headers.get("trail", b""))


def outgoing(message: Message, _: AtRest | None) -> None:
    """On its way out a record belongs to its sender."""
    if message.key != message.control.sender:
        raise canonical.Malformed("the record's key is not the sender")


def incoming(message: Message, _: AtRest | None) -> None:
    """On its way in a record belongs to its receiver."""
    if message.key != message.control.receiver:
        raise SecurityEvent(SecurityCode.WRONG_RECEIVER, "the record's key is another agency's")


def inquiry(message: Message, _: AtRest | None) -> None:
    """Nothing but questions comes this way."""
    if message.control.kind != "inquiry":
        raise canonical.Malformed("expected an inquiry")


def proven(message: Message, _: AtRest | None) -> None:
    """It brings what `crypto` verified."""
    proof.read(message.headers.get("proof", b""))


def refusal(message: Message, rest: AtRest | None) -> None:
    """It brings the own side's refusal, of a message of an agency whose keys are held here."""
    decoded(RefusalPart, message.headers.get("refusal", b""), KNOWN["refusal"])
    if rest is None or rest.keys.get(message.key) is None:
        raise canonical.Malformed("not an agency of this site")


def sealed(message: Message, rest: AtRest | None) -> None:
    """Sealed at rest under a data key of its agency; whom it is about opens, if it is about somebody."""
    _held(message, rest)
    if rest is not None and message.control.kind not in FACELESS:
        subject = rest.open(message, "subject")
        if subject[:1] not in (INTERNAL, LINK):
            raise Unreadable("the subject is neither an internal number nor a link code")


def opens(message: Message, rest: AtRest | None) -> None:
    """What it says opens too."""
    part: Part = "value"
    if rest is not None:
        rest.open(message, part)


def coded(message: Message, rest: AtRest | None) -> None:
    """Whom it is about is named by a link code: no internal number leaves the site."""
    if rest is not None and message.control.kind not in FACELESS and rest.open(message, "subject")[:1] != LINK:
        raise Unreadable("the subject is not a link code: only id_conversion's output may be sealed")


def _held(message: Message, rest: AtRest | None) -> None:
    """A key that was made a moment ago is looked for in its file. A process without any ring is the operator's to mend."""
    if rest is None or rest.holds(message):
        return
    rest.keys.refresh()
    if not list(rest.keys.agencies()):
        raise Misconfigured("no key ring is held here")
    if not rest.holds(message):
        raise canonical.Malformed("not sealed under a data key of an agency of this site")
