"""In which order a request is judged, and that whatever is wrong with it ends in a problem that repeats nothing."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any, Final

import jwt
import pytest

from services.gateway import examples
from services.gateway.arriving import LIMIT
from tests.gateway import (
    ASKER,
    MARKER,
    NEIGHBOUR,
    NOW,
    SYSTEMS,
    World,
    asserted,
    body,
    inquiry,
    is_problem,
    reading,
)

POSTED: Final = inquiry()
GOOD: Final = asserted(POSTED)
LATE: Final = int(NOW.timestamp())
KID: Final = SYSTEMS[ASKER].private.kid
CLAIMS: Final[dict[str, Any]] = jwt.decode(GOOD, options={"verify_signature": False})


def token(algorithm: str, key: Any = "", claims: dict[str, Any] = CLAIMS) -> str:
    """With the right claims and key id, by another algorithm."""
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": KID})


async def unread() -> AsyncIterator[bytes]:
    """A body that must not be asked for."""
    raise AssertionError("the body was read")
    yield b""  # makes it a generator: it raises when it is asked


def _public() -> bytes:
    record = SYSTEMS[ASKER].record
    assert record is not None
    return record.public


BAD_FOR_ANY: Final = {
    "none at all": "",
    "no JWT": MARKER,
    "not ASCII": "機関".encode().decode("latin-1"),
    "too long": "A" * 5000,
    "deep header": base64.urlsafe_b64encode(b'{"kid":' + b"[" * 2_900).decode() + ".e30.",
    "alg none": token("none", None),
    "HS256 over the public key": token("HS256", _public()),
}
BAD_FOR_POSTING: Final = BAD_FOR_ANY | {
    "expired": asserted(POSTED, expires=LATE),
    "another agency's key": asserted(POSTED, by=NEIGHBOUR),
    "for reading": reading(examples.ID),
}
BAD_FOR_READING: Final = BAD_FOR_ANY | {
    "expired": reading(examples.ID, expires=LATE),
    "another agency's key": reading(examples.ID, by=NEIGHBOUR),
    "for posting": GOOD,
    "for another exchange": reading("019ab1c2-0000-7000-8000-000000000009"),
}


@pytest.mark.parametrize("bad", BAD_FOR_POSTING.values(), ids=BAD_FOR_POSTING)
async def test_a_bad_assertion_is_known_before_the_body_is_read(bad: str) -> None:
    """401 with the scheme that is expected, no work done."""
    world = World()
    headers = {"content-type": "application/json", "authorization": b"Bearer " + bad.encode("latin-1")}
    response = await world.call("POST", "/v1/inquiries", content=unread(), headers=headers)
    is_problem(response, 401, "bad_assertion")
    assert response.headers["www-authenticate"] == "Bearer"
    assert (world.published(), world.tables.asked) == ([], 0)


@pytest.mark.parametrize("other", [inquiry(year=2025), inquiry(number="SYN0000002")], ids=["year", "person"])
async def test_an_assertion_is_for_this_request_alone(other: Any) -> None:
    """Another's content under the same id, by the same officer: 401, no work done."""
    world = World()
    response = await world.post(POSTED, asserted(other))
    is_problem(response, 401, "bad_assertion")
    assert response.headers["www-authenticate"] == "Bearer"
    assert (world.published(), world.tables.asked) == ([], 0)


@pytest.mark.parametrize("page", ["", "/answer"])
@pytest.mark.parametrize("bad", BAD_FOR_READING.values(), ids=BAD_FOR_READING)
async def test_a_bad_assertion_reads_nothing(bad: str, page: str) -> None:
    """401, and no table is asked."""
    world = World()
    headers = {"authorization": b"Bearer " + bad.encode("latin-1")}
    response = await world.call("GET", f"/v1/exchanges/{examples.ID}{page}", headers=headers)
    is_problem(response, 401, "bad_assertion")
    assert response.headers["www-authenticate"] == "Bearer"
    assert world.tables.asked == 0


@pytest.mark.parametrize(
    "given_",
    [[("authorization", GOOD)], [("authorization", f"Basic {GOOD}")], [("authorization", f"Bearer {GOOD}")] * 2],
)
async def test_an_assertion_is_one_bearer_token(given_: list[tuple[str, str]]) -> None:
    """Another scheme, or two of them, is none."""
    headers = [("content-type", "application/json"), *given_]
    response = await World().call("POST", "/v1/inquiries", content=unread(), headers=headers)
    is_problem(response, 401, "bad_assertion")


async def test_what_says_that_it_is_too_large_is_not_read() -> None:
    """Before its assertion is looked at; exactly the limit is not too large."""
    for length, status, code in ((LIMIT + 1, 413, "too_large"), (LIMIT, 401, "bad_assertion")):
        headers = {"content-type": "application/json", "content-length": str(length)}
        response = await World().call("POST", "/v1/inquiries", content=unread(), headers=headers)
        is_problem(response, status, code)


async def test_what_does_not_say_how_large_it_is_is_cut_off() -> None:
    """At the limit, whatever would have followed."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65536
            yield b" " * 65536

    headers = {"content-type": "application/json", "authorization": f"Bearer {GOOD}"}
    response = await World().call("POST", "/v1/inquiries", content=endless(), headers=headers)
    is_problem(response, 413, "too_large")
    assert sent <= LIMIT + 2 * 65536


async def test_what_does_not_arrive_is_not_waited_for() -> None:
    """408 after the time in which a whole body has to arrive."""

    async def stuck() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    headers = {"content-type": "application/json", "authorization": f"Bearer {GOOD}"}
    response = await World(body_seconds=0.05).call("POST", "/v1/inquiries", content=stuck(), headers=headers)
    is_problem(response, 408, "too_slow")


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": ""},
        {"content-type": "application/json; charset=shift_jis"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-encoding": "gzip"},
    ],
    ids=str,
)
async def test_only_plain_json_is_taken(headers: dict[str, str]) -> None:
    """415 by its headers alone."""
    told = {"content-type": "application/json", **headers}
    response = await World().call("POST", "/v1/inquiries", content=unread(), headers=told)
    is_problem(response, 415, "not_json")


@pytest.mark.parametrize("charset", ["charset=utf-8", 'charset="UTF-8"'])
async def test_the_encoding_may_be_said(charset: str) -> None:
    """It is the only one that JSON has."""
    sent = json.dumps(body(POSTED)).encode()
    response = await World().send(sent, GOOD, **{"content-type": f"application/json; {charset}"})
    assert response.status_code == 202


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/inquiries/", "/v1/exchanges/", "/docs", "/v1/exchanges/a/b/c"])
async def test_a_page_that_is_not_there_is_a_problem(path: str) -> None:
    """And nobody is sent on to another."""
    is_problem(await World().call("GET", path), 404, "no_such_page")


@pytest.mark.parametrize(
    ("path", "allowed"), [("/v1/inquiries", "POST"), ("/v1/exchanges/a", "GET"), ("/v1/exchanges/a/answer", "GET")]
)
async def test_another_method_is_a_problem(path: str, allowed: str) -> None:
    """405 with the ones there are."""
    for method in {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"} - {allowed}:
        response = await World().call(method, path)
        is_problem(response, 405, "no_such_method")
        assert response.headers["allow"] == allowed


async def test_a_defect_is_a_problem_that_says_nothing() -> None:
    """Its text may repeat anything; only the log learns its place."""

    class Broken(World):
        def __post_init__(self) -> None:
            super().__post_init__()
            self.tables.progress = {(ASKER, examples.ID): {MARKER: MARKER}}

    response = await Broken().read(examples.ID, reading(examples.ID))
    is_problem(response, 500, "defect")
    assert MARKER not in response.text
