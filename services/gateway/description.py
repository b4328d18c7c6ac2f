"""What openapi.json says of the pages beside what FastAPI sees by itself: what is posted, every problem, every header."""

from collections.abc import Sequence
from itertools import groupby
from typing import Annotated, Any, Final, Literal

from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from schemas.business import InquiryPart
from schemas.control import Question
from schemas.number import LIMIT as SUBJECT_LIMIT
from schemas.request import Claims, ReadClaims
from schemas.sentences import FORMS, ROW_PATTERN, UUID_PATTERN
from schemas.spelling import Spelling
from schemas.text import MessageId
from services.gateway import examples, problem
from services.runtime.problem import AWAY, DEFECT, MEDIA_TYPE, NO_METHOD, Problem


class Inquiry(BaseModel):
    """An inquiry as it is posted: any valid JSON without null, floats and repeated keys."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [examples.INQUIRY]})

    control: Question
    """Who asks whom for what, by what right, and by which officer."""
    subject: Annotated[
        str,
        Field(pattern=f"^[0-9A-Za-z]{{1,{SUBJECT_LIMIT}}}$", description="internal number (既存番号), never 個人番号"),
    ]
    business: Annotated[
        InquiryPart, Field(description="period and condition (照会キー); what they are exchange judges")
    ]


class Accepted(BaseModel):
    """The inquiry was taken over; Location says where to see how far it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.ACCEPTED]})

    exchange: MessageId
    state: Literal["requested"] = "requested"


class Progress(BaseModel):
    """How far an exchange is. `waiting` does not say why: it is slow, or in somebody's hands."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.PROGRESS]})

    exchange: MessageId
    state: Literal["waiting", "answered", "refused"]
    created: str
    expires: str
    completed: str | None = None


class Answer(BaseModel):
    """What ended the exchange: the control part of the answer or refusal, and its business part."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.ANSWER]})

    exchange: MessageId
    state: Literal["answered", "refused"]
    control: dict[str, Any]
    business: dict[str, Any]


class ProblemDetails(BaseModel):
    """RFC 9457; `type` is `urn:renkei:problem:` and a code for programs, the titles are for persons."""

    type: Annotated[str, Field(pattern="^urn:renkei:problem:[a-z_]+$")]
    title: str
    title_ja: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: Annotated[
        str, Field(description="the path of the field and what is expected there; never what was sent")
    ] = ""


HEADERS: Final[dict[str, Any]] = {
    "Retry-After": {"description": "Seconds after which it may work.", "schema": {"type": "integer", "minimum": 0}},
    "WWW-Authenticate": {"description": "RFC 6750.", "schema": {"type": "string", "const": "Bearer"}},
    "Date": {"description": "The clock by which times of an assertion are judged.", "schema": {"type": "string"}},
    "Allow": {"description": "The methods that the page has.", "schema": {"type": "string"}},
    "Location": {
        "description": "The page of the exchange.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
}
EXCHANGE_ID: Final[dict[str, Any]] = {
    "name": "exchange",
    "in": "path",
    "required": True,
    "description": "The id of the inquiry; the assertion names the same.",
    "schema": {"type": "string", "pattern": UUID_PATTERN, "examples": [examples.ID]},
}
TRACEPARENT: Final[dict[str, Any]] = {
    "name": "traceparent",
    "in": "header",
    "required": False,
    "description": "W3C trace context; never used for a decision.",
    "schema": {"type": "string", "maxLength": 64},
}
BODY: Final = {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Inquiry"}}}}


def _shown(what: str, *problems: Problem) -> dict[int | str, dict[str, Any]]:
    """The answers of a page that shows something, by status."""
    return {200: {"description": what}, **_problems(*problems)}


def _problems(*some: Problem) -> dict[int | str, dict[str, Any]]:
    """The answers other than the one asked for, by status."""
    every = sorted((*some, problem.UNASSERTED, NO_METHOD, DEFECT, AWAY), key=lambda one: one.status)
    return {status: _described(list(group)) for status, group in groupby(every, key=lambda one: one.status)}


def _described(some: Sequence[Problem]) -> dict[str, Any]:
    """One status with the problems that have it."""
    names = sorted({name for one in some for name in (*one.headers, *_ADDED.get(one.code, ()))})
    schema = {"$ref": f"#/components/schemas/{ProblemDetails.__name__}"}
    shown = {one.code: {"summary": one.ja, "value": one.body} for one in some}
    described = {
        "description": " ".join(f"`{one.code}`: {one.en}" for one in some),
        "content": {MEDIA_TYPE: {"schema": schema, "examples": shown}},
    }
    return {**described, **({"headers": {name: HEADERS[name] for name in names}} if names else {})}


_ADDED: Final = {NO_METHOD.code: ("Allow",), problem.UNASSERTED.code: ("Date",)}
"""Headers that the router and the server add."""
_POSTING: Final = (
    problem.malformed(f"control.basis.row: {FORMS[ROW_PATTERN]}"),
    problem.UNKNOWN_ITEM,
    problem.UNKNOWN_EDITION,
    problem.NOT_SERVED,
    problem.TOO_SLOW,
    problem.REUSED,
    problem.TOO_LARGE,
    problem.NOT_JSON,
)
INQUIRIES: Final[dict[str, Any]] = {
    "operation_id": "postInquiry",
    "responses": {
        202: {
            "description": "The inquiry stands in the log, or was accepted before.",
            "headers": {"Location": {**HEADERS["Location"], "required": True}},
        },
        **_problems(*_POSTING),
    },
    "openapi_extra": {"requestBody": BODY, "parameters": [TRACEPARENT]},
}
BAD_ID: Final = problem.malformed(f"exchange: {FORMS[UUID_PATTERN]}")
EXCHANGE: Final[dict[str, Any]] = {
    "operation_id": "getExchange",
    "response_model_exclude_none": True,
    "responses": _shown("How far it is.", BAD_ID, problem.UNKNOWN),
    "openapi_extra": {"parameters": [EXCHANGE_ID]},
}
ANSWER: Final[dict[str, Any]] = {
    "operation_id": "getAnswer",
    "responses": _shown("What ended it.", BAD_ID, problem.UNKNOWN, problem.UNANSWERED),
    "openapi_extra": {"parameters": [EXCHANGE_ID]},
}
"""By page: what its declaration takes."""


def document(title: str, version: str, routes: Sequence[Any]) -> dict[str, Any]:
    """The whole document."""
    written: dict[str, Any] = get_openapi(title=title, version=version, routes=routes)
    _, more = models_json_schema(
        [(model, "validation") for model in (Inquiry, ProblemDetails, Progress, Claims, ReadClaims)],
        ref_template="#/components/schemas/{model}",
        schema_generator=Spelling,
    )
    schemas = written["components"]["schemas"] | more["$defs"]
    written["components"]["schemas"] = dict(sorted(schemas.items()))
    for scheme in written["components"]["securitySchemes"].values():
        scheme["x-claims"] = {"post": _schema(Claims), "get": _schema(ReadClaims)}
    return {**written, "servers": SERVERS}


SERVERS: Final = [
    {
        "url": "http://127.0.0.1:{port}",
        "description": "The gateway itself; systems reach it through the entrance of their site.",
        "variables": {"port": {"default": "8080", "description": "In run/gateway.port of the installation."}},
    }
]


def _schema(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
