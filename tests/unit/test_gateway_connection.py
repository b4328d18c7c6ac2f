"""On a real connection: who is refused is not asked for a body, and who does not stop sending is cut off."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import Final

import httpx
import pytest

from services.gateway import examples
from services.gateway.arriving import LIMIT
from services.operator.local.port import HOST, free_port
from services.runtime.http import Pages, serve
from services.runtime.loop import Condition
from services.runtime.metrics import Metrics
from tests.gateway import World, asserted, body, inquiry, is_problem, reading

POSTED: Final = inquiry()
JSON: Final = "content-type: application/json\r\n"
GOOD: Final = f"authorization: Bearer {asserted(POSTED)}\r\n"
CHUNKED: Final = "transfer-encoding: chunked\r\n"
CHUNK: Final = b"%x\r\n%b\r\n" % (65536, b" " * 65536)
DEADLINE: Final = 30


@asynccontextmanager
async def served(world: World | None) -> AsyncIterator[int]:
    """The process's HTTP around the gateway, or around nothing yet; the port."""
    port, pages = free_port(), Pages(world.application if world else None)
    async with serve(port, pages, Metrics(), Condition()):
        yield port


@asynccontextmanager
async def connected(port: int, request: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection on which the head of a request has been sent."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(f"{request.replace(' /', ' /v1/', 1)} HTTP/1.1\r\nhost: gateway\r\n".encode())
    try:
        yield reader, writer
    finally:
        writer.close()


async def answered(reader: asyncio.StreamReader) -> bytes:
    """Everything that comes until the other side closes."""
    async with asyncio.timeout(DEADLINE):
        return await reader.read()


async def endless(writer: asyncio.StreamWriter) -> None:
    """A body without an end."""
    async with asyncio.timeout(DEADLINE):
        while True:
            writer.write(CHUNK)
            await writer.drain()


@pytest.mark.parametrize(
    ("told", "status"),
    [
        (f"{JSON}{GOOD}content-length: {LIMIT + 1}\r\n", 413),
        (f"{JSON}content-length: {LIMIT}\r\n", 401),
        (f"{GOOD}content-length: {LIMIT}\r\n", 415),
        (f"{JSON}{CHUNKED}", 401),
    ],
    ids=["too large", "not asserted", "no media type", "chunked, not asserted"],
)
async def test_who_is_refused_is_not_asked_for_the_body(told: str, status: int) -> None:
    """It waits for 100 Continue, and gets the problem instead; the connection is closed."""
    async with served(World()) as port, connected(port, "POST /inquiries") as (reader, writer):
        writer.write(f"{told}expect: 100-continue\r\n\r\n".encode())
        assert (await answered(reader)).startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize(
    ("request_", "told", "status"),
    [
        ("POST /inquiries", JSON + GOOD, 413),
        ("POST /inquiries", JSON, 401),
        (f"GET /exchanges/{examples.ID}", f"authorization: Bearer {reading(examples.ID)}\r\n", 404),
        ("PUT /inquiries", "", 405),
        ("POST /nothing", "", 404),
    ],
)
async def test_who_does_not_stop_sending_is_cut_off(request_: str, told: str, status: int) -> None:
    """Whatever page is asked: answered, and no more is read."""
    async with served(World()) as port, connected(port, request_) as (reader, writer):
        writer.write(f"{told}{CHUNKED}\r\n".encode())
        answer = asyncio.create_task(reader.readline())  # what follows the first line may be lost with the connection
        with pytest.raises(ConnectionError):
            await endless(writer)
        assert (await answer).startswith(b"HTTP/1.1 %d " % status)


async def test_who_sends_too_slowly_is_not_waited_for() -> None:
    """A body that stops halfway: 408, and the connection is closed."""
    sent = json.dumps(body(POSTED)).encode()
    async with served(World(body_seconds=0.1)) as port, connected(port, "POST /inquiries") as (reader, writer):
        writer.write(f"{JSON}{GOOD}content-length: {len(sent)}\r\n\r\n".encode() + sent[:-1])
        assert (await answered(reader)).startswith(b"HTTP/1.1 408 ")


async def test_who_leaves_is_no_defect(caplog: pytest.LogCaptureFixture) -> None:
    """A body that ends early with its connection leaves nothing in the log and nothing published."""
    world = World()
    async with served(world) as port:
        async with connected(port, "POST /inquiries") as (_, writer):
            writer.write(f"{JSON}{GOOD}content-length: 100\r\n\r\n{{".encode())
            await writer.drain()
        async with httpx.AsyncClient(base_url=f"http://{HOST}:{port}", trust_env=False) as client:
            assert (await client.get("/health")).json() == {"alive": True}
    assert world.published() == []
    assert caplog.records == []


async def test_a_connection_serves_many_requests() -> None:
    """Nobody is cut off who sends what he said."""
    async with served(World()) as port, httpx.AsyncClient(base_url=f"http://{HOST}:{port}", trust_env=False) as client:
        headers = {"authorization": f"Bearer {asserted(POSTED)}"}
        responses = [await client.post("/v1/inquiries", json=body(POSTED), headers=headers) for _ in range(3)]
    assert [response.status_code for response in responses] == [202] * 3
    assert all("connection" not in response.headers for response in responses)


async def test_a_401_comes_with_the_date() -> None:
    """Once: the clock by which an assertion expires, so that a system can compare its own."""
    async with served(World()) as port, httpx.AsyncClient(base_url=f"http://{HOST}:{port}", trust_env=False) as client:
        response = await client.post("/v1/inquiries", json=body(POSTED))
    is_problem(response, 401, "bad_assertion")
    [said] = response.headers.get_list("date")
    assert parsedate_to_datetime(said).tzinfo is not None


async def test_the_processs_own_pages_stay() -> None:
    """/health, /ready and /metrics, in front of the gateway's."""
    async with served(World()) as port, httpx.AsyncClient(base_url=f"http://{HOST}:{port}", trust_env=False) as client:
        assert (await client.get("/health")).json() == {"alive": True}
        assert (await client.get("/ready")).json() == {"ready": True, "waiting": {}}
        assert "renkei_ready" in (await client.get("/metrics")).text
        is_problem(await client.get("/other"), 404, "no_such_page")


async def test_before_the_start_is_over_there_are_no_pages() -> None:
    """503 as a problem, and when to come again."""
    async with served(None) as port, httpx.AsyncClient(base_url=f"http://{HOST}:{port}", trust_env=False) as client:
        response = await client.post("/v1/inquiries", json=body(POSTED))
    is_problem(response, 503, "unavailable")
    assert "retry-after" in response.headers
