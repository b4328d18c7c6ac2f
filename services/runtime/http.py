"""HTTP of a process on 127.0.0.1: /health, /ready, /metrics, and the service's own application behind them."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from services.runtime.errors import Misconfigured
from services.runtime.loop import Condition
from services.runtime.metrics import Metrics
from services.runtime.problem import AWAY, misrouted


@dataclass
class Pages:
    """The service's own ASGI application, once its resources are open."""

    application: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self.application is None:
            await AWAY.response()(scope, receive, send)
        else:
            await self.application(scope, receive, send)


@dataclass(frozen=True)
class Unread:
    """A client that is answered before its body has been read is cut off: else it could go on sending forever."""

    application: Any

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        coming = scope["type"] == "http" and _has_body(Headers(scope=scope))

        async def read() -> Any:
            nonlocal coming
            message = await receive()
            coming = coming and message.get("more_body", False)
            return message

        async def answer(message: Any) -> None:
            if coming and message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), (b"connection", b"close")]}
            await send(message)

        await self.application(scope, read, answer)


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0").strip("0") != ""


@asynccontextmanager
async def serve(port: int, pages: Pages, metrics: Metrics, condition: Condition) -> AsyncIterator[None]:
    """Serves until left; `Misconfigured` if the port is taken."""
    application = _application(pages, metrics, condition)
    server = _Server(
        uvicorn.Config(
            Unread(application),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=5,
        )
    )
    with _bound(port) as listening:  # by ourselves: uvicorn would end the process where the port is taken
        running = asyncio.create_task(server.serve([listening]))
        try:
            yield
        finally:
            server.should_exit = True
            await running


def _bound(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise Misconfigured(f"port {port} of 127.0.0.1: {error.strerror}") from None


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: the process owns that."""

    def capture_signals(self) -> Any:
        return nullcontext()


def _application(pages: Pages, metrics: Metrics, condition: Condition) -> Starlette:
    async def health(_: Request) -> Response:
        return _json({"alive": True}, 200)

    async def ready(_: Request) -> Response:
        return _json({"ready": condition.ready(), "waiting": condition.waiting}, 200 if condition.ready() else 503)

    async def measured(_: Request) -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    own = [Route("/health", health), Route("/ready", ready), Route("/metrics", measured)]
    return Starlette(routes=[*own, Mount("/", app=pages)], exception_handlers={HTTPException: misrouted})


def _json(body: dict[str, Any], status: int) -> Response:
    return Response(json.dumps(body), status_code=status, media_type="application/json")
