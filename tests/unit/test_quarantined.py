"""What was set aside can be read by the operator alone, and only the operator gives it back."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import canonical, quarantine
from schemas.message import MESSAGE_LIMIT, Message, Position
from schemas.quarantine import RELEASED, Aside, Quarantined, check_release, new_key, original_of, released, set_aside
from schemas.refusal import SecurityEvent
from schemas.topics import record_quarantined
from schemas.wire import suites
from services.runtime.log import require_size
from services.runtime.logging import Failure
from services.runtime.quarantine import Quarantine, returned

KEY, OTHER = new_key(), new_key()
PLACE = Position("inbound.asked", 3, 17)
headers = st.dictionaries(st.text(min_size=1, max_size=20), st.binary(max_size=200), max_size=6)


def said(**others: object) -> Quarantined:
    whole: dict[str, object] = {
        "service": "routing",
        "topic": PLACE.topic,
        "partition": PLACE.partition,
        "offset": PLACE.offset,
        "source": "inbound.opened/3/11",
        "appended": 1_795_500_000_000,
        "error": "KeyError",
        "place": "routing/asking.py:71",
        "attempts": 3,
        "time": "2026-11-24T09:00:00.000Z",
        **others,
    }
    return Quarantined.model_validate(whole)


def held(original: Message) -> Aside:
    return quarantine.read(set_aside(said(), original, KEY.public))


@given(st.text(max_size=20), st.binary(max_size=500), headers)
def test_the_original_comes_back_as_it_was(key: str, value: bytes, headers: dict[str, bytes]) -> None:
    """Key, value and headers; empty ones too."""
    original = Message(key, value, headers, PLACE)
    assert original_of(held(original), KEY) == original


def test_nobody_else_reads_it() -> None:
    """Neither with another key, nor under another position, nor altered; and the record says nothing of it in clear."""
    aside = held(Message("131016", b"SYN0000001", {"subject": b"SYN0000001"}, PLACE))
    assert b"SYN0000001" not in aside.sealed + aside.said.encoded()
    for other in (
        replace(aside, said=said(offset=18)),
        replace(aside, sealed=aside.sealed[:-1] + bytes([aside.sealed[-1] ^ 1])),
        replace(aside, sealed=b""),
    ):
        with pytest.raises(suites.Unacceptable):
            original_of(other, KEY)
    with pytest.raises(suites.Unacceptable):
        original_of(aside, OTHER)


def test_the_largest_record_fits() -> None:
    """A message at its limit can be set aside: the topic has room for what is said of it."""
    original = Message("131016", b"x" * (MESSAGE_LIMIT - 6), {}, PLACE)
    require_size([(record_quarantined, set_aside(said(place="x" * 256, source="x" * 256), original, KEY.public))])


def test_a_released_message_counts_from_where_it_was_first_read() -> None:
    """Then a decision that was stored for it is its own, and an assertion is judged by its own time."""
    original = Message("131016", b"value", {"control": b"{}"}, PLACE)
    again = replace(released(held(original), KEY), position=Position("inbound.asked", 3, 99), time=5)
    back = returned(again, KEY.public)
    assert (back.source, back.time, back.headers) == ("inbound.opened/3/11", 1_795_500_000_000, original.headers)
    assert back.position.offset == 99


def test_what_is_set_aside_again_can_be_released_again() -> None:
    """Released before anything was mended, it comes back; the next release counts from the first reading too."""
    original = Message("131016", b"value", {"control": b"{}"}, PLACE)
    again = replace(released(held(original), KEY), position=Position("inbound.asked", 3, 99), time=5)
    aside = Quarantine(KEY.public, "routing", lambda: datetime.now(UTC))
    _, record = aside.record(returned(again, KEY.public), Failure.of(KeyError()), 3, "inbound.opened/3/11")
    second = replace(released(quarantine.read(record), KEY), position=Position("inbound.asked", 3, 120), time=9)
    back = returned(second, KEY.public)
    assert (back.source, back.time, back.headers) == ("inbound.opened/3/11", 1_795_500_000_000, original.headers)


@pytest.mark.parametrize("altered", ["value", "key", "topic", "header", "source", "signature", "form", "another's"])
def test_nobody_elses_word_counts(altered: str) -> None:
    """A release that the operator did not sign for this message on this topic is as if it were not there."""
    original = Message("131016", b"value", {"control": b"{}"}, PLACE)
    good = replace(released(held(original), KEY), position=PLACE, time=5)
    release = quarantine.Release.model_validate_json(good.headers[RELEASED])
    forged = {
        "value": replace(good, value=b"other"),
        "key": replace(good, key="271004"),
        "topic": replace(good, position=Position("inbound.opened", 3, 17)),
        "header": replace(good, headers={**good.headers, "subject": b"x"}),
        "source": _with(good, release.model_copy(update={"source": "inbound.opened/3/12"}).encoded()),
        "signature": _with(good, release.model_copy(update={"signature": "AA"}).encoded()),
        "form": _with(good, b"{"),
        "another's": replace(released(held(original), KEY), position=PLACE, time=5),
    }[altered]
    key = OTHER.public if altered == "another's" else KEY.public
    back = returned(forged, key)
    assert (back.source, back.time) == ("", 5)
    assert RELEASED not in back.headers
    with pytest.raises((SecurityEvent, canonical.Malformed)):
        check_release(forged, key)


def _with(message: Message, release: bytes) -> Message:
    return replace(message, headers={**message.headers, RELEASED: release})
