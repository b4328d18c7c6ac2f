"""The parts of a post over Kafka: control part, internal number and assertion, as headers or as CloudEvents attributes.

A post that another form of CloudEvents, a wrong prefix or a serialiser has spoilt is refused by the name of its fault, since
nobody but the operator is told: it is not known who posted it.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from schemas.assertion import BadAssertion, Reason
from schemas.message import Message
from schemas.refusal import Refusal, RefusalCode, SecurityEvent

PREFIX: Final = "ce_"
"""Of CloudEvents attributes in binary mode (Kafka protocol binding 1.0.2, section 3.2.3)."""
NAMES: Final = ("control", "subject", "assertion")
MISTAKEN: Final = ("ce_ce_", "ce-", "ce", "cloudEvents_", "cloudEvents:", "X-")
"""Prefixes that producers write instead."""
STRUCTURED: Final = b"application/cloudevents"
LOOKED_AT: Final = 4096
"""Bytes of a value that are searched for the mark of a structured-mode CloudEvent."""


class Parts(NamedTuple):
    """What is taken of a post beside its value; every other header is dropped."""

    control: bytes
    subject: bytes
    assertion: bytes


def parts(message: Message) -> Parts:
    """Each under its own name, else with the prefix; raises `Refusal` (malformed), or `BadAssertion` where there is none."""
    _require_binary(message)
    return Parts(*(_part(message.headers, name) for name in NAMES))


def _require_binary(message: Message) -> None:
    names = {name.lower(): data for name, data in message.headers.items()}
    bare = "control" not in names and f"{PREFIX}control" not in names
    marked = bare and b'"specversion"' in message.value[:LOOKED_AT]
    if names.get("content-type", b"").lower().lstrip(b' "').startswith(STRUCTURED) or marked:
        raise _malformed(
            "structured-mode CloudEvent: expected binary mode, with control, subject and assertion as headers"
        )


def _part(headers: Mapping[str, bytes], name: str) -> bytes:
    found = name if name in headers else f"{PREFIX}{name}"
    data = headers.get(found)
    if data is None:
        raise _missing(headers, name)
    if len(data) > 1 and data.startswith(b'"') and data.endswith(b'"'):
        raise _malformed(f"header {found} is quoted: expected its bytes alone, not a JSON string of them")
    return data


def _missing(headers: Mapping[str, bytes], name: str) -> Refusal | SecurityEvent:
    """The header that was meant, where it is one of the known mistakes; never another's name, which is the producer's."""
    either = f"expected {name} or {PREFIX}{name}"
    for prefix in MISTAKEN:
        if f"{prefix}{name}" in headers:
            return _malformed(f"header {prefix}{name}: {either}")
    if any(given.lower() in (name, f"{PREFIX}{name}") for given in headers):
        return _malformed(f"header {name} is not in lower case: {either}")
    rule = f"header {name} is missing: {either}"
    return BadAssertion(Reason.MISSING, rule) if name == "assertion" else _malformed(rule)


def _malformed(rule: str) -> Refusal:
    return Refusal(RefusalCode.MALFORMED, rule)
