"""What a deciding service tells its block's ledger: control part and trail, never business data."""

from schemas import canonical, trail
from schemas.control import FACELESS
from schemas.message import Drop, Emit, Message, Outcome
from schemas.refusal import Refusal, RefusalCode, SecurityEvent, part_of
from schemas.topics import Topic
from schemas.trail import Finding
from services.runtime.directory import Directory

LONGEST_CONTROL = 16 * 1024


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


def set_aside(message: Message, layer: str, directory: Directory, ledger: Topic, back: Topic) -> list[Outcome]:
    """What becomes of a message on its way out that had to be set aside: its asker is told `internal_error`.

    A refusal is never refused: what is wrong with one is the operator's alone."""
    if message.control.kind in FACELESS:
        return [Drop(message.position, "aside")]
    return [*refused(message, layer, Refusal(RefusalCode.INTERNAL_ERROR, "quarantine"), directory, ledger, back)]


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
    return Finding(layer=layer, outcome=code, rule=rule[:256], edition=directory.edition)
