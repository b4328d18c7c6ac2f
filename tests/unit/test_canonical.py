"""JSON with one spelling: every value has one, and no other bytes are read as it."""

import json
import types
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from schemas import canonical
from schemas.canonical import DEEPEST, LARGEST_INTEGER, Malformed, decode, encode, normalised, read
from tests.vectors import verifier
from tests.vectors.strategies import MANY, json_values

fragments = st.sampled_from(
    [*'{}[]":, \\-0あ\x00\ufeff', "\\u", "\\ud800", "00e9", "1.5", "true", "null", "NaN", '"a":1', "か\u3099", "9" * 16]
)
near_json = st.lists(fragments, max_size=12).map("".join)
any_json = st.recursive(
    st.booleans() | st.integers(1 - 2**53, 2**53 - 1) | st.text(max_size=20),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(max_codepoint=127)), inner),
    max_leaves=10,
)


def refused(data: bytes) -> str:
    with pytest.raises(Malformed) as caught:
        decode(data)
    return str(caught.value)


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


@MANY
@given(json_values)
def test_what_is_encoded_decodes_to_itself(value: Any) -> None:
    """The spelling loses nothing: value and types come back, and the bytes with them."""
    data = encode(value)
    assert repr(decode(data)) == repr(json.loads(data))
    assert decode(data) == value
    assert encode(decode(data)) == data


@MANY
@given(st.binary() | near_json.map(str.encode))
def test_any_bytes_are_the_spelling_of_their_value_or_malformed(data: bytes) -> None:
    """There is no third way: no other exception, and no second spelling."""
    try:
        value = decode(data)
    except Malformed:
        return
    assert encode(value) == data


@MANY
@given(json_values, st.data())
def test_a_changed_byte_is_another_value_or_malformed(value: Any, data: st.DataObject) -> None:
    """Canonical bytes with one byte replaced, inserted or left out never say the same."""
    spelt = encode(value)
    place = data.draw(st.integers(0, len(spelt) - 1))
    insert = data.draw(st.binary(max_size=1))
    changed = spelt[:place] + insert + spelt[place + data.draw(st.sampled_from([0, 1])) :]
    assume(changed != spelt)
    try:
        other = decode(changed)
    except Malformed:
        return
    assert encode(other) == changed


@MANY
@given(st.dictionaries(st.text("abc"), json_values))
def test_the_second_verifier_spells_alike(value: dict[str, Any]) -> None:
    """Two implementations from one page give the same bytes, and read each other's."""
    assert verifier.canonical(value) == encode(value)
    assert verifier.parse_canonical(encode(value)) == value


@MANY
@given(st.dictionaries(st.text("ab"), any_json).map(lambda value: json.dumps(value, ensure_ascii=False)) | near_json)
def test_the_second_verifier_refuses_alike(text: str) -> None:
    """Of texts that are JSON, or nearly, both take the same."""
    data = text.encode(errors="surrogatepass")
    try:
        value = decode(data)
    except Malformed:
        with pytest.raises(verifier.Invalid):
            verifier.parse_canonical(data)
        return
    if isinstance(value, dict):
        assert verifier.parse_canonical(data) == value


@MANY
@example(["か\u3099", {"a": "\u212b"}], False, None)
@example(["か\u3099", {"a": "\u212b"}], True, 3)
@given(any_json, st.booleans(), st.sampled_from([None, 0, 3]))
def test_any_spelling_of_a_value_is_read(value: Any, escaped: bool, indent: int | None) -> None:
    """At the edges white space, order, escapes and normal form do not matter: the value in normal form C comes out."""
    text = json.dumps(value, ensure_ascii=escaped, indent=indent)
    assert read(text.encode()) == normalised(value)
    assert decode(encode(read(text.encode()))) == normalised(value)


@given(any_json)
def test_normalised_is_normal_form_c_and_stays_so(value: Any) -> None:
    """Doing it twice is doing it once; ASCII is left alone."""
    once = normalised(value)
    assert normalised(once) == once
    spelled = json.dumps(once, ensure_ascii=False)
    assert spelled == verifier.normal_form(spelled)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"{} ",
        b"\n{}",
        b'{"b":1,"a":1}',
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"b":2}}',
        b'{"a" :1}',
        b'{"a":1,}',
        b"null",
        b'{"a":null}',
        b"1.0",
        b"1e2",
        b"-0",
        b"01",
        b"+1",
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"9007199254740992",
        b"-9007199254740992",
        b"9" * 5000,
        b'"\\/"',
        b'"\\u0041"',
        b'"\\u000A"',
        b'"\\u000a"',
        b'"\\u001F"',
        b'"\\u007f"',
        b'"\\u00e9"',
        b'"\\ud842\\udfb7"',
        b'"\\ud800"',
        b'"\\udc00\\ud800"',
        b'"\n"',
        b'"\x1f"',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        '"か\u3099"'.encode(),
        '"\u212b"'.encode(),
        '{"é":1}'.encode(),
        b'\xef\xbb\xbf"a"',
        '"a"'.encode("utf-16"),
        b"{}{}",
        b"'a'",
        b"{'a':1}",
        b"[1,2",
        b"/* */1",
    ],
)
def test_every_other_spelling_is_malformed(data: bytes) -> None:
    """What RFC 8259 allows and what it does not end alike, without repeating what was read."""
    text = refused(data)
    assert not data.strip() or len(data) < 4 or data.decode("latin-1") not in text


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"a":1}',
        b'[{"a":{"b":1,"b":2}}]',
        b'{"a":1,"\\u0061":1}',
        b'{"a": null}',
        b"[1.0]",
        b"[1e2]",
        b"[NaN]",
        b"[9007199254740992]",
        b"[-9007199254740992]",
        b'"\\ud800"',
        '{"é":1}'.encode(),
        '"a"'.encode("utf-16"),
        b"",
    ],
)
def test_what_has_no_canonical_spelling_is_not_read_at_the_edges_either(data: bytes) -> None:
    """A producer may space and sort as he likes, but nothing that he says may have two readings."""
    with pytest.raises(Malformed):
        read(data)


@pytest.mark.parametrize(
    "value", [None, 1.0, float("nan"), 2**53, -(2**53), b"a", {1}, object(), {1: 1}, {None: 1}, {"é": 1}]
)
def test_what_has_no_spelling_is_not_encoded(value: object) -> None:
    """Null, floats, large integers, keys that are not ASCII text, and what is no JSON."""
    for place in (value, [value], {"a": [value]}):
        with pytest.raises(Malformed):
            encode(place)


@pytest.mark.parametrize("text", ["か\u3099", "\u212b", "\ud800", "a\udfff", "\U0001d160"])
def test_text_that_is_not_normal_is_not_encoded(text: str) -> None:
    """Normal form C, and no half of a surrogate pair."""
    with pytest.raises(Malformed):
        encode({"a": text})


def test_only_dictionaries_and_lists_are_containers() -> None:
    """A mapping that `json` would not take ends in the one error too."""
    with pytest.raises(Malformed):
        encode(types.MappingProxyType({"a": 1}))
    assert encode((1, 2)) == encode([1, 2])


@pytest.mark.parametrize("number", [0, -1, LARGEST_INTEGER, -LARGEST_INTEGER])
def test_integers_below_2_to_the_53_are_exact(number: int) -> None:
    """Both ends of the range have a spelling."""
    assert decode(encode(number)) == number


def test_as_deep_as_is_allowed_and_no_deeper() -> None:
    """Writer and readers draw the line at the same level, and brackets in strings do not count."""
    assert encode(decode(nested(DEEPEST))) == nested(DEEPEST)
    assert "deep" in refused(nested(DEEPEST + 1))
    with pytest.raises(Malformed, match="deep"):
        encode(json.loads(nested(DEEPEST + 1)))
    with pytest.raises(Malformed, match="deep"):
        read(b'{"a":' + nested(DEEPEST) + b"}")
    brackets = encode(["[" * 100, '\\"[[' * 100])
    assert encode(decode(brackets)) == brackets


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 2**19,
        b'"' + b'\\"' * 2**18,
        b'"' + b"\\" * 2**19,
        b'"\\' * 2**18,
        b'["' * 2**18,
        b'{"a":' * 2**17,
        b"9" * 2**19,
        b"-" + b"9" * 2**19,
        b'"' + b"a" * 2**19,
        b"]" * 2**19 + b"[" * 40,
    ],
)
@pytest.mark.parametrize("reader", [read, decode])
def test_half_a_mebibyte_of_anything_is_refused_in_one_pass(data: bytes, reader: Any) -> None:
    """Neither the parser's stack nor a pattern's backtracking is in a sender's hands (this would take hours)."""
    with pytest.raises(Malformed):
        reader(data)


@example('{"a":1}')
@example('{"a":"山田太郎","a":2}')
@example('["山田太郎",1.5]')
@given(st.text(min_size=4).map(lambda text: f"氏{text}"))  # no sentence of ours has this character
def test_errors_never_repeat_what_was_read(text: str) -> None:
    """What is wrong is said, never with what: it may be personal."""
    said = complaint(text.encode())
    assert "山田" not in said
    assert text not in said


def complaint(data: bytes) -> str:
    try:
        decode(data)
    except Malformed as error:
        return str(error)
    return ""


def test_the_module_says_what_it_refuses() -> None:
    """`Malformed` is a ValueError, so that pydantic's validators may raise it."""
    assert issubclass(canonical.Malformed, ValueError)
