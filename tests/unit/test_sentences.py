"""Whatever is wrong with a field is told in sentences of ours: path, what is expected, an example; never what was read."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, core_schema

from schemas.request import Claims, Header, ReadClaims
from schemas.sentences import FORMS, OTHERWISE, SENTENCES, sentence
from schemas.text import explained
from services.operator.generate.json_schemas import CANONICAL, POSTED
from tests.vectors.strategies import FEW, json_values

MODELS: Final = {**POSTED, **CANONICAL, "header": Header, "claims": Claims, "reading": ReadClaims}
WORDS: Final = re.compile("|".join(map(re.escape, sorted(get_args(core_schema.ErrorType)))))
"""Names of pydantic's error types."""
LIBRARY: Final = re.compile(r"[Vv]alue error|NoneType|[Ii]nput should|pydantic|Extra inputs|isoformat|unpack")

RAISED: Final[dict[str, tuple[str, ...]]] = {
    "str": ("string_type", "string_pattern_mismatch", "string_too_short", "string_too_long", "string_unicode"),
    "int": ("int_type", "int_from_float", "int_parsing_size", "greater_than", "greater_than_equal", "less_than",
            "less_than_equal"),
    "float": ("float_type", "finite_number", "greater_than_equal", "less_than_equal"),
    "bool": ("bool_type",),
    "enum": ("enum",),
    "list": ("list_type", "too_short", "too_long"),
    "dict": ("dict_type",),
    "model": ("model_type",),
    "model-fields": ("missing", "extra_forbidden", "model_attributes_type"),
    "literal": ("literal_error",),
    "tagged-union": ("union_tag_invalid", "union_tag_not_found", "model_attributes_type"),
    "none": ("none_required",),
    "nullable": (), "default": (), "union": (), "definitions": (), "definition-ref": (), "any": (),
    "function-after": ("value_error",), "model-field": (),
}  # fmt: skip
"""By kind of pydantic's core schema, the errors that it can raise in strict mode."""


def core(model: Any) -> Any:
    return model.core_schema if isinstance(model, TypeAdapter) else model.__pydantic_core_schema__


def kinds(schema: Any) -> Iterator[dict[str, Any]]:
    """Every core schema inside of one; what is serialised is another matter."""
    if isinstance(schema, dict):
        if isinstance(schema.get("type"), str):
            yield schema
        for name, entry in schema.items():
            if name not in ("serialization", "metadata", "config", "default", "function"):
                yield from kinds(entry)
    elif isinstance(schema, list | tuple):
        for entry in schema:
            yield from kinds(entry)


@pytest.mark.parametrize("known", get_args(core_schema.ErrorType))
def test_every_error_type_of_pydantic_has_a_sentence(known: str) -> None:
    """The table is total: none is told by the library's name for it."""
    said = sentence({"type": known, "loc": (), "msg": "", "input": None})
    assert " " in said
    assert not WORDS.fullmatch(said)
    assert known not in said or known in ("missing",)


@pytest.mark.parametrize("name", MODELS)
def test_what_our_models_raise_has_a_sentence_of_its_own(name: str) -> None:
    """Found by walking through the models: every kind of field, and every pattern with an example."""
    for schema in kinds(core(MODELS[name])):
        assert schema["type"] in RAISED, f"say what {schema['type']} raises"
        for known in RAISED[schema["type"]]:
            assert known in SENTENCES or known in ("value_error", "string_pattern_mismatch")
        if schema["type"] == "str" and "pattern" in schema:
            assert schema["pattern"] in FORMS


def test_json_that_cannot_be_read_has_a_sentence() -> None:
    """Before any field is looked at."""
    with pytest.raises(ValidationError) as caught:
        Claims.model_validate_json(b"{")
    assert explained(caught.value) == "record: expected JSON in UTF-8"


@FEW
@given(st.sampled_from(sorted(MODELS)), st.data())
def test_no_error_is_in_the_librarys_words(name: str, data: st.DataObject) -> None:
    """Of any JSON in place of a record, or of one of its fields."""
    model = MODELS[name]
    fields = sorted(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else ["type"]
    said = data.draw(json_values | st.dictionaries(st.sampled_from(fields), json_values))
    adapter: TypeAdapter[Any] = model if isinstance(model, TypeAdapter) else TypeAdapter(model)
    try:
        adapter.validate_json(json.dumps(said))
    except ValidationError as error:
        text = explained(error)
        assert not LIBRARY.search(text)
        assert OTHERWISE not in text
        for part in text.split("; "):
            assert not WORDS.fullmatch(part.rpartition(": ")[2])


def test_a_path_names_fields_alone() -> None:
    """Not the alternative of a union, nor a key that nobody knows."""
    secret = "山田太郎"
    with pytest.raises(ValidationError) as caught:
        POSTED["inquiry_part"].model_validate({"period": {"year": 1, secret: 1}})
    assert explained(caught.value, "business") == (
        "business.period.year: expected a number from 1000 up; business.period: a field in here is not known; leave it out"
    )


def test_a_validator_of_the_library_is_not_quoted() -> None:
    """Only sentences of ours are: of any other error it is said that the form is another."""
    entry: ErrorDetails = {
        "type": "value_error",
        "loc": (),
        "msg": "",
        "input": None,
        "ctx": {"error": ValueError("山田")},
    }
    assert sentence(entry) == OTHERWISE
