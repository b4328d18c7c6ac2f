"""What is judged of a request before it is read: its headers, its size, and how long it takes to arrive."""

import asyncio
from collections.abc import Mapping
from email.message import Message
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request

from schemas.assertion import BadAssertion, Reason
from services.gateway import problem
from services.runtime.problem import Declined

LIMIT: Final = 64 * 1024
"""Bytes of a request; everything larger is refused before it is parsed."""
MEDIA_TYPE: Final = "application/json"
CHARSETS: Final = frozenset({"utf-8", "utf8"})
"""Names of the one encoding that JSON has (RFC 8259 section 8.1)."""


def check_headers(headers: Headers) -> None:
    """A body that is too large, or not plain JSON in UTF-8, is declined by what its headers say."""
    if int(headers.get("content-length", "0")) > LIMIT:  # digits: the HTTP parser takes nothing else
        raise Declined(problem.TOO_LARGE)
    if not _is_json(headers):
        raise Declined(problem.NOT_JSON)


def _is_json(headers: Mapping[str, str]) -> bool:
    """Whatever parameters the media type has, but for another charset (RFC 9110 section 8.3.1)."""
    said = Message()
    said["content-type"] = headers.get("content-type", "")
    plain = headers.get("content-encoding", "identity").lower() == "identity"
    return said.get_content_type() == MEDIA_TYPE and said.get_content_charset("utf-8") in CHARSETS and plain


def assertion(headers: Headers) -> bytes:
    """The bearer token (RFC 6750 section 2.1); raises `BadAssertion` where there is none, or more than one."""
    given = headers.getlist("authorization")
    scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token:
        said = f"header Authorization: expected exactly one, `Bearer` and a JWT; {len(given)} were sent"
        raise BadAssertion(Reason.MISSING, said)
    return token.encode()


async def body(request: Request, seconds: float) -> bytes:
    """The whole body, declined as soon as it is larger than the limit, or later than `seconds`."""
    read = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for part in request.stream():
                read += part
                if len(read) > LIMIT:
                    raise Declined(problem.TOO_LARGE)
    except TimeoutError:
        raise Declined(problem.TOO_SLOW) from None
    except ClientDisconnect:  # nobody is left to be told
        raise Declined(problem.malformed("the body ended early")) from None
    return bytes(read)
