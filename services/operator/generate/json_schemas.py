"""JSON Schemas (2020-12) of what travels, from the pydantic models and the catalogue.

They are for other tools and say a little less than the models: no days that do not exist, no rules between fields, no limits
in bytes. What a model accepts its schema accepts too.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from schemas.business import AnswerPart, InquiryPart
from schemas.catalogue import load_catalogue
from schemas.control import Control, Question
from schemas.directory import RECORDS, Beat, Root
from schemas.proof import Proof
from schemas.quarantine import Quarantined
from schemas.refusal import RefusalPart
from schemas.replica import FoundPart, Registration
from schemas.request import Claims, ReadClaims
from schemas.spelling import Spelling
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
    return {f"{name}.json": _named(name, schema) for name, schema in {**posted, **written, **items}.items()}


def _named(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """With an identifier that does not depend on where the file lies."""
    return {"$schema": schema["$schema"], "$id": f"urn:renkei:schema:{name.replace('/', ':')}", **schema}


def _of(model: type[BaseModel] | TypeAdapter[Any], mode: JsonSchemaMode) -> dict[str, Any]:
    if isinstance(model, TypeAdapter):
        return model.json_schema(schema_generator=Spelling, mode=mode)
    return model.model_json_schema(schema_generator=Spelling, mode=mode)
