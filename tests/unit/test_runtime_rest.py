"""At rest value and subject open only as what they were sealed: for this agency, in this part, under this control part."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.message import Message
from services.operator.keys.enrolment import make_key
from services.runtime.errors import MissingKey
from services.runtime.keys import KeyRings, Ring
from services.runtime.rest import AtRest, Part, Unreadable, opened_part, sealed_part

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
TOKYO, OSAKA = "131016", "271004"
CONTROL = b'{"id":"1"}'


def ring(agency: str) -> Ring:
    """Two data keys, the second from tomorrow on, and one of another purpose."""
    starts = [NOW, NOW + timedelta(days=1)]
    data = [make_key(agency, "data", "aes-256-gcm", start, start + timedelta(days=30)).private for start in starts]
    return Ring(agency=agency, keys=[*data, make_key(agency, "salt", "hmac-sha256", NOW, starts[1]).private])


RINGS = {agency: ring(agency) for agency in (TOKYO, OSAKA)}


def at_rest(now: datetime = NOW) -> AtRest:
    return AtRest(KeyRings(Path("/nowhere"), b"", "", RINGS), lambda: now)


def stored(agency: str, sealed: dict[str, bytes], control: bytes = CONTROL) -> Message:
    headers = {"control": control, "subject": sealed["subject"], "sealed": sealed["sealed"]}
    return Message(agency, sealed["value"], headers)


PARTS: dict[Part, bytes] = {"value": "所得".encode(), "subject": b"n0123"}


@given(st.binary(max_size=1000), st.binary(max_size=100), st.binary(max_size=100))
def test_what_was_sealed_opens(value: bytes, subject: bytes, control: bytes) -> None:
    """Any bytes, also none."""
    sealed = at_rest().seal(TOKYO, control, {"value": value, "subject": subject})
    message = stored(TOKYO, sealed, control)
    assert (at_rest().open(message, "value"), at_rest().open(message, "subject")) == (value, subject)


def test_nothing_is_recognised() -> None:
    """The same sealed twice is not the same, and holds nothing of the clear text."""
    one, two = (at_rest().seal(TOKYO, CONTROL, PARTS) for _ in range(2))
    assert one["value"] != two["value"]
    assert PARTS["value"] not in one["value"]


def test_the_header_names_the_key() -> None:
    """What was sealed under an older key opens for as long as the ring holds it."""
    sealed = at_rest().seal(TOKYO, CONTROL, PARTS)
    assert sealed["sealed"].decode() == RINGS[TOKYO].keys[0].kid
    later = at_rest(NOW + timedelta(days=2))
    assert later.seal(TOKYO, CONTROL, PARTS)["sealed"].decode() == RINGS[TOKYO].keys[1].kid
    assert later.open(stored(TOKYO, sealed), "value") == PARTS["value"]


@pytest.mark.parametrize(
    ("agency", "part", "control"),
    [(OSAKA, "value", CONTROL), (TOKYO, "subject", CONTROL), (TOKYO, "value", b'{"id":"2"}'), (TOKYO, "value", b"")],
    ids=["another agency", "another part", "another control part", "none"],
)
def test_it_opens_in_its_place_alone(agency: str, part: Part, control: bytes) -> None:
    """Agency, part and control part are bound: moved among records, or from value to subject, it does not open."""
    key = RINGS[TOKYO].keys[0]
    data = sealed_part(key, TOKYO, "value", CONTROL, b"x")
    assert opened_part(key, TOKYO, "value", CONTROL, data) == b"x"
    with pytest.raises(Unreadable):
        opened_part(key, agency, part, control, data)


@pytest.mark.parametrize("place", range(0, 29, 4))
def test_altered_bytes_do_not_open(place: int) -> None:
    """Wherever a bit is changed; nor does what is cut off."""
    key = RINGS[TOKYO].keys[0]
    data = bytearray(sealed_part(key, TOKYO, "value", CONTROL, b"x"))
    data[place] ^= 1
    for wrong in (bytes(data), bytes(data[:place]), b""):
        with pytest.raises(Unreadable):
            opened_part(key, TOKYO, "value", CONTROL, wrong)


@pytest.mark.parametrize(
    "kid", ["", RINGS[OSAKA].keys[0].kid, RINGS[TOKYO].keys[2].kid], ids=["none", "another agency's", "another use's"]
)
def test_a_missing_data_key_is_the_operators(kid: str) -> None:
    """No key named, another agency's, or one of another purpose."""
    with pytest.raises(MissingKey, match=f"agency {TOKYO} has no such data key"):
        at_rest().open_part(TOKYO, kid, "value", CONTROL, bytes(40))


def test_an_index_tells_nothing_across_agencies() -> None:
    """Equal values have equal indexes within agency and kind, and unequal ones outside."""
    index = at_rest().index(TOKYO, "number", b"0123")
    assert index == at_rest().index(TOKYO, "number", b"0123")
    others = [(OSAKA, "number", b"0123"), (TOKYO, "code", b"0123"), (TOKYO, "number", b"0124")]
    assert index not in [at_rest().index(*other) for other in others]


def test_a_request_is_known_again_by_its_system() -> None:
    """Of `default` as it was before there were systems, so that what is stored stays known; of every other one by its name."""
    content = bytes(range(32))
    assert at_rest().request(TOKYO, "default", content) == at_rest().index(TOKYO, "request", content)
    made = {at_rest().request(agency, system, content) for agency in (TOKYO, OSAKA) for system in ("default", "a", "b")}
    assert len(made) == 6
