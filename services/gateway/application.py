"""The HTTP interface: post an inquiry, see how far it is, fetch its answer. Every request carries an assertion."""

import json
from typing import Any, Final

import structlog
from fastapi import Depends, FastAPI, Request, Response
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException

from schemas.assertion import BadAssertion
from services.gateway import arriving, description
from services.gateway import problem as own
from services.gateway.description import Accepted, Answer, Progress
from services.gateway.posting import Gateway, read
from services.runtime import problem
from services.runtime.errors import Misconfigured, MissingKey, Unavailable

BEARER: Final = HTTPBearer(
    scheme_name="assertion",
    bearerFormat="JWT",
    description="The assertion: a JWT (EdDSA) of the posting system, over exactly this request.",
    auto_error=False,
)
"""For the description: the pages look at the header themselves."""


def application(gateway: Gateway) -> FastAPI:
    """The gateway's pages over its resources."""
    app = FastAPI(
        title="Renkei gateway",
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(BEARER)],
    )
    _handle_errors(app)
    app.add_exception_handler(BadAssertion, _unasserted)
    app.state.gateway = gateway

    @app.post("/v1/inquiries", status_code=202, **description.INQUIRIES)
    async def post_inquiry(request: Request, response: Response) -> Accepted:
        """Posts an inquiry (照会依頼); the same one again changes nothing."""
        arriving.check_headers(request.headers)
        assertion = arriving.assertion(request.headers)
        claims = gateway.posting(assertion)
        posted = read(await arriving.body(request, gateway.body_seconds), claims)
        exchange = await gateway.post(posted, assertion, request.headers.get("traceparent", ""))
        response.headers["Location"] = f"/v1/exchanges/{exchange}"
        return Accepted(exchange=exchange)

    @app.get("/v1/exchanges/{exchange}", **description.EXCHANGE)
    async def get_exchange(request: Request) -> Progress:
        """How far it is (処理状況)."""
        exchange = request.path_params["exchange"]
        row = await gateway.progress(exchange, arriving.assertion(request.headers))
        state = "waiting" if row.state == "open" else row.state
        return Progress(
            exchange=exchange, state=state, created=row.created, expires=row.expires, completed=row.completed
        )

    @app.get("/v1/exchanges/{exchange}/answer", **description.ANSWER)
    async def get_answer(request: Request) -> Answer:
        """The answer (応答) or refusal, once there is one."""
        exchange = request.path_params["exchange"]
        row, business = await gateway.answer(exchange, arriving.assertion(request.headers))
        control = json.loads(row.control or b"{}")
        return Answer(exchange=exchange, state=row.state, control=control, business=json.loads(business))

    app.openapi = lambda: description.document(app.title, app.version, app.routes)  # type: ignore[method-assign]
    return app


def _handle_errors(app: FastAPI) -> None:
    """Whatever goes wrong is told as a problem."""
    app.add_exception_handler(problem.Declined, problem.declined)
    app.add_exception_handler(Unavailable, problem.away)
    app.add_exception_handler(Misconfigured, _misconfigured)
    app.add_exception_handler(MissingKey, _misconfigured)
    app.add_exception_handler(HTTPException, problem.misrouted)
    app.add_exception_handler(Exception, problem.defect)


async def _unasserted(request: Request, error: Exception) -> Response:
    """The reason is told: it says no more than a stranger may know until the signature holds."""
    assert isinstance(error, BadAssertion)
    request.app.state.gateway.refused.add(error)
    return own.detailed(own.UNASSERTED, error.detail).response()


async def _misconfigured(request: Request, error: Exception) -> Any:
    """The operator's to mend, as anywhere; but others' pages go on."""
    structlog.get_logger().error("misconfigured", service="gateway", reason=str(error))
    return await problem.away(request, error)
