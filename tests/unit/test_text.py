"""Codes, identifiers, instants and binary: one text for each, and only one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, ValidationError

from schemas import canonical
from schemas.canonical import Malformed
from schemas.text import (
    LAST,
    AgencyCode,
    Binary,
    Count,
    Digest,
    Instant,
    Label,
    MessageId,
    Name,
    Record,
    decoded,
    instant,
    later,
    moment,
    to_bytes,
    to_text,
)
from tests.vectors import verifier
from tests.vectors.strategies import MANY, agencies, digests, identifiers, instants, labels, names

zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=zones)


class Inner(Record):
    name: Name
    number: Count = 0


class Sample(Record):
    """One field of every type."""

    agency: AgencyCode
    id: MessageId
    label: Label
    time: Instant
    kid: Digest
    key: Binary
    inner: Inner | None = None


samples = st.builds(
    Sample,
    agency=agencies,
    id=identifiers(),
    label=labels,
    time=instants,
    kid=digests,
    key=st.binary(max_size=40).map(to_text),
    inner=st.none() | st.builds(Inner, name=names, number=st.integers(0, 2**53 - 1)),
)
SAMPLE: dict[str, Any] = {
    "agency": "221309",
    "id": "019ab1c2-0000-7000-8000-000000000001",
    "label": "市民税課",
    "time": "2026-11-24T09:00:00.000Z",
    "kid": to_text(bytes(32)),
    "key": "",
}


# — instants


@MANY
@given(moments)
def test_an_instant_is_the_moment_to_the_millisecond(at: datetime) -> None:
    """Reading gives back what was written, in UTC, whatever the zone and the year."""
    assert moment(instant(at)) == at.astimezone(UTC).replace(microsecond=at.microsecond // 1000 * 1000)
    assert moment(instant(at)).tzinfo == UTC


@MANY
@given(moments, moments)
def test_instants_compare_as_their_texts_do(one: datetime, other: datetime) -> None:
    """So that code may compare texts."""
    one, other = (moment(instant(each)) for each in (one, other))
    assert (instant(one) < instant(other)) == (one < other)


@MANY
@example("2026-11-24T09:00:00.000Z")
@example("2026-11-24T24:00:00.000Z")
@given(st.from_regex(r"[0-2][0-9]{3}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]\.[0-9]{3}Z") | st.text())
def test_a_time_has_one_spelling(text: str) -> None:
    """What is read at all is what `instant` writes."""
    try:
        read = moment(text)
    except ValueError:
        return
    assert instant(read) == text


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-24T09:00:00Z",
        "2026-11-24T09:00:00.000+00:00",
        "2026-11-24T18:00:00.000+09:00",
        "2026-11-24T09:00:00.0000Z",
        "2026-11-24 09:00:00.000Z",
        "2026-11-24t09:00:00.000z",
        "2026-11-24T09:00:00,000Z",
        "20261124T090000.000Z",
        "2026-11-24T09:00:00.000Z\n",
        " 2026-11-24T09:00:00.000Z",
        "２０２６-11-24T09:00:00.000Z",
        "2026-02-30T09:00:00.000Z",
        "2026-13-01T09:00:00.000Z",
        "2026-11-24T24:00:00.000Z",
        "2026-11-24T09:60:00.000Z",
        "2026-11-24T09:00:60.000Z",
        "0000-01-01T00:00:00.000Z",
        "",
    ],
)
def test_other_spellings_of_a_time_are_refused(text: str) -> None:
    """No zones, no leap seconds, no days that do not exist, no 24 o'clock."""
    with pytest.raises(ValueError, match=r"."):
        moment(text)


@MANY
@example(LAST, timedelta(0))
@example(LAST, timedelta(milliseconds=1))
@example("9999-12-01T00:00:00.000Z", timedelta(days=31))
@given(instants, st.timedeltas(timedelta(0), timedelta(days=400)))
def test_later_is_later_and_never_beyond_the_calendar(text: str, by: timedelta) -> None:
    """Near the end of the calendar it is the last instant there is: comparing with it cannot fail."""
    result = later(text, by)
    assert text <= result <= LAST
    if result < LAST:
        assert moment(result) - moment(text) <= by < moment(result) - moment(text) + timedelta(milliseconds=1)
    assert instant(moment(result)) == result


# — binary


@MANY
@given(st.binary())
def test_binary_survives_as_text(data: bytes) -> None:
    """Any bytes, in the URL's alphabet, without padding."""
    assert to_bytes(to_text(data)) == data
    assert "=" not in to_text(data)
    assert to_text(data) == verifier.encode(data)


@MANY
@example("AB")
@example("A")
@given(st.text("ABZaz09-_", max_size=12) | st.text("AQgw=+/ \n\u0660あ", max_size=6) | st.text())
def test_binary_has_one_text(text: str) -> None:
    """What is read at all is what `to_text` writes, and the second verifier reads the same."""
    try:
        data = to_bytes(text)
    except ValueError:
        with pytest.raises(verifier.Invalid):
            verifier.decode(text)
        return
    assert to_text(data) == text
    assert verifier.decode(text) == data


@pytest.mark.parametrize("text", ["A", "AA==", "AA=", "AB", "AAB", "A+", "A/", "AA\n", "ＡＡ", " AA", "A A", "AAAAA"])
def test_other_spellings_of_binary_are_refused(text: str) -> None:
    """No padding, no other alphabet, no white space, no stray bits."""
    with pytest.raises(ValueError, match=r"."):
        to_bytes(text)


DIGEST: TypeAdapter[str] = TypeAdapter(Digest)


@MANY
@example("A" * 42 + "B")
@example("A" * 43 + "\n")
@example("A" * 43 + "=")
@given(st.binary(min_size=31, max_size=33).map(to_text) | st.text("AEBz-_=\n", min_size=42, max_size=44))
def test_a_digest_is_the_text_of_32_bytes(text: str) -> None:
    """Of all that is read as binary, exactly what has 32 bytes."""
    assert accepted(text) == (length(text) == 32)


def test_every_32_bytes_are_a_digest() -> None:
    """Whatever the last one is, in the one character that is left for it."""
    assert all(accepted(to_text(bytes(31) + bytes([last]))) for last in range(256))
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert sum(accepted("A" * 42 + letter) for letter in letters) == 16


def accepted(text: str) -> bool:
    try:
        DIGEST.validate_python(text)
    except ValidationError:
        return False
    return True


def length(text: str) -> int:
    try:
        return len(to_bytes(text))
    except ValueError:
        return -1


# — records


@MANY
@given(samples)
def test_a_record_survives_its_bytes(record: Sample) -> None:
    """Encoding and decoding are each other's inverse."""
    assert decoded(Sample, record.encoded(), 4096) == record
    assert decoded(Sample, record.encoded(), len(record.encoded())) == record


class Free(Record):
    """A text that may hold anything, and names that are not declared in their order."""

    z: str
    Z: str = ""
    a: str = Field("", alias="b")


@MANY
@example("\n\u0303")
@example("\x0f\u0307")
@example("か\u3099")
@example("\x7f\u2028\U0010ffff\ufffe")
@given(st.text())
def test_a_record_is_spelt_as_any_value(text: str) -> None:
    """The quick way gives the bytes of the careful one, or the same error."""
    record = Free(z=text, Z=text, b=text)
    careful = spelling(lambda: canonical.encode({"z": text, "Z": text, "b": text}))
    assert spelling(record.encoded) == careful
    if isinstance(careful, bytes):
        assert decoded(Free, careful, len(careful)) == record


def spelling(spell: Callable[[], bytes]) -> bytes | str:
    try:
        return spell()
    except Malformed as error:
        return str(error)


def test_half_a_surrogate_pair_has_no_spelling() -> None:
    """In a record neither."""
    assert spelling(Free(z="\ud800").encoded) == spelling(lambda: canonical.encode("\ud800"))


@MANY
@given(st.binary() | samples.map(Sample.encoded), st.data())
def test_any_bytes_are_a_record_in_its_spelling_or_malformed(data: bytes, drawn: st.DataObject) -> None:
    """Whatever comes: the record whose bytes these are, or the one error."""
    place = drawn.draw(st.integers(0, len(data)))
    changed = data[:place] + drawn.draw(st.binary(max_size=2)) + data[place + drawn.draw(st.integers(0, 1)) :]
    try:
        record = decoded(Sample, changed, 4096)
    except Malformed:
        return
    assert record.encoded() == changed


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("agency", ["", "22130", "22130a", "221309\n", "２２１３０９", "2" * 14, 221309, None, True]),
        (
            "id",
            [
                "019AB1C2-0000-7000-8000-000000000001",
                "019ab1c200007000800000000000000001",
                "019ab1c2-0000-4000-8000-000000000001",
                "019ab1c2-0000-7000-c000-000000000001",
                "{019ab1c2-0000-7000-8000-000000000001}",
                "019ab1c2-0000-7000-8000-000000000001\n",
                "",
            ],
        ),
        ("label", ["", "a\nb", "\x00", "a\x7f", "a" * 65, "か\u3099", "\ud800", 1]),
        ("time", ["2026-11-24T09:00:00Z", "2026-11-24T09:00:00.000Z ", 0, ""]),
        ("kid", [to_text(bytes(31)), to_text(bytes(33)), "", to_text(bytes(32)) + "=", "A" * 42 + "B", 0]),
        ("key", ["A", "AA==", "A" * 16385, 0, ["AA"]]),
        ("inner", [{}, {"name": "A"}, {"name": "a", "number": -1}, {"name": "a", "number": True}, {"name": "a" * 65}]),
    ],
)
def test_each_type_refuses_what_it_is_not(field: str, wrong: list[Any]) -> None:
    """No other alphabet, length, case or JSON type; nothing is converted."""
    for value in wrong:
        with pytest.raises((ValidationError, Malformed)):
            Sample.model_validate(SAMPLE | {field: value}).encoded()


def test_what_is_absent_has_no_spelling() -> None:
    """There is no null: absent fields are left out, and a null, or a default left out, is malformed."""
    data = Sample.model_validate(SAMPLE).encoded()
    assert b"null" not in data
    assert b"inner" not in data
    with pytest.raises(Malformed):
        decoded(Sample, data.replace(b',"key"', b',"inner":null,"key"'), 4096)
    with pytest.raises(Malformed):
        decoded(Inner, b'{"name":"a"}', 4096)
    assert decoded(Inner, b'{"name":"a","number":0}', 4096).number == 0


@pytest.mark.parametrize("number", [b"true", b"1.0", b"1e0", b'"1"', b"-0", b"null", b"9007199254740992", b"9" * 5000])
def test_an_integer_is_spelt_as_one(number: bytes) -> None:
    """Neither a boolean nor a fraction nor a text nor a large number is read as an integer."""
    with pytest.raises(Malformed):
        decoded(Inner, b'{"name":"a","number":' + number + b"}", 2**20)


def test_more_than_the_limit_is_not_parsed() -> None:
    """The size is judged first: nothing that is too large reaches the parser."""
    data = Sample.model_validate(SAMPLE).encoded()
    with pytest.raises(Malformed, match="larger than"):
        decoded(Sample, data, len(data) - 1)
    with pytest.raises(Malformed, match="larger than"):
        decoded(Sample, b"[" * 10**6, 4096)


def test_records_are_values() -> None:
    """They do not change, and what they do not know they refuse."""
    record = Sample.model_validate(SAMPLE)
    with pytest.raises(ValidationError):
        record.label = "other"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Sample.model_validate(SAMPLE | {"extra": 1})


def test_errors_name_the_field_and_never_its_content() -> None:
    """For a person to read: where and what kind of error; neither values nor the names of unknown fields."""
    secret = "山田太郎"
    data = Sample.model_validate(SAMPLE).encoded()
    wrong = data.replace(b'"221309"', f'"{secret}"'.encode()).replace(b"{", f'{{"{secret}":"{secret}",'.encode(), 1)
    with pytest.raises(Malformed, match="agency: expected an agency code of 6 to 13 digits") as caught:
        decoded(Sample, wrong, 4096)
    assert secret not in str(caught.value)
    with pytest.raises(ValidationError) as invalid:
        Sample.model_validate(SAMPLE | {"agency": secret})
    assert secret not in str(invalid.value)
