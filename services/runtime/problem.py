"""Errors over HTTP as problem details (RFC 9457), in Japanese and English; never with anything that was sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

MEDIA_TYPE: Final = "application/problem+json"
LATER: Final[Mapping[str, str]] = {"Retry-After": "2"}
"""What may work later says when, in seconds."""


@dataclass(frozen=True)
class Problem:
    """An answer other than the one asked for: HTTP status, a code for programs, a sentence for persons."""

    status: int
    code: str
    ja: str
    en: str
    detail: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> dict[str, Any]:
        """As JSON."""
        said = {"type": f"urn:renkei:problem:{self.code}", "title": self.en, "title_ja": self.ja, "status": self.status}
        return {**said, **({"detail": self.detail} if self.detail else {})}

    def response(self) -> Response:
        return JSONResponse(self.body, status_code=self.status, media_type=MEDIA_TYPE, headers=self.headers)


class Declined(Exception):
    """Raised to answer with a problem. A new one each time: an exception keeps the frames that it passed, and what was sent."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


AWAY: Final = Problem(
    503, "unavailable", "一時的に利用できません。", "Temporarily unavailable; nothing was lost.", headers=LATER
)
NO_PAGE: Final = Problem(404, "no_such_page", "このページはありません。", "There is no such page.")
NO_METHOD: Final = Problem(
    405, "no_such_method", "このメソッドは使えません。", "The page does not have this method; see Allow."
)
DEFECT: Final = Problem(
    500,
    "defect",
    "処理中に障害が発生しました。",
    "A defect of the gateway; it is recorded, and the same request may be sent again.",
)


async def declined(_: Request, error: Exception) -> Response:
    """Handler of `Declined`."""
    assert isinstance(error, Declined)
    return error.problem.response()


async def misrouted(_: Request, error: Exception) -> Response:
    """Handler of what the router raises: no such page, or not by this method."""
    assert isinstance(error, HTTPException)
    problem = replace(NO_METHOD, headers=error.headers or {}) if error.status_code == NO_METHOD.status else NO_PAGE
    return problem.response()


async def away(_request: Request, _error: Exception) -> Response:
    """Handler of what others have to mend."""
    return AWAY.response()


async def defect(_request: Request, _error: Exception) -> Response:
    """Handler of everything else: the error itself goes on to the log, by type and place."""
    return DEFECT.response()
