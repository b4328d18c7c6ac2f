"""How our records are described as JSON Schema, wherever that is done."""

from collections.abc import Mapping
from typing import Any, Final, get_args

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from schemas.catalogue.item import DIALECT
from schemas.text import Binary, Instant, PostedInstant


class Spelling(GenerateJsonSchema):
    """pydantic's schemas without null, which has no spelling, and with what our own validators say of a text."""

    def generate(self, schema: CoreSchema, mode: JsonSchemaMode = "validation") -> JsonSchemaValue:
        return {"$schema": DIALECT, **super().generate(schema, mode)}

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        shown = self.mode == "validation" and schema.get("default") is not None
        return super().default_schema(schema) if shown else self.generate_inner(schema["schema"])

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,
    ) -> bool:
        inner = field["schema"]
        if inner["type"] == "default" and self.mode == "serialization":
            return inner.get("default") is not None or "default_factory" in inner
        return super().field_is_required(field, total)

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        """Without `discriminator`, which is a word of OpenAPI that validators in strict mode refuse."""
        written = super().tagged_union_schema(schema)
        written.pop("discriminator", None)
        return written

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def function_after_schema(self, schema: core_schema.AfterValidatorFunctionSchema) -> JsonSchemaValue:
        return {**super().function_after_schema(schema), **WORDS.get(schema["function"]["function"], {})}


def _validator(annotated: Any) -> Any:
    """The function behind a text type of ours."""
    return next(word.func for word in get_args(annotated) if hasattr(word, "func"))


WORDS: Final[Mapping[Any, Mapping[str, str]]] = {
    _validator(Instant): {
        "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
        "description": "UTC, milliseconds",
    },
    _validator(PostedInstant): {
        "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
        r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$",
        "description": "UTC or with an offset; made UTC with milliseconds",
    },
    _validator(Binary): {"pattern": "^[A-Za-z0-9_-]*$", "description": "base64url without padding"},
}
"""By validator: what it accepts, as far as a pattern can say it."""
