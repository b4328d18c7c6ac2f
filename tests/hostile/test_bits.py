"""Every single bit of a sealed message, flipped: nothing passes, nothing is opened, and nothing else goes wrong.

All of control part, seal, wrap, subject, signature, permit, value and the record's key is covered by a signature or is
one, so there is no bit whose flip says the same: E, W, N, C and U stand in the sender's leaf, D, U' and the permit's own
fields in the hub's, and of S and P there is one spelling each (base64url without stray bits, Ed25519 as libsodium takes
it). What may change is what is not part of the message, such as the trace context.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from schemas.message import Message
from schemas.refusal import Refusal, SecurityEvent
from schemas.wire import suites
from tests.hostile.parties import Hub, Parties, Receiver

Take = Callable[[Message], Any]
TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SPECIMENS = [
    pytest.param("hub", "inquiry", id="inquiry, submitted"),
    pytest.param("hub", "response", id="response, submitted"),
    pytest.param("receiver", "inquiry", id="inquiry, delivered"),
    pytest.param("receiver", "response", id="response, delivered"),
    pytest.param("receiver", "the hub's refusal", id="refusal of the hub, delivered"),
]


@cache
def parties() -> Parties:
    return Parties()


def specimen(at: str, kind: str) -> tuple[Hub | Receiver, Message]:
    """Who judges, and a good message; nothing of it is known yet."""
    party = parties().hub() if at == "hub" else parties().receiver()
    if kind == "the hub's refusal":
        return party, parties().refused
    sent = parties().one(kind)
    return party, sent.submitted if at == "hub" else sent.delivered


def flipped(message: Message) -> Iterator[tuple[str, Message]]:
    """Each with one bit changed in the value, in a header or in the key, and where."""
    for bit, value in _flips(message.value):
        yield f"value, bit {bit}", replace(message, value=value)
    for name, data in message.headers.items():
        for bit, part in _flips(data):
            yield f"{name}, bit {bit}", replace(message, headers={**message.headers, name: part})
    for bit, key in _flips(message.key.encode()):  # as the log's reader has a key that is not UTF-8
        yield f"key, bit {bit}", replace(message, key=key.decode("utf-8", "replace"))


def _flips(data: bytes) -> Iterator[tuple[int, bytes]]:
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        yield bit, bytes(changed)


@pytest.fixture
def unwraps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often a content key is unwrapped: without that nothing can be opened."""
    counted: list[int] = []
    unwrap = suites.decapsulate

    def counting(*args: Any) -> bytes:
        counted.append(1)
        return unwrap(*args)

    monkeypatch.setattr(suites, "decapsulate", counting)
    return counted


@pytest.mark.parametrize(("at", "kind"), SPECIMENS)
def test_no_bit_can_be_flipped(at: str, kind: str, unwraps: list[int]) -> None:
    """Refused, each of them, before any key is unwrapped, though the good message's roots are remembered."""
    party, message = specimen(at, kind)
    verify: Take = party.verify if isinstance(party, Hub) else party.opener.verify
    verify(message)
    bits, passed = 0, []
    for where, altered in flipped(message):
        bits += 1
        try:
            party.take(altered)
        except (SecurityEvent, Refusal):
            continue
        passed.append(where)
    assert passed == []
    assert bits == 8 * (len(message.value) + sum(map(len, message.headers.values())) + len(message.key))
    assert unwraps == []


@pytest.mark.parametrize(("at", "kind"), SPECIMENS)
def test_a_header_is_there_or_the_message_is_refused(at: str, kind: str) -> None:
    """Without any one of its headers, under a name that differs in a letter, and with nothing in it."""
    party, message = specimen(at, kind)
    party.take(message)
    for name, data in message.headers.items():
        rest = {other: part for other, part in message.headers.items() if other != name}
        for headers in (rest, rest | {name.upper(): data}, rest | {name: b""}):
            with pytest.raises((SecurityEvent, Refusal)):
                party.take(replace(message, headers=headers))


@pytest.mark.parametrize(("at", "kind"), SPECIMENS)
def test_the_trace_context_is_no_part_of_the_message(at: str, kind: str) -> None:
    """Whatever stands in a header that nobody signs, what is taken is the same."""
    party, message = specimen(at, kind)
    taken = party.take(message)
    for _, trace in _flips(TRACE):
        assert party.take(replace(message, headers={**message.headers, "traceparent": trace})) == taken
