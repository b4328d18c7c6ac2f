"""What passes the entrance of a step inside a block, and how everything else ends there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from schemas import topics
from schemas.message import Drop, Emit, Message, Outcome, Position
from schemas.refusal import SecurityCode
from schemas.trail import Trail, read
from services.runtime.chain import _restored
from services.runtime.directory import Directory
from services.runtime.entrance import KNOWN, Check, Entrance, incoming, inquiry, opens, outgoing, sealed
from services.runtime.errors import Misconfigured
from services.runtime.keys import KeyRings
from services.runtime.rest import LINK, AtRest
from tests.hostile.parties import Parties

PARTIES = Parties()
INQUIRY = PARTIES.one("inquiry").draft.control
AT = Position("outbound.coded", 3, 17)


@dataclass(frozen=True)
class Held:
    """What a service's resources hold."""

    rest: AtRest
    directory: Directory


HELD = Held(AtRest(PARTIES.rings(), PARTIES.clock), PARTIES.directory())


def good() -> Message:
    control = INQUIRY.encoded()
    parts = HELD.rest.seal(INQUIRY.sender, control, {"value": b"{}", "subject": LINK + b"code"})
    headers = {"control": control, "subject": parts["subject"], "sealed": parts["sealed"]}
    return Message(INQUIRY.sender, parts["value"], headers, AT, str(AT))


async def at_the_entrance(messages: Sequence[Message], *checks: Check, held: Any = HELD) -> Sequence[Outcome]:
    """Behind it stands a step that passes everything on."""

    async def step(sound: Sequence[Message], _: Any) -> Sequence[Outcome]:
        return [message.carried(topics.outbound_authorized) for message in sound]

    return await Entrance("layer", ledger=topics.linkage_recorded).before(step, *checks)(messages, held)


def code_of(outcomes: Sequence[Outcome]) -> SecurityCode:
    """The one with which a message ended: dropped, and recorded."""
    [dropped, recorded] = outcomes
    assert isinstance(dropped, Drop)
    assert isinstance(recorded, Emit)
    assert recorded.topic == topics.linkage_recorded
    assert read(recorded.message.headers["trail"]).findings[-1].outcome == dropped.reason
    return SecurityCode(dropped.reason)


async def test_what_the_block_wrote_passes_as_it_is() -> None:
    """Every check holds, and the step sees the very message."""
    message = good()
    [outcome] = await at_the_entrance([message], outgoing, inquiry, sealed, opens)
    assert outcome == message.carried(topics.outbound_authorized)


async def test_a_good_one_passes_beside_a_foreign_one() -> None:
    """Of a batch only the foreign one ends."""
    foreign = replace(good(), headers={}, position=Position("outbound.coded", 3, 18))
    outcomes = await at_the_entrance([foreign, good()], outgoing)
    assert [outcome.cause for outcome in outcomes] == [foreign.position, foreign.position, AT]
    assert code_of(outcomes[:2]) == SecurityCode.MALFORMED


@pytest.mark.parametrize(
    "headers",
    [
        {"control": b"{}"},
        {"control": INQUIRY.encoded() + b"\n"},
        {"trail": b"[]"},
        {"trail": Trail().encoded() + b" "},
        {"sealed": b"A" * 43},
        {"sealed": "鍵".encode()},
        {"subject": b""},
        {"subject": bytes(64)},
        *({name: bytes(limit + 1)} for name, limit in KNOWN.items()),
    ],
)
async def test_another_header_ends_it(headers: dict[str, bytes]) -> None:
    """And what nobody could read is not told on."""
    message = good()
    outcomes = await at_the_entrance([replace(message, headers={**message.headers, **headers})], outgoing, sealed)
    assert code_of(outcomes) == SecurityCode.MALFORMED
    assert isinstance(outcomes[1], Emit)
    assert "control" not in outcomes[1].message.headers


async def test_the_key_is_the_parties() -> None:
    """Out it is the sender's, in it is the receiver's."""
    assert code_of(await at_the_entrance([good()], incoming)) == SecurityCode.WRONG_RECEIVER
    other = replace(good(), key=INQUIRY.receiver)
    assert code_of(await at_the_entrance([other], outgoing)) == SecurityCode.MALFORMED


async def test_unknown_headers_are_left_behind() -> None:
    """What no block writes goes no further."""
    message = good()
    [outcome] = await at_the_entrance([replace(message, headers={**message.headers, "x": bytes(10**6)})])
    assert isinstance(outcome, Emit)
    assert "x" not in outcome.message.headers


async def test_without_any_ring_nothing_is_taken_for_foreign(tmp_path: Any) -> None:
    """The folder of the key rings may be away: that is the operator's to mend, and no message suffers."""
    rest = AtRest(KeyRings(tmp_path, bytes(32), "linkage"), PARTIES.clock)
    with pytest.raises(Misconfigured):
        await at_the_entrance([good()], sealed, held=Held(rest, PARTIES.directory()))


@pytest.mark.parametrize("source", ["", "a/b/c", "x/1", "x/1/-1", "\0", "x/1/" + "9" * 30, "a b/1/1"])
def test_a_source_that_is_no_place_is_none(source: str) -> None:
    """A record stands then for itself; one that is a place stays."""
    message = replace(good(), source="")
    lying = replace(message, headers={**message.headers, "source": source.encode()})
    assert _restored(lying).source == str(AT)
    true = replace(message, headers={**message.headers, "source": b"outbound.requested/1/2"})
    assert _restored(true).source == "outbound.requested/1/2"
