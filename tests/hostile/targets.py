"""The readers that meet bytes from anywhere, each with what must hold of them.

What is not taken ends in the one error type; what is taken is, written again, the same bytes.
"""

import json
from collections.abc import Callable, Mapping
from typing import Final

from schemas import canonical
from schemas.control import LIMIT, Control
from schemas.message import Message
from schemas.refusal import SecurityEvent
from schemas.text import decoded
from schemas.wire.envelope import LIMITS, VALUE_LIMIT, Envelope

CUT: Final = b"\n\n"
"""Between the parts of an envelope in one input."""


def canonical_reader(data: bytes) -> bool:
    """`canonical.decode`; and what `canonical.read` makes of other valid JSON has a canonical spelling that is read again."""
    try:
        value = canonical.read(data)
    except canonical.Malformed:
        _refuses(data)
        return False
    spelt = canonical.encode(value)
    assert canonical.decode(spelt) == value == json.loads(spelt)
    if spelt != data:
        _refuses(data)
        return False
    return True


def _refuses(data: bytes) -> None:
    """As `decode` must, whatever `read` made of it."""
    try:
        canonical.decode(data)
    except canonical.Malformed:
        return
    raise AssertionError("taken, though it is not the canonical spelling")


def control_part(data: bytes) -> bool:
    """The control part, by pydantic's own parser; the canonical reader agrees about what it takes."""
    try:
        control = decoded(Control, data, LIMIT)
    except canonical.Malformed:
        return False
    assert len(data) <= LIMIT
    assert control.encoded() == data == canonical.encode(canonical.decode(data))
    assert decoded(Control, control.encoded(), LIMIT) == control
    return True


def envelope(data: bytes) -> bool:
    """Limits of all parts, and the four that are JSON."""
    *parts, value = data.split(CUT, len(LIMITS))
    headers = dict(zip(LIMITS, parts, strict=False))
    try:
        read = Envelope.of(Message("221309", value, headers))
    except SecurityEvent:
        assert len(value) > VALUE_LIMIT or any(len(part) > LIMITS[name] for name, part in headers.items())
        return False
    named: Mapping[str, Callable[[], object]] = {
        "control": lambda: read.said.encoded(),
        "seal": lambda: read.seals.encoded(),
        "signature": lambda: read.signs.encoded(),
        "permit": lambda: read.permits.encoded(),
    }
    taken = [_same(parse, headers.get(name, b"")) for name, parse in named.items()]
    if all(taken):
        assert len(read.identity) == len(read.leaf(bytes(32))) == 32
    return any(taken)


def _same(parse: Callable[[], object], data: bytes) -> bool:
    try:
        assert parse() == data
    except SecurityEvent:
        return False
    return True


TARGETS: Final[Mapping[str, Callable[[bytes], bool]]] = {
    "canonical": canonical_reader,
    "control": control_part,
    "envelope": envelope,
}
"""Each says whether it took the input."""
