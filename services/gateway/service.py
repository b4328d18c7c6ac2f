"""HTTP front of `exchange` (個別連携 a: online): posts what business systems ask, shows them how far it is and the answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp

from schemas import topics
from services.gateway.posting import Gateway
from services.runtime.postgres import database
from services.runtime.rest import AtRest
from services.runtime.service import Environment, Service


@asynccontextmanager
async def open_gateway(environment: Environment) -> AsyncIterator[Gateway]:
    """The intermediate key rings, to read what was answered, and the view that exchange grants."""
    rest = AtRest(environment.keys, environment.clock)
    async with database(environment, schema="exchange") as tables:
        yield Gateway(environment.log, environment.directory, rest, tables, environment.clock, environment.metrics)


def application(gateway: Gateway) -> ASGIApp:
    """Its pages, and FastAPI with them, are imported by who serves them alone: 0.3 s that every other process saves."""
    from services.gateway import application as pages

    return pages.application(gateway)


service = Service(
    "gateway",
    "outside",
    writes=[topics.outbound_requested],
    resources=open_gateway,
    application=application,
    ring="intermediate",
)
