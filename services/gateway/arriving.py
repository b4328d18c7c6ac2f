"""What is judged of a request before it is read: its headers, its size, and how long it takes to arrive."""

import asyncio
from collections.abc import Mapping
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request

from services.gateway import problem
from services.runtime.problem import Declined

LIMIT: Final = 64 * 1024
"""Bytes of a request; everything larger is refused before it is parsed."""
MEDIA_TYPE: Final = "application/json"


def check_headers(headers: Headers) -> None:
    """A body that is too large, or not plain JSON in UTF-8, is declined by what its headers say."""
    if int(headers.get("content-length", "0")) > LIMIT:  # digits: the HTTP parser takes nothing else
        raise Declined(problem.TOO_LARGE)
    if not _is_json(headers):
        raise Declined(problem.NOT_JSON)


def _is_json(headers: Mapping[str, str]) -> bool:
    media_type, _, parameters = headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    plain = headers.get("content-encoding", "identity").lower() == "identity"
    return media_type.strip().lower() == MEDIA_TYPE and charset in ("", "charset=utf-8") and plain


def assertion(headers: Headers) -> bytes:
    """The bearer token (RFC 6750 section 2.1); nothing where there is none, or more than one."""
    given = headers.getlist("authorization")
    scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    return token.encode() if scheme.lower() == "bearer" else b""


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
