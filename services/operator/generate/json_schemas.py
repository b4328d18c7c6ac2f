"""JSON Schemas (2020-12) of what travels, from the pydantic models and the catalogue.

They are for other tools and say a little less than the models: no days that do not exist, no rules between fields, no limits
in bytes. What a model accepts its schema accepts too.
"""

from collections.abc import Mapping
from typing import Any, Final, get_args

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from schemas.business import AnswerPart, InquiryPart
from schemas.catalogue import load_catalogue
from schemas.catalogue.item import DIALECT
from schemas.control import Control, Question
from schemas.directory import RECORDS, Beat, Root
from schemas.proof import Proof
from schemas.quarantine import Quarantined
from schemas.refusal import RefusalPart
from schemas.replica import FoundPart, Registration
from schemas.request import Claims, ReadClaims
from schemas.text import Binary, Instant
from schemas.trail import Trail
from schemas.wire.envelope import Decision, Permit, Seal, Signature

POSTED: Final[Mapping[str, type[BaseModel]]] = {
    "question": Question,
    "inquiry_part": InquiryPart,
    "request_claims": Claims,
    "read_claims": ReadClaims,
}
"""What producers write: any valid JSON, in which a field with a default may be absent."""
CANONICAL: Final[Mapping[str, type[BaseModel] | TypeAdapter[Any]]] = {
    "control": Control,
    "answer_part": AnswerPart,
    "refusal_part": RefusalPart,
    "found_part": FoundPart,
    "seal": Seal,
    "signature": Signature,
    "decision": Decision,
    "permit": Permit,
    "proof": Proof,
    "trail": Trail,
    "registration": Registration,
    "directory_record": RECORDS,
    "beat": Beat,
    "root": Root,
    "quarantined": Quarantined,
}
"""What the exchange writes: in the one spelling only the fields that may be absent are."""


def documents() -> dict[str, dict[str, Any]]:
    """Every schema by its file's path below `schemas/generated`."""
    posted = {name: _of(model, "validation") for name, model in POSTED.items()}
    written = {name: _of(model, "serialization") for name, model in CANONICAL.items()}
    items = {f"items/{item.name}-{item.layout}": item.json_schema() for item in load_catalogue().items.values()}
    return {f"{name}.json": schema for name, schema in {**posted, **written, **items}.items()}


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

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def function_after_schema(self, schema: core_schema.AfterValidatorFunctionSchema) -> JsonSchemaValue:
        return {**super().function_after_schema(schema), **WORDS.get(schema["function"]["function"], {})}


def _of(model: type[BaseModel] | TypeAdapter[Any], mode: JsonSchemaMode) -> dict[str, Any]:
    if isinstance(model, TypeAdapter):
        return model.json_schema(schema_generator=Spelling, mode=mode)
    return model.model_json_schema(schema_generator=Spelling, mode=mode)


def _validator(annotated: Any) -> Any:
    """The function behind a text type of ours."""
    return next(word.func for word in get_args(annotated) if hasattr(word, "func"))


WORDS: Final[Mapping[Any, Mapping[str, str]]] = {
    _validator(Instant): {
        "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
        "description": "UTC, milliseconds",
    },
    _validator(Binary): {"pattern": "^[A-Za-z0-9_-]*$", "description": "base64url without padding"},
}
"""By validator: what it accepts, as far as a pattern can say it."""
