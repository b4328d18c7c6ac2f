"""The catalogue: the study's 28 lines as a tree, and which records fit it."""

import copy
import csv
from collections.abc import Iterator
from importlib import resources
from typing import Any, Final

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalogue import Characters, Field, Group, Item, SignedNumber, load_catalogue
from schemas.law.information import load_terms

CATALOGUE: Final = load_catalogue()


def certificate() -> Item:
    item = CATALOGUE.item("income_tax_certificate", 1)
    assert item is not None
    return item


ITEM: Final = certificate()
SCHEMA: Final = jsonschema.Draft202012Validator(ITEM.json_schema())
Path = tuple[str, ...]


def leaves(group: Group, path: Path = ()) -> Iterator[tuple[Path, Field]]:
    """Every field below `group` with its path, groups included."""
    for field in group.fields:
        yield (*path, field.name), field
        if isinstance(field.shape, Group):
            yield from leaves(field.shape, (*path, field.name))


FIELDS: Final = dict(leaves(ITEM.group))
TYPED: Final = [path for path, field in FIELDS.items() if not isinstance(field.shape, Group)]
NUMBERS: Final = [path for path in TYPED if isinstance(FIELDS[path].shape, SignedNumber)]
STRINGS: Final = [path for path in TYPED if isinstance(FIELDS[path].shape, Characters)]
OBLIGATORY: Final = [path for path, field in FIELDS.items() if field.occurs_min]

characters = st.characters(exclude_categories=("Cc", "Cs"))


def values(shape: Characters | SignedNumber | Group) -> st.SearchStrategy[Any]:
    match shape:
        case Characters(digits):
            return st.text(characters, min_size=1, max_size=digits)
        case SignedNumber(digits):
            return st.integers(1 - 10**digits, 10**digits - 1)
        case Group(fields):
            return st.fixed_dictionaries(
                {field.name: values(field.shape) for field in fields if field.occurs_min},
                optional={field.name: values(field.shape) for field in fields if not field.occurs_min},
            )


records = values(ITEM.group)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def changed(record: dict[str, Any], path: Path, value: object) -> dict[str, Any]:
    """A copy with one field set; `...` removes it."""
    record = copy.deepcopy(record)
    inner = record
    for name in path[:-1]:
        inner = inner[name]
    if value is ...:
        inner.pop(path[-1], None)
    else:
        inner[path[-1]] = value
    return record


def refusal(record: dict[str, Any]) -> str:
    with pytest.raises(ValueError) as caught:
        ITEM.validate(record)
    assert not SCHEMA.is_valid(record)
    return str(caught.value)


def test_all_28_lines_of_the_study_are_there() -> None:
    """One item and 27 fields under it, numbered 156 to 183 without a gap, 22 of them with occurrence figures."""
    with resources.files("schemas.catalogue").joinpath("income_tax_certificate-1.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert [int(line["interface_no"]) for line in lines] == list(range(156, 184))
    assert [line["field"] for line in lines[1:]] == [path[-1] for path in FIELDS]
    assert [line["name"] for line in lines[1:]] == [field.japanese for field in FIELDS.values()]
    assert len(OBLIGATORY) == 21
    assert (len(STRINGS), len(NUMBERS)) == (2, 20)


def test_every_item_belongs_to_a_name_that_the_law_table_defines() -> None:
    """The income certificate is 地方税関係情報."""
    names = {term.identifier for term in load_terms()}
    assert all(item.information in names for item in CATALOGUE.items.values())
    assert ITEM.information == "local_tax_info"


def test_an_item_that_nobody_defined_is_none() -> None:
    """Neither another name nor another layout."""
    assert CATALOGUE.item("income_tax_certificate", 2) is None
    assert CATALOGUE.item("income", 1) is None


def test_prefectural_tax_is_a_number_although_its_name_says_group() -> None:
    """都道府県民税額情報 has S9 13 and no children in the source."""
    assert FIELDS["taxation", "prefectural_tax"].shape == SignedNumber(13)


@given(records)
def test_a_record_of_the_layout_passes(record: dict[str, Any]) -> None:
    """Both the check and the JSON Schema take it."""
    ITEM.validate(record)
    SCHEMA.validate(record)


@given(records, st.sampled_from(OBLIGATORY))
def test_a_record_without_an_obligatory_field_is_refused(record: dict[str, Any], path: Path) -> None:
    """Occurrence 1 to 1 is enforced, and the message names the field."""
    assert refusal(changed(record, path, ...)).startswith(".".join(("income_tax_certificate", *path)))


@given(records, st.sampled_from([path for path in TYPED if path not in OBLIGATORY]))
def test_a_deduction_may_be_left_out(record: dict[str, Any], path: Path) -> None:
    """The six lines without figures occur 0 to 1 times."""
    ITEM.validate(changed(record, path, ...))


@given(records, st.sampled_from(NUMBERS), st.sampled_from([1, -1]), st.integers(10**13, 10**14 - 1))
def test_one_digit_more_is_refused(record: dict[str, Any], path: Path, sign: int, value: int) -> None:
    """S9 13 has 13 digits, the sign not counted; the value is not in the message."""
    assert str(value) not in refusal(changed(record, path, sign * value))


@given(records, st.sampled_from(STRINGS), st.text(characters, min_size=5))
def test_one_character_more_is_refused(record: dict[str, Any], path: Path, value: str) -> None:
    """X 4 and X 1 end there."""
    assert refusal(changed(record, path, value)).endswith("characters")


@given(records, st.sampled_from(STRINGS), st.sampled_from(["", "\n", "\x00", "\x7f", "\x85", "\ud800"]))
def test_no_empty_string_and_no_control_character(record: dict[str, Any], path: Path, value: str) -> None:
    """Nor half a surrogate pair, which has no UTF-8."""
    assert refusal(changed(record, path, value)).endswith("characters")


@given(records, st.sampled_from(sorted(FIELDS)), json_values)
def test_the_check_and_the_json_schema_agree(record: dict[str, Any], path: Path, value: object) -> None:
    """Whatever JSON value stands in a field, both take the record or neither does."""
    record = changed(record, path, value)
    try:
        ITEM.validate(record)
    except ValueError:
        assert not SCHEMA.is_valid(record)
    else:
        assert SCHEMA.is_valid(record)


@pytest.mark.parametrize("value", [1.0, True, "1", None])
def test_a_number_is_an_integer_and_nothing_that_equals_one(value: object) -> None:
    """No float, no truth value, no digits in a string, no null."""
    with pytest.raises(ValueError, match="expected an integer of at most 13 digits"):
        SignedNumber(13).check(value, "annual_tax")


@given(records, st.text(min_size=1).filter(lambda name: name not in {path[0] for path in FIELDS}))
def test_an_unknown_field_is_refused_and_not_repeated(record: dict[str, Any], name: str) -> None:
    """The name of an unknown field is input like any value."""
    message = refusal({**record, name: 1})
    assert message == "income_tax_certificate: expected no field but those of the layout"


def test_a_repeated_field_is_a_list_of_its_shape() -> None:
    """出現回数 1 to N: at least one entry, and the message says which is wrong."""
    field = Field("payment", "支払", SignedNumber(2), occurs_min=1, repeated=True)
    schema = jsonschema.Draft202012Validator(field.json_schema())
    field.check([1, 99], "payment")
    assert schema.is_valid([1, 99])
    for wrong, where in (([], r"payment: "), (1, r"payment: "), ([1, 100], r"payment\[1\]: ")):
        assert not schema.is_valid(wrong)
        with pytest.raises(ValueError, match=where):
            field.check(wrong, "payment")


def test_the_json_schema_is_a_schema_of_2020_12() -> None:
    """Checked against the dialect it names; every field carries its Japanese name."""
    jsonschema.Draft202012Validator.check_schema(ITEM.json_schema())
    assert ITEM.json_schema()["properties"]["taxation"]["title"] == "課税情報"
