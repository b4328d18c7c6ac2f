"""What can be done to a sealed record: to its bytes, to the JSON in it, to what belongs together.

Each mutation is a function of chance, the stock of good records, and one record, which it returns altered. None signs.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

from schemas.message import Message
from schemas.wire.envelope import LIMITS, VALUE_LIMIT
from tests.hostile.strange import BYTES, INSTANTS, KEYS, SPELLINGS, STRANGE

JSON_PARTS: Final = ("control", "seal", "signature", "permit")
PARTS: Final = (*LIMITS, "value")


@dataclass(frozen=True)
class Stock:
    """Good records of every kind, direction and stage, and the key ids of every agency and purpose."""

    records: Sequence[Message]
    kids: Sequence[str]


Mutation = Callable[[Random, Stock, Message], Message]


def mixed(chance: Random, stock: Stock, message: Message) -> Message:
    """Some parts are another good record's."""
    other = chance.choice(stock.records)
    return _with(message, {name: part_of(other, name) for name in chance.sample(PARTS, chance.randint(1, 4))})


def shuffled(chance: Random, stock: Stock, message: Message) -> Message:
    """Every part is from some good record."""
    return _with(message, {name: part_of(chance.choice(stock.records), name) for name in PARTS})


def exchanged(chance: Random, stock: Stock, message: Message) -> Message:
    """Two parts of the record stand in each other's place."""
    one, other = chance.sample(PARTS, 2)
    return _with(message, {one: part_of(message, other), other: part_of(message, one)})


def readdressed(chance: Random, stock: Stock, message: Message) -> Message:
    """The record's key is another agency's, or nobody's."""
    return replace(message, key=chance.choice((*KEYS, *(record.key for record in stock.records))))


def truncated(chance: Random, stock: Stock, message: Message) -> Message:
    """A part ends too early, or begins too late."""
    name, data = _some(chance, message)
    cut = chance.randrange(len(data) + 1)
    return _with(message, {name: data[cut:] if chance.random() < 0.3 else data[:cut]})


def lengthened(chance: Random, stock: Stock, message: Message) -> Message:
    """A part holds more than it should, up to far beyond its limit."""
    name, data = _some(chance, message)
    limit = LIMITS.get(name, VALUE_LIMIT if chance.random() < 0.01 else 8_192)
    more = chance.choice((1, 16, 100, limit - len(data), limit - len(data) + 1, 2 * limit))
    return _with(message, {name: data + chance.choice((b"\0", b" ", b"}", data[:1])) * max(1, more)})


def noisy(chance: Random, stock: Stock, message: Message) -> Message:
    """Some bits of a part are flipped."""
    name, data = _some(chance, message)
    altered = bytearray(data)
    for _ in range(chance.randint(1, 16) if data else 0):
        altered[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return _with(message, {name: bytes(altered)})


def replaced(chance: Random, stock: Stock, message: Message) -> Message:
    """A part is something else altogether."""
    name, data = _some(chance, message)
    return _with(message, {name: chance.choice((*BYTES, chance.randbytes(len(data)), chance.randbytes(80)))})


def removed(chance: Random, stock: Stock, message: Message) -> Message:
    """A part is not there."""
    return _with(message, {chance.choice(PARTS): b""})


def altered_field(chance: Random, stock: Stock, message: Message) -> Message:
    """A field of a JSON part holds what it cannot hold, in the canonical spelling if there is one."""
    return _in_json(chance, message, lambda entries, key: entries | {key: chance.choice(STRANGE)})


def counted_field(chance: Random, stock: Stock, message: Message) -> Message:
    """A number is one more or less, a bit of a text is another."""

    def near(entries: dict[str, Any], key: str) -> dict[str, Any]:
        match entries[key]:
            case bool() | None:
                return entries
            case int() as number:
                return entries | {key: number + chance.choice((-1, 1, 256))}
            case str() as text if text:
                place = chance.randrange(len(text))
                return entries | {key: text[:place] + chance.choice("0189AZaz-_.") + text[place + 1 :]}
            case list() as steps if steps:
                return entries | {key: chance.choice((steps[1:], steps[:-1], steps[::-1], [*steps, steps[0]]))}
        return entries

    return _in_json(chance, message, near)


def removed_field(chance: Random, stock: Stock, message: Message) -> Message:
    """A field is not there."""
    return _in_json(chance, message, lambda entries, key: {name: held for name, held in entries.items() if name != key})


def unknown_field(chance: Random, stock: Stock, message: Message) -> Message:
    """There is a field that nobody knows."""
    name = chance.choice(("", "x", "V", "vv", "ｖ", "v\0", "__class__", "zzz"))
    return _in_json(chance, message, lambda entries, key: entries | {name: chance.choice(STRANGE)})


def swapped_field(chance: Random, stock: Stock, message: Message) -> Message:
    """A field is that of another good record, or another field of the same record."""

    def swapped(entries: dict[str, Any], key: str) -> dict[str, Any]:
        other = chance.choice(list(entries)) if chance.random() < 0.3 else key
        theirs = _entries(part_of(chance.choice(stock.records), chance.choice(JSON_PARTS))) or entries
        return entries | {key: theirs.get(other, entries.get(other))}

    return _in_json(chance, message, swapped)


def foreign_kid(chance: Random, stock: Stock, message: Message) -> Message:
    """A key id is that of another agency or purpose, or of a key that has ended or is revoked."""
    name, field = chance.choice(
        (("seal", "sign"), ("seal", "wrap"), ("seal", "hub"), ("permit", "key"), ("permit", "wrap"))
    )
    entries = _entries(part_of(message, name))
    return _with(message, {name: _json(entries | {field: chance.choice(stock.kids)})}) if entries else message


def retimed(chance: Random, stock: Stock, message: Message) -> Message:
    """An instant is another: near the limits of life and clocks, or at the ends of the calendar."""
    name, field = chance.choice((("control", "created"), ("control", "expires"), ("permit", "time")))
    entries = _entries(part_of(message, name))
    return _with(message, {name: _json(entries | {field: chance.choice(INSTANTS)})}) if entries else message


def respelt(chance: Random, stock: Stock, message: Message) -> Message:
    """The same JSON, or nearly, in another spelling."""
    name = chance.choice(JSON_PARTS)
    return _with(message, {name: chance.choice(SPELLINGS)(part_of(message, name))})


MUTATIONS: Final[Mapping[str, Mutation]] = {
    mutation.__name__: mutation
    for mutation in (
        *(mixed, shuffled, exchanged, readdressed, truncated, lengthened, noisy, replaced, removed),
        *(altered_field, counted_field, removed_field, unknown_field, swapped_field, foreign_kid, retimed, respelt),
    )
}


def part_of(message: Message, name: str) -> bytes:
    """A header, or the value; empty where there is none."""
    return message.value if name == "value" else message.headers.get(name, b"")


def _with(message: Message, parts: Mapping[str, bytes]) -> Message:
    headers = {**message.headers, **{name: data for name, data in parts.items() if name != "value"}}
    return replace(message, value=parts.get("value", message.value), headers=headers)


def _some(chance: Random, message: Message) -> tuple[str, bytes]:
    name = chance.choice((*message.headers, "value"))
    return name, part_of(message, name)


def _in_json(chance: Random, message: Message, change: Callable[[dict[str, Any], str], dict[str, Any]]) -> Message:
    """One of the JSON parts, with a field changed at some depth."""
    name = chance.choice(JSON_PARTS)
    entries = _entries(part_of(message, name))
    return _with(message, {name: _json(_changed(chance, entries, change))}) if entries else message


def _changed(
    chance: Random, entries: dict[str, Any], change: Callable[[dict[str, Any], str], dict[str, Any]]
) -> dict[str, Any]:
    key = chance.choice(list(entries))
    inner = entries[key]
    if isinstance(inner, dict) and inner and chance.random() < 0.7:
        return entries | {key: _changed(chance, inner, change)}
    return change(entries, key)


def _entries(data: bytes) -> dict[str, Any]:
    """The object in `data`; empty where there is none, after another mutation say."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _json(entries: dict[str, Any]) -> bytes:
    """As canonical as it can be: sorted and without white space, so that only the field is wrong."""
    text = json.dumps(entries, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")
