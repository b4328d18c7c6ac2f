"""The business part: what an inquiry and an answer may hold, and that malformed input ends in one error."""

import json
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.business import (
    INQUIRY_LIMIT,
    LIMIT,
    AnswerPart,
    BusinessPartError,
    Days,
    FiscalYear,
    check_answer,
    check_inquiry,
)
from schemas.catalogue import Characters, Field, Group, Item, SignedNumber, load_catalogue

ITEM: Final = Item(
    name="certificate",
    layout=1,
    japanese="証明書",
    information="local_tax_info",
    group=Group((Field("year", "年度", Characters(4)), Field("tax", "税額", SignedNumber(13), occurs_min=0))),
)

days = st.dates().map(lambda day: day.isoformat())
periods = st.fixed_dictionaries({"year": st.integers(1000, 9999)}) | st.tuples(days, days).map(
    lambda both: {"from": min(both), "to": max(both)}
)
labels = st.text("abc-019 年度あ", min_size=1, max_size=64)
inquiries = st.fixed_dictionaries({"period": periods}, optional={"condition": labels})
records = st.fixed_dictionaries(
    {"year": st.from_regex("[0-9]{1,4}", fullmatch=True)}, optional={"tax": st.integers(1 - 10**13, 10**13 - 1)}
)
answers = st.sampled_from([{"outcome": "no_data"}, {"outcome": "withheld"}]) | st.fixed_dictionaries(
    {"outcome": st.just("records"), "records": st.lists(records, min_size=1, max_size=100)}
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
names = ["period", "year", "from", "to", "condition", "outcome", "records", "tax"]
near_misses = st.recursive(
    json_values | st.sampled_from(["records", "no_data", "2026-01-01"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(names), inner),
    max_leaves=10,
)


def said(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass")


def refusal(data: bytes) -> str:
    """The text of the one error, for input that neither kind of business part may be."""
    texts = []
    for check in (check_inquiry, lambda data: check_answer(data, ITEM)):
        with pytest.raises(BusinessPartError) as caught:
            check(data)
        assert caught.value.__context__ is None
        assert caught.value.__cause__ is None
        texts.append(str(caught.value))
    return "\n".join(texts)


@given(inquiries)
def test_an_inquiry_survives_its_canonical_spelling(inquiry: dict[str, Any]) -> None:
    """What was checked is what travels: reading the canonical bytes gives the same value, and the same bytes."""
    part = check_inquiry(said(inquiry))
    assert json.loads(part.encoded()) == inquiry
    assert check_inquiry(part.encoded()) == part


@given(answers)
def test_an_answer_survives_its_canonical_spelling(answer: dict[str, Any]) -> None:
    """Each outcome, with one to a hundred records."""
    part = check_answer(said(answer), ITEM)
    assert json.loads(part.encoded()) == answer
    assert check_answer(part.encoded(), ITEM) == part


@given(st.binary() | json_values.map(said) | near_misses.map(said))
@example(b"[" * 100_000)
@example(b'{"period":' * 50_000)
@example(b"9" * 100_000)
@example(b'{"outcome":"records","records":[{"year":"\\ud800"}]}')
@example(b'{"period":{"year":2026},"condition":"\\ud800"}')
@example(b"\xef\xbb\xbf{}")
def test_no_bytes_end_in_another_error(data: bytes) -> None:
    """Whatever is posted is a part that can be spelled canonically, or a BusinessPartError."""
    for check in (check_inquiry, lambda data: check_answer(data, ITEM)):
        try:
            part = check(data)
        except BusinessPartError as error:
            assert error.__context__ is None
        else:
            part.encoded()


SECRET: Final = "yamada-100200300"


@pytest.mark.parametrize(
    "value",
    [
        SECRET,
        [SECRET],
        {SECRET: 1},
        {"period": SECRET},
        {"period": {"year": SECRET}},
        {"period": {"year": 2026, SECRET: 1}},
        {"period": {"from": SECRET, "to": SECRET}},
        {"period": {"from": "2026-01-01", "to": "2026-01-02", SECRET: SECRET}},
        {"period": {"year": 2026}, "condition": SECRET * 5},
        {"period": {"year": 2026}, SECRET: SECRET},
        {"outcome": SECRET},
        {"outcome": "no_data", "records": [{"year": SECRET}]},
        {"outcome": "records", "records": [SECRET]},
        {"outcome": "records", "records": [{"year": SECRET}]},
        {"outcome": "records", "records": [{"year": "2026", SECRET: 1}]},
        {"outcome": "records", "records": [{"year": "2026", "tax": SECRET}]},
        {"outcome": "records", "records": {SECRET: SECRET}},
    ],
)
def test_an_error_never_repeats_what_was_read(value: object) -> None:
    """Neither values nor the names of unknown fields, in the text or in a chained error."""
    assert SECRET not in refusal(said(value))


@pytest.mark.parametrize(
    "period",
    [
        {},
        {"year": 2026, "from": "2026-01-01", "to": "2026-01-02"},
        {"year": "2026"},
        {"year": 26},
        {"year": True},
        {"from": "2026-01-01"},
        {"from": "2026-01-02", "to": "2026-01-01"},
        {"from": "2026-02-29", "to": "2026-03-01"},
        {"from": "20260101", "to": "20260102"},
        {"from": "2026-W01-1", "to": "2026-W01-1"},
        {"from": "２０２６-01-01", "to": "2026-01-02"},
        {"from": "2026-01-01T00:00:00", "to": "2026-01-02"},
        {"from": 1767225600, "to": 1767225600},
        {"starts": "2026-01-01", "ends": "2026-01-02"},
    ],
)
def test_a_period_is_a_fiscal_year_or_two_days_in_order(period: dict[str, Any]) -> None:
    """One form, one spelling, days that exist."""
    refusal(said({"period": period}))


def test_a_period_is_read_as_what_it_is() -> None:
    """年度, or days both included; one day is a span."""
    assert check_inquiry(b'{"period":{"year":2026}}').period == FiscalYear(year=2026)
    part = check_inquiry(b'{"period":{"from":"2026-01-01","to":"2026-01-01"}}')
    assert isinstance(part.period, Days)
    assert (part.period.starts, part.period.ends) == ("2026-01-01", "2026-01-01")


@pytest.mark.parametrize("condition", ["", "x" * 65, "a\nb", 1, None, ["x"]])
def test_a_condition_is_a_short_text(condition: object) -> None:
    """1 to 64 characters without control characters; absent rather than null."""
    refusal(said({"period": {"year": 2026}, "condition": condition}))


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"records": [{"year": "2026"}]},
        {"outcome": "records"},
        {"outcome": "records", "records": []},
        {"outcome": "records", "records": None},
        {"outcome": "records", "records": [{"year": "2026"}] * 101},
        {"outcome": "records", "records": {"year": "2026"}},
        {"outcome": "no_data", "records": [{"year": "2026"}]},
        {"outcome": "withheld", "records": []},
        {"outcome": "unknown"},
        {"outcome": ["no_data"]},
    ],
)
def test_an_answer_has_exactly_one_outcome(answer: dict[str, Any]) -> None:
    """Records exactly if that is the outcome, one to a hundred of them."""
    refusal(said(answer))


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        ({}, "records[1]: certificate.year: expected, since it is obligatory"),
        ({"year": "20261"}, "records[1]: certificate.year: expected a string of 1 to 4 characters"),
        ({"year": "2026", "tax": 10**13}, "records[1]: certificate.tax: expected an integer of at most 13 digits"),
    ],
)
def test_every_record_is_checked_against_the_item(record: dict[str, Any], problem: str) -> None:
    """The message names the record, the field and what was expected."""
    data = said({"outcome": "records", "records": [{"year": "2026"}, record]})
    with pytest.raises(BusinessPartError) as caught:
        check_answer(data, ITEM)
    assert str(caught.value) == problem


@pytest.mark.parametrize(
    "data",
    [
        b'{"period":{"year":2026},"period":{"year":2025}}',
        b'{"period":{"year":2026.0}}',
        b'{"period":{"year":2.026e3}}',
        b'{"outcome":"no_data","records":null}',
        b'{"outcome":"records","records":[{"year":"2026","tax":1.5}]}',
        b'{"outcome":"records","records":[{"year":"2026","tax":null}]}',
    ],
)
def test_no_repeated_key_no_float_no_null(data: bytes) -> None:
    """None of them has a canonical spelling."""
    refusal(data)


def test_a_part_that_is_too_large_is_refused_before_it_is_parsed() -> None:
    """Of an answer 512 KiB pass, of an inquiry 16; one byte more does not, whatever it says."""
    part = b'{"outcome":"no_data"}'
    assert check_answer(part.ljust(LIMIT), ITEM) == AnswerPart(outcome="no_data")
    assert f"at most {LIMIT} bytes" in refusal(part.ljust(LIMIT + 1))
    keys = b'{"period":{"year":2026}}'
    assert check_inquiry(keys.ljust(INQUIRY_LIMIT)) == check_inquiry(keys)
    with pytest.raises(BusinessPartError, match=f"at most {INQUIRY_LIMIT} bytes"):
        check_inquiry(keys.ljust(INQUIRY_LIMIT + 1))


def test_a_real_certificate_is_answered() -> None:
    """The catalogue's own item, its deductions left out, amounts that are nothing sent as 0."""
    item = load_catalogue().item("income_tax_certificate", 1)
    assert item is not None
    separate = next(field for field in item.group.fields if field.name == "separate_taxation").shape
    assert isinstance(separate, Group)
    record = {
        "taxation": {
            "assessment_year": "2026",
            "annual_tax": 183_500,
            "municipal_tax": {"municipal_per_capita_levy": 3000, "municipal_income_levy": 107_100},
            "prefectural_tax": 73_400,
            "total_taxable_income": 1_785_000,
        },
        "aggregate_taxation": {"total_income": 2_760_000, "tax_exempt_beef_cattle_income": 0},
        "separate_taxation": {field.name: 0 for field in separate.fields},
        "deductions": {},
    }
    part = check_answer(said({"outcome": "records", "records": [record]}), item)
    assert part.records == [record]
