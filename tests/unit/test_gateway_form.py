"""Whatever is wrong with the form of a request is told as a problem that repeats nothing, and is never a defect."""

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.gateway import MARKER, World, asserted, body, inquiry, is_problem
from tests.vectors.strategies import FEW

POSTED: Final = inquiry()
GOOD: Final = asserted(POSTED)


def spoilt(**said: Any) -> bytes:
    return json.dumps(body(POSTED) | said).encode()


GOOD_BODY: Final = json.dumps(body(POSTED)).encode()
MALFORMED: Final = {
    "nothing": b"",
    "no JSON": MARKER.encode(),
    "half": GOOD_BODY[:-1],
    "deep list": b"[" * 60_000,
    "deep objects": b'{"a":' * 12_000,
    "deep inside": spoilt(business={"x": json.loads("[" * 40 + "]" * 40)}),
    "bad UTF-8": b'{"control":"\xff\xfe"}',
    "UTF-16": GOOD_BODY.decode().encode("utf-16"),
    "two BOMs": b"\xef\xbb\xbf" * 2 + GOOD_BODY,
    "key twice": b'{"subject":"' + MARKER.encode() + b'",' + GOOD_BODY[1:],
    "key twice below": GOOD_BODY.replace(b'"sender"', b'"sender":"' + MARKER.encode() + b'","sender"'),
    "float": spoilt(business={"period": {"year": 2026.0}}),
    "exponent": GOOD_BODY.replace(b"2026}", b"2026e0}"),
    "NaN": GOOD_BODY.replace(b"2026}", b"NaN}"),
    "infinite": GOOD_BODY.replace(b"2026}", b"-Infinity}"),
    "huge integer": GOOD_BODY.replace(b"2026}", b"9" * 5_000 + b"}"),
    "2^53": spoilt(business={"year": 2**53}),
    "null": spoilt(business=None),
    "null below": spoilt(business={"period": None}),
    "lone surrogate": GOOD_BODY.replace(b"SYN0000001", rb"\ud800"),
    "lone surrogate as key": GOOD_BODY.replace(b'"sender"', rb'"\udfff"'),
    "key not ASCII": spoilt(business={f"機関{MARKER}": 1}),
    "a list": b"[" + GOOD_BODY + b"]",
    "one more": spoilt(**{MARKER: 1}),
    "one less": json.dumps({name: part for name, part in body(POSTED).items() if name != "subject"}).encode(),
    "number as number": spoilt(subject=1),
    "number of other characters": spoilt(subject=f"{MARKER} '"),
    "control of another form": spoilt(control={MARKER: MARKER}),
    "unknown field": spoilt(control=body(POSTED)["control"] | {MARKER: MARKER}),
    "another's form of a field": spoilt(control=body(POSTED)["control"] | {"sender": MARKER.lower()}),
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED)
async def test_what_has_not_the_form_is_told_so(sent: bytes) -> None:
    """400 and what was expected, never what came; nothing is published, no table asked."""
    assert sent != GOOD_BODY
    world = World()
    response = await world.send(sent, GOOD)
    assert is_problem(response, 400, "malformed")["detail"]
    assert MARKER not in response.text
    assert MARKER.lower() not in response.text
    assert (world.published(), world.tables.asked) == ([], 0)


@pytest.mark.parametrize(
    "sent", [spoilt(business={"condition": "x" * 17_000}), spoilt(subject="1" * 65)], ids=["business", "number"]
)
async def test_a_part_over_its_own_limit_is_too_large(sent: bytes) -> None:
    """413, as over Kafka."""
    is_problem(await World().send(sent, GOOD), 413, "too_large")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
parts = st.sampled_from(["control", "subject", "business"])


@FEW
@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
async def test_no_bytes_are_a_defect(sent: bytes) -> None:
    """Whatever comes instead of a request."""
    assert (await World().send(sent, GOOD)).status_code == 400


@FEW
@given(parts, json_values)
async def test_no_value_is_a_defect(part: str, value: Any) -> None:
    """Whatever stands for one of its parts: not of this form, too large, or another request than was asserted."""
    response = await World().send(spoilt(**{part: value}), GOOD)
    assert response.status_code in (400, 401, 413) or value == body(POSTED)[part]
