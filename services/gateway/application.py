"""The HTTP interface: post an inquiry, see how far it is, fetch its answer. Every request carries an assertion."""

import json
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Header, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel

from schemas.text import UUID_PATTERN
from services.gateway import problem
from services.gateway.posting import LIMIT, Gateway, Inquiry
from services.gateway.problem import Problem
from services.runtime.errors import Unavailable

Authorization = Annotated[str, Header(description="`Bearer` and the assertion: a JWT (EdDSA) of the posting system")]
ExchangeId = Annotated[str, Path(pattern=UUID_PATTERN, description="the id of the inquiry")]


class Accepted(BaseModel):
    """The inquiry was taken over; Location says where to see how far it is."""

    exchange: str
    state: Literal["requested"] = "requested"


class Progress(BaseModel):
    """How far an exchange is. `waiting` does not say why: it is slow, or in somebody's hands."""

    exchange: str
    state: Literal["waiting", "answered", "refused"]
    created: str
    expires: str
    completed: str | None = None


class Answer(BaseModel):
    """What ended the exchange: the control part of the answer or refusal, and its business part."""

    exchange: str
    state: Literal["answered", "refused"]
    control: dict[str, Any]
    business: dict[str, Any]


class ProblemDetails(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    title_ja: str
    status: int
    detail: str | None = None


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemDetails, "content": {problem.MEDIA_TYPE: {}}, "description": text}
    for status, text in {
        400: "The request does not have the required form.",
        401: "The assertion does not hold.",
        403: "The agency is not one of this site's.",
        404: "No such exchange, or no answer yet.",
        413: "The request is larger than 1 MiB.",
        503: "Temporarily unavailable.",
    }.items()
}


def application(gateway: Gateway) -> FastAPI:
    """The gateway's pages over its resources."""
    app = FastAPI(title="Renkei gateway", version="1", docs_url=None, redoc_url=None)
    app.add_exception_handler(Problem, lambda _, error: error.response())
    app.add_exception_handler(Unavailable, lambda *_: problem.AWAY.response())
    app.add_exception_handler(RequestValidationError, lambda *_: problem.malformed("path or header").response())

    inquiry_schema = {
        "requestBody": {"required": True, "content": {"application/json": {"schema": Inquiry.model_json_schema()}}}
    }

    @app.post("/v1/inquiries", status_code=202, responses=PROBLEMS, openapi_extra=inquiry_schema)
    async def post_inquiry(request: Request, response: Response, authorization: Authorization = "") -> Accepted:
        """Posts an inquiry (照会依頼); the same one again changes nothing."""
        exchange = await gateway.post(await _body(request), _assertion(authorization), dict(request.headers))
        response.headers["Location"] = f"/v1/exchanges/{exchange}"
        return Accepted(exchange=exchange)

    @app.get("/v1/exchanges/{exchange}", responses=PROBLEMS)
    async def get_exchange(exchange: ExchangeId, authorization: Authorization = "") -> Progress:
        """How far it is (処理状況)."""
        row = await gateway.progress(exchange, _assertion(authorization))
        state = "waiting" if row.state == "open" else row.state
        return Progress(
            exchange=exchange, state=state, created=row.created, expires=row.expires, completed=row.completed
        )

    @app.get("/v1/exchanges/{exchange}/answer", responses=PROBLEMS)
    async def get_answer(exchange: ExchangeId, authorization: Authorization = "") -> Answer:
        """The answer (応答) or refusal, once there is one."""
        row, business = await gateway.answer(exchange, _assertion(authorization))
        control = json.loads(row.control or b"{}")
        return Answer(exchange=exchange, state=row.state, control=control, business=json.loads(business))

    return app


async def _body(request: Request) -> bytes:
    """The body, refused as soon as it is larger than the limit."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LIMIT:
            raise problem.TOO_LARGE
    return bytes(body)


def _assertion(authorization: str) -> bytes:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise problem.UNASSERTED
    return token.encode()
